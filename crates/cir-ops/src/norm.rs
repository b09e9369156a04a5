//! Instance normalisation with the activation that follows it.

use std::mem::MaybeUninit;
use std::sync::OnceLock;

use candle_core::{CpuStorage, D, Result, Shape, Tensor, bail};

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply1, apply2, apply3};
use crate::parallel::{Shared, filled, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::sums::sum;
use crate::tensors::{Read, own, tensor, view};

/// Instance normalisation over H×W with the biased variance, then `activation`; always the
/// statistics of the instance, never running ones (gzs.md, section 1).
///
/// f32 and f64 on the CPU run in one fused pass; gradients flow to all three tensors.
///
/// # Shapes
/// `x` (B, C, H, W), `weight` and `bias` (C), or `None` for no affine map → (B, C, H, W).
///
/// # Errors
/// When `weight` or `bias` has another length than C, or the activation's slope is below 0.
pub fn instance_norm(
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    for affine in [weight, bias].into_iter().flatten() {
        if affine.dims() != [c] {
            bail!("instance_norm: input {:?} and parameter {:?}", x.shape(), affine.shape());
        }
    }
    activation.check_slope("instance_norm")?;
    let kernels = Kernels::current()?;
    let parameters = [weight, bias].into_iter().flatten();
    if own(kernels, std::iter::once(x).chain(parameters)) && c * h * w > 0 {
        let op = InstanceNorm { eps, activation, kernels, statistics: OnceLock::new() };
        if weight.is_none() && bias.is_none() {
            return apply1(op, x);
        }
        let constant = |value: f64| Tensor::full(value, c, x.device())?.to_dtype(x.dtype());
        let weight = weight.map_or_else(|| constant(1.), |t| Ok(t.clone()))?;
        let bias = bias.map_or_else(|| constant(0.), |t| Ok(t.clone()))?;
        return apply3(op, [x, &weight, &bias]);
    }
    let flat = x.reshape((b, c, h * w))?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(D::Minus1)?)?;
    let std = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    let mut y = centred.broadcast_div(&std)?;
    if let Some(weight) = weight {
        y = y.broadcast_mul(&weight.reshape((1, c, 1))?)?;
    }
    if let Some(bias) = bias {
        y = y.broadcast_add(&bias.reshape((1, c, 1))?)?;
    }
    activation.apply(&y.reshape((b, c, h, w))?)
}

/// `residual` + [`instance_norm`] of `x`, without an affine map and an activation.
///
/// # Shapes
/// `x` and `residual` (B, C, H, W) → the same.
///
/// # Errors
/// When the shapes differ.
pub fn residual_instance_norm(x: &Tensor, residual: &Tensor, eps: f64) -> Result<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    if residual.shape() != x.shape() {
        bail!("instance_norm: input {:?} and residual {:?}", x.shape(), residual.shape());
    }
    let kernels = Kernels::current()?;
    if own(kernels, [x, residual]) && c * h * w > 0 {
        let activation = Activation::None;
        let op = InstanceNorm { eps, activation, kernels, statistics: OnceLock::new() };
        return apply2(op, [x, residual]);
    }
    residual + instance_norm(x, None, None, eps, Activation::None)?
}

/// The operation; it keeps mean and 1/deviation of each plane for its backward pass.
struct InstanceNorm {
    eps: f64,
    activation: Activation,
    kernels: Kernels,
    statistics: OnceLock<Vec<[f64; 2]>>,
}

/// Of an input, weight and bias.
impl Operation<3> for InstanceNorm {
    const NAME: &'static str = "instance_norm";

    fn forward<T: Number>(
        &self,
        [x, weight, bias]: [Operand<'_>; 3],
    ) -> Result<(CpuStorage, Shape)> {
        let affine = Some([view(weight.0, weight.1)?, view(bias.0, bias.1)?]);
        self.normalised::<T>(x, affine, None)
    }

    fn backward<T: Number>(
        &self,
        [x, weight, bias]: [&Tensor; 3],
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let read = Read::new(weight);
        let (dx, sums) = self.gradients::<T>(x, Some(read.slice()?), y, grad)?;
        // Over the batch, always in the same order.
        let channels = weight.elem_count();
        let over_batch = |which: usize| {
            let of = |c: usize| sums.iter().skip(c).step_by(channels).map(|s| s[which]).sum();
            tensor((0..channels).map(|c| T::narrow(of(c))).collect::<Vec<T>>(), channels)
        };
        Ok([
            dx,
            weight.track_op().then(|| over_batch(0)).transpose()?,
            bias.track_op().then(|| over_batch(1)).transpose()?,
        ])
    }
}

/// Of an input alone.
impl Operation<1> for InstanceNorm {
    const NAME: &'static str = "instance_norm";

    fn forward<T: Number>(&self, [x]: [Operand<'_>; 1]) -> Result<(CpuStorage, Shape)> {
        self.normalised::<T>(x, None, None)
    }

    fn backward<T: Number>(
        &self,
        [x]: [&Tensor; 1],
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        Ok([self.gradients::<T>(x, None, y, grad)?.0])
    }
}

/// Of an input and a residual.
impl Operation<2> for InstanceNorm {
    const NAME: &'static str = "residual_instance_norm";

    fn forward<T: Number>(&self, [x, residual]: [Operand<'_>; 2]) -> Result<(CpuStorage, Shape)> {
        self.normalised::<T>(x, None, Some(view(residual.0, residual.1)?))
    }

    fn backward<T: Number>(
        &self,
        [x, residual]: [&Tensor; 2],
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let (dx, _) = self.gradients::<T>(x, None, y, grad)?;
        Ok([dx, residual.track_op().then(|| grad.clone())])
    }
}

impl InstanceNorm {
    fn normalised<T: Number>(
        &self,
        x: Operand<'_>,
        affine: Option<[&[T]; 2]>,
        residual: Option<&[T]>,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = x.1.shape().clone();
        let (_, channels, h, w) = shape.dims4()?;
        let x = view::<T>(x.0, x.1)?;
        let task = Forward { op: self, x, affine, residual, channels, positions: h * w };
        let (y, statistics) = T::dispatch(self.kernels, task);
        self.statistics.get_or_init(|| statistics);
        Ok((T::to_cpu_storage_owned(y), shape))
    }

    /// The gradient of the input, if it wants one, and each plane's contribution to weight and bias.
    fn gradients<T: Number>(
        &self,
        x: &Tensor,
        weight: Option<&[T]>,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Vec<[f64; 2]>)> {
        let (_, channels, h, w) = x.dims4()?;
        let grad = grad.contiguous()?;
        let read = [x, y, &grad].map(Read::new);
        let Some(statistics) = self.statistics.get() else {
            bail!("instance_norm: backward before forward");
        };
        let task = Backward {
            op: self,
            statistics,
            x: read[0].slice::<T>()?,
            weight,
            y: read[1].slice()?,
            grad: read[2].slice()?,
            channels,
            positions: h * w,
            input: x.track_op(),
        };
        let (dx, sums) = T::dispatch(self.kernels, task);
        Ok((dx.map(|dx| tensor(dx, x.shape())).transpose()?, sums))
    }
}

struct Forward<'a, T> {
    op: &'a InstanceNorm,
    x: &'a [T],
    /// Weight and bias.
    affine: Option<[&'a [T]; 2]>,
    residual: Option<&'a [T]>,
    channels: usize,
    positions: usize,
}

impl<T: Number> Generic<T> for Forward<'_, T> {
    type Out = (Vec<T>, Vec<[f64; 2]>);

    fn run<S: Simd<T = T>>(self) -> Self::Out {
        let planes = self.x.len() / self.positions;
        let mut statistics = vec![[0.; 2]; planes];
        let kept = Shared::new(&mut statistics);
        let fill = |out: Shared<T>| {
            parallel(planes, self.x.len() * 4, |plane| {
                let start = plane * self.positions;
                let x = &self.x[start..start + self.positions];
                let residual = self.residual.map(|r| &r[start..start + self.positions]);
                let affine = match self.affine {
                    Some(affine) => affine.map(|numbers| numbers[plane % self.channels]),
                    None => [T::narrow(1.), T::ZERO],
                };
                // SAFETY: this plane and its statistics are this task's alone.
                let (y, kept) =
                    unsafe { (out.part(start, self.positions), kept.written(plane, 1)) };
                let task = PlaneForward { op: self.op, x, affine, residual, y };
                // SAFETY: `S` was chosen among the available kernels.
                kept[0] = unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: the tasks write every plane.
        let y = unsafe { filled(self.x.len(), fill) };
        (y, statistics)
    }
}

struct PlaneForward<'a, T> {
    op: &'a InstanceNorm,
    x: &'a [T],
    affine: [T; 2],
    residual: Option<&'a [T]>,
    y: &'a mut [MaybeUninit<T>],
}

impl<T: Number> Task for PlaneForward<'_, T> {
    type Out = [f64; 2];

    #[inline(always)]
    fn run(self) -> [f64; 2] {
        let x = self.x;
        let mean = sum(x.len(), |i| x[i]) / x.len() as f64;
        let m = T::narrow(mean);
        // The rounding of the mean is made good in the variance: E(x-m)² - (mean-m)².
        let squares = sum(x.len(), |i| (x[i] - m) * (x[i] - m)) / x.len() as f64;
        let variance = (squares - (mean - m.wide()).powi(2)).max(0.);
        let inverse = 1. / (variance + self.op.eps).sqrt();
        let r = T::narrow(inverse);
        let [weight, bias] = self.affine;
        let activate = self.op.activation.function::<T>();
        let value = |x: T| activate.value((x - m) * r * weight + bias);
        match self.residual {
            None => self.y.iter_mut().zip(x).for_each(|(y, x)| _ = y.write(value(*x))),
            Some(residual) => {
                let from = x.iter().zip(residual);
                self.y
                    .iter_mut()
                    .zip(from)
                    .for_each(|(y, (x, more))| _ = y.write(value(*x) + *more));
            }
        }
        [mean, inverse]
    }
}

struct Backward<'a, T> {
    op: &'a InstanceNorm,
    statistics: &'a [[f64; 2]],
    x: &'a [T],
    weight: Option<&'a [T]>,
    /// The result, which says where the activation was: parameters may have changed since.
    y: &'a [T],
    grad: &'a [T],
    channels: usize,
    positions: usize,
    input: bool,
}

impl<T: Number> Generic<T> for Backward<'_, T> {
    /// The gradient of the input, and each plane's contribution to weight and bias.
    type Out = (Option<Vec<T>>, Vec<[f64; 2]>);

    fn run<S: Simd<T = T>>(self) -> Self::Out {
        let planes = self.statistics.len();
        let mut sums = vec![[0.; 2]; planes];
        let kept = Shared::new(&mut sums);
        let task = |plane: usize, dx: Option<Shared<T>>| {
            let range = plane * self.positions..(plane + 1) * self.positions;
            let task = PlaneBackward {
                op: self.op,
                statistics: self.statistics[plane],
                x: &self.x[range.clone()],
                grad: &self.grad[range.clone()],
                weight: self.weight.map_or(T::narrow(1.), |w| w[plane % self.channels]),
                y: &self.y[range.clone()],
                // SAFETY: this plane is this task's alone.
                dx: dx.map(|dx| unsafe { dx.part(range.start, self.positions) }),
            };
            // SAFETY: `S` was chosen among the available kernels, the element is this task's.
            unsafe { kept.written(plane, 1)[0] = S::vectorize(task) };
        };
        let work = self.x.len() * 4;
        let fill = |out: Shared<T>| parallel(planes, work, |plane| task(plane, Some(out)));
        let dx = if self.input {
            // SAFETY: the tasks write every plane.
            Some(unsafe { filled(self.x.len(), fill) })
        } else {
            parallel(planes, work, |plane| task(plane, None));
            None
        };
        (dx, sums)
    }
}

struct PlaneBackward<'a, T> {
    op: &'a InstanceNorm,
    statistics: [f64; 2],
    x: &'a [T],
    weight: T,
    y: &'a [T],
    grad: &'a [T],
    dx: Option<&'a mut [MaybeUninit<T>]>,
}

impl<T: Number> Task for PlaneBackward<'_, T> {
    type Out = [f64; 2];

    #[inline(always)]
    fn run(self) -> [f64; 2] {
        let Self { x, weight, y, grad, .. } = self;
        let [m, r] = self.statistics.map(T::narrow);
        let activate = self.op.activation.function::<T>();
        let normed = |i: usize| (x[i] - m) * r;
        let through = |i: usize| grad[i] * activate.slope(y[i]);
        // Bounds that the compiler can see.
        let count = x.len().min(y.len()).min(grad.len());
        let by_weight = sum(count, |i| through(i) * normed(i));
        let by_bias = sum(count, through);
        if let Some(dx) = self.dx {
            let count = x.len() as f64;
            let (along, mean) = (T::narrow(by_weight / count), T::narrow(by_bias / count));
            let scale = r * weight;
            for (i, dx) in dx.iter_mut().enumerate() {
                dx.write(scale * (through(i) - mean - normed(i) * along));
            }
        }
        [by_weight, by_bias]
    }
}
