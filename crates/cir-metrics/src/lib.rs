//! Metrics for representations whose parts are assigned to attributes.
//!
//! They take pictures and closures, never a model.

mod edits;
mod judge;
mod read_back;
mod reader;

pub use edits::{EditScores, Edited, Edits, TruthScores};
pub use judge::Judge;
pub use read_back::{ReadBack, Reading};
pub use reader::{Reader, accuracy};
