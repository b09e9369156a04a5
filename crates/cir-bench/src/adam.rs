//! One update of one long vector.

use anyhow::Result;
use candle_core::{DType, Device, Tensor, Var};
use cir_ops::AdamHyper;

use crate::Work;

/// Adam over `count` numbers.
pub(crate) fn work(count: usize) -> Result<Work> {
    let var = || Var::ones(count, DType::F32, &Device::Cpu);
    let (param, m, v) = (var()?, var()?, var()?);
    let grad = Tensor::ones(count, DType::F32, &Device::Cpu)?;
    let hyper = AdamHyper { lr: 1e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0. };
    let run = move || Ok(cir_ops::adam_step(&param, &grad, &m, &v, 1, hyper)?);
    Ok(Work { run: Box::new(run), amount: None })
}
