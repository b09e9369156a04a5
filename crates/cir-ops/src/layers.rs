//! Layers with candle-nn's shapes and parameter names, and the ways to start them.

use candle_core::{Module, Result, Tensor};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig, Init, VarBuilder};
use serde::{Deserialize, Serialize};

use crate::{
    Activation, ConvOptions, PaddingMode, Precision, channel_norm, conv_transpose2d_with,
    conv2d_with, instance_norm, layer_norm, linear_with,
};

/// How weights start; biases start as PyTorch's default, or at 0 where that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// Weights and biases uniform in ±1/√fan_in, PyTorch's default (GZS-Net, I2I-Dis).
    Pytorch,
    /// Normal with variance 2/fan_in (He et al., 2015), for layers followed by a ReLU; biases 0.
    He,
    /// Normal with this standard deviation (ELEGANT: 0.02). Biases of convolutions are uniform in
    /// ±1/√(inputs · kernel²), as early PyTorch had them for transposed ones too; others are 0.
    Normal(f64),
}

impl Initialisation {
    /// For a weight of which each output sums `fan_in` products. PyTorch takes the second dimension
    /// for the fan-in, which for transposed convolutions is that of the outputs: `pytorch`.
    pub fn weight(self, fan_in: f64, pytorch: usize) -> Init {
        match self {
            Self::Pytorch => uniform(pytorch),
            Self::He => Init::Randn { mean: 0., stdev: (2. / fan_in.max(1.)).sqrt() },
            Self::Normal(stdev) => Init::Randn { mean: 0., stdev },
        }
    }

    /// For a layer whose kernel spans `inputs` numbers; `pytorch` as for a weight.
    fn bias(self, inputs: usize, pytorch: usize) -> Init {
        match self {
            Self::He => Init::Const(0.),
            Self::Pytorch => uniform(pytorch),
            Self::Normal(_) => uniform(inputs),
        }
    }

    fn linear_bias(self, inputs: usize) -> Init {
        match self {
            Self::Pytorch => uniform(inputs),
            Self::He | Self::Normal(_) => Init::Const(0.),
        }
    }
}

fn uniform(fan_in: usize) -> Init {
    let bound = 1. / (fan_in.max(1) as f64).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}

/// A convolution or transposed convolution to be made.
#[derive(Debug, Clone, Copy)]
pub struct ConvSpec<Cfg> {
    /// Input channels.
    pub cin: usize,
    /// Output channels.
    pub out: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Whether it has a bias.
    pub bias: bool,
    /// Stride, padding and the like.
    pub cfg: Cfg,
    /// How it starts.
    pub init: Initialisation,
}

/// A convolution with `weight` (out, in, k, k) and, unless without, `bias` (out).
pub type Conv2d = Convolution<Conv2dConfig>;

/// A transposed convolution with `weight` (in, out, k, k) and, unless without, `bias` (out).
pub type ConvTranspose2d = Convolution<ConvTranspose2dConfig>;

/// [`Conv2d`] or [`ConvTranspose2d`], as its settings say.
#[derive(Debug, Clone)]
pub struct Convolution<Cfg> {
    weight: Tensor,
    bias: Option<Tensor>,
    cfg: Cfg,
    options: ConvOptions,
}

/// What the two kinds of convolution do each in its own way.
pub trait ConvolutionConfig: Copy {
    /// Shape of the weight from `cin` to `out` channels with a kernel of side `k`.
    fn shape(&self, cin: usize, out: usize, k: usize) -> [usize; 4];

    /// How many inputs an output of a weight of this shape sums over, on average.
    fn fan_in(&self, shape: [usize; 4]) -> f64;

    /// The operation.
    ///
    /// # Errors
    /// When the shapes do not fit.
    fn apply(
        self,
        options: ConvOptions,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor>;
}

impl ConvolutionConfig for Conv2dConfig {
    fn shape(&self, cin: usize, out: usize, k: usize) -> [usize; 4] {
        [out, cin / self.groups, k, k]
    }

    fn fan_in(&self, [_, cin, h, w]: [usize; 4]) -> f64 {
        (cin * h * w) as f64
    }

    fn apply(
        self,
        options: ConvOptions,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        conv2d_with(options, x, weight, bias, self)
    }
}

impl ConvolutionConfig for ConvTranspose2dConfig {
    fn shape(&self, cin: usize, out: usize, k: usize) -> [usize; 4] {
        [cin, out, k, k]
    }

    fn fan_in(&self, [cin, _, h, w]: [usize; 4]) -> f64 {
        // Of the kernel's taps only one in stride² meets an input.
        (cin * h * w) as f64 / (self.stride * self.stride) as f64
    }

    fn apply(
        self,
        options: ConvOptions,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        conv_transpose2d_with(options, x, weight, bias, self)
    }
}

impl<Cfg: ConvolutionConfig> Convolution<Cfg> {
    /// Makes the layer.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn of(spec: ConvSpec<Cfg>, vb: VarBuilder) -> Result<Self> {
        let ConvSpec { cin, out, kernel, bias, cfg, init } = spec;
        let shape = cfg.shape(cin, out, kernel);
        // PyTorch's fan counts the second dimension, whichever it is.
        let fan = shape[1] * kernel * kernel;
        let weight = vb.get_with_hints(&shape, "weight", init.weight(cfg.fan_in(shape), fan))?;
        let start = init.bias(cin * kernel * kernel, fan);
        let bias = bias.then(|| vb.get_with_hints(out, "bias", start)).transpose()?;
        Ok(Self { weight, bias, cfg, options: ConvOptions::default() })
    }

    /// A layer with bias that starts as PyTorch's.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(cin: usize, out: usize, kernel: usize, cfg: Cfg, vb: VarBuilder) -> Result<Self> {
        let init = Initialisation::Pytorch;
        Self::of(ConvSpec { cin, out, kernel, bias: true, cfg, init }, vb)
    }

    /// The same without bias.
    ///
    /// # Errors
    /// When the builder lacks `weight` or holds another shape.
    pub fn no_bias(
        cin: usize,
        out: usize,
        kernel: usize,
        cfg: Cfg,
        vb: VarBuilder,
    ) -> Result<Self> {
        let init = Initialisation::Pytorch;
        Self::of(ConvSpec { cin, out, kernel, bias: false, cfg, init }, vb)
    }

    /// Sets what products are computed in; [`Precision::Full`] unless set.
    pub fn set_precision(&mut self, precision: Precision) {
        self.options.precision = precision;
    }

    /// The layer with an activation behind it.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { options: ConvOptions { activation, ..self.options }, ..self }
    }
}

impl Conv2d {
    /// The layer on an input that is padded by its mirror image instead of zeros.
    pub fn with_reflection(self) -> Self {
        let padding_mode = PaddingMode::Reflect;
        Self { options: ConvOptions { padding_mode, ..self.options }, ..self }
    }
}

impl<Cfg: ConvolutionConfig> Module for Convolution<Cfg> {
    /// # Shapes
    /// (B, in, H, W) → (B, out, H', W').
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.cfg.apply(self.options, x, &self.weight, self.bias.as_ref())
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
    activation: Activation,
}

impl Linear {
    /// A layer with bias.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn new(cin: usize, out: usize, vb: VarBuilder) -> Result<Self> {
        Self::of(cin, out, Initialisation::Pytorch, vb)
    }

    /// A layer with bias that starts as `init` says.
    ///
    /// # Errors
    /// When the builder lacks a parameter or holds another shape.
    pub fn of(cin: usize, out: usize, init: Initialisation, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get_with_hints((out, cin), "weight", init.weight(cin as f64, cin))?;
        let bias = vb.get_with_hints(out, "bias", init.linear_bias(cin))?;
        Ok(Self { weight, bias, activation: Activation::None })
    }

    /// The layer with an activation behind it.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }
}

impl Module for Linear {
    /// # Shapes
    /// (B, in) → (B, out).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear_with(self.activation, x, &self.weight, Some(&self.bias))
    }
}
