//! Where the files of a run are.

use std::path::{Path, PathBuf};

/// The files of a run by what is in them. None needs to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFiles {
    folder: PathBuf,
}

impl RunFiles {
    /// Of the run in `folder`.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Everything that a run writes, the recipe last: until that is gone the folder is a run's.
    pub(crate) fn all(&self) -> [PathBuf; 9] {
        [
            self.events(),
            self.samples(),
            self.report(),
            self.metrics(),
            self.log(),
            self.checkpoint(),
            self.model(),
            self.data(),
            self.recipe(),
        ]
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Whether there is a run: it begins with its recipe.
    pub fn begun(&self) -> bool {
        self.recipe().is_file()
    }

    /// The recipe as run.
    pub fn recipe(&self) -> PathBuf {
        self.folder.join("recipe.toml")
    }

    /// What data the run has seen.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data.json")
    }

    /// The model.
    pub fn model(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// The log, one line of JSON a logged step.
    pub fn log(&self) -> PathBuf {
        self.folder.join("metrics.jsonl")
    }

    /// The final scores.
    pub fn metrics(&self) -> PathBuf {
        self.folder.join("metrics.json")
    }

    /// TensorBoard's event files.
    pub fn events(&self) -> PathBuf {
        self.folder.join("events")
    }

    /// The report, which a training writes last.
    pub fn report(&self) -> PathBuf {
        self.folder.join("report.html")
    }

    /// The sample drawn after `step`.
    pub fn sample(&self, step: u64) -> PathBuf {
        self.samples().join(format!("{step:06}.png"))
    }

    fn samples(&self) -> PathBuf {
        self.folder.join("samples")
    }
}
