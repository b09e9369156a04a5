//! What Inception is made of: convolutions with folded normalisation, pools, and branches of them.

use candle_core::{D, Module, Result, Tensor};
use candle_nn::{Conv2dConfig, Init, VarBuilder};
use cir_ops::{Activation, ConvOptions, conv2d_with};

/// A layer to be made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A convolution padded to the size of its input: name, outputs, kernel.
    Same(&'static str, usize, [usize; 2]),
    /// One that is not padded: name, outputs, side of the kernel, stride.
    Inside(&'static str, usize, usize, usize),
    /// Convolutions of 1x3 and 3x1 side by side: names, outputs of each.
    Fork([&'static str; 2], usize),
    /// The mean over 3x3, without what lies outside.
    Average,
    /// The maximum over 3x3 with this stride, of the same size if it is 1.
    Largest(usize),
}

/// Branches of one input, joined by channels.
#[derive(Debug, Clone)]
pub(super) struct Mixed {
    branches: Vec<Sequence>,
    /// How many come out.
    pub(super) channels: usize,
}

impl Mixed {
    pub(super) fn new(cin: usize, branches: &[Vec<Step>], vb: &VarBuilder) -> Result<Self> {
        let made = branches.iter().map(|steps| Sequence::new(cin, steps, vb));
        let made = made.collect::<Result<Vec<_>>>()?;
        let channels = made.iter().map(|(_, channels)| channels).sum();
        Ok(Self { branches: made.into_iter().map(|(branch, _)| branch).collect(), channels })
    }
}

impl Module for Mixed {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let parts = self.branches.iter().map(|branch| branch.forward(x));
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)
    }
}

/// Layers one behind the other.
#[derive(Debug, Clone)]
pub(super) struct Sequence(Vec<Layer>);

#[derive(Debug, Clone)]
enum Layer {
    Conv(Conv),
    Fork([Conv; 2]),
    Average,
    Largest(usize),
}

impl Sequence {
    /// The layers, and how many channels come out.
    pub(super) fn new(mut cin: usize, steps: &[Step], vb: &VarBuilder) -> Result<(Self, usize)> {
        let mut layers = Vec::with_capacity(steps.len());
        for step in steps {
            let same = |name, out, kernel: [usize; 2]| {
                let padding = kernel.map(|side| side / 2);
                Conv::new([cin, out], kernel, 1, padding, &vb.pp(name))
            };
            let (layer, out) = match *step {
                Step::Same(name, out, kernel) => (Layer::Conv(same(name, out, kernel)?), out),
                Step::Inside(name, out, side, stride) => {
                    let conv = Conv::new([cin, out], [side; 2], stride, [0; 2], &vb.pp(name))?;
                    (Layer::Conv(conv), out)
                }
                Step::Fork([wide, high], out) => {
                    let fork = [same(wide, out, [1, 3])?, same(high, out, [3, 1])?];
                    (Layer::Fork(fork), 2 * out)
                }
                Step::Average => (Layer::Average, cin),
                Step::Largest(stride) => (Layer::Largest(stride), cin),
            };
            layers.push(layer);
            cin = out;
        }
        Ok((Self(layers), cin))
    }
}

impl Module for Sequence {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.0.iter().try_fold(x.clone(), |x, layer| match layer {
            Layer::Conv(conv) => conv.forward(&x),
            Layer::Fork([a, b]) => Tensor::cat(&[a.forward(&x)?, b.forward(&x)?], 1),
            Layer::Average => average(&x),
            // Behind a ReLU nothing is below 0, so that zeros outside are never the maximum alone.
            Layer::Largest(1) => padded(&x, [1, 1])?.max_pool2d_with_stride(3, 1),
            Layer::Largest(stride) => x.max_pool2d_with_stride(3, *stride),
        })
    }
}

/// The mean over 3x3 around each pixel, over those of the nine that lie inside.
fn average(x: &Tensor) -> Result<Tensor> {
    let mean = |x: &Tensor| padded(x, [1, 1])?.avg_pool2d_with_stride(3, 1);
    let (_, _, h, w) = x.dims4()?;
    let inside = mean(&Tensor::ones((1, 1, h, w), x.dtype(), x.device())?)?;
    mean(x)?.broadcast_div(&inside)
}

fn padded(x: &Tensor, [rows, columns]: [usize; 2]) -> Result<Tensor> {
    x.pad_with_zeros(D::Minus2, rows, rows)?.pad_with_zeros(D::Minus1, columns, columns)
}

/// A convolution (`conv.weight`), batch normalisation by stored statistics (`bn.*`, eps 0.001) and ReLU; the
/// normalisation is made part of the weights.
#[derive(Debug, Clone)]
struct Conv {
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    padding: [usize; 2],
}

impl Conv {
    fn new(
        [cin, out]: [usize; 2],
        [kh, kw]: [usize; 2],
        stride: usize,
        padding: [usize; 2],
        vb: &VarBuilder,
    ) -> Result<Self> {
        let weight = vb.get((out, cin, kh, kw), "conv.weight")?;
        let of = |name| vb.pp("bn").get_with_hints(out, name, Init::Const(0.));
        let (variance, mean) = (of("running_var")?, of("running_mean")?);
        let scale = (of("weight")? / (variance + 0.001)?.sqrt()?)?;
        let bias = (of("bias")? - mean.mul(&scale)?)?;
        let weight = weight.broadcast_mul(&scale.reshape((out, 1, 1, 1))?)?;
        Ok(Self { weight: weight.detach(), bias: bias.detach(), stride, padding })
    }
}

impl Module for Conv {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let options = ConvOptions { activation: Activation::Relu, ..ConvOptions::default() };
        let of = |x: &Tensor, padding| {
            let cfg = Conv2dConfig { stride: self.stride, padding, ..Conv2dConfig::default() };
            conv2d_with(options, x, &self.weight, Some(&self.bias), cfg)
        };
        match self.padding {
            [rows, columns] if rows == columns => of(x, rows),
            padding => of(&padded(x, padding)?.contiguous()?, 0),
        }
    }
}
