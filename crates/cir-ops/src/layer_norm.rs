//! Layer normalisation of images, over channels, rows and columns of each sample together, with
//! the activation that follows it.

use std::mem::MaybeUninit;
use std::sync::OnceLock;

use candle_core::{CpuStorage, D, Result, Shape, Tensor, bail};

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply3};
use crate::parallel::{Shared, filled, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::sums::sum;
use crate::tensors::{Read, own, tensor, view};

/// (x - mean) / √(variance + eps) with mean and biased variance over C, H and W of each sample,
/// then an affine map for each channel, then `activation`.
///
/// f32 and f64 on the CPU run fused; gradients flow to all three tensors.
///
/// # Shapes
/// `x` (B, C, H, W), `weight` and `bias` (C) or (C, 1, 1) → (B, C, H, W).
///
/// # Errors
/// When `weight` or `bias` has another number of elements than C, or the activation's slope is below 0.
pub fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    for parameter in [weight, bias] {
        if parameter.elem_count() != c {
            bail!("layer_norm: input {:?} and parameter {:?}", x.shape(), parameter.shape());
        }
    }
    activation.check_slope("layer_norm")?;
    let kernels = Kernels::current()?;
    if own(kernels, [x, weight, bias]) && c * h * w > 0 {
        let op = LayerNorm { eps, activation, kernels, statistics: OnceLock::new() };
        return apply3(op, [x, weight, bias]);
    }
    let flat = x.reshape((b, c * h * w))?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(D::Minus1)?)?;
    let std = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    let normed = centred.broadcast_div(&std)?.reshape((b, c, h, w))?;
    let per_channel = |t: &Tensor| t.reshape((1, c, 1, 1));
    let y = normed.broadcast_mul(&per_channel(weight)?)?.broadcast_add(&per_channel(bias)?)?;
    activation.apply(&y)
}

/// The operation; it keeps mean and 1/deviation of each sample for its backward pass.
struct LayerNorm {
    eps: f64,
    activation: Activation,
    kernels: Kernels,
    statistics: OnceLock<Vec<[f64; 2]>>,
}

impl Operation<3> for LayerNorm {
    const NAME: &'static str = "layer_norm";

    fn forward<T: Number>(
        &self,
        [x, weight, bias]: [Operand<'_>; 3],
    ) -> Result<(CpuStorage, Shape)> {
        let shape = x.1.shape().clone();
        let (_, channels, h, w) = shape.dims4()?;
        let planes = Planes {
            activation: self.activation,
            x: view::<T>(x.0, x.1)?,
            weight: view(weight.0, weight.1)?,
            bias: view(bias.0, bias.1)?,
            channels,
            positions: h * w,
        };
        let (y, statistics) = T::dispatch(self.kernels, Forward(planes, self.eps));
        self.statistics.get_or_init(|| statistics);
        Ok((T::to_cpu_storage_owned(y), shape))
    }

    fn backward<T: Number>(
        &self,
        [x, weight, bias]: [&Tensor; 3],
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let (_, channels, h, w) = x.dims4()?;
        let grad = grad.contiguous()?;
        let read = [x, weight, bias, y, &grad].map(Read::new);
        let Some(statistics) = self.statistics.get() else {
            bail!("layer_norm: backward before forward");
        };
        let planes = Planes {
            activation: self.activation,
            x: read[0].slice::<T>()?,
            weight: read[1].slice()?,
            bias: read[2].slice()?,
            channels,
            positions: h * w,
        };
        let (y, grad) = (read[3].slice()?, read[4].slice()?);
        let task = Backward { planes, y, grad, statistics };
        let (dx, sums) = T::dispatch(self.kernels, task);
        // Over the batch, always in the same order.
        let over_batch = |which: usize| -> Vec<T> {
            let of = |c: usize| sums.iter().skip(c).step_by(channels).map(|s| s[which]).sum();
            (0..channels).map(|c| T::narrow(of(c))).collect()
        };
        Ok([
            x.track_op().then(|| tensor(dx, x.shape())).transpose()?,
            weight.track_op().then(|| tensor(over_batch(0), weight.shape())).transpose()?,
            bias.track_op().then(|| tensor(over_batch(1), bias.shape())).transpose()?,
        ])
    }
}

#[derive(Clone, Copy)]
struct Planes<'a, T> {
    activation: Activation,
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    channels: usize,
    positions: usize,
}

impl<'a, T: Number> Planes<'a, T> {
    /// For each plane f of it, compiled for the vectors of `S`.
    fn each<S: Simd<T = T>, F: Fn(Plane<'a, T>) -> [f64; 2] + Send + Sync>(
        &self,
        f: F,
    ) -> Vec<[f64; 2]> {
        struct One<'a, T, F>(Plane<'a, T>, F);
        impl<'a, T, F: Fn(Plane<'a, T>) -> [f64; 2]> Task for One<'a, T, F> {
            type Out = [f64; 2];
            #[inline(always)]
            fn run(self) -> [f64; 2] {
                self.1(self.0)
            }
        }
        let count = self.x.len() / self.positions;
        let mut results = vec![[0.; 2]; count];
        let kept = Shared::new(&mut results);
        parallel(count, self.x.len() * 4, |index| {
            let start = index * self.positions;
            let x = &self.x[start..start + self.positions];
            let affine = [self.weight[index % self.channels], self.bias[index % self.channels]];
            let sample = index / self.channels;
            let plane = Plane { x, affine, start, sample };
            // SAFETY: `S` is among the available kernels; the element is this task's alone.
            unsafe { kept.written(index, 1)[0] = S::vectorize(One(plane, &f)) };
        });
        results
    }

    /// For each sample Σ over its planes of the first result, over its number of elements.
    fn means(&self, results: &[[f64; 2]], value: impl Fn(usize, [f64; 2]) -> f64) -> Vec<f64> {
        let count = (self.channels * self.positions) as f64;
        let of = |planes: &[[f64; 2]]| {
            planes.iter().enumerate().map(|(c, r)| value(c, *r)).sum::<f64>() / count
        };
        results.chunks_exact(self.channels).map(of).collect()
    }
}

#[derive(Clone, Copy)]
struct Plane<'a, T> {
    x: &'a [T],
    affine: [T; 2],
    start: usize,
    sample: usize,
}

struct Forward<'a, T>(Planes<'a, T>, f64);

impl<T: Number> Generic<T> for Forward<'_, T> {
    type Out = (Vec<T>, Vec<[f64; 2]>);

    fn run<S: Simd<T = T>>(self) -> Self::Out {
        let Self(planes, eps) = self;
        let sums = planes.each::<S, _>(|p| [sum(p.x.len(), |i| p.x[i]), 0.]);
        let means = planes.means(&sums, |_, s| s[0]);
        let squares = planes.each::<S, _>(|p| {
            let m = T::narrow(means[p.sample]);
            [sum(p.x.len(), |i| (p.x[i] - m) * (p.x[i] - m)), 0.]
        });
        let squares = planes.means(&squares, |_, s| s[0]);
        let statistic = |(mean, square): (&f64, f64)| {
            // The rounding of the mean is made good in the variance.
            let variance = (square - (mean - T::narrow(*mean).wide()).powi(2)).max(0.);
            [*mean, 1. / (variance + eps).sqrt()]
        };
        let statistics: Vec<[f64; 2]> = means.iter().zip(squares).map(statistic).collect();
        let f = planes.activation.function::<T>();
        let fill = |out: Shared<T>| {
            planes.each::<S, _>(|p| {
                let [m, r] = statistics[p.sample].map(T::narrow);
                let [weight, bias] = p.affine;
                // SAFETY: this plane is this task's alone.
                let y: &mut [MaybeUninit<T>] = unsafe { out.part(p.start, p.x.len()) };
                for (y, x) in y.iter_mut().zip(p.x) {
                    y.write(f.value((*x - m) * r * weight + bias));
                }
                [0.; 2]
            });
        };
        // SAFETY: every plane is written.
        let y = unsafe { filled(planes.x.len(), fill) };
        (y, statistics)
    }
}

struct Backward<'a, T> {
    planes: Planes<'a, T>,
    /// The result, which says where the activation was: parameters may have changed since.
    y: &'a [T],
    grad: &'a [T],
    statistics: &'a [[f64; 2]],
}

impl<T: Number> Generic<T> for Backward<'_, T> {
    /// The gradient of the input, and each plane's contribution to weight and bias.
    type Out = (Vec<T>, Vec<[f64; 2]>);

    fn run<S: Simd<T = T>>(self) -> Self::Out {
        let Self { planes, y, grad, statistics } = self;
        let f = planes.activation.function::<T>();
        let sums = planes.each::<S, _>(|p| {
            let [m, r] = statistics[p.sample].map(T::narrow);
            let [y, grad] = [y, grad].map(|all| &all[p.start..p.start + p.x.len()]);
            let normed = |i: usize| (p.x[i] - m) * r;
            let through = |i: usize| grad[i] * f.slope(y[i]);
            [sum(grad.len(), |i| through(i) * normed(i)), sum(grad.len(), through)]
        });
        let weighted =
            |which: usize| planes.means(&sums, |c, s| planes.weight[c].wide() * s[which]);
        let (along, mean) = (weighted(0), weighted(1));
        let fill = |out: Shared<T>| {
            planes.each::<S, _>(|p| {
                let [m, r] = statistics[p.sample].map(T::narrow);
                let [weight, _] = p.affine;
                let (along, mean) = (T::narrow(along[p.sample]), T::narrow(mean[p.sample]));
                let [y, grad] = [y, grad].map(|all| &all[p.start..p.start + p.x.len()]);
                // SAFETY: this plane is this task's alone.
                let dx: &mut [MaybeUninit<T>] = unsafe { out.part(p.start, p.x.len()) };
                for (((dx, x), y), g) in dx.iter_mut().zip(p.x).zip(y).zip(grad) {
                    let normed = (*x - m) * r;
                    let through = *g * f.slope(*y);
                    dx.write(r * (weight * through - mean - normed * along));
                }
                [0.; 2]
            });
        };
        // SAFETY: every plane is written.
        let dx = unsafe { filled(planes.x.len(), fill) };
        (dx, sums)
    }
}
