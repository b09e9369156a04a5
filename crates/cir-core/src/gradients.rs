//! Gradients by parameter name, accumulated over several backward passes.

use std::collections::BTreeMap;

use candle_core::{DType, Result, Tensor, backprop::GradStore};

use crate::{NamedTensors, Params};

/// Adds `term` to what may not have been begun.
///
/// # Errors
/// When the shapes differ.
pub fn add_to(sum: &mut Option<Tensor>, term: Tensor) -> Result<()> {
    *sum = Some(match sum.take() {
        Some(sum) => (sum + term)?,
        None => term,
    });
    Ok(())
}

/// The gradient of every parameter that took part, by name.
///
/// A step may differentiate its terms one at a time where one pass would need too much memory; the
/// sums are the same.
#[derive(Debug, Clone, Default)]
pub struct Gradients(BTreeMap<String, Tensor>);

impl Gradients {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the gradients that one backward pass left for `params`.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn accumulate(&mut self, params: &Params, store: &mut GradStore) -> Result<()> {
        for (name, var) in params.vars() {
            if let Some(grad) = store.remove(&var) {
                self.add_one(name, grad)?;
            }
        }
        Ok(())
    }

    /// Adds `other`'s.
    ///
    /// # Errors
    /// When the shapes of a parameter's gradients differ.
    pub fn add(&mut self, other: Self) -> Result<()> {
        other.0.into_iter().try_for_each(|(name, grad)| self.add_one(name, grad))
    }

    fn add_one(&mut self, name: String, grad: Tensor) -> Result<()> {
        let sum = match self.0.remove(&name) {
            Some(sum) => (sum + grad)?,
            None => grad,
        };
        self.0.insert(name, sum);
        Ok(())
    }

    /// The gradient of the parameter called `name`, if it took part.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// All gradients by name.
    pub fn tensors(&self) -> &NamedTensors {
        &self.0
    }

    /// The L2 norm over all numbers of all gradients.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn norm(&self) -> Result<f64> {
        let square = |g: &Tensor| g.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>();
        Ok(self.0.values().map(square).sum::<Result<f64>>()?.sqrt())
    }

    /// Scales all gradients so that their joint norm is at most `max`, and returns what it was
    /// (`clip_grad_norm_`).
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn clip_norm(&mut self, max: f64) -> Result<f64> {
        let norm = self.norm()?;
        let factor = max / (norm + 1e-6);
        if factor < 1. {
            self.scale(factor)?;
        }
        Ok(norm)
    }

    /// Multiplies all gradients.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        for grad in self.0.values_mut() {
            *grad = (&*grad * factor)?;
        }
        Ok(())
    }
}
