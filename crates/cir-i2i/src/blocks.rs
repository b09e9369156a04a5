//! The blocks that the networks are built of (i2i-dis.md, section 1): parameter names are the
//! published ones behind the block's own.

use candle_core::{Module, Result, Tensor};
use candle_nn::VarBuilder;
use cir_ops::{
    Activation, Conv2d, Conv2dConfig, ConvSpec, ConvTranspose2d, ConvTranspose2dConfig,
    Initialisation, LayerNorm, Linear, Precision, instance_norm, residual_instance_norm,
};

const EPS: f64 = 1e-5;
/// The networks' usual slope of LeakyReLU.
pub(crate) const LEAKY: Activation = Activation::LeakyRelu(0.01);
/// The slope within the attribute encoder's blocks and in front of its average.
pub(crate) const STEEP: Activation = Activation::LeakyRelu(0.2);

/// Where a layer's parameters are, how those of convolutions start, and what these multiply in.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) vb: VarBuilder<'static>,
    pub(crate) init: Initialisation,
    pub(crate) precision: Precision,
}

impl Scope {
    pub(crate) fn pp(&self, name: impl ToString) -> Self {
        Self { vb: self.vb.pp(name), ..*self }
    }

    /// A convolution on an input padded by reflection: RP(p) · conv.
    pub(crate) fn conv(
        &self,
        [cin, out]: [usize; 2],
        [kernel, stride, padding]: [usize; 3],
        activation: Activation,
    ) -> Result<Conv2d> {
        let cfg = Conv2dConfig { stride, padding, ..Default::default() };
        let spec = ConvSpec { cin, out, kernel, bias: true, cfg, init: self.init };
        let conv = Conv2d::of(spec, self.vb.clone())?.with_activation(activation);
        let mut conv = conv.with_reflection();
        conv.set_precision(self.precision);
        Ok(conv)
    }

    /// A transposed convolution.
    pub(crate) fn transposed(
        &self,
        [cin, out]: [usize; 2],
        kernel: usize,
        cfg: ConvTranspose2dConfig,
    ) -> Result<ConvTranspose2d> {
        let spec = ConvSpec { cin, out, kernel, bias: true, cfg, init: self.init };
        let mut conv = ConvTranspose2d::of(spec, self.vb.clone())?;
        conv.set_precision(self.precision);
        Ok(conv)
    }

    pub(crate) fn linear(&self, cin: usize, out: usize) -> Result<Linear> {
        Linear::new(cin, out, self.vb.clone())
    }
}

/// IConv(i, o): halves the side.
#[derive(Debug, Clone)]
pub(crate) struct Halve(Conv2d);

impl Halve {
    pub(crate) fn new(widths: [usize; 2], scope: &Scope) -> Result<Self> {
        Ok(Self(scope.pp("model.1").conv(widths, [3, 2, 1], Activation::None)?))
    }
}

impl Module for Halve {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        instance_norm(&x.apply(&self.0)?, None, None, EPS, Activation::Relu)
    }
}

/// Res(c).
#[derive(Debug, Clone)]
pub(crate) struct Residual([Conv2d; 2]);

impl Residual {
    pub(crate) fn new(c: usize, scope: &Scope) -> Result<Self> {
        let conv = |at| scope.pp(at).conv([c, c], [3, 1, 1], Activation::None);
        Ok(Self([conv("model.1")?, conv("model.5")?]))
    }
}

impl Module for Residual {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = instance_norm(&x.apply(&self.0[0])?, None, None, EPS, Activation::Relu)?;
        residual_instance_norm(&y.apply(&self.0[1])?, x, EPS)
    }
}

/// Up(i, o): doubles the side.
#[derive(Debug, Clone)]
pub(crate) struct Double {
    conv: ConvTranspose2d,
    /// Whether what it gives is smoothed before the norm.
    smooth: bool,
    norm: LayerNorm,
}

impl Double {
    pub(crate) fn new(widths: [usize; 2], smooth: bool, scope: &Scope) -> Result<Self> {
        let cfg = ConvTranspose2dConfig { padding: 1, output_padding: 1, stride: 2, dilation: 1 };
        let norm = LayerNorm::new(widths[1], Activation::Relu, scope.vb.pp("model.1"))?;
        Ok(Self { conv: scope.pp("model.0").transposed(widths, 3, cfg)?, smooth, norm })
    }
}

impl Module for Double {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.apply(&self.conv)?;
        let x = if self.smooth { cir_ops::smooth2d(&x)? } else { x };
        x.apply(&self.norm)
    }
}

/// Basic(i, o): halves the side, odd last rows and columns dropped.
#[derive(Debug, Clone)]
pub(crate) struct Pooled {
    convs: [Conv2d; 2],
    shortcut: Conv2d,
}

impl Pooled {
    pub(crate) fn new([cin, out]: [usize; 2], scope: &Scope) -> Result<Self> {
        Ok(Self {
            convs: [
                scope.pp("conv.2").conv([cin, cin], [3, 1, 1], STEEP)?,
                scope.pp("conv.4.1").conv([cin, out], [3, 1, 1], Activation::None)?,
            ],
            shortcut: scope.pp("shortcut.1").conv([cin, out], [1, 1, 0], Activation::None)?,
        })
    }
}

impl Module for Pooled {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = STEEP.apply(x)?.apply(&self.convs[0])?.apply(&self.convs[1])?;
        halved(&y)? + halved(x)?.apply(&self.shortcut)?
    }
}

/// 2x2 average pooling; an odd last row or column is dropped.
fn halved(x: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    x.narrow(2, 0, h / 2 * 2)?.narrow(3, 0, w / 2 * 2)?.contiguous()?.avg_pool2d(2)
}

/// Film(c): a residual block that a code modulates.
#[derive(Debug, Clone)]
pub(crate) struct Modulated([(Conv2d, [Conv2d; 2]); 2]);

impl Modulated {
    pub(crate) fn new(c: usize, code: usize, scope: &Scope) -> Result<Self> {
        let half = |n: usize| -> Result<_> {
            let own = scope.pp(format!("conv{n}.0.1")).conv([c, c], [3, 1, 1], Activation::None)?;
            let point = |at: usize, widths| {
                scope.pp(format!("blk{n}.{at}")).conv(widths, [1, 1, 0], Activation::Relu)
            };
            Ok((own, [point(0, [c + code, c + code])?, point(2, [c + code, c])?]))
        };
        Ok(Self([half(1)?, half(2)?]))
    }

    /// # Shapes
    /// `x` (B, c, H, W), `code` (B, n) → (B, c, H, W).
    pub(crate) fn forward(&self, x: &Tensor, code: &Tensor) -> Result<Tensor> {
        let half = |x: &Tensor, (own, blk): &(Conv2d, [Conv2d; 2])| {
            let x = instance_norm(&x.apply(own)?, None, None, EPS, Activation::None)?;
            with_code(&x, code)?.apply(&blk[0])?.apply(&blk[1])
        };
        x + half(&half(x, &self.0[0])?, &self.0[1])?
    }
}

/// The channels of `x`, then each number of `code` broadcast to one.
///
/// # Shapes
/// `x` (B, c, H, W), `code` (B, n) → (B, c + n, H, W).
pub(crate) fn with_code(x: &Tensor, code: &Tensor) -> Result<Tensor> {
    let (b, _, h, w) = x.dims4()?;
    let n = code.dim(1)?;
    let planes = code.reshape((b, n, 1, 1))?.broadcast_as((b, n, h, w))?.contiguous()?;
    Tensor::cat(&[x, &planes], 1)
}
