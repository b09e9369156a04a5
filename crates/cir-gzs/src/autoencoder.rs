//! Encoder and decoder (gzs.md, section 1): parameter names are the published state-dict names.

use candle_core::{Module, Result, Tensor};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig, VarBuilder};
use cir_core::Latent;
use cir_ops::{Activation, Conv2d, ConvTranspose2d, InstanceNorm, Linear};

use crate::{ModelConfig, Output};

const SAME7: Conv2dConfig =
    Conv2dConfig { padding: 3, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };
const SAME3: Conv2dConfig = Conv2dConfig { padding: 1, ..SAME7 };
const HALVE: Conv2dConfig = Conv2dConfig { padding: 1, stride: 2, ..SAME7 };
const DOUBLE: ConvTranspose2dConfig =
    ConvTranspose2dConfig { padding: 1, output_padding: 0, stride: 2, dilation: 1 };

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

/// One index (or with its norm and ReLU three) of the published `encoder` and `decoder` lists.
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

/// x + norm(conv(relu(norm(conv(x))))), nothing after the sum.
#[derive(Debug, Clone)]
struct ResidualBlock {
    conv1: Conv2d,
    norm1: InstanceNorm,
    conv2: Conv2d,
    norm2: InstanceNorm,
}

impl ResidualBlock {
    fn new(channels: usize, vb: VarBuilder) -> Result<Self> {
        let main = vb.pp("main");
        Ok(Self {
            conv1: Conv2d::no_bias(channels, channels, 3, SAME3, main.pp(0))?,
            norm1: InstanceNorm::new(channels, Activation::Relu, main.pp(1))?,
            conv2: Conv2d::no_bias(channels, channels, 3, SAME3, main.pp(3))?,
            norm2: InstanceNorm::new(channels, Activation::None, main.pp(4))?,
        })
    }
}

impl Module for ResidualBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let main = x.apply(&self.conv1)?.apply(&self.norm1)?;
        let main = main.apply(&self.conv2)?.apply(&self.norm2)?;
        x + main
    }
}

impl Autoencoder {
    /// Builds the network; `vb` creates or holds the parameters.
    ///
    /// # Errors
    /// When `vb` lacks a parameter or holds another shape.
    pub fn new(cfg: &ModelConfig, vb: VarBuilder) -> Result<Self> {
        let c = cfg.conv_dim;
        let (r, s) = (cfg.repeat_num, cfg.image_size / 16);
        let flat = 4 * c * s * s;

        let vb_e = vb.pp("encoder");
        let mut encoder = Vec::new();
        let first = Conv2d::no_bias(cfg.image_channels, c, 7, SAME7, vb_e.pp(0))?;
        encoder.push(Layer::Conv(first));
        encoder.push(Layer::Norm(InstanceNorm::new(c, Activation::Relu, vb_e.pp(1))?));
        let widths = [c, 2 * c, 4 * c, 4 * c, 4 * c];
        for (i, pair) in widths.windows(2).enumerate() {
            let at = 3 * (i + 1);
            let conv = Conv2d::no_bias(pair[0], pair[1], 4, HALVE, vb_e.pp(at))?;
            let norm = InstanceNorm::new(pair[1], Activation::Relu, vb_e.pp(at + 1))?;
            encoder.extend([Layer::Conv(conv), Layer::Norm(norm)]);
        }
        for i in 0..r {
            encoder.push(Layer::Residual(ResidualBlock::new(4 * c, vb_e.pp(15 + i))?));
        }

        let vb_d = vb.pp("decoder");
        let mut decoder = Vec::new();
        for i in 0..r {
            decoder.push(Layer::Residual(ResidualBlock::new(4 * c, vb_d.pp(i))?));
        }
        let widths = [4 * c, 4 * c, 4 * c, 2 * c, c];
        for (i, pair) in widths.windows(2).enumerate() {
            let at = r + 3 * i;
            let conv = ConvTranspose2d::no_bias(pair[0], pair[1], 4, DOUBLE, vb_d.pp(at))?;
            let norm = InstanceNorm::new(pair[1], Activation::Relu, vb_d.pp(at + 1))?;
            decoder.extend([Layer::Transposed(conv), Layer::Norm(norm)]);
        }
        let last = Conv2d::no_bias(c, cfg.image_channels, 7, SAME7, vb_d.pp(r + 12))?;
        decoder.push(Layer::Conv(last));

        let (fc_e, fc_d) = (vb.pp("fc_encoder"), vb.pp("fc_decoder"));
        Ok(Self {
            encoder,
            fc_encoder: [
                Linear::new(flat, cfg.hidden, fc_e.pp(0))?,
                Linear::new(cfg.hidden, cfg.z_dim, fc_e.pp(2))?,
            ],
            fc_decoder: [
                Linear::new(cfg.z_dim, cfg.hidden, fc_d.pp(0))?,
                Linear::new(cfg.hidden, flat, fc_d.pp(2))?,
            ],
            decoder,
            bottleneck: (4 * c, s),
            output: cfg.output,
        })
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
        Ok(features.flatten_from(1)?.apply(hidden)?.relu()?.apply(latent)?.into())
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
        let features = latent.code(0)?.apply(hidden)?.relu()?.apply(flat)?;
        let features = features.reshape(((), channels, side, side))?;
        let images = self.decoder.iter().try_fold(features, |x, layer| x.apply(layer))?;
        match self.output {
            Output::Tanh => images.tanh(),
            Output::Logits => Ok(images),
        }
    }
}
