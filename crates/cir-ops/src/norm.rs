//! Instance normalisation with the activation that follows it, forward and backward in one pass
//! each.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::{
    cpu::{for_float, read, serves, slice, tensor},
    float::Float,
};

/// The activation fused behind a normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// Nothing.
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
        match self {
            Self::None => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => candle_nn::ops::leaky_relu(x, slope),
        }
    }

    /// What a number is multiplied with on the side where it is not positive.
    fn slope(self) -> f64 {
        match self {
            Self::None => 1.,
            Self::Relu => 0.,
            Self::LeakyRelu(slope) => slope,
        }
    }
}

/// Instance normalisation over H×W with the biased variance, then `activation`; always the
/// statistics of the instance, never running ones (gzs.md, section 1).
///
/// # Shapes
/// `x` (B, C, H, W), `weight` and `bias` (C) → (B, C, H, W).
///
/// # Errors
/// When `weight` or `bias` has another length than C.
pub fn instance_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    for parameter in [weight, bias] {
        if parameter.dims() != [c] {
            let (x, parameter) = (x.shape(), parameter.shape());
            bail!("instance_norm: parameter {parameter:?} for input {x:?}");
        }
    }
    if serves(x) && weight.dtype() == x.dtype() && bias.dtype() == x.dtype() {
        return x.contiguous()?.apply_op3(
            &weight.contiguous()?,
            &bias.contiguous()?,
            InstanceNorm { channels: c, plane: h * w, eps, activation },
        );
    }
    let flat = x.reshape((b, c, h * w))?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(D::Minus1)?)?;
    let std = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    let y = centred.broadcast_div(&std)?.broadcast_mul(&weight.reshape((1, c, 1))?)?;
    let y = y.broadcast_add(&bias.reshape((1, c, 1))?)?;
    activation.apply(&y.reshape((b, c, h, w))?)
}

struct InstanceNorm {
    channels: usize,
    plane: usize,
    eps: f64,
    activation: Activation,
}

/// Sums of a plane in eight lanes, so that they vectorise; the order is fixed.
fn sums<T: Float>(x: &[T], f: impl Fn(T) -> T) -> f64 {
    let mut lanes = [T::ZERO; 8];
    let chunks = x.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|&x| f(x).wide()).sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = *lane + f(x);
        }
    }
    lanes.iter().map(|x| x.wide()).sum::<f64>() + rest
}

impl InstanceNorm {
    /// Mean and 1/√(variance + eps) of one plane.
    fn statistics<T: Float>(&self, x: &[T]) -> (T, T) {
        let n = x.len() as f64;
        let mean = T::narrow(sums(x, |x| x) / n);
        let variance = sums(x, |x| (x - mean) * (x - mean)) / n;
        (mean, T::narrow(1. / (variance + self.eps).sqrt()))
    }

    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T], y: &mut [T]) {
        let slope = T::narrow(self.activation.slope());
        let planes = x.par_chunks(self.plane.max(1)).zip(y.par_chunks_mut(self.plane.max(1)));
        planes.enumerate().for_each(|(i, (x, y))| {
            let (mean, scale) = self.statistics(x);
            let (gain, shift) = (scale * weight[i % self.channels], bias[i % self.channels]);
            for (y, &x) in y.iter_mut().zip(x) {
                let normed = (x - mean) * gain + shift;
                *y = if normed > T::ZERO { normed } else { normed * slope };
            }
        });
    }

    /// dx, and for every plane its share of d weight and d bias.
    fn backward<T: Float>(
        &self,
        x: &[T],
        weight: &[T],
        bias: &[T],
        dy: &[T],
        dx: &mut [T],
    ) -> Vec<(f64, f64)> {
        let slope = T::narrow(self.activation.slope());
        let plane = self.plane.max(1);
        let planes = x.par_chunks(plane).zip(dy.par_chunks(plane)).zip(dx.par_chunks_mut(plane));
        let shares = planes.enumerate().map(|(i, ((x, dy), dx))| {
            let (mean, scale) = self.statistics(x);
            let (weight, bias) = (weight[i % self.channels], bias[i % self.channels]);
            let gain = scale * weight;
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                let normed = (x - mean) * gain + bias;
                *dx = if normed > T::ZERO { dy } else { dy * slope };
            }
            // dx now holds the gradient behind the activation, g.
            let sum = sums(dx, |g| g);
            let mut lanes = [T::ZERO; 8];
            for (dx, x) in dx.chunks(8).zip(x.chunks(8)) {
                for ((lane, &g), &x) in lanes.iter_mut().zip(dx).zip(x) {
                    *lane = *lane + g * ((x - mean) * scale);
                }
            }
            let product = lanes.iter().map(|x| x.wide()).sum::<f64>();
            let n = x.len() as f64;
            let (mean_g, mean_gx) = (T::narrow(sum / n), T::narrow(product / n));
            for (dx, &x) in dx.iter_mut().zip(x) {
                *dx = (*dx - mean_g - (x - mean) * scale * mean_gx) * gain;
            }
            (product, sum)
        });
        shares.collect()
    }
}

impl CustomOp3 for InstanceNorm {
    fn name(&self) -> &'static str {
        "instance_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        let shape = x_layout.shape().clone();
        let storage = for_float!(x.dtype(), T => {
            let x = slice::<T>(x, x_layout)?;
            let weight = slice::<T>(weight, weight_layout)?;
            let bias = slice::<T>(bias, bias_layout)?;
            let mut y = vec![0 as T; shape.elem_count()];
            self.forward(x, weight, bias, &mut y);
            <T as WithDType>::to_cpu_storage_owned(y)
        });
        Ok((storage, shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        for_float!(x.dtype(), T => read::<T, _>(x, |xs| read::<T, _>(weight, |ws| {
            read::<T, _>(bias, |bs| read::<T, _>(dy, |dys| {
                let mut dx = vec![0 as T; xs.len()];
                let shares = self.backward(xs, ws, bs, dys, &mut dx);
                let (mut dw, mut db) = (vec![0f64; self.channels], vec![0f64; self.channels]);
                for (i, (product, sum)) in shares.into_iter().enumerate() {
                    dw[i % self.channels] += product;
                    db[i % self.channels] += sum;
                }
                let narrow = |sums: Vec<f64>| sums.into_iter().map(T::narrow).collect::<Vec<_>>();
                Ok((
                    Some(tensor(dx, x.shape())?),
                    Some(tensor(narrow(dw), self.channels)?),
                    Some(tensor(narrow(db), self.channels)?),
                ))
            }))
        })))
    }
}
