//! The one training loop of all algorithms: steps, checkpoints, observers, reports.
//!
//! An [`Algorithm`] gives a step with its own optimisers inside; [`train`] owns iteration, what is
//! shown and logged ([`Observer`]), evaluation and checkpoints. A run lives in a [`RunDir`]. The
//! crate knows no architecture and no data set.
//!
//! Randomness of a run is a pure function of (seed, stream, step), so that a checkpoint is the
//! algorithm's [`State`] and the step: nothing else has to be restored.

mod algorithm;
mod atomic;
mod config;
mod error;
mod events;
mod learner;
mod lock;
mod log;
mod machine;
mod observer;
mod png;
mod progress;
mod progress_line;
mod report;
mod run_dir;
mod run_files;
mod stop;
mod stored;
mod tensorboard;
mod train;

pub use algorithm::{Algorithm, Model, State};
pub use atomic::{write_atomically, write_json, write_text};
pub use config::TrainConfig;
pub use error::{Error, Result};
pub use learner::Learner;
pub use lock::FolderLock;
pub use log::MetricsLog;
pub use machine::machine;
pub use observer::{Observer, StepRecord};
pub use progress::Progress;
pub use progress_line::ProgressLine;
pub use report::{
    Chart, Interval, Intervals, PictureRow, PictureTable, Report, Series, Tone, curves, warnings,
};
pub use run_dir::RunDir;
pub use run_files::RunFiles;
pub use stop::StopFlag;
pub use stored::{
    Checkpoint, ModelCard, load_checkpoint, load_model, open_model, save_checkpoint, save_model,
    save_tensors,
};
pub use tensorboard::TensorBoard;
pub use train::{Outcome, train};
