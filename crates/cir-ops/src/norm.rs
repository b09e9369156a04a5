//! Instance normalisation with the activation that follows it.

use candle_core::{D, Result, Tensor};

/// The activation fused behind a normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// x where positive, slope·x elsewhere.
    LeakyRelu(f64),
}

impl Activation {
    /// Applies the activation elementwise; any shape.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::None => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => candle_nn::ops::leaky_relu(x, slope),
        }
    }
}

/// Instance normalisation over H×W with the biased variance, then `activation`; always the
/// statistics of the instance, never running ones (gzs.md, section 1).
///
/// # Shapes
/// `x` (B, C, H, W), `weight` and `bias` (C), or `None` for no affine map → (B, C, H, W).
///
/// # Errors
/// When `weight` or `bias` has another length than C.
pub fn instance_norm(
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let flat = x.reshape((b, c, h * w))?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(D::Minus1)?)?;
    let std = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    let mut y = centred.broadcast_div(&std)?;
    if let Some(weight) = weight {
        y = y.broadcast_mul(&weight.reshape((1, c, 1))?)?;
    }
    if let Some(bias) = bias {
        y = y.broadcast_add(&bias.reshape((1, c, 1))?)?;
    }
    activation.apply(&y.reshape((b, c, h, w))?)
}
