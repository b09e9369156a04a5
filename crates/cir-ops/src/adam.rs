//! One Adam update of one tensor.

use candle_core::{Result, Tensor};

/// What an Adam update depends on besides the tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamHyper {
    /// Learning rate of this update.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to √v̂.
    pub eps: f64,
    /// L2 coefficient: `weight_decay`·parameter is added to the gradient.
    pub weight_decay: f64,
}

/// `torch.optim.Adam`'s update number `t` (from 1): returns the new parameter and both moments.
///
/// # Shapes
/// All four tensors have one shape; so have the three results.
///
/// # Errors
/// When the shapes differ.
pub fn adam_update(
    param: &Tensor,
    grad: &Tensor,
    moment1: &Tensor,
    moment2: &Tensor,
    t: u64,
    hyper: AdamHyper,
) -> Result<(Tensor, Tensor, Tensor)> {
    let AdamHyper { lr, beta1, beta2, eps, weight_decay } = hyper;
    let grad = if weight_decay == 0. { grad.clone() } else { (grad + (param * weight_decay)?)? };
    let m = ((moment1 * beta1)? + (&grad * (1. - beta1))?)?;
    let v = ((moment2 * beta2)? + (grad.sqr()? * (1. - beta2))?)?;
    let correction1 = 1. - beta1.powf(t as f64);
    let correction2 = 1. - beta2.powf(t as f64);
    let denom = ((v.sqrt()? / correction2.sqrt())? + eps)?;
    let param = (param - (m.div(&denom)? * (lr / correction1))?)?;
    Ok((param, m, v))
}
