//! Elementwise activations: on their own, in parallel, and as functions to fuse behind others.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply1};
use crate::parallel::{Shared, filled, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::tensors::{Read, own, tensor, view};

/// The activation fused behind a convolution, a linear layer or a normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// max(x, 0).
    Relu,
    /// x where positive, slope·x elsewhere.
    LeakyRelu(f64),
}

impl Activation {
    /// Applies the activation elementwise; any shape.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        let kernels = Kernels::current()?;
        match self {
            Self::None => Ok(x.clone()),
            _ if own(kernels, [x]) => {
                apply1(Elementwise { map: Map::Activation(self), kernels }, x)
            }
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => candle_nn::ops::leaky_relu(x, slope),
        }
    }

    /// The gradient of the argument from the value `y` and its gradient, which have the same signs:
    /// slopes below 0 are not for this.
    pub(crate) fn gradient<T: Number>(self, kernels: Kernels, y: &[T], grad: &[T]) -> Vec<T> {
        T::dispatch(kernels, Run { map: Map::Activation(self), x: y, grad: Some((y, grad)) })
    }

    /// Fails where [`Self::gradient`] would be wrong.
    pub(crate) fn check_slope(self, op: &str) -> Result<()> {
        match self {
            Self::LeakyRelu(slope) if slope.is_nan() || slope < 0. => {
                bail!("{op}: a fused leaky ReLU needs a slope of at least 0, not {slope}")
            }
            _ => Ok(()),
        }
    }

    /// The activation as value·(1 or the slope), whose calls within a [`Task`] are vectorised.
    #[inline(always)]
    pub(crate) fn function<T: Number>(self) -> Piecewise<T> {
        let slope = match self {
            Self::None => 1.,
            Self::Relu => 0.,
            Self::LeakyRelu(slope) => slope,
        };
        Piecewise { slope: T::narrow(slope), relu: self == Self::Relu }
    }
}

/// max(x, 0); any shape, f32 and f64 in parallel on the CPU.
///
/// # Errors
/// Whatever candle reports.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    Activation::Relu.apply(x)
}

/// tanh x; any shape, f32 and f64 in parallel on the CPU.
///
/// # Errors
/// Whatever candle reports.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    let kernels = Kernels::current()?;
    if own(kernels, [x]) {
        return apply1(Elementwise { map: Map::Tanh, kernels }, x);
    }
    x.tanh()
}

/// x between `low` and `high`, else the nearer of them; any shape, f32 and f64 in parallel on the
/// CPU. As in PyTorch the gradient passes between the bounds, both included, and is 0 beyond.
///
/// # Errors
/// Whatever candle reports.
pub fn clamp(x: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    let kernels = Kernels::current()?;
    if own(kernels, [x]) {
        return apply1(Elementwise { map: Map::Clamp(low, high), kernels }, x);
    }
    // candle's own clamp halves the gradient at the bounds.
    let constant = x.detach();
    let inside = (constant.ge(low)? * constant.le(high)?)?.to_dtype(x.dtype())?;
    let carrier = (x * inside)?;
    constant.clamp(low, high)? + (&carrier - carrier.detach())?
}

/// x where positive, slope·x elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Piecewise<T> {
    slope: T,
    relu: bool,
}

impl<T: Number> Piecewise<T> {
    #[inline(always)]
    pub(crate) fn value(self, x: T) -> T {
        // Not 0·x, which would turn infinities into NaN.
        let below = if self.relu { T::ZERO } else { x * self.slope };
        if x <= T::ZERO { below } else { x }
    }

    #[inline(always)]
    pub(crate) fn slope(self, x: T) -> T {
        if x > T::ZERO { T::ONE } else { self.slope }
    }
}

#[derive(Clone, Copy)]
enum Map {
    Activation(Activation),
    Tanh,
    Clamp(f64, f64),
}

struct Elementwise {
    map: Map,
    kernels: Kernels,
}

/// Elements a task takes.
const CHUNK: usize = 1 << 14;

/// The map of x, or its gradient from x, the value y and its gradient, in chunks.
struct Run<'a, T> {
    map: Map,
    x: &'a [T],
    grad: Option<(&'a [T], &'a [T])>,
}

impl<T: Number> Generic<T> for Run<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let len = self.x.len();
        let fill = |out: Shared<T>| {
            parallel(len.div_ceil(CHUNK), len * 8, |i| {
                let range = i * CHUNK..len.min((i + 1) * CHUNK);
                // SAFETY: this chunk is this task's alone.
                let to = unsafe { out.part(range.start, range.len()) };
                let grad = self.grad.map(|(y, g)| (&y[range.clone()], &g[range.clone()]));
                let task = Chunk { map: self.map, x: &self.x[range.clone()], grad, to };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: the chunks cover all elements.
        unsafe { filled(len, fill) }
    }
}

struct Chunk<'a, T> {
    map: Map,
    x: &'a [T],
    grad: Option<(&'a [T], &'a [T])>,
    to: &'a mut [MaybeUninit<T>],
}

impl<T: Number> Task for Chunk<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { map, x, grad, to } = self;
        match (map, grad) {
            (Map::Activation(activation), None) => {
                let f = activation.function::<T>();
                to.iter_mut().zip(x).for_each(|(to, x)| _ = to.write(f.value(*x)));
            }
            (Map::Activation(activation), Some((_, grad))) => {
                let f = activation.function::<T>();
                let from = x.iter().zip(grad);
                to.iter_mut().zip(from).for_each(|(to, (x, g))| _ = to.write(*g * f.slope(*x)));
            }
            (Map::Tanh, None) => {
                to.iter_mut().zip(x).for_each(|(to, x)| _ = to.write(Number::tanh(*x)));
            }
            (Map::Clamp(low, high), None) => {
                let (low, high) = (T::narrow(low), T::narrow(high));
                let clamp = |x: T| {
                    let x = if x < low { low } else { x };
                    if x > high { high } else { x }
                };
                to.iter_mut().zip(x).for_each(|(to, x)| _ = to.write(clamp(*x)));
            }
            (Map::Clamp(low, high), Some((_, grad))) => {
                let (low, high) = (T::narrow(low), T::narrow(high));
                let inside = |x: T| x >= low && x <= high;
                let from = x.iter().zip(grad);
                to.iter_mut()
                    .zip(from)
                    .for_each(|(to, (x, g))| _ = to.write(if inside(*x) { *g } else { T::ZERO }));
            }
            (Map::Tanh, Some((y, grad))) => {
                let from = y.iter().zip(grad);
                to.iter_mut()
                    .zip(from)
                    .for_each(|(to, (y, g))| _ = to.write(*g * (T::ONE - *y * *y)));
            }
        }
    }
}

impl Operation<1> for Elementwise {
    const NAME: &'static str = "elementwise";

    fn forward<T: Number>(&self, [(x, layout)]: [Operand<'_>; 1]) -> Result<(CpuStorage, Shape)> {
        let task = Run { map: self.map, x: view::<T>(x, layout)?, grad: None };
        let y = T::dispatch(self.kernels, task);
        Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
    }

    fn backward<T: Number>(
        &self,
        [x]: [&Tensor; 1],
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let grad = grad.contiguous()?;
        let read = [x, y, &grad].map(Read::new);
        let grad = Some((read[1].slice()?, read[2].slice()?));
        let task = Run { map: self.map, x: read[0].slice::<T>()?, grad };
        Ok([Some(tensor(T::dispatch(self.kernels, task), x.shape())?)])
    }
}
