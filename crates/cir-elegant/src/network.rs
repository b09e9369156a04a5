//! Encoder, decoder and discriminators (elegant.md, section 1): parameter names are the published
//! state-dict names behind `Enc`, `Dec`, `D1` and `D2`.

use candle_core::{DType, Device, Module, Result, Tensor, bail};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig, VarBuilder};
use cir_core::{Latent, Params};
use cir_ops::{
    Activation, ChannelNorm, ConvSpec, Convolution, ConvolutionConfig, Initialisation, Linear,
    Precision,
};

use crate::ModelConfig;

const HALVE: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 2, dilation: 1, groups: 1, cudnn_fwd_algo: None };
const DOUBLE: ConvTranspose2dConfig =
    ConvTranspose2dConfig { padding: 1, output_padding: 1, stride: 2, dilation: 1 };
const LEAKY: Activation = Activation::LeakyRelu(0.2);

/// A 3x3 convolution with bias, and the norm after it, which carries the activation.
#[derive(Debug, Clone)]
struct Stage<Cfg> {
    conv: Convolution<Cfg>,
    /// Whether what it gives is smoothed before the norm.
    smooth: bool,
    norm: Option<ChannelNorm>,
}

impl<Cfg: ConvolutionConfig> Stage<Cfg> {
    /// A convolution numbered `at` and the norm after it; without norm if `activation` is `None`.
    fn new(
        [cin, out]: [usize; 2],
        cfg: Cfg,
        init: Initialisation,
        activation: Option<Activation>,
        vb: &VarBuilder,
        at: usize,
    ) -> Result<Self> {
        let spec = ConvSpec { cin, out, kernel: 3, bias: true, cfg, init };
        let norm = |activation| ChannelNorm::new(activation, vb.pp(at + 1));
        Ok(Self {
            conv: Convolution::of(spec, vb.pp(at))?,
            smooth: false,
            norm: activation.map(norm).transpose()?,
        })
    }
}

impl<Cfg: ConvolutionConfig> Module for Stage<Cfg> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.apply(&self.conv)?;
        let x = if self.smooth { cir_ops::smooth2d(&x)? } else { x };
        self.norm.as_ref().map_or(Ok(x.clone()), |norm| x.apply(norm))
    }
}

/// What the encoder makes of images.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// z: one code (B, width, S / 2^stages, …).
    pub code: Latent,
    /// The outputs of all stages but the last, from the outermost inwards.
    pub skips: Vec<Tensor>,
}

impl Encoding {
    /// The same for other rows, made by `rows` of each tensor.
    ///
    /// # Errors
    /// What `rows` returns.
    pub fn map(&self, rows: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let skips = self.skips.iter().map(&rows).collect::<Result<_>>()?;
        Ok(Self { code: self.code.map(&rows)?, skips })
    }
}

/// Encoder and decoder: what makes images.
#[derive(Debug, Clone)]
pub struct Generator {
    encoder: Vec<Stage<Conv2dConfig>>,
    decoder: Vec<Stage<ConvTranspose2dConfig>>,
}

impl Generator {
    /// Builds the networks; `vb` creates or holds the parameters.
    ///
    /// # Errors
    /// When `vb` lacks a parameter or holds another shape.
    pub fn new(cfg: &ModelConfig, vb: VarBuilder) -> Result<Self> {
        let (stages, init) = (cfg.channels.len(), cfg.initialisation);
        let widths = [&[cfg.image_channels], &cfg.channels[..]].concat();
        let (enc, dec) = (vb.pp("Enc.main"), vb.pp("Dec.main"));
        let encoder = (0..stages).map(|j| {
            Stage::new([widths[j], widths[j + 1]], HALVE, init, Some(LEAKY), &enc.pp(j), 0)
        });
        let decoder = (0..stages).map(|j| {
            // The first stage sees two codes: the one to show, and the image's own.
            let cin = widths[stages - j] * if j == 0 { 2 } else { 1 };
            let activation = (j + 1 < stages).then_some(Activation::Relu);
            let own = [cin, widths[stages - j - 1]];
            let stage = Stage::new(own, DOUBLE, init, activation, &dec.pp(j), 0)?;
            Ok(Stage { smooth: j + cfg.smooth_stages >= stages, ..stage })
        });
        Ok(Self {
            encoder: encoder.collect::<Result<_>>()?,
            decoder: decoder.collect::<Result<_>>()?,
        })
    }

    /// Networks of the parameters as they are now, which learn nothing and keep no graph.
    ///
    /// # Errors
    /// When `params` lacks a parameter or holds another shape.
    pub fn fixed(cfg: &ModelConfig, params: &Params, device: &Device) -> Result<Self> {
        Self::new(cfg, fixed(params, DType::F32, device))
    }

    /// The networks with products of another precision in their convolutions.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.encoder.iter_mut().for_each(|stage| stage.conv.set_precision(precision));
        self.decoder.iter_mut().for_each(|stage| stage.conv.set_precision(precision));
        self
    }

    /// Enc(x).
    ///
    /// # Shapes
    /// (B, image_channels, S, S) → one code (B, width, S / 2^stages, S / 2^stages) and the skips.
    ///
    /// # Errors
    /// When `images` has another shape.
    pub fn encode(&self, images: &Tensor) -> Result<Encoding> {
        let mut outputs = Vec::with_capacity(self.encoder.len());
        let code = self.encoder.iter().try_fold(images.clone(), |x, stage| {
            let y = x.apply(stage)?;
            outputs.push(y.clone());
            Ok::<_, candle_core::Error>(y)
        })?;
        outputs.pop();
        Ok(Encoding { code: code.into(), skips: outputs })
    }

    /// Dec(e, o, skips): the residual of showing `code` on the images of `own`.
    ///
    /// # Shapes
    /// One code and an encoding of batch B → (B, image_channels, S, S), in [-2, 2].
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn residual(&self, code: &Latent, own: &Encoding) -> Result<Tensor> {
        let both = Tensor::cat(&[code.code(0)?, own.code.code(0)?], 1)?;
        let mut skips = own.skips.iter().rev();
        let last = self.decoder.iter().try_fold(both, |x, stage| {
            let x = x.apply(stage)?;
            match skips.next() {
                Some(skip) => x + skip,
                None => Ok(x),
            }
        })?;
        cir_ops::tanh(&last)? * 2.
    }

    /// `images`, encoded as `own`, showing `code`: clamp(x + R, -1, 1).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn show(&self, images: &Tensor, own: &Encoding, code: &Latent) -> Result<Tensor> {
        added(images, &self.residual(code, own)?)
    }
}

/// clamp(x + R, -1, 1).
pub(crate) fn added(images: &Tensor, residual: &Tensor) -> Result<Tensor> {
    cir_ops::clamp(&images.broadcast_add(residual)?, -1., 1.)
}

/// D1 or D2.
#[derive(Debug, Clone)]
struct Discriminator {
    side: usize,
    stages: Vec<Stage<Conv2dConfig>>,
    linear: Linear,
}

impl Discriminator {
    fn new(cfg: &ModelConfig, side: usize, vb: VarBuilder) -> Result<Self> {
        let (init, vb_c) = (cfg.initialisation, vb.pp("conv"));
        let first = cfg.image_channels + cfg.attributes.len();
        let widths = [&[first], &cfg.discriminator[..]].concat();
        let stages = widths.windows(2).enumerate().map(|(j, width)| {
            // Numbered as published: convolution, norm and LeakyReLU have a place each.
            Stage::new([width[0], width[1]], HALVE, init, Some(LEAKY), &vb_c, 3 * j)
        });
        let stages = stages.collect::<Result<Vec<_>>>()?;
        let last = side >> stages.len();
        let flat = widths[stages.len()] * last * last;
        Ok(Self { side, stages, linear: Linear::of(flat, 1, init, vb.pp("linear.0"))? })
    }

    /// The probability that an image is real and shows what its label says.
    fn forward(&self, images: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let mut images = images.clone();
        while images.dim(3)? > self.side {
            images = images.avg_pool2d(2)?;
        }
        let (b, _, h, w) = images.dims4()?;
        if (h, w) != (self.side, self.side) {
            bail!("a discriminator of side {} for images of {h}x{w}", self.side);
        }
        let m = labels.dim(1)?;
        let planes = labels.reshape((b, m, 1, 1))?.broadcast_as((b, m, h, w))?;
        let x = Tensor::cat(&[&images, &planes.contiguous()?], 1)?;
        let x = self.stages.iter().try_fold(x, |x, stage| x.apply(stage))?;
        candle_nn::ops::sigmoid(&x.flatten_from(1)?.apply(&self.linear)?)
    }
}

/// D1, which sees whole images, and D2, which sees them at half the side.
#[derive(Debug, Clone)]
pub struct Discriminators([Discriminator; 2]);

impl Discriminators {
    /// Builds the networks; `vb` creates or holds the parameters.
    ///
    /// # Errors
    /// When `vb` lacks a parameter or holds another shape.
    pub fn new(cfg: &ModelConfig, vb: VarBuilder) -> Result<Self> {
        let whole = Discriminator::new(cfg, cfg.image_size, vb.pp("D1"))?;
        Ok(Self([whole, Discriminator::new(cfg, cfg.image_size / 2, vb.pp("D2"))?]))
    }

    /// Networks of the parameters as they are now, through which gradients run to the images alone.
    ///
    /// # Errors
    /// When `params` lacks a parameter or holds another shape.
    pub fn fixed(
        cfg: &ModelConfig,
        params: &Params,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        Self::new(cfg, fixed(params, dtype, device))
    }

    /// The networks with products of another precision in their convolutions.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        let stages = self.0.iter_mut().flat_map(|d| &mut d.stages);
        stages.for_each(|stage| stage.conv.set_precision(precision));
        self
    }

    /// The probabilities of both.
    ///
    /// # Shapes
    /// (B, image_channels, S, S) and labels (B, m) of 0 and 1 → (B, 1) twice.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, images: &Tensor, labels: &Tensor) -> Result<[Tensor; 2]> {
        let [d1, d2] = &self.0;
        Ok([d1.forward(images, labels)?, d2.forward(images, labels)?])
    }
}

fn fixed(params: &Params, dtype: DType, device: &Device) -> VarBuilder<'static> {
    VarBuilder::from_tensors(params.tensors().into_iter().collect(), dtype, device)
}
