//! One Adam update of one tensor, in place.

use candle_core::{DType, Result, Tensor, Var, bail};

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::tensors::{Read, open, own};

/// What an Adam update depends on besides the tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamHyper {
    /// Learning rate of this update.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to √v̂.
    pub eps: f64,
    /// L2 coefficient: `weight_decay`·parameter is added to the gradient.
    pub weight_decay: f64,
}

/// `torch.optim.Adam`'s update number `t` (from 1) as new tensors: the parameter and both moments.
///
/// # Shapes
/// All four tensors have one shape; so have the three results.
///
/// # Errors
/// When the shapes differ.
pub fn adam_update(
    param: &Tensor,
    grad: &Tensor,
    moment1: &Tensor,
    moment2: &Tensor,
    t: u64,
    hyper: AdamHyper,
) -> Result<(Tensor, Tensor, Tensor)> {
    let AdamHyper { lr, beta1, beta2, eps, weight_decay } = hyper;
    let grad = if weight_decay == 0. { grad.clone() } else { (grad + (param * weight_decay)?)? };
    let m = ((moment1 * beta1)? + (&grad * (1. - beta1))?)?;
    let v = ((moment2 * beta2)? + (grad.sqr()? * (1. - beta2))?)?;
    let correction1 = 1. - beta1.powf(t as f64);
    let correction2 = 1. - beta2.powf(t as f64);
    let denom = ((v.sqrt()? / correction2.sqrt())? + eps)?;
    let param = (param - (m.div(&denom)? * (lr / correction1))?)?;
    Ok((param, m, v))
}

/// `torch.optim.Adam`'s update number `t` (from 1), which overwrites the parameter and both
/// moments.
///
/// f32 and f64 on the CPU are updated in one pass over memory, and moments that would be subnormal
/// become 0; elsewhere the variables are set to
/// what [`adam_update`] returns.
///
/// # Shapes
/// All four have one shape.
///
/// # Errors
/// When the shapes differ, or two of the variables share their memory.
pub fn adam_step(
    param: &Var,
    grad: &Tensor,
    moment1: &Var,
    moment2: &Var,
    t: u64,
    hyper: AdamHyper,
) -> Result<()> {
    for other in [grad, moment1, moment2] {
        if other.dims() != param.dims() {
            bail!("adam_step: parameter {:?} and {:?} differ", param.shape(), other.shape());
        }
    }
    let kernels = Kernels::current()?;
    let all: [&Tensor; 4] = [param, grad, moment1, moment2];
    let whole = [param, moment1, moment2].iter().all(|v| v.is_contiguous());
    if !own(kernels, all) || !whole {
        let (p, m, v) = adam_update(param, grad, moment1, moment2, t, hyper)?;
        param.set(&p.detach())?;
        moment1.set(&m.detach())?;
        return moment2.set(&v.detach());
    }
    let grad = grad.contiguous()?;
    if param.elem_count() == 0 {
        return Ok(());
    }
    let starts = match param.dtype() {
        DType::F64 => all.map(start::<f64>),
        _ => all.map(start::<f32>),
    };
    for (i, one) in starts.iter().enumerate() {
        if starts[..i].contains(one) {
            bail!("adam_step: two of the tensors of shape {:?} share memory", param.shape());
        }
    }
    let update = Update { moment1, moment2, grad: &grad, step: Step::new(t, hyper), kernels };
    match param.dtype() {
        DType::F64 => update.run::<f64>(param),
        _ => update.run::<f32>(param),
    }
}

/// Where a tensor's storage starts.
fn start<T: Number>(t: &Tensor) -> usize {
    let (storage, _) = t.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(s) => T::cpu_storage_as_slice(s).map_or(0, |s| s.as_ptr().addr()),
        _ => 0,
    }
}

struct Update<'a> {
    moment1: &'a Var,
    moment2: &'a Var,
    grad: &'a Tensor,
    step: Step,
    kernels: Kernels,
}

impl Update<'_> {
    /// Each `inplace_op1` opens one tensor for writing; nested, all three are open at once.
    fn run<T: Number>(&self, param: &Var) -> Result<()> {
        let grad = Read::new(self.grad);
        let grad = grad.slice::<T>()?;
        let (kernels, step) = (self.kernels, self.step);
        let mut inner = Ok(());
        open(param, |param| {
            let mut innermost = Ok(());
            inner = open(self.moment1, |moment1| {
                innermost = open(self.moment2, |moment2| {
                    T::dispatch(
                        kernels,
                        Whole { all: All { grad, param, moment1, moment2 }, step },
                    );
                });
            })
            .and(innermost);
        })?;
        inner
    }
}

/// The numbers that one update of all moments depends on.
#[derive(Clone, Copy)]
struct Step {
    weight_decay: f64,
    beta1: f64,
    beta2: f64,
    /// lr / (1 - β1^t).
    rate: f64,
    /// √(1 - β2^t).
    root: f64,
    eps: f64,
}

impl Step {
    fn new(t: u64, hyper: AdamHyper) -> Self {
        let AdamHyper { lr, beta1, beta2, eps, weight_decay } = hyper;
        let rate = lr / (1. - beta1.powf(t as f64));
        let root = (1. - beta2.powf(t as f64)).sqrt();
        Self { weight_decay, beta1, beta2, rate, root, eps }
    }
}

struct All<'a, T> {
    grad: &'a [T],
    param: &'a mut [T],
    moment1: &'a mut [T],
    moment2: &'a mut [T],
}

struct Whole<'a, T> {
    all: All<'a, T>,
    step: Step,
}

/// Elements a task takes.
const CHUNK: usize = 1 << 15;

impl<T: Number> Generic<T> for Whole<'_, T> {
    type Out = ();

    fn run<S: Simd<T = T>>(self) {
        let All { grad, param, moment1, moment2 } = self.all;
        let len = grad.len();
        let shared = [param, moment1, moment2].map(Shared::new);
        parallel(len.div_ceil(CHUNK), len * 10, |i| {
            let range = i * CHUNK..len.min((i + 1) * CHUNK);
            // SAFETY: this chunk is this task's alone, and variables are initialised.
            let [param, moment1, moment2] =
                shared.map(|s| unsafe { s.written(range.start, range.len()) });
            let all = All { grad: &grad[range], param, moment1, moment2 };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Chunk { all, step: self.step }) };
        });
    }
}

struct Chunk<'a, T> {
    all: All<'a, T>,
    step: Step,
}

impl<T: Number> Task for Chunk<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let All { grad, param, moment1, moment2 } = self.all;
        let of = T::narrow;
        let s = self.step;
        let (decay, rate, root, eps) = (of(s.weight_decay), of(s.rate), of(s.root), of(s.eps));
        let (beta1, beta2) = (of(s.beta1), of(s.beta2));
        let (other1, other2) = (of(1. - s.beta1), of(1. - s.beta2));
        let moments = moment1.iter_mut().zip(moment2);
        for ((g, p), (m, v)) in grad.iter().zip(param).zip(moments) {
            let g = *g + decay * *p;
            *m = normal(*m * beta1 + g * other1);
            *v = normal(*v * beta2 + g * g * other2);
            *p -= *m / (v.sqrt() / root + eps) * rate;
        }
    }
}

/// `x`, or 0 where it is subnormal. The moments of a weight that gradients reach no more decay to
/// subnormal numbers and stay there, and with these a processor may compute many times as long.
#[inline(always)]
fn normal<T: Number>(x: T) -> T {
    if x.abs() < T::SMALLEST { T::ZERO } else { x }
}
