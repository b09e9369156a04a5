//! The folder of a run.

use std::{
    fs,
    io::ErrorKind::NotFound,
    path::{Path, PathBuf},
};

use crate::{Error, FolderLock, Result, write_text};

/// The folder of a run and the files in it, held against other processes until it is dropped.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
    _lock: FolderLock,
}

const RECIPE: &str = "recipe.toml";
const DATA: &str = "data.json";
const MODEL: &str = "model.safetensors";
const CHECKPOINT: &str = "checkpoint.safetensors";
const LOG: &str = "metrics.jsonl";
const METRICS: &str = "metrics.json";
const REPORT: &str = "report.html";
const EVENTS: &str = "events";
const SAMPLES: &str = "samples";

impl RunDir {
    /// Makes the folder and writes the recipe.
    ///
    /// # Errors
    /// When something is at `path` already; with `overwrite`, what an earlier run wrote there is
    /// removed, and nothing else.
    pub fn create(path: &Path, recipe: &str, overwrite: bool) -> Result<Self> {
        let begun = match fs::read_dir(path) {
            // A process that was killed before it had a recipe leaves hidden files.
            Ok(entries) => entries.flatten().any(|entry| !is_hidden(&entry)),
            Err(e) if e.kind() == NotFound => false,
            Err(e) => return Err(Error::Read { path: path.into(), cause: e }),
        };
        if begun && !overwrite {
            let found = "a run folder that exists";
            let expected = "a new folder; --resume goes on with it, --force replaces it";
            return Err(Error::file(path, found, expected));
        }
        if begun && !path.join(RECIPE).is_file() {
            let expected = "a run folder; only such a one is replaced";
            return Err(Error::file(path, format!("a folder without {RECIPE}"), expected));
        }
        fs::create_dir_all(path).map_err(Error::write(path))?;
        let run = Self { path: path.into(), _lock: lock(path)? };
        if begun {
            run.clear()?;
        }
        write_text(&run.recipe(), recipe)?;
        Ok(run)
    }

    /// A run that was begun, to go on with it.
    ///
    /// # Errors
    /// When there is none, or another process is at it.
    pub fn open(path: &Path) -> Result<Self> {
        match path.join(RECIPE).is_file() {
            true => Ok(Self { path: path.into(), _lock: lock(path)? }),
            false => Err(Error::file(path, format!("no {RECIPE} in it"), "the folder of a run")),
        }
    }

    /// Removes what a run writes, the recipe last: until then it is a run folder.
    fn clear(&self) -> Result<()> {
        for name in [EVENTS, SAMPLES, REPORT, METRICS, LOG, CHECKPOINT, MODEL, DATA, RECIPE] {
            let path = self.path.join(name);
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            match removed {
                Err(e) if e.kind() != NotFound => return Err(Error::write(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recipe as run.
    pub fn recipe(&self) -> PathBuf {
        self.path.join(RECIPE)
    }

    /// What data the run has seen.
    pub fn data(&self) -> PathBuf {
        self.path.join(DATA)
    }

    /// The model.
    pub fn model(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// The log, one line of JSON a logged step.
    pub fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// The final scores.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// TensorBoard's event files.
    pub fn events(&self) -> PathBuf {
        self.path.join(EVENTS)
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.path.join(REPORT)
    }

    /// The sample drawn after `step`.
    pub fn sample(&self, step: u64) -> PathBuf {
        self.path.join(SAMPLES).join(format!("{step:06}.png"))
    }
}

fn is_hidden(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Two processes in one folder would overwrite each other's checkpoints.
fn lock(folder: &Path) -> Result<FolderLock> {
    FolderLock::take(folder, "a run that another process is training or scoring")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_folder_is_refused_and_only_a_run_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        RunDir::create(&path, "a", false).unwrap();
        let refusal = |overwrite| RunDir::create(&path, "b", overwrite).unwrap_err().to_string();
        let error = refusal(false);
        assert!(error.contains("--resume") && error.contains("--force"), "{error}");
        let run = RunDir::open(&path).unwrap();
        for old in [run.log(), run.sample(3), run.checkpoint()] {
            fs::create_dir_all(old.parent().unwrap()).unwrap();
            fs::write(old, "old").unwrap();
        }
        fs::write(path.join("letter.txt"), "dear").unwrap();
        assert!(refusal(true).contains("another process"));
        drop(run);
        let run = RunDir::create(&path, "b", true).unwrap();
        assert_eq!(fs::read_to_string(run.recipe()).unwrap(), "b");
        assert!(path.join("letter.txt").is_file());
        assert!(!run.log().exists() && !run.sample(3).exists() && !run.checkpoint().exists());
        drop(run);
        fs::remove_file(path.join(RECIPE)).unwrap();
        assert!(refusal(true).contains("without recipe.toml"));
        assert!(path.join("letter.txt").is_file());
        assert!(RunDir::open(&path).unwrap_err().to_string().contains("no recipe.toml"));
    }

    #[test]
    fn a_run_that_was_killed_before_its_recipe_can_be_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        for left in [".lock", ".recipe.toml.tmp"] {
            fs::write(folder.path().join(left), "").unwrap();
        }
        RunDir::create(folder.path(), "a", false).unwrap();
        let file = folder.path().join(RECIPE);
        assert!(RunDir::create(&file, "a", true).unwrap_err().to_string().contains("recipe.toml"));
    }
}
