//! The two encoders (i2i-dis.md, section 2): what a picture shows, and in which manner.

use candle_core::{Result, Tensor};
use cir_ops::{Activation, Conv2d, Linear};

use crate::{
    Domain, Form, ModelConfig,
    blocks::{Halve, LEAKY, Pooled, Residual, STEEP, Scope},
    domain::both,
};

/// `enc_c`: an encoder for each domain, which end in a shared layer.
#[derive(Debug, Clone)]
pub struct ContentEncoder {
    own: [OwnContent; 2],
    shared: Residual,
}

#[derive(Debug, Clone)]
struct OwnContent {
    first: Conv2d,
    halves: [Halve; 2],
    residuals: Vec<Residual>,
}

impl ContentEncoder {
    pub(crate) fn new(cfg: &ModelConfig, scope: &Scope) -> Result<Self> {
        let w = cfg.width;
        let own = both(|domain| {
            let scope = scope.pp(format!("conv{}", domain.upper()));
            let residual = |i| Residual::new(4 * w, &scope.pp(3 + i));
            Ok(OwnContent {
                first: scope.pp("0.model.1").conv([cfg.image_channels, w], [7, 1, 3], LEAKY)?,
                halves: [
                    Halve::new([w, 2 * w], &scope.pp(1))?,
                    Halve::new([2 * w, 4 * w], &scope.pp(2))?,
                ],
                residuals: (0..cfg.blocks).map(residual).collect::<Result<_>>()?,
            })
        })?;
        Ok(Self { own, shared: Residual::new(4 * w, &scope.pp("conv_share.0"))? })
    }

    /// The content codes of pictures, without the noise that training adds.
    ///
    /// # Shapes
    /// (B, image_channels, H, W) → (B, 4·width, ⌈⌈H/2⌉/2⌉, ⌈⌈W/2⌉/2⌉).
    ///
    /// # Errors
    /// When `images` has another shape.
    pub fn encode(&self, domain: Domain, images: &Tensor) -> Result<Tensor> {
        let OwnContent { first, halves, residuals } = &self.own[domain.index()];
        let x = images.apply(first)?.apply(&halves[0])?.apply(&halves[1])?;
        residuals.iter().try_fold(x, |x, block| x.apply(block))?.apply(&self.shared)
    }
}

/// What an attribute encoder says of pictures.
#[derive(Debug, Clone)]
pub struct Manner {
    /// (B, nz): the code, or in the `concat` form the mean of its distribution.
    pub mean: Tensor,
    /// (B, nz): the logarithm of its variance, in the `concat` form.
    pub log_variance: Option<Tensor>,
}

impl Manner {
    /// mean + noise · exp(log_variance / 2); the mean where there is no variance or no noise.
    ///
    /// # Shapes
    /// `noise` (B, nz) → (B, nz).
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn sample(&self, noise: Option<&Tensor>) -> Result<Tensor> {
        match (&self.log_variance, noise) {
            (Some(log_variance), Some(noise)) => {
                &self.mean + (noise * (log_variance * 0.5)?.exp()?)?
            }
            _ => Ok(self.mean.clone()),
        }
    }
}

/// `enc_a`: an encoder for each domain.
#[derive(Debug, Clone)]
pub struct AttributeEncoder(Own);

#[derive(Debug, Clone)]
enum Own {
    /// Mean and log-variance.
    Concat(Box<[Distribution; 2]>),
    /// The code itself: the last convolution's average.
    FeatureWise([Vec<Conv2d>; 2]),
}

#[derive(Debug, Clone)]
struct Distribution {
    first: Conv2d,
    pooled: [Pooled; 3],
    mean: Linear,
    log_variance: Linear,
}

impl AttributeEncoder {
    pub(crate) fn new(cfg: &ModelConfig, scope: &Scope) -> Result<Self> {
        let (input, w, nz) = (cfg.image_channels, cfg.width, cfg.attribute_width);
        Ok(Self(match cfg.form {
            Form::Concat => Own::Concat(Box::new(both(|domain| {
                let letter = domain.upper();
                let conv = scope.pp(format!("conv_{letter}"));
                let pooled = |at, widths| Pooled::new(widths, &conv.pp(at));
                Ok(Distribution {
                    first: conv.pp(1).conv([input, w], [4, 2, 1], Activation::None)?,
                    pooled: [
                        pooled(2, [w, 2 * w])?,
                        pooled(3, [2 * w, 3 * w])?,
                        pooled(4, [3 * w, 4 * w])?,
                    ],
                    mean: scope.pp(format!("fc_{letter}.0")).linear(4 * w, nz)?,
                    log_variance: scope.pp(format!("fcVar_{letter}.0")).linear(4 * w, nz)?,
                })
            })?)),
            Form::FeatureWise => Own::FeatureWise(both(|domain| {
                let scope = scope.pp(format!("model_{}", domain.lower()));
                let widths = [input, w, 2 * w, 4 * w, 4 * w, 4 * w];
                let conv = |i: usize| {
                    let shape = if i == 0 { [7, 1, 3] } else { [4, 2, 1] };
                    scope.pp(3 * i + 1).conv([widths[i], widths[i + 1]], shape, Activation::Relu)
                };
                let last = scope.pp(16).conv([4 * w, nz], [1, 1, 0], Activation::None);
                (0..5).map(conv).chain([last]).collect::<Result<_>>()
            })?),
        }))
    }

    /// The attribute codes of pictures.
    ///
    /// # Shapes
    /// (B, image_channels, H, W) → (B, nz).
    ///
    /// # Errors
    /// When `images` has another shape, or is too small to be halved as often.
    pub fn encode(&self, domain: Domain, images: &Tensor) -> Result<Manner> {
        match &self.0 {
            Own::Concat(own) => {
                let Distribution { first, pooled, mean, log_variance } = &own[domain.index()];
                let x = pooled.iter().try_fold(images.apply(first)?, |x, block| x.apply(block))?;
                let x = STEEP.apply(&x)?.mean((2, 3))?;
                let log_variance = Some(x.apply(log_variance)?);
                Ok(Manner { mean: x.apply(mean)?, log_variance })
            }
            Own::FeatureWise(own) => {
                let [layers @ .., last] = &own[domain.index()][..] else {
                    candle_core::bail!("an attribute encoder without layers")
                };
                let x = layers.iter().try_fold(images.clone(), |x, layer| x.apply(layer))?;
                let x = x.mean_keepdim((2, 3))?.apply(last)?.flatten_from(1)?;
                Ok(Manner { mean: x, log_variance: None })
            }
        }
    }
}
