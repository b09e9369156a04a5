//! The operations that training these networks spends its time in, behind one interface.
//!
//! Models call the functions and layers of this crate and never candle's convolutions directly, so
//! that a network is written once and runs on every backend.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use cir_ops::{Activation, Conv2dConfig};
//! # fn main() -> candle_core::Result<()> {
//! let x = Tensor::zeros((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
//! let w = Tensor::zeros((4, 3, 4, 4), DType::F32, &Device::Cpu)?;
//! let half = Conv2dConfig { stride: 2, padding: 1, ..Default::default() };
//! let y = cir_ops::conv2d(&x, &w, None, half)?;
//! assert_eq!(y.dims(), [2, 4, 4, 4]);
//! let y = cir_ops::instance_norm(&y, None, None, 1e-5, Activation::Relu)?;
//! assert_eq!(y.dims(), [2, 4, 4, 4]);
//! # Ok(()) }
//! ```

mod activation;
mod adam;
mod allocator;
mod backward;
mod channel_norm;
mod conv;
mod gradients;
mod kernels;
mod layer_norm;
mod layers;
mod linear;
mod loss;
mod machine;
mod matmul;
mod norm;
mod numbers;
mod operation;
mod pad;
mod parallel;
mod precision;
mod scratch;
mod simd;
mod smooth;
mod sums;
mod tensors;
mod tile;

pub use activation::{Activation, clamp, relu, tanh};
pub use adam::{AdamHyper, adam_step, adam_update};
pub use allocator::KeepLarge;
pub use backward::{backward, backward_from};
pub use candle_nn::{Conv2dConfig, ConvTranspose2dConfig};
pub use channel_norm::channel_norm;
pub use conv::{
    ConvOptions, PaddingMode, conv_transpose2d, conv_transpose2d_with, conv2d, conv2d_with,
};
pub use kernels::{Kernels, with_kernels};
pub use layer_norm::layer_norm;
pub use layers::{
    ChannelNorm, Conv2d, ConvSpec, ConvTranspose2d, Convolution, ConvolutionConfig, Initialisation,
    InstanceNorm, LayerNorm, Linear,
};
pub use linear::{linear, linear_with};
pub use loss::{bce_groups, l1_groups, mse_groups};
pub use machine::multiply_adds;
pub use norm::{instance_norm, residual_instance_norm};
pub use pad::reflection_pad2d;
pub use parallel::{on_pool, side_by_side};
pub use precision::Precision;
pub use smooth::smooth2d;

/// The README's example, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
