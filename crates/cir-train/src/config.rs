//! The recipe's `[train]` section.

use cir_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How long to train, from which seed, and how often to look and save. An interval of 0 is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Training steps.
    pub steps: u64,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Steps between two log lines.
    pub log_every: u64,
    /// Steps between two sample pictures.
    pub sample_every: u64,
    /// Steps between two evaluations.
    pub evaluate_every: u64,
    /// Steps between two checkpoints.
    pub checkpoint_every: u64,
}

impl TrainConfig {
    /// Checks the numbers.
    ///
    /// # Errors
    /// When there is nothing to train or to log.
    pub fn check(&self) -> Result<()> {
        match self {
            Self { steps: 0, .. } => Err(Error::setting("train.steps", 0, "at least 1")),
            Self { log_every: 0, .. } => Err(Error::setting("train.log_every", 0, "at least 1")),
            _ => Ok(()),
        }
    }
}
