//! The passes of a step: each is differentiated by itself, down to the latents, whose gradient runs
//! through the encoder at the end.

use candle_core::{Result, Tensor, Var};
use cir_core::{Gradients, Latent, Losses, Params, Scalars, add_to};

use crate::StepGradients;

/// Collects values and gradients over the passes of a step.
pub(crate) struct Passes<'a> {
    params: &'a Params,
    encoded: &'a Latent,
    leaves: Vec<Var>,
    leaf_gradients: Vec<Option<Tensor>>,
    gradients: Gradients,
    scalars: Scalars,
    total: f64,
}

impl<'a> Passes<'a> {
    pub(crate) fn new(params: &'a Params, encoded: &'a Latent) -> Result<Self> {
        let leaf = |code: &Tensor| Var::from_tensor(&code.detach());
        let leaves = encoded.codes().iter().map(leaf).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            params,
            encoded,
            leaf_gradients: vec![None; leaves.len()],
            leaves,
            gradients: Gradients::new(),
            scalars: Scalars::new(),
            total: 0.,
        })
    }

    /// The latents at which every pass starts.
    pub(crate) fn latents(&self) -> Latent {
        Latent::new(self.leaves.iter().map(|leaf| leaf.as_tensor().clone()).collect())
    }

    /// Adds one pass's terms and their gradient.
    pub(crate) fn add(&mut self, losses: Losses) -> Result<()> {
        for (name, value) in losses.scalars()? {
            match self.scalars.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += value,
                None => self.scalars.push((name, value)),
            }
        }
        let Some(total) = losses.total()? else { return Ok(()) };
        self.total += total.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        let mut store = cir_ops::backward(&total)?;
        self.gradients.accumulate(self.params, &mut store)?;
        for (leaf, sum) in self.leaves.iter().zip(&mut self.leaf_gradients) {
            if let Some(gradient) = store.remove(leaf) {
                add_to(sum, gradient)?;
            }
        }
        Ok(())
    }

    /// Logs the sum of the terms called `names`.
    pub(crate) fn sum<'n>(&mut self, name: &str, names: impl Iterator<Item = &'n str>) {
        let value = |n: &str| self.scalars.iter().find(|(known, _)| known == n).map(|(_, v)| *v);
        let sum = names.filter_map(value).sum();
        self.scalars.push((name.into(), sum));
    }

    /// Runs the latents' gradient through the encoder.
    pub(crate) fn finish(mut self) -> Result<StepGradients> {
        for (code, gradient) in self.encoded.codes().iter().zip(&self.leaf_gradients) {
            if let Some(gradient) = gradient {
                // The derivative of this sum by a parameter is the chain rule's inner product.
                let mut store = cir_ops::backward(&(code * gradient.detach())?.sum_all()?)?;
                self.gradients.accumulate(self.params, &mut store)?;
            }
        }
        self.scalars.push(("total".into(), self.total));
        Ok(StepGradients {
            scalars: self.scalars,
            gradients: self.gradients,
            latents: self.encoded.detach(),
        })
    }
}
