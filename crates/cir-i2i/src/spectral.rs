//! The discriminators' layer: a convolution on a reflection-padded input, whose weight may be divided
//! by its largest singular value (Miyato et al., 2018; i2i-dis.md, section 2).

use candle_core::{Result, Tensor, Var};
use candle_nn::Init;
use cir_ops::{Activation, Conv2dConfig, ConvOptions, PaddingMode, conv2d_with};

use crate::blocks::Scope;

/// A layer of a discriminator.
#[derive(Debug, Clone)]
pub(crate) struct Judging {
    weight: Weight,
    bias: Tensor,
    cfg: Conv2dConfig,
    options: ConvOptions,
}

#[derive(Debug, Clone)]
enum Weight {
    Plain(Tensor),
    Spectral {
        /// What is trained.
        original: Tensor,
        /// The weight as last used.
        used: Var,
        /// The estimate of the left singular vector.
        u: Var,
    },
}

impl Judging {
    /// A layer whose parameters and, with spectral norm, buffers stand at `[parameters, buffers]`.
    pub(crate) fn new(
        [cin, out]: [usize; 2],
        [kernel, stride, padding]: [usize; 3],
        activation: Activation,
        spectral: bool,
        [scope, buffers]: &[Scope; 2],
    ) -> Result<Self> {
        let shape = (out, cin, kernel, kernel);
        let fan_in = cin * kernel * kernel;
        let bound = 1. / (fan_in as f64).sqrt();
        let uniform = Init::Uniform { lo: -bound, up: bound };
        let drawn = scope.init.weight(fan_in as f64, fan_in);
        let weight = if spectral {
            // As published: the initialiser reaches only the buffer of the last layer.
            let start = if kernel == 1 { uniform } else { drawn };
            let vector = Init::Randn { mean: 0., stdev: 1. };
            let used = buffers.vb.get_with_hints(shape, "weight", Init::Const(0.))?;
            Weight::Spectral {
                original: scope.vb.get_with_hints(shape, "weight_orig", start)?,
                used: Var::from_tensor(&used)?,
                u: Var::from_tensor(&buffers.vb.get_with_hints(out, "weight_u", vector)?)?,
            }
        } else {
            Weight::Plain(scope.vb.get_with_hints(shape, "weight", drawn)?)
        };
        let bias = scope.vb.get_with_hints(out, "bias", uniform)?;
        let padding_mode = PaddingMode::Reflect;
        let options = ConvOptions { activation, precision: scope.precision, padding_mode };
        let cfg = Conv2dConfig { stride, padding, ..Default::default() };
        Ok(Self { weight, bias, cfg, options })
    }

    pub(crate) fn fixed(&self) -> Self {
        let weight = match &self.weight {
            Weight::Plain(weight) => Weight::Plain(weight.detach()),
            Weight::Spectral { original, used, u } => {
                let (used, u) = (used.clone(), u.clone());
                Weight::Spectral { original: original.detach(), used, u }
            }
        };
        Self { weight, bias: self.bias.detach(), ..self.clone() }
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let weight = match &self.weight {
            Weight::Plain(weight) => weight.clone(),
            Weight::Spectral { original, used, u } => divided(original, used, u)?,
        };
        conv2d_with(self.options, x, &weight, Some(&self.bias), self.cfg)
    }
}

/// weight_orig / σ after one step of the power iteration; both buffers keep what is new.
fn divided(original: &Tensor, used: &Var, u: &Var) -> Result<Tensor> {
    let matrix = original.flatten_from(1)?;
    let constant = matrix.detach();
    let v = unit(&constant.t()?.matmul(&u.as_detached_tensor().unsqueeze(1)?)?)?;
    let next = unit(&constant.matmul(&v)?)?;
    u.set(&next.squeeze(1)?)?;
    let sigma = next.t()?.matmul(&matrix.matmul(&v)?)?;
    let weight = original.broadcast_div(&sigma.reshape((1, 1, 1, 1))?)?;
    used.set(&weight.detach())?;
    Ok(weight)
}

/// x / max(‖x‖, 1e-12).
fn unit(x: &Tensor) -> Result<Tensor> {
    let norm = x.sqr()?.sum_all()?.sqrt()?.maximum(1e-12)?;
    x.broadcast_div(&norm)
}
