//! What a killed process left in its run folder, and so what it was doing.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::Path,
    time::SystemTime,
};

use serde_json::Value;

/// A run folder at a moment when no process works in it.
pub(super) struct Snapshot {
    /// Files half written: size and time.
    torn: BTreeMap<String, (u64, Option<SystemTime>)>,
    has_recipe: bool,
    logged: Option<u64>,
    checkpoint: Option<u64>,
    has_scores: bool,
}

/// What a kill found.
pub(super) struct Found {
    /// Step of the last whole log line.
    pub(super) logged: String,
    /// Step of the checkpoint.
    pub(super) checkpoint: String,
    /// What was going on.
    pub(super) what: String,
    /// Whether a file was being written.
    pub(super) torn: bool,
}

impl Snapshot {
    /// The folder `run` now, which need not exist.
    pub(super) fn of(run: &Path) -> Self {
        let mut torn = BTreeMap::new();
        for folder in [run.to_path_buf(), run.join("samples")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if let (Some(name), Ok(data)) = (temporary_for(&name), entry.metadata()) {
                    torn.insert(name.to_owned(), (data.len(), data.modified().ok()));
                }
            }
        }
        Self {
            torn,
            has_recipe: run.join("recipe.toml").exists(),
            logged: logged(&run.join("metrics.jsonl")),
            checkpoint: checkpoint(&run.join("checkpoint.safetensors")),
            has_scores: run.join("metrics.json").exists(),
        }
    }

    /// What happened since `before`; the run has `steps` steps.
    pub(super) fn since(&self, before: &Self, steps: u64) -> Found {
        // An earlier kill's file stays until it is written again.
        let torn = self.torn.iter().find(|(name, state)| before.torn.get(*name) != Some(state));
        let what = match (torn, self.checkpoint) {
            (Some((name, (bytes, _))), _) => format!("{name} being written, {bytes} bytes"),
            (None, _) if !self.has_recipe => "nothing yet".to_owned(),
            (None, _) if self.has_scores => "scores, no report yet".to_owned(),
            (None, Some(step)) if step == steps => "all steps made, no scores yet".to_owned(),
            (None, None) => "before the first checkpoint".to_owned(),
            (None, Some(_)) => "between two checkpoints".to_owned(),
        };
        let step = |step: Option<u64>| step.map_or("-".to_owned(), |step| step.to_string());
        let (logged, checkpoint) = (step(self.logged), step(self.checkpoint));
        Found { logged, checkpoint, what, torn: torn.is_some() }
    }
}

/// The file that the hidden one of this name is to become.
pub(super) fn temporary_for(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".tmp")
}

/// Step of the last whole line of the log.
fn logged(log: &Path) -> Option<u64> {
    let text = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.split_inclusive('\n').rev().filter(|line| line.ends_with('\n'));
    let mut steps =
        lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()?["step"].as_u64());
    steps.next()
}

/// Step in the header of a checkpoint, a safetensors file with our metadata.
fn checkpoint(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let mut header = vec![0; usize::try_from(u64::from_le_bytes(length)).ok()?];
    file.read_exact(&mut header).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    let ours: Value = serde_json::from_str(header["__metadata__"]["cir"].as_str()?).ok()?;
    ours["step"].as_u64()
}
