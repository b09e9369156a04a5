//! Encoder and decoder (gzs.md, section 1): parameter names are the published state-dict names.

use candle_core::{DType, Device, Error, Module, Result, Tensor};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig, VarBuilder};
use cir_core::{Latent, Params};
use cir_ops::{
    Activation, Conv2d, ConvSpec, ConvTranspose2d, Convolution, ConvolutionConfig, Initialisation,
    InstanceNorm, Linear, Precision,
};

use crate::{ModelConfig, Norm, Output};

/// Width of each stage in multiples of `conv_dim`; a network of depth d has the first d.
const WIDTHS: [usize; 4] = [2, 4, 4, 4];

const SAME3: Conv2dConfig = same(3);
const HALVE: Conv2dConfig = Conv2dConfig { stride: 2, ..SAME3 };
const DOUBLE: ConvTranspose2dConfig =
    ConvTranspose2dConfig { padding: 1, output_padding: 0, stride: 2, dilation: 1 };

/// A convolution that keeps the picture's size.
const fn same(kernel: usize) -> Conv2dConfig {
    Conv2dConfig { padding: kernel / 2, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None }
}

/// E and D of GZS-Net.
#[derive(Debug, Clone)]
pub struct Autoencoder {
    encoder: Vec<Layer>,
    fc_encoder: [Linear; 2],
    fc_decoder: [Linear; 2],
    decoder: Vec<Layer>,
    bottleneck: (usize, usize),
    output: Output,
}

/// A layer with a number of its own in the published `encoder` and `decoder` lists; the activation
/// after a norm has the next number and no parameters.
#[derive(Debug, Clone)]
enum Layer {
    Conv(Conv2d),
    Transposed(ConvTranspose2d),
    Norm(InstanceNorm),
    Residual(ResidualBlock),
}

impl Module for Layer {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Conv(conv) => conv.forward(x),
            Self::Transposed(conv) => conv.forward(x),
            Self::Norm(norm) => norm.forward(x),
            Self::Residual(block) => block.forward(x),
        }
    }
}

impl Layer {
    fn set_precision(&mut self, precision: Precision) {
        match self {
            Self::Conv(conv) => conv.set_precision(precision),
            Self::Transposed(conv) => conv.set_precision(precision),
            Self::Norm(_) => {}
            Self::Residual(block) => block.0.iter_mut().for_each(|l| l.set_precision(precision)),
        }
    }
}

impl From<Conv2d> for Layer {
    fn from(conv: Conv2d) -> Self {
        Self::Conv(conv)
    }
}

impl From<ConvTranspose2d> for Layer {
    fn from(conv: ConvTranspose2d) -> Self {
        Self::Transposed(conv)
    }
}

/// x + main(x), main being conv, norm, activation, conv, norm; nothing after the sum.
#[derive(Debug, Clone)]
struct ResidualBlock(Vec<Layer>);

impl ResidualBlock {
    fn new(channels: usize, kind: Kind, vb: VarBuilder) -> Result<Self> {
        let (main, sizes) = (vb.pp("main"), [channels, channels, 3]);
        let mut layers = kind.stage(sizes, SAME3, kind.activation, &main, 0)?;
        layers.extend(kind.stage(sizes, SAME3, Activation::None, &main, 3)?);
        Ok(Self(layers))
    }
}

impl Module for ResidualBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x + self.0.iter().try_fold(x.clone(), |x, layer| x.apply(layer))?
    }
}

/// What all layers of a network have in common.
#[derive(Debug, Clone, Copy)]
struct Kind {
    norm: Norm,
    activation: Activation,
    init: Initialisation,
}

impl Kind {
    /// A convolution from `cin` to `out` channels.
    fn conv<Cfg: ConvolutionConfig>(
        self,
        [cin, out, kernel]: [usize; 3],
        cfg: Cfg,
        vb: VarBuilder,
    ) -> Result<Convolution<Cfg>> {
        let bias = self.norm == Norm::None;
        Convolution::of(ConvSpec { cin, out, kernel, bias, cfg, init: self.init }, vb)
    }

    /// A convolution, numbered `at`, and the norm after it, numbered `at` + 1, which carries the
    /// activation; without norms the convolution carries it.
    fn stage<Cfg: ConvolutionConfig>(
        self,
        sizes: [usize; 3],
        cfg: Cfg,
        activation: Activation,
        vb: &VarBuilder,
        at: usize,
    ) -> Result<Vec<Layer>>
    where
        Layer: From<Convolution<Cfg>>,
    {
        let conv = self.conv(sizes, cfg, vb.pp(at))?;
        Ok(match self.norm {
            Norm::None => vec![conv.with_activation(activation).into()],
            Norm::Instance => {
                let norm = InstanceNorm::new(sizes[1], activation, vb.pp(at + 1))?;
                vec![conv.into(), Layer::Norm(norm)]
            }
        })
    }
}

impl Autoencoder {
    /// Builds the network; `vb` creates or holds the parameters.
    ///
    /// # Errors
    /// When `vb` lacks a parameter or holds another shape.
    pub fn new(cfg: &ModelConfig, vb: VarBuilder) -> Result<Self> {
        let (c, r, edge) = (cfg.conv_dim, cfg.repeat_num, cfg.edge_kernel);
        let side = cfg.image_size >> cfg.depth;
        let stages = WIDTHS[..cfg.depth].iter().map(|multiple| multiple * c);
        let widths: Vec<_> = std::iter::once(c).chain(stages).collect();
        let deepest = widths[cfg.depth];
        let flat = deepest * side * side;
        let activation = cfg.activation();
        let kind = Kind { norm: cfg.norm, activation, init: cfg.initialisation };

        // Numbered as published: three places for convolution, norm and activation, one for a block.
        let vb_e = vb.pp("encoder");
        let first = [cfg.image_channels, c, edge];
        let mut encoder = kind.stage(first, same(edge), activation, &vb_e, 0)?;
        for (i, width) in widths.windows(2).enumerate() {
            let sizes = [width[0], width[1], 4];
            encoder.extend(kind.stage(sizes, HALVE, activation, &vb_e, 3 * (i + 1))?);
        }
        for i in 0..r {
            let at = 3 * widths.len() + i;
            encoder.push(Layer::Residual(ResidualBlock::new(deepest, kind, vb_e.pp(at))?));
        }

        let vb_d = vb.pp("decoder");
        let mut decoder = Vec::new();
        for i in 0..r {
            decoder.push(Layer::Residual(ResidualBlock::new(deepest, kind, vb_d.pp(i))?));
        }
        for (i, width) in widths.windows(2).rev().enumerate() {
            let sizes = [width[1], width[0], 4];
            decoder.extend(kind.stage(sizes, DOUBLE, activation, &vb_d, r + 3 * i)?);
        }
        let last = vb_d.pp(r + 3 * cfg.depth);
        decoder.push(kind.conv([c, cfg.image_channels, edge], same(edge), last)?.into());

        let (fc_e, fc_d) = (vb.pp("fc_encoder"), vb.pp("fc_decoder"));
        let linear = |cin, out, vb| Linear::of(cin, out, kind.init, vb);
        let hidden =
            |cin, vb| Ok::<_, Error>(linear(cin, cfg.hidden, vb)?.with_activation(activation));
        Ok(Self {
            encoder,
            fc_encoder: [hidden(flat, fc_e.pp(0))?, linear(cfg.hidden, cfg.z_dim, fc_e.pp(2))?],
            fc_decoder: [hidden(cfg.z_dim, fc_d.pp(0))?, linear(cfg.hidden, flat, fc_d.pp(2))?],
            decoder,
            bottleneck: (deepest, side),
            output: cfg.output,
        })
    }

    /// A network of the parameters as they are now. It learns nothing, and keeps no graph for a
    /// backward pass.
    ///
    /// # Errors
    /// When `params` lacks a parameter or holds another shape.
    pub fn fixed(cfg: &ModelConfig, params: &Params, device: &Device) -> Result<Self> {
        let tensors = params.tensors().into_iter().collect();
        Self::new(cfg, VarBuilder::from_tensors(tensors, DType::F32, device))
    }

    /// The network with products of another precision in its convolutions.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        for layer in self.encoder.iter_mut().chain(&mut self.decoder) {
            layer.set_precision(precision);
        }
        self
    }

    /// E(x).
    ///
    /// # Shapes
    /// (B, image_channels, S, S) → one code (B, z_dim).
    ///
    /// # Errors
    /// When `images` has another shape.
    pub fn encode(&self, images: &Tensor) -> Result<Latent> {
        let features = self.encoder.iter().try_fold(images.clone(), |x, layer| x.apply(layer))?;
        let [hidden, latent] = &self.fc_encoder;
        Ok(features.flatten_from(1)?.apply(hidden)?.apply(latent)?.into())
    }

    /// D(z): images in [-1, 1], or the logits of images in [0, 1].
    ///
    /// # Shapes
    /// One code (B, z_dim) → (B, image_channels, S, S).
    ///
    /// # Errors
    /// When `latent` has another shape.
    pub fn decode(&self, latent: &Latent) -> Result<Tensor> {
        let [hidden, flat] = &self.fc_decoder;
        let (channels, side) = self.bottleneck;
        let features = latent.code(0)?.apply(hidden)?.apply(flat)?;
        let features = features.reshape(((), channels, side, side))?;
        let images = self.decoder.iter().try_fold(features, |x, layer| x.apply(layer))?;
        match self.output {
            Output::Tanh => cir_ops::tanh(&images),
            Output::Logits => Ok(images),
        }
    }
}
