//! Adam as `torch.optim.Adam` defines it: L2 in the gradient, bias correction, eps beside √v̂.

use std::collections::BTreeMap;

use candle_core::{Result as CandleResult, Var, bail};
use cir_ops::AdamHyper;
use serde::{Deserialize, Serialize};

use crate::{Error, Gradients, NamedTensors, Params, Result, params::check_names};

/// Adam's settings besides the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Base learning rate.
    pub lr: f64,
    /// Decay rates of the two moments.
    #[serde(default = "betas")]
    pub betas: [f64; 2],
    /// Added to √v̂.
    #[serde(default = "eps")]
    pub eps: f64,
    /// L2 coefficient, added to the gradient.
    #[serde(default)]
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    /// PyTorch's.
    fn default() -> Self {
        Self { lr: 1e-3, betas: betas(), eps: eps(), weight_decay: 0. }
    }
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn eps() -> f64 {
    1e-8
}

impl AdamConfig {
    /// Checks the numbers; `field` is where they stand in the recipe.
    ///
    /// # Errors
    /// When one is out of range.
    pub fn check(&self, field: &str) -> Result<()> {
        let at_least_0 = |name: &str, x: f64| match x >= 0. && x.is_finite() {
            true => Ok(()),
            false => Err(Error::setting(format!("{field}.{name}"), x, "a number of at least 0")),
        };
        if !(self.lr > 0. && self.lr.is_finite()) {
            return Err(Error::setting(format!("{field}.lr"), self.lr, "a number above 0"));
        }
        at_least_0("eps", self.eps)?;
        at_least_0("weight_decay", self.weight_decay)?;
        match self.betas.iter().find(|b| !(0. ..1.).contains(*b)) {
            Some(b) => Err(Error::setting(format!("{field}.betas"), b, "0 to below 1")),
            None => Ok(()),
        }
    }
}

/// The optimiser of one network, its moments visible.
#[derive(Debug, Clone)]
pub struct Adam {
    config: AdamConfig,
    updates: u64,
    moments: BTreeMap<String, [Var; 2]>,
}

impl Adam {
    /// Moments of zero for every parameter.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn new(config: AdamConfig, params: &Params) -> CandleResult<Self> {
        let zero = |var: &Var| Var::from_tensor(&var.zeros_like()?);
        let zeros = |(name, var): (String, Var)| Ok((name, [zero(&var)?, zero(&var)?]));
        let moments = params.vars().into_iter().map(zeros).collect::<CandleResult<_>>()?;
        Ok(Self { config, updates: 0, moments })
    }

    /// How many updates were made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// One update of every parameter at `factor` times the base learning rate.
    ///
    /// # Errors
    /// When a parameter has no gradient.
    pub fn step(
        &mut self,
        params: &Params,
        gradients: &Gradients,
        factor: f64,
    ) -> CandleResult<()> {
        let AdamConfig { lr, betas: [beta1, beta2], eps, weight_decay } = self.config;
        let hyper = AdamHyper { lr: lr * factor, beta1, beta2, eps, weight_decay };
        let vars = params.vars();
        if let Some((name, _)) = vars.iter().find(|(name, _)| gradients.get(name).is_none()) {
            bail!("adam: parameter {name} has no gradient");
        }
        self.updates += 1;
        for (name, var) in vars {
            let (Some(grad), Some([m, v])) = (gradients.get(&name), self.moments.get(&name)) else {
                bail!("adam: parameter {name} was not there when the optimiser was made");
            };
            cir_ops::adam_step(&var, grad, m, v, self.updates, hyper)?;
        }
        Ok(())
    }

    /// First and second moments, as `moment1.<name>` and `moment2.<name>`.
    pub fn tensors(&self) -> NamedTensors {
        let both = |(name, [m, v]): (&String, &[Var; 2])| {
            let [m, v] = [m, v].map(Var::as_detached_tensor);
            [(format!("moment1.{name}"), m), (format!("moment2.{name}"), v)]
        };
        self.moments.iter().flat_map(both).collect()
    }

    /// Continues after `updates` updates with the given moments.
    ///
    /// # Errors
    /// When a name is missing or unknown, or a shape differs.
    pub fn load(&mut self, updates: u64, tensors: &NamedTensors) -> Result<()> {
        let own = self.tensors();
        check_names(own.iter().map(|(n, t)| (n, t.dims())), tensors)?;
        for (name, [m, v]) in &self.moments {
            for (number, moment) in [(1, m), (2, v)] {
                let value = &tensors[&format!("moment{number}.{name}")];
                moment.set(&value.to_dtype(moment.dtype())?.to_device(moment.device())?)?;
            }
        }
        self.updates = updates;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::Init;

    use super::*;

    /// Reference: torch.optim.Adam([p], lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1),
    /// p = 1, loss 0.5·p², three steps, float64 (PyTorch 2).
    #[test]
    fn three_updates_equal_pytorch() {
        let config = AdamConfig { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0.1 };
        let params = Params::new(0);
        let vb = params.builder(DType::F64, &Device::Cpu);
        let p = vb.get_with_hints((), "p", Init::Const(1.)).unwrap();
        let mut adam = Adam::new(config, &params).unwrap();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut store = (p.sqr().unwrap() * 0.5).unwrap().backward().unwrap();
            let mut gradients = Gradients::new();
            gradients.accumulate(&params, &mut store).unwrap();
            adam.step(&params, &gradients, 1.).unwrap();
            seen.push(params.tensors()["p"].to_scalar::<f64>().unwrap());
        }
        for (seen, torch) in seen.iter().zip(REFERENCE) {
            assert!((seen - torch).abs() < 1e-14, "{seen} against {torch}");
        }
    }

    const REFERENCE: [f64; 3] = [0.9000000009090909, 0.8003885684103973, 0.7014971700881466];
}
