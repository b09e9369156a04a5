//! Both convolutions as candle operations: which correlation each pass is.

use std::borrow::Cow;

use candle_core::{CpuStorage, Result, Shape, Tensor};

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply2, apply3};
use crate::pad::{folded_back, reflected};
use crate::simd::{Generic, Simd};
use crate::sums::channel_sums;
use crate::tensors::{Read, tensor, view};

use super::gradient::{WeightGradient, weight_gradient};
use super::plan::{Axis, Correlation};
use super::rows::NARROW;
use super::{ConvOptions, im2col, rows, samples, winograd};

/// A convolution's settings, and the kernels that were current when it ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convolution {
    pub(crate) transposed: bool,
    pub(crate) stride: usize,
    /// Zeros on each side.
    pub(crate) padding: usize,
    /// Mirrored rows and columns on each side.
    pub(crate) reflection: usize,
    pub(crate) output_padding: usize,
    pub(crate) kernels: Kernels,
    pub(crate) options: ConvOptions,
}

/// Sizes of one application; the input's are those after reflection.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    input: [usize; 3],
    output: [usize; 3],
    kernel: [usize; 2],
}

impl Convolution {
    /// Applies it to operands that have been checked.
    pub(crate) fn apply(
        self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        match bias {
            Some(bias) => apply3(self, [x, weight, bias]),
            None => apply2(self, [x, weight]),
        }
    }

    fn sizes(&self, x: &Shape, weight: &Shape) -> Result<Sizes> {
        let (batch, cin, h, w) = x.dims4()?;
        let (h, w) = (h + 2 * self.reflection, w + 2 * self.reflection);
        let (w0, w1, kh, kw) = weight.dims4()?;
        let (s, p) = (self.stride, self.padding);
        let output = match self.transposed {
            false => [w0, (h + 2 * p - kh) / s + 1, (w + 2 * p - kw) / s + 1],
            true => {
                let full = |n: usize, k: usize| (n - 1) * s + k + self.output_padding - 2 * p;
                [w1, full(h, kh), full(w, kw)]
            }
        };
        Ok(Sizes { batch, input: [cin, h, w], output, kernel: [kh, kw] })
    }

    /// The input with its mirror images around it.
    fn reflected<'a, T: Number>(&self, x: &'a [T], shape: &Shape) -> Result<Cow<'a, [T]>> {
        let (_, _, h, w) = shape.dims4()?;
        Ok(match self.reflection {
            0 => x.into(),
            p => reflected(self.kernels, x, [h, w], p).into(),
        })
    }

    /// The pass from input to output, or (`back`) from the gradient of the output to the input's.
    fn correlation(&self, sizes: &Sizes, back: bool) -> Correlation {
        let Sizes { batch, input, output, kernel } = *sizes;
        let (from, to) = if back { (output, input) } else { (input, output) };
        let axis = |i: usize| {
            // Towards the smaller side it is a plain correlation in both operations.
            let make = if self.transposed == back { Axis::forward } else { Axis::transposed };
            make(from[i + 1], to[i + 1], kernel[i], self.stride, self.padding)
        };
        let taps = kernel[0] * kernel[1];
        // The weight's first dimension is the convolution's output, the transposed one's input.
        let first_is_to = self.transposed == back;
        let (weight_input_step, weight_output_step) =
            if first_is_to { (taps, from[0] * taps) } else { (to[0] * taps, taps) };
        Correlation {
            batch,
            inputs: from[0],
            outputs: to[0],
            y: axis(0),
            x: axis(1),
            kernel,
            weight_input_step,
            weight_output_step,
            exact: !back,
        }
    }

    fn weight_gradient<T: Number>(&self, sizes: &Sizes, x: &[T], grad: &[T]) -> Vec<T> {
        let Sizes { batch, input, output, kernel } = *sizes;
        let taps = kernel[0] * kernel[1];
        let padding = [self.padding as isize; 2];
        let g =
            |a, b, padding| WeightGradient { batch, a, b, kernel, stride: self.stride, padding };
        let few = output[0] <= NARROW && input[0] > NARROW;
        let task = if self.transposed {
            let steps = [output[0] * taps, taps];
            GradientTask { g: g(output, input, padding), a: grad, b: x, steps, reversed: false }
        } else if few && self.stride == 1 && (0..2).all(|i| self.padding < kernel[i]) {
            // The sum seen from the input's side, so that the many channels are the vectors.
            let steps = [taps, input[0] * taps];
            let padding = kernel.map(|k| k as isize - 1 - self.padding as isize);
            GradientTask { g: g(output, input, padding), a: grad, b: x, steps, reversed: true }
        } else {
            let steps = [input[0] * taps, taps];
            GradientTask { g: g(input, output, padding), a: x, b: grad, steps, reversed: false }
        };
        T::dispatch_at(self.options.precision, self.kernels, task)
    }

    fn product<T: Number>(
        &self,
        x: Operand<'_>,
        weight: Operand<'_>,
        bias: Option<Operand<'_>>,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(x.1.shape(), weight.1.shape())?;
        let bias = bias.map(|(s, l)| view::<T>(s, l)).transpose()?;
        let c = self.correlation(&sizes, false);
        let x = self.reflected(view::<T>(x.0, x.1)?, x.1.shape())?;
        let weight = view::<T>(weight.0, weight.1)?;
        let out = T::dispatch_at(
            self.options.precision,
            self.kernels,
            CorrelationTask { c: &c, x: &x, weight, bias, activation: self.options.activation },
        );
        let [channels, h, w] = sizes.output;
        Ok((T::to_cpu_storage_owned(out), Shape::from((sizes.batch, channels, h, w))))
    }

    fn gradients<T: Number>(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        [result, grad]: [&Tensor; 2],
    ) -> Result<[Option<Tensor>; 3]> {
        let grad = grad.contiguous()?;
        let sizes = self.sizes(x.shape(), weight.shape())?;
        let (grad, y) = (Read::new(&grad), Read::new(result));
        let before;
        let grad = match self.options.activation {
            Activation::None => grad.slice::<T>()?,
            activation => {
                before = activation.gradient(self.kernels, y.slice()?, grad.slice::<T>()?);
                &before
            }
        };
        let mut results = [const { None }; 3];
        if x.track_op() {
            let c = self.correlation(&sizes, true);
            let weight = Read::new(weight);
            let (weight, activation) = (weight.slice()?, Activation::None);
            let task = CorrelationTask { c: &c, x: grad, weight, bias: None, activation };
            let mut dx = T::dispatch_at(self.options.precision, self.kernels, task);
            if self.reflection > 0 {
                let (_, _, h, w) = x.dims4()?;
                dx = folded_back(self.kernels, &dx, [h, w], self.reflection);
            }
            results[0] = Some(tensor(dx, x.shape())?);
        }
        if weight.track_op() {
            let read = Read::new(x);
            let input = self.reflected(read.slice()?, x.shape())?;
            let data = self.weight_gradient(&sizes, &input, grad);
            results[1] = Some(tensor(data, weight.shape())?);
        }
        if let Some(bias) = bias.filter(|b| b.track_op()) {
            let [channels, h, w] = sizes.output;
            let sums = channel_sums(self.kernels, grad, sizes.batch, channels, h * w);
            results[2] = Some(tensor(sums, bias.shape())?);
        }
        Ok(results)
    }
}

struct CorrelationTask<'a, T> {
    c: &'a Correlation,
    x: &'a [T],
    weight: &'a [T],
    bias: Option<&'a [T]>,
    activation: Activation,
}

impl<T: Number> Generic<T> for CorrelationTask<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let Self { c, x, weight, bias, activation } = self;
        if let Some(axes) = winograd::splits::<S>(c) {
            winograd::correlate::<S>(c, axes, x, weight, bias, activation)
        } else if im2col::better(c) {
            im2col::correlate::<S>(c, x, weight, bias, activation)
        } else if samples::better::<S>(c) {
            samples::correlate::<S>(c, x, weight, bias, activation)
        } else {
            rows::correlate::<S>(c, x, weight, bias, activation)
        }
    }
}

struct GradientTask<'a, T> {
    g: WeightGradient,
    a: &'a [T],
    b: &'a [T],
    steps: [usize; 2],
    reversed: bool,
}

impl<T: Number> Generic<T> for GradientTask<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let Self { g, a, b, steps, reversed } = self;
        match winograd::gradient_splits::<S>(&g).filter(|_| !reversed) {
            Some(axes) => winograd::weight_gradient::<S>(&g, axes, a, b, steps),
            None => weight_gradient::<S>(&g, a, b, steps, reversed),
        }
    }
}

/// With a bias, or without.
impl<const N: usize> Operation<N> for Convolution {
    const NAME: &'static str = "convolution";

    fn forward<T: Number>(&self, operands: [Operand<'_>; N]) -> Result<(CpuStorage, Shape)> {
        self.product::<T>(operands[0], operands[1], operands.get(2).copied())
    }

    fn backward<T: Number>(
        &self,
        operands: [&Tensor; N],
        result: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; N]> {
        let bias = operands.get(2).copied();
        let all = self.gradients::<T>(operands[0], operands[1], bias, [result, grad])?;
        let mut all = all.into_iter();
        Ok(std::array::from_fn(|_| all.next().flatten()))
    }
}
