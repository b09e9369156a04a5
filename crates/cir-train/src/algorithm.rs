//! What an algorithm is to the training loop.

use std::collections::BTreeMap;

use cir_core::{Image, NamedTensors, Scalars};

/// A step with its own optimisers inside; the loop owns everything else.
pub trait Algorithm: Send {
    /// What one step is given, prepared on another thread.
    type Batch: Send + 'static;

    /// Training step `step`, counted from 1. Returns every term by name, unweighted, and the totals
    /// that were differentiated.
    ///
    /// # Errors
    /// Whatever the tensors report.
    fn step(&mut self, step: u64, batch: Self::Batch) -> candle_core::Result<Scalars>;

    /// What is amiss with the training since the last step, if anything is. Shown when it appears.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Everything that a resumed run needs.
    fn state(&self) -> State;

    /// Continues from `state`.
    ///
    /// # Errors
    /// When a tensor or counter is missing, unknown or misshapen.
    fn restore(&mut self, state: State) -> cir_core::Result<()>;

    /// What is to be used of the training.
    ///
    /// # Errors
    /// Whatever the tensors report.
    fn model(&self) -> candle_core::Result<Model>;

    /// A picture of what it can do now, if it draws any.
    ///
    /// # Errors
    /// Whatever the tensors report.
    fn sample(&mut self, _step: u64) -> candle_core::Result<Option<Image>> {
        Ok(None)
    }

    /// Scores on held-out data, if it has any.
    ///
    /// # Errors
    /// Whatever the tensors report.
    fn evaluate(&mut self, _step: u64) -> candle_core::Result<Scalars> {
        Ok(Scalars::new())
    }
}

/// Weights, optimiser moments and update counters.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Tensors by name.
    pub tensors: NamedTensors,
    /// Counters by name.
    pub counters: BTreeMap<String, u64>,
}

/// What `model.safetensors` holds.
#[derive(Debug, Clone)]
pub struct Model {
    /// Parameters under their published names.
    pub tensors: NamedTensors,
    /// A JSON object that says how to use them.
    pub card: String,
}
