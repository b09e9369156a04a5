//! Models and checkpoints as safetensors files.
//!
//! All metadata is one JSON object under the key `cir`: the format keeps metadata in a hash map,
//! whose order would otherwise change the bytes from run to run.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use candle_core::Device;
use cir_core::{NamedTensors, Params};
use safetensors::{SafeTensors, View};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Model, Result, State, write_atomically};

const KEY: &str = "cir";

/// The newest checkpoint format that this version reads.
const VERSION: u64 = 1;

/// A run at some step.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Steps made.
    pub step: u64,
    /// The complete recipe.
    pub recipe: String,
    /// The algorithm's state.
    pub state: State,
}

#[derive(Serialize, Deserialize)]
struct Header {
    checkpoint_version: u64,
    step: u64,
    counters: BTreeMap<String, u64>,
    recipe: String,
    /// Of the tensors: a file's own size says nothing of damage inside.
    crc32c: u32,
}

/// Writes tensors.
///
/// # Errors
/// Names the file and what failed.
pub fn save_tensors(path: &Path, tensors: &NamedTensors) -> Result<()> {
    save(path, tensors, None)
}

/// Writes a model.
///
/// # Errors
/// Names the file and what failed.
pub fn save_model(path: &Path, model: &Model) -> Result<()> {
    save(path, &model.tensors, Some(model.card.clone()))
}

/// Writes a checkpoint.
///
/// # Errors
/// Names the file and what failed.
pub fn save_checkpoint(path: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let Checkpoint { step, recipe, state } = checkpoint;
    let header = Header {
        checkpoint_version: VERSION,
        step: *step,
        counters: state.counters.clone(),
        recipe: recipe.clone(),
        crc32c: checksum(&state.tensors),
    };
    let header = serde_json::to_string(&header)
        .map_err(|e| Error::Write { path: path.into(), what: e.to_string() })?;
    save(path, &state.tensors, Some(header))
}

/// Reads a model.
///
/// # Errors
/// When the file is missing, damaged, or no model.
pub fn load_model(path: &Path) -> Result<Model> {
    let (tensors, card) = load(path)?;
    match card {
        Some(card) if serde_json::from_str::<Header>(&card).is_err() => Ok(Model { tensors, card }),
        Some(_) => Err(Error::file(path, "a checkpoint", "a model (model.safetensors)")),
        None => Err(Error::file(path, "no \"cir\" in its metadata", "a model that `cir` wrote")),
    }
}

/// What every model says of itself besides what its algorithm needs.
pub trait ModelCard: DeserializeOwned {
    /// The algorithm's name in recipes and cards.
    const ALGORITHM: &'static str;

    /// Checks the settings.
    ///
    /// # Errors
    /// Names the one that is out of range.
    fn check(&self) -> cir_core::Result<()>;
}

/// The algorithm that a model says it is of.
#[derive(Deserialize)]
struct CardHead {
    algorithm: String,
}

impl Model {
    /// The name of its algorithm, if its card says one.
    pub fn algorithm(&self) -> Option<String> {
        serde_json::from_str::<CardHead>(&self.card).ok().map(|head| head.algorithm)
    }
}

/// Reads a model of one algorithm: its card, checked, and its parameters, which are loaded into those
/// that `build` makes.
///
/// # Errors
/// When the file is no model of this algorithm, or a tensor is missing, unknown or misshapen.
pub fn open_model<Card: ModelCard>(
    path: &Path,
    build: impl FnOnce(&Card, &Params) -> candle_core::Result<()>,
) -> Result<(Card, Params)> {
    let stored = load_model(path)?;
    let name = Card::ALGORITHM;
    let wrong = |what: String| Error::file(path, what, format!("a {name} model of this version"));
    if let Some(other) = stored.algorithm().filter(|other| other != name) {
        return Err(wrong(format!("a model of algorithm {other:?}")));
    }
    let card: Card = serde_json::from_str(&stored.card)
        .map_err(|e| wrong(format!("a card that does not parse: {e}")))?;
    card.check().map_err(|e| wrong(e.to_string()))?;
    let params = Params::zeros();
    build(&card, &params)?;
    params.load(&stored.tensors).map_err(|e| wrong(e.to_string()))?;
    Ok((card, params))
}

/// Reads a checkpoint.
///
/// # Errors
/// When the file is missing, damaged, no checkpoint, or of a newer version.
pub fn load_checkpoint(path: &Path) -> Result<Checkpoint> {
    let (tensors, header) = load(path)?;
    let expected = || format!("a checkpoint of version 1 to {VERSION}");
    let Some(header) = header else {
        return Err(Error::file(path, "no \"cir\" in its metadata", expected()));
    };
    // A newer version may have other fields: look at the version alone first.
    let fields: serde_json::Value = serde_json::from_str(&header).map_err(|e| {
        Error::file(path, format!("metadata that does not parse ({e})"), expected())
    })?;
    match fields.get("checkpoint_version").and_then(serde_json::Value::as_u64) {
        Some(version) if version <= VERSION => {}
        Some(version) => {
            return Err(Error::file(
                path,
                format!("a checkpoint of version {version}"),
                expected(),
            ));
        }
        None => return Err(Error::file(path, "a model", expected())),
    }
    let Header { step, counters, recipe, crc32c, .. } =
        serde_json::from_value(fields).map_err(|e| {
            Error::file(path, format!("metadata that does not parse ({e})"), expected())
        })?;
    if checksum(&tensors) != crc32c {
        return Err(Error::file(path, "tensors of another checksum", "a file that is not damaged"));
    }
    Ok(Checkpoint { step, recipe, state: State { tensors, counters } })
}

fn save(path: &Path, tensors: &NamedTensors, metadata: Option<String>) -> Result<()> {
    let metadata = metadata.map(|text| HashMap::from([(KEY.to_owned(), text)]));
    // Not `serialize_to_file`: it makes a temporary file of its own that only its owner may read,
    // and that a killed process leaves behind.
    let bytes = safetensors::serialize(tensors, metadata)
        .map_err(|e| Error::Write { path: path.into(), what: e.to_string() })?;
    write_atomically(path, |at| fs::write(at, &bytes))
}

/// CRC-32C of all tensors' bytes in name order.
fn checksum(tensors: &NamedTensors) -> u32 {
    tensors.values().fold(0, |crc, tensor| crc32c::crc32c_append(crc, &View::data(&tensor)))
}

fn load(path: &Path) -> Result<(NamedTensors, Option<String>)> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    let damaged = |e: &dyn std::fmt::Display| {
        let found = format!("{} bytes that are no whole safetensors file ({e})", bytes.len());
        Error::file(path, found, "a file that was written to its end")
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
    let text = header.metadata().as_ref().and_then(|m| m.get(KEY).cloned());
    let tensors =
        candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| damaged(&e))?;
    Ok((tensors.into_iter().collect(), text))
}

#[cfg(test)]
mod tests {
    use candle_core::Tensor;

    use super::*;

    fn checkpoint() -> Checkpoint {
        let ones = Tensor::ones((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        let names = ["a", "b", "c", "d", "e"].map(|n| (n.to_owned(), ones.clone()));
        let counters = BTreeMap::from([("adam".to_owned(), 7), ("other".to_owned(), 8)]);
        let state = State { tensors: names.into(), counters };
        Checkpoint { step: 7, recipe: "version = 1\n".into(), state }
    }

    #[test]
    fn what_is_written_is_read_and_the_bytes_are_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        save_checkpoint(&a, &checkpoint()).unwrap();
        save_checkpoint(&b, &checkpoint()).unwrap();
        assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
        let read = load_checkpoint(&a).unwrap();
        assert_eq!((read.step, read.recipe.as_str()), (7, "version = 1\n"));
        assert_eq!(read.state.counters, checkpoint().state.counters);
        assert_eq!(read.state.tensors.len(), 5);
    }

    #[test]
    fn damaged_wrong_and_newer_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let refusal = || load_checkpoint(&path).unwrap_err().to_string();
        assert!(refusal().contains("checkpoint.safetensors"));
        save_checkpoint(&path, &checkpoint()).unwrap();
        let bytes = fs::read(&path).unwrap();
        for cut in [0, 4, 20, bytes.len() - 1] {
            fs::write(&path, &bytes[..cut]).unwrap();
            assert!(refusal().contains("no whole safetensors file"), "{}", refusal());
        }
        let mut bent = bytes.clone();
        *bent.last_mut().unwrap() ^= 1;
        fs::write(&path, &bent).unwrap();
        assert!(refusal().contains("another checksum"), "{}", refusal());
        let (mut newer, old) = (bytes.clone(), br#"_version\":1"#);
        let at = newer.windows(old.len()).position(|w| w == old).unwrap();
        newer[at + old.len() - 1] = b'9';
        fs::write(&path, &newer).unwrap();
        assert!(refusal().contains("version 9; expected"), "{}", refusal());
        let model = Model { tensors: checkpoint().state.tensors, card: "{}".into() };
        save_model(&path, &model).unwrap();
        assert!(refusal().contains("found a model"), "{}", refusal());
        save_checkpoint(&path, &checkpoint()).unwrap();
        assert!(load_model(&path).unwrap_err().to_string().contains("found a checkpoint"));
    }

    const SMALL_DISK: &str = "CIR_TRAIN_TEST_SMALL_DISK";

    /// A limit on the size of files fails a write in its middle as a full disk does.
    #[cfg(unix)]
    #[test]
    fn a_full_disk_leaves_the_last_checkpoint_and_names_the_file() {
        let big = || {
            let zeros = Tensor::zeros((1 << 20,), candle_core::DType::F32, &Device::Cpu).unwrap();
            let state = State { tensors: [("zeros".into(), zeros)].into(), ..State::default() };
            Checkpoint { step: 8, recipe: String::new(), state }
        };
        if let Some(path) = std::env::var_os(SMALL_DISK) {
            let error = save_checkpoint(Path::new(&path), &big()).unwrap_err().to_string();
            assert!(error.contains("checkpoint.safetensors: could not be written"), "{error}");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        save_checkpoint(&path, &checkpoint()).unwrap();
        let status = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "stored::tests::a_full_disk_leaves_the_last_checkpoint_and_names_the_file",
            ])
            .env(SMALL_DISK, &path)
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.unwrap().success());
        assert_eq!(load_checkpoint(&path).unwrap().step, 7);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        save_checkpoint(&path, &big()).unwrap();
        assert_eq!(load_checkpoint(&path).unwrap().step, 8);
    }
}
