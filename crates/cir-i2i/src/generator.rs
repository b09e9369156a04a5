//! `gen`: a generator for each domain (i2i-dis.md, section 2).

use candle_core::{Result, Tensor};
use cir_core::Cut;
use cir_ops::{Activation, ConvTranspose2d, ConvTranspose2dConfig, Linear};

use crate::{
    Domain, Form, ModelConfig,
    blocks::{Double, Modulated, Residual, Scope, with_code},
    domain::both,
};

/// Makes pictures of content and attribute codes.
#[derive(Debug, Clone)]
pub struct Generator(Own);

#[derive(Debug, Clone)]
enum Own {
    /// The attribute code is appended to the channels; the domains share the first block.
    Concat { shared: Residual, own: Box<[Concat; 2]> },
    /// The attribute code modulates the blocks.
    FeatureWise(Box<[FeatureWise; 2]>),
}

#[derive(Debug, Clone)]
struct Concat {
    residuals: Vec<Residual>,
    doubles: [Double; 2],
    last: ConvTranspose2d,
}

#[derive(Debug, Clone)]
struct FeatureWise {
    mlp: [Linear; 3],
    blocks: [Modulated; 4],
    doubles: [Double; 2],
    last: ConvTranspose2d,
}

/// A content code after what the generators of both domains share.
#[derive(Debug, Clone)]
pub struct Prepared(Tensor);

impl Prepared {
    /// The graph cut behind it, and the same as what comes after the cut uses it.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub(crate) fn cut(&self) -> Result<(Cut, Self)> {
        let cut = Cut::new(&self.0)?;
        let leaf = Self(cut.leaf().clone());
        Ok((cut, leaf))
    }

    /// The only sample `n` times.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub(crate) fn repeat(&self, n: usize) -> Result<Self> {
        Self::cat(&vec![self; n])
    }

    /// Several batches as one, in order.
    ///
    /// # Errors
    /// When their shapes differ.
    pub(crate) fn cat(batches: &[&Self]) -> Result<Self> {
        let batches: Vec<_> = batches.iter().map(|batch| &batch.0).collect();
        Ok(Self(Tensor::cat(&batches, 0)?))
    }
}

/// A 1x1 transposed convolution of stride 1.
const POINT: ConvTranspose2dConfig =
    ConvTranspose2dConfig { padding: 0, output_padding: 0, stride: 1, dilation: 1 };

impl Generator {
    pub(crate) fn new(cfg: &ModelConfig, scope: &Scope) -> Result<Self> {
        let (channels, w, nz) = (cfg.image_channels, cfg.width, cfg.attribute_width);
        Ok(Self(match cfg.form {
            Form::Concat => Own::Concat {
                shared: Residual::new(4 * w, &scope.pp("dec_share.0"))?,
                own: Box::new(both(|domain| {
                    let at = |n: usize, i: usize| scope.pp(format!("dec{}{n}.{i}", domain.upper()));
                    let residual = |i| Residual::new(4 * w + nz, &at(1, i));
                    Ok(Concat {
                        residuals: (0..cfg.blocks).map(residual).collect::<Result<_>>()?,
                        doubles: [
                            Double::new([4 * w + 2 * nz, 2 * w + nz], cfg.smooth, &at(2, 0))?,
                            Double::new([2 * w + 2 * nz, w + nz], cfg.smooth, &at(3, 0))?,
                        ],
                        last: at(4, 0).transposed([w + 2 * nz, channels], 1, POINT)?,
                    })
                })?),
            },
            Form::FeatureWise => Own::FeatureWise(Box::new(both(|domain| {
                let letter = domain.upper();
                let linear =
                    |i: usize, cin, out| scope.pp(format!("mlp{letter}.{i}")).linear(cin, out);
                let block = |n| Modulated::new(4 * w, 4 * w, &scope.pp(format!("dec{letter}{n}")));
                let last = scope.pp(format!("dec{letter}5"));
                Ok(FeatureWise {
                    mlp: [
                        linear(0, nz, 4 * w)?.with_activation(Activation::Relu),
                        linear(2, 4 * w, 4 * w)?.with_activation(Activation::Relu),
                        linear(4, 4 * w, 16 * w)?,
                    ],
                    blocks: [block(1)?, block(2)?, block(3)?, block(4)?],
                    doubles: [
                        Double::new([4 * w, 2 * w], cfg.smooth, &last.pp(0))?,
                        Double::new([2 * w, w], cfg.smooth, &last.pp(1))?,
                    ],
                    last: last.pp(2).transposed([w, channels], 1, POINT)?,
                })
            })?)),
        }))
    }

    /// What both domains' generators do alike with content codes, so that it is done once.
    ///
    /// # Shapes
    /// (B, 4·width, h, w) → the same.
    ///
    /// # Errors
    /// When `content` has another number of channels.
    pub fn prepare(&self, content: &Tensor) -> Result<Prepared> {
        Ok(Prepared(match &self.0 {
            Own::Concat { shared, .. } => content.apply(shared)?,
            Own::FeatureWise(_) => content.clone(),
        }))
    }

    /// Pictures of `domain`.
    ///
    /// # Shapes
    /// A prepared code (B, 4·width, h, w) and attribute codes (B, nz) → (B, image_channels, 4h, 4w),
    /// in [-1, 1].
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn decode(&self, domain: Domain, content: &Prepared, attribute: &Tensor) -> Result<Tensor> {
        let x = match &self.0 {
            Own::Concat { own, .. } => {
                let Concat { residuals, doubles, last } = &own[domain.index()];
                let x = with_code(&content.0, attribute)?;
                let x = residuals.iter().try_fold(x, |x, block| x.apply(block))?;
                let x = with_code(&x, attribute)?.apply(&doubles[0])?;
                let x = with_code(&x, attribute)?.apply(&doubles[1])?;
                with_code(&x, attribute)?.apply(last)?
            }
            Own::FeatureWise(own) => {
                let FeatureWise { mlp, blocks, doubles, last } = &own[domain.index()];
                let codes = attribute.apply(&mlp[0])?.apply(&mlp[1])?.apply(&mlp[2])?;
                let codes = codes.chunk(blocks.len(), 1)?;
                let modulate =
                    |x: Tensor, (block, code): (&Modulated, &Tensor)| block.forward(&x, code);
                let x = blocks.iter().zip(&codes).try_fold(content.0.clone(), modulate)?;
                x.apply(&doubles[0])?.apply(&doubles[1])?.apply(last)?
            }
        };
        cir_ops::tanh(&x)
    }
}
