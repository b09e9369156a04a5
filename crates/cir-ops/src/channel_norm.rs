//! ELEGANT's normalisation over channels with the activation that follows it:
//! gain·x / max(‖x‖, 1e-12) + bias, ‖x‖ being the L2 norm over the channels at each position.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply3};
use crate::parallel::{Shared, filled, parallel};
use crate::scratch::Scratch;
use crate::simd::{Generic, Simd, Task};
use crate::sums::sum;
use crate::tensors::{Read, own, tensor, view};

/// The least norm that is divided by.
const LEAST: f64 = 1e-12;
/// Positions that a task takes: their sums over channels stay in the first-level cache.
const CHUNK: usize = 512;

/// Normalises each position's channels to length 1, then `gain`·x + `bias`, then `activation`.
///
/// f32 and f64 on the CPU run fused; gradients flow to all three tensors. Where the norm is below
/// 1e-12 it counts as a constant, as in PyTorch's `normalize`.
///
/// # Shapes
/// `x` (B, C, H, W), `gain` and `bias` (1) → (B, C, H, W).
///
/// # Errors
/// When `gain` or `bias` has another shape, or the activation's slope is below 0.
pub fn channel_norm(
    x: &Tensor,
    gain: &Tensor,
    bias: &Tensor,
    activation: Activation,
) -> Result<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    for scalar in [gain, bias] {
        if scalar.dims() != [1] {
            bail!("channel_norm: input {:?} and scalar {:?}", x.shape(), scalar.shape());
        }
    }
    activation.check_slope("channel_norm")?;
    let kernels = Kernels::current()?;
    if own(kernels, [x, gain, bias]) && c * h * w > 0 {
        return apply3(ChannelNorm { activation, kernels }, [x, gain, bias]);
    }
    // maximum's gradient would be halved where both sides are equal; sqrt's is infinite at 0.
    let squares = x.sqr()?.sum_keepdim(1)?;
    let norm = squares.maximum(LEAST * LEAST)?.sqrt()?;
    let y = x.broadcast_div(&norm)?.broadcast_mul(gain)?.broadcast_add(bias)?;
    activation.apply(&y)
}

struct ChannelNorm {
    activation: Activation,
    kernels: Kernels,
}

impl Operation<3> for ChannelNorm {
    const NAME: &'static str = "channel_norm";

    fn forward<T: Number>(&self, [x, gain, bias]: [Operand<'_>; 3]) -> Result<(CpuStorage, Shape)> {
        let shape = x.1.shape().clone();
        let (_, channels, h, w) = shape.dims4()?;
        let operands = Operands {
            activation: self.activation,
            x: view::<T>(x.0, x.1)?,
            affine: [view::<T>(gain.0, gain.1)?[0], view::<T>(bias.0, bias.1)?[0]],
            channels,
            positions: h * w,
        };
        let y = T::dispatch(self.kernels, Forward(operands));
        Ok((T::to_cpu_storage_owned(y), shape))
    }

    fn backward<T: Number>(
        &self,
        [x, gain, bias]: [&Tensor; 3],
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let (_, channels, h, w) = x.dims4()?;
        let grad = grad.contiguous()?;
        let read = [x, gain, bias, y, &grad].map(Read::new);
        let operands = Operands {
            activation: self.activation,
            x: read[0].slice::<T>()?,
            affine: [read[1].slice::<T>()?[0], read[2].slice::<T>()?[0]],
            channels,
            positions: h * w,
        };
        let (y, grad) = (read[3].slice()?, read[4].slice()?);
        let (dx, sums) = T::dispatch(self.kernels, Backward { operands, y, grad });
        let [by_gain, by_bias] =
            [0, 1].map(|i| T::narrow(sums.iter().map(|s: &[f64; 2]| s[i]).sum()));
        Ok([
            x.track_op().then(|| tensor(dx, x.shape())).transpose()?,
            gain.track_op().then(|| tensor(vec![by_gain], 1)).transpose()?,
            bias.track_op().then(|| tensor(vec![by_bias], 1)).transpose()?,
        ])
    }
}

#[derive(Clone, Copy)]
struct Operands<'a, T> {
    activation: Activation,
    x: &'a [T],
    affine: [T; 2],
    channels: usize,
    positions: usize,
}

impl<T: Number> Operands<'_, T> {
    /// Runs `task` for each chunk: where its first channel starts, and its positions.
    fn chunks(&self, task: impl Fn(usize, usize, usize) + Send + Sync) {
        let (sample, chunks) = (self.channels * self.positions, self.positions.div_ceil(CHUNK));
        parallel(self.x.len() / sample * chunks, self.x.len() * 4, |i| {
            let first = i % chunks * CHUNK;
            task(i, i / chunks * sample + first, CHUNK.min(self.positions - first));
        });
    }

    /// 1 / max(‖x‖, 1e-12) of each position of a chunk.
    #[inline(always)]
    fn inverse_norms(&self, start: usize, count: usize, to: &mut [T]) {
        to[..count].fill(T::ZERO);
        for c in 0..self.channels {
            let x = &self.x[start + c * self.positions..][..count];
            to[..count].iter_mut().zip(x).for_each(|(sum, x)| *sum += *x * *x);
        }
        let least = T::narrow(LEAST);
        for sum in &mut to[..count] {
            let norm = sum.sqrt();
            *sum = T::ONE / if norm > least { norm } else { least };
        }
    }
}

struct Forward<'a, T>(Operands<'a, T>);

impl<T: Number> Generic<T> for Forward<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let fill = |out: Shared<T>| {
            self.0.chunks(|_, start, count| {
                let task = ForwardChunk { o: self.0, start, count, out };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: the chunks cover all positions of all samples.
        unsafe { filled(self.0.x.len(), fill) }
    }
}

struct ForwardChunk<'a, T> {
    o: Operands<'a, T>,
    start: usize,
    count: usize,
    out: Shared<T>,
}

impl<T: Number> Task for ForwardChunk<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { o, start, count, out } = self;
        let mut inverse = Scratch::<T>::take(CHUNK);
        o.inverse_norms(start, count, &mut inverse);
        let [gain, bias] = o.affine;
        let f = o.activation.function::<T>();
        for c in 0..o.channels {
            let at = start + c * o.positions;
            let x = o.x[at..at + count].iter().zip(inverse.iter());
            // SAFETY: these positions are this task's alone.
            let y: &mut [MaybeUninit<T>] = unsafe { out.part(at, count) };
            y.iter_mut().zip(x).for_each(|(y, (x, r))| _ = y.write(f.value(*x * *r * gain + bias)));
        }
    }
}

struct Backward<'a, T> {
    operands: Operands<'a, T>,
    /// The result, which says where the activation was: parameters may have changed since.
    y: &'a [T],
    grad: &'a [T],
}

impl<T: Number> Generic<T> for Backward<'_, T> {
    /// The gradient of the input, and each chunk's contribution to gain and bias.
    type Out = (Vec<T>, Vec<[f64; 2]>);

    fn run<S: Simd<T = T>>(self) -> Self::Out {
        let Self { operands: o, y, grad } = self;
        let chunks = o.x.len() / (o.channels * o.positions) * o.positions.div_ceil(CHUNK);
        let mut sums = vec![[0.; 2]; chunks];
        let kept = Shared::new(&mut sums);
        let fill = |out: Shared<T>| {
            o.chunks(|i, start, count| {
                let task = BackwardChunk { o, y, grad, start, count, out };
                // SAFETY: `S` is among the available kernels, the element is this task's alone.
                unsafe { kept.written(i, 1)[0] = S::vectorize(task) };
            });
        };
        // SAFETY: the chunks cover all positions of all samples.
        let dx = unsafe { filled(o.x.len(), fill) };
        (dx, sums)
    }
}

struct BackwardChunk<'a, T> {
    o: Operands<'a, T>,
    y: &'a [T],
    grad: &'a [T],
    start: usize,
    count: usize,
    out: Shared<T>,
}

impl<T: Number> Task for BackwardChunk<'_, T> {
    type Out = [f64; 2];

    #[inline(always)]
    fn run(self) -> [f64; 2] {
        let Self { o, y, grad, start, count, out } = self;
        let mut scratch = Scratch::<T>::take(3 * CHUNK);
        let (inverse, rest) = scratch.split_at_mut(CHUNK);
        let (along, total) = rest.split_at_mut(CHUNK);
        o.inverse_norms(start, count, inverse);
        let [gain, _] = o.affine;
        let f = o.activation.function::<T>();
        along[..count].fill(T::ZERO);
        total[..count].fill(T::ZERO);
        // Σ over channels of g·x̂ and of g, g being the gradient before the activation.
        for c in 0..o.channels {
            let at = start + c * o.positions;
            let [x, y, grad] = [o.x, y, grad].map(|all| &all[at..at + count]);
            let inverse = &inverse[..count];
            for (i, (along, total)) in along.iter_mut().zip(&mut *total).take(count).enumerate() {
                let normed = x[i] * inverse[i];
                let g = grad[i] * f.slope(y[i]);
                *along += g * normed;
                *total += g;
            }
        }
        let sums = [sum(count, |i| along[i]), sum(count, |i| total[i])];
        // A norm that was replaced is a constant: nothing runs along x then.
        let most = T::ONE / T::narrow(LEAST);
        for (along, inverse) in along[..count].iter_mut().zip(&*inverse) {
            *along = if *inverse < most { *along } else { T::ZERO };
        }
        for c in 0..o.channels {
            let at = start + c * o.positions;
            let [x, y, grad] = [o.x, y, grad].map(|all| &all[at..at + count]);
            let (inverse, along) = (&inverse[..count], &along[..count]);
            // SAFETY: these positions are this task's alone.
            let dx: &mut [MaybeUninit<T>] = unsafe { out.part(at, count) };
            for (i, dx) in dx.iter_mut().enumerate() {
                let normed = x[i] * inverse[i];
                let g = grad[i] * f.slope(y[i]);
                dx.write(gain * inverse[i] * (g - normed * along[i]));
            }
        }
        sums
    }
}
