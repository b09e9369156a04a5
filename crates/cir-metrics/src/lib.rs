//! Metrics for representations whose parts are assigned to attributes.
//!
//! They take pictures and closures, never a model.

mod read_back;

pub use read_back::{ReadBack, Reading};
