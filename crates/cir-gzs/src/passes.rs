//! The passes of a step: each is differentiated by itself, down to the latents, whose gradient runs
//! through the encoder at the end.

use candle_core::Result;
use cir_core::{Cut, CutGradients, Gradients, Latent, Losses, Params, Scalars, add_scalar};

use crate::StepGradients;

/// Collects values and gradients over the passes of a step.
pub(crate) struct Passes<'a> {
    params: &'a Params,
    encoded: &'a Latent,
    cuts: Vec<Cut>,
    at_cuts: CutGradients,
    gradients: Gradients,
    scalars: Scalars,
    total: f64,
}

impl<'a> Passes<'a> {
    pub(crate) fn new(params: &'a Params, encoded: &'a Latent) -> Result<Self> {
        Ok(Self {
            params,
            encoded,
            cuts: encoded.codes().iter().map(Cut::new).collect::<Result<_>>()?,
            at_cuts: CutGradients::new(),
            gradients: Gradients::new(),
            scalars: Scalars::new(),
            total: 0.,
        })
    }

    /// The latents at which every pass starts.
    pub(crate) fn latents(&self) -> Latent {
        Latent::new(self.cuts.iter().map(|cut| cut.leaf().clone()).collect())
    }

    /// Adds one pass's terms and their gradient.
    pub(crate) fn add(&mut self, losses: Losses) -> Result<()> {
        for (name, value) in losses.scalars()? {
            add_scalar(&mut self.scalars, name, value);
        }
        let Some(total) = losses.total()? else { return Ok(()) };
        self.total += total.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        let mut store = cir_ops::backward(&total)?;
        self.gradients.accumulate(self.params, &mut store)?;
        self.at_cuts.collect(&self.cuts, &mut store)
    }

    /// Logs the sum of the terms called `names`.
    pub(crate) fn sum<'n>(&mut self, name: &str, names: impl Iterator<Item = &'n str>) {
        let value = |n: &str| self.scalars.iter().find(|(known, _)| known == n).map(|(_, v)| *v);
        let sum = names.filter_map(value).sum();
        self.scalars.push((name.into(), sum));
    }

    /// Runs the latents' gradient through the encoder.
    pub(crate) fn finish(mut self) -> Result<StepGradients> {
        let outputs = self.at_cuts.outputs(&self.cuts);
        if !outputs.is_empty() {
            self.gradients.accumulate(self.params, &mut cir_ops::backward_from(&outputs)?)?;
        }
        self.scalars.push(("total".into(), self.total));
        Ok(StepGradients {
            scalars: self.scalars,
            gradients: self.gradients,
            latents: self.encoded.detach(),
        })
    }
}
