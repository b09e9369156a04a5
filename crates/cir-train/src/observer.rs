//! What looks on while a run trains.

use std::path::Path;

use cir_core::{Image, Scalars};

use crate::Result;

/// One finished step.
#[derive(Debug)]
pub struct StepRecord<'a> {
    /// The step, counted from 1.
    pub step: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// Terms and totals.
    pub scalars: &'a Scalars,
    /// Seconds since this process began to train.
    pub seconds: f64,
    /// Of these, seconds spent waiting for batches.
    pub wait_seconds: f64,
    /// Whether the recipe wants this step logged.
    pub logged: bool,
}

/// Is shown what happens; whatever it does not care for it leaves.
pub trait Observer {
    /// A step was made.
    ///
    /// # Errors
    /// When the observer cannot write.
    fn on_step(&mut self, _record: &StepRecord) -> Result<()> {
        Ok(())
    }

    /// Something is amiss with the training from `step` on.
    ///
    /// # Errors
    /// When the observer cannot write.
    fn on_warning(&mut self, _step: u64, _warning: &str) -> Result<()> {
        Ok(())
    }

    /// Held-out data was scored after `step`.
    ///
    /// # Errors
    /// When the observer cannot write.
    fn on_evaluation(&mut self, _step: u64, _scores: &Scalars) -> Result<()> {
        Ok(())
    }

    /// A sample was drawn after `step`.
    ///
    /// # Errors
    /// When the observer cannot write.
    fn on_sample(&mut self, _step: u64, _image: &Image) -> Result<()> {
        Ok(())
    }

    /// A checkpoint is about to be written after `step`: what was observed so far must be safe.
    ///
    /// # Errors
    /// When the observer cannot write.
    fn on_checkpoint(&mut self, _step: u64, _path: &Path) -> Result<()> {
        Ok(())
    }

    /// The run ends after `step`, finished or interrupted.
    ///
    /// # Errors
    /// When the observer cannot write.
    fn on_end(&mut self, _step: u64) -> Result<()> {
        Ok(())
    }
}
