//! The errors of this crate: each names the file, the step or the term.

use std::path::{Path, PathBuf};

/// What can go wrong around a training.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not what it should be.
    #[error("{}: found {found}; expected {expected}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A file could not be written; what was there before is untouched.
    #[error("{}: could not be written: {what}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What failed.
        what: String,
    },
    /// A file or folder could not be read.
    #[error("{}: {cause}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What failed.
        cause: std::io::Error,
    },
    /// A loss term is not a number or infinite.
    #[error("step {step}: {term} is {value}; {last_good}")]
    NotFinite {
        /// The training step.
        step: u64,
        /// The term.
        term: String,
        /// Its value.
        value: f64,
        /// The checkpoint that is still good.
        last_good: String,
    },
    /// A batch could not be made.
    #[error("the batch of step {step}: {what}")]
    Batch {
        /// The training step.
        step: u64,
        /// What failed.
        what: String,
    },
    /// A setting or a stored tensor is wrong.
    #[error(transparent)]
    Core(#[from] cir_core::Error),
    /// An error of the tensor library.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl Error {
    /// An [`Error::File`].
    pub fn file(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::File { path: path.into(), found: found.into(), expected: expected.into() }
    }

    /// For `map_err` on reading `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Read { path, cause }
    }

    /// For `map_err` on writing `path`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |e| Self::Write { path, what: e.to_string() }
    }
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;
