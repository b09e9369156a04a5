//! Layers with candle-nn's shapes, parameter names and PyTorch's default initialisation.

use candle_core::{Module, Result, Tensor};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig, Init, VarBuilder};

use crate::{
    Activation, Precision, channel_norm, conv_transpose2d_at, conv2d_at, instance_norm, layer_norm,
    linear,
};

/// PyTorch's default for weights and biases: uniform in ±1/√fan_in.
fn uniform(fan_in: usize) -> Init {
    let bound = 1. / (fan_in.max(1) as f64).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}

/// A convolution with `weight` (out, in, k, k) and, unless without, `bias` (out).
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    cfg: Conv2dConfig,
    precision: Precision,
}

impl Conv2d {
    /// A layer with bias.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(
        cin: usize,
        out: usize,
        k: usize,
        cfg: Conv2dConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let init = uniform(cin * k * k);
        let bias = Some(vb.get_with_hints(out, "bias", init)?);
        Ok(Self { bias, ..Self::no_bias(cin, out, k, cfg, vb)? })
    }

    /// A layer without bias.
    ///
    /// # Errors
    /// When the builder lacks `weight` or holds another shape.
    pub fn no_bias(
        cin: usize,
        out: usize,
        k: usize,
        cfg: Conv2dConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let weight =
            vb.get_with_hints((out, cin / cfg.groups, k, k), "weight", uniform(cin * k * k))?;
        Ok(Self { weight, bias: None, cfg, precision: Precision::Full })
    }

    /// The layer with products of another precision than [`Precision::Full`].
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }
}

impl Module for Conv2d {
    /// # Shapes
    /// (B, in, H, W) → (B, out, H', W').
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv2d_at(self.precision, x, &self.weight, self.bias.as_ref(), self.cfg)
    }
}

/// A transposed convolution with `weight` (in, out, k, k) and, unless without, `bias` (out).
#[derive(Debug, Clone)]
pub struct ConvTranspose2d {
    weight: Tensor,
    bias: Option<Tensor>,
    cfg: ConvTranspose2dConfig,
    precision: Precision,
}

impl ConvTranspose2d {
    /// A layer with bias.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(
        cin: usize,
        out: usize,
        k: usize,
        cfg: ConvTranspose2dConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        // PyTorch takes the fan-in from the weight's second dimension, here the outputs.
        let bias = Some(vb.get_with_hints(out, "bias", uniform(out * k * k))?);
        Ok(Self { bias, ..Self::no_bias(cin, out, k, cfg, vb)? })
    }

    /// A layer without bias.
    ///
    /// # Errors
    /// When the builder lacks `weight` or holds another shape.
    pub fn no_bias(
        cin: usize,
        out: usize,
        k: usize,
        cfg: ConvTranspose2dConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let weight = vb.get_with_hints((cin, out, k, k), "weight", uniform(out * k * k))?;
        Ok(Self { weight, bias: None, cfg, precision: Precision::Full })
    }

    /// The layer with products of another precision than [`Precision::Full`].
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }
}

impl Module for ConvTranspose2d {
    /// # Shapes
    /// (B, in, H, W) → (B, out, H', W').
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv_transpose2d_at(self.precision, x, &self.weight, self.bias.as_ref(), self.cfg)
    }
}

/// Affine instance normalisation (`weight` and `bias`, one number a channel) and an activation.
#[derive(Debug, Clone)]
pub struct InstanceNorm {
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
}

impl InstanceNorm {
    /// Normalises `channels` channels with eps 1e-5; weight starts at 1, bias at 0.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(channels: usize, activation: Activation, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get_with_hints(channels, "weight", Init::Const(1.))?;
        let bias = vb.get_with_hints(channels, "bias", Init::Const(0.))?;
        Ok(Self { weight, bias, activation })
    }
}

impl Module for InstanceNorm {
    /// # Shapes
    /// (B, C, H, W) → (B, C, H, W).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        instance_norm(x, Some(&self.weight), Some(&self.bias), 1e-5, self.activation)
    }
}

/// Layer normalisation over C, H and W (`weight` and `bias`, (C, 1, 1)) and an activation.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
}

impl LayerNorm {
    /// Normalises samples of `channels` channels with eps 1e-5; weight starts at 1, bias at 0.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(channels: usize, activation: Activation, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get_with_hints((channels, 1, 1), "weight", Init::Const(1.))?;
        let bias = vb.get_with_hints((channels, 1, 1), "bias", Init::Const(0.))?;
        Ok(Self { weight, bias, activation })
    }
}

impl Module for LayerNorm {
    /// # Shapes
    /// (B, C, H, W) → (B, C, H, W).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias, 1e-5, self.activation)
    }
}

/// ELEGANT's normalisation over channels (`alpha` and `beta`, one number each) and an activation.
#[derive(Debug, Clone)]
pub struct ChannelNorm {
    alpha: Tensor,
    beta: Tensor,
    activation: Activation,
}

impl ChannelNorm {
    /// A layer that starts with alpha 1 and beta 0.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(activation: Activation, vb: VarBuilder) -> Result<Self> {
        let alpha = vb.get_with_hints(1, "alpha", Init::Const(1.))?;
        let beta = vb.get_with_hints(1, "beta", Init::Const(0.))?;
        Ok(Self { alpha, beta, activation })
    }
}

impl Module for ChannelNorm {
    /// # Shapes
    /// (B, C, H, W) → (B, C, H, W).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        channel_norm(x, &self.alpha, &self.beta, self.activation)
    }
}

/// x·Wᵀ + b with `weight` (out, in) and `bias` (out).
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// A layer with bias.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(cin: usize, out: usize, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get_with_hints((out, cin), "weight", uniform(cin))?;
        let bias = vb.get_with_hints(out, "bias", uniform(cin))?;
        Ok(Self { weight, bias })
    }
}

impl Module for Linear {
    /// # Shapes
    /// (B, in) → (B, out).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, Some(&self.bias))
    }
}
