//! Convolution and transposed convolution of `(B, C, H, W)` tensors, forward and backward.

mod collect;
mod gradient;
mod im2col;
mod images;
mod lines;
mod op;
mod plan;
mod positions;
mod rows;
mod samples;
mod weights;
mod winograd;

use candle_core::{Result, Tensor, bail};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig};

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::pad::{check_reflection, reflection_pad2d};
use crate::precision::Precision;
use crate::tensors::own;
use op::Convolution;

/// What stands around the input of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaddingMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The input's mirror image, the edge not repeated; of [`conv2d_with`] alone.
    Reflect,
}

/// What a convolution may do besides what candle-nn's configurations say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ConvOptions {
    /// Applied to the result while it is written; a slope below 0 is refused.
    pub activation: Activation,
    /// What products are computed in, in the backward pass too.
    pub precision: Precision,
    /// What the input is padded with.
    pub padding_mode: PaddingMode,
}

/// 2-d cross-correlation, as `torch.nn.functional.conv2d`.
///
/// f32 and f64 on the CPU run this crate's kernels if `groups` and `dilation` are 1; all else runs
/// candle's. Gradients flow to all three tensors; gradients of gradients do not exist.
///
/// # Shapes
/// `x` (B, in, H, W), `weight` (out, in, kh, kw), `bias` (out) → (B, out, H', W') with
/// H' = (H + 2·padding − kh) / stride + 1.
///
/// # Errors
/// When the channel counts of `x`, `weight` and `bias` differ or the kernel exceeds the padded
/// input.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: Conv2dConfig,
) -> Result<Tensor> {
    conv2d_with(ConvOptions::default(), x, weight, bias, cfg)
}

/// [`conv2d`] with an activation or reflection padding fused, or products of a given precision.
///
/// # Shapes
/// As [`conv2d`].
///
/// # Errors
/// As [`conv2d`], when the activation's slope is below 0, and when padding by reflection is not
/// smaller than H and W.
pub fn conv2d_with(
    options: ConvOptions,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: Conv2dConfig,
) -> Result<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    let (out, wc, kh, kw) = weight.dims4()?;
    if c != wc * cfg.groups {
        bail!("conv2d: input {:?} and weight {:?} disagree in channels", x.shape(), weight.shape());
    }
    options.activation.check_slope("conv2d")?;
    check_bias("conv2d", out, weight, bias)?;
    let reach = |k: usize| k.saturating_sub(1) * cfg.dilation + 1;
    if h + 2 * cfg.padding < reach(kh) || w + 2 * cfg.padding < reach(kw) || cfg.stride == 0 {
        bail!(
            "conv2d: weight {:?} with stride {} exceeds input {:?} padded by {}",
            weight.shape(),
            cfg.stride,
            x.shape(),
            cfg.padding
        );
    }
    let (padding, reflection) = match options.padding_mode {
        PaddingMode::Zeros => (cfg.padding, 0),
        PaddingMode::Reflect => (0, cfg.padding),
    };
    check_reflection("conv2d", x, reflection)?;
    let kernels = Kernels::current()?;
    if takes(kernels, x, weight, bias) && cfg.groups == 1 && cfg.dilation == 1 {
        return Convolution {
            transposed: false,
            stride: cfg.stride,
            padding,
            reflection,
            output_padding: 0,
            kernels,
            options,
        }
        .apply(x, weight, bias);
    }
    let x = reflection_pad2d(x, reflection)?;
    let y = x.conv2d(weight, padding, cfg.stride, cfg.dilation, cfg.groups)?;
    options.activation.apply(&add_bias(y, bias)?)
}

/// Transposed 2-d convolution, as `torch.nn.functional.conv_transpose2d`.
///
/// Runs this crate's kernels under the same conditions as [`conv2d`].
///
/// # Shapes
/// `x` (B, in, H, W), `weight` (in, out, kh, kw), `bias` (out) → (B, out, H', W') with
/// H' = (H − 1)·stride − 2·padding + kh + output_padding.
///
/// # Errors
/// When the channel counts of `x`, `weight` and `bias` differ or nothing is left of the output.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: ConvTranspose2dConfig,
) -> Result<Tensor> {
    conv_transpose2d_with(ConvOptions::default(), x, weight, bias, cfg)
}

/// [`conv_transpose2d`] with an activation fused, or products of a given precision.
///
/// # Shapes
/// As [`conv_transpose2d`].
///
/// # Errors
/// As [`conv_transpose2d`], when the activation's slope is below 0, and for padding by reflection.
pub fn conv_transpose2d_with(
    options: ConvOptions,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: ConvTranspose2dConfig,
) -> Result<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    let (wc, out, kh, kw) = weight.dims4()?;
    if c != wc {
        bail!(
            "conv_transpose2d: input {:?} and weight {:?} disagree in channels",
            x.shape(),
            weight.shape()
        );
    }
    options.activation.check_slope("conv_transpose2d")?;
    if options.padding_mode != PaddingMode::Zeros {
        bail!("conv_transpose2d: padding {:?} is not for it", options.padding_mode);
    }
    check_bias("conv_transpose2d", out, weight, bias)?;
    let full = |n: usize, k: usize| {
        n.saturating_sub(1) * cfg.stride
            + k.saturating_sub(1) * cfg.dilation
            + 1
            + cfg.output_padding
    };
    let least = full(h, kh).min(full(w, kw));
    if least <= 2 * cfg.padding || cfg.stride == 0 || h * w * kh * kw == 0 {
        bail!(
            "conv_transpose2d: padding {} and stride {} leave nothing of input {:?} and weight {:?}",
            cfg.padding,
            cfg.stride,
            x.shape(),
            weight.shape()
        );
    }
    let kernels = Kernels::current()?;
    if takes(kernels, x, weight, bias) && cfg.dilation == 1 {
        return Convolution {
            transposed: true,
            stride: cfg.stride,
            padding: cfg.padding,
            reflection: 0,
            output_padding: cfg.output_padding,
            kernels,
            options,
        }
        .apply(x, weight, bias);
    }
    let y =
        x.conv_transpose2d(weight, cfg.padding, cfg.output_padding, cfg.stride, cfg.dilation)?;
    options.activation.apply(&add_bias(y, bias)?)
}

/// Whether this crate's kernels can take these operands; only the batch may be empty.
fn takes(kernels: Kernels, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> bool {
    own(kernels, [x, weight].into_iter().chain(bias))
        && !x.dims()[1..].contains(&0)
        && weight.elem_count() > 0
}

fn check_bias(op: &str, out: usize, weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [out] => {
            bail!("{op}: bias {:?} and weight {:?} disagree", bias.shape(), weight.shape())
        }
        _ => Ok(()),
    }
}

fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(b) => y.broadcast_add(&b.reshape((1, (), 1, 1))?),
        None => Ok(y),
    }
}
