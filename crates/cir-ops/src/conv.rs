//! Convolution and transposed convolution of `(B, C, H, W)` tensors.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig};

/// 2-d cross-correlation, as `torch.nn.functional.conv2d`.
///
/// # Shapes
/// `x` (B, in, H, W), `weight` (out, in, kh, kw), `bias` (out) → (B, out, H', W') with
/// H' = (H + 2·padding − kh) / stride + 1.
///
/// # Errors
/// When the channel counts of `x` and `weight` differ or the kernel exceeds the padded input.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: Conv2dConfig,
) -> Result<Tensor> {
    let (c, wc) = (x.dim(1)?, weight.dim(1)?);
    if c != wc * cfg.groups {
        bail!("conv2d: input {:?} and weight {:?} disagree in channels", x.shape(), weight.shape());
    }
    let y = x.conv2d(weight, cfg.padding, cfg.stride, cfg.dilation, cfg.groups)?;
    add_bias(y, bias)
}

/// Transposed 2-d convolution, as `torch.nn.functional.conv_transpose2d`.
///
/// # Shapes
/// `x` (B, in, H, W), `weight` (in, out, kh, kw), `bias` (out) → (B, out, H', W') with
/// H' = (H − 1)·stride − 2·padding + kh + output_padding.
///
/// # Errors
/// When the channel counts of `x` and `weight` differ.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: ConvTranspose2dConfig,
) -> Result<Tensor> {
    if x.dim(1)? != weight.dim(0)? {
        bail!(
            "conv_transpose2d: input {:?} and weight {:?} disagree in channels",
            x.shape(),
            weight.shape()
        );
    }
    let y =
        x.conv_transpose2d(weight, cfg.padding, cfg.output_padding, cfg.stride, cfg.dilation)?;
    add_bias(y, bias)
}

fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(b) => y.broadcast_add(&b.reshape((1, (), 1, 1))?),
        None => Ok(y),
    }
}
