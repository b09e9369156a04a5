//! Losses averaged over groups of a batch: L1, mean square, and cross-entropy of logits.
//!
//! One call serves several terms whose samples were decoded in one batch: group g is rows g·n to
//! (g+1)·n.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, D, Result, Shape, Tensor, bail};

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply2};
use crate::parallel::{Shared, filled, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::sums::sum;
use crate::tensors::{Read, own, tensor, view};

/// mean |x - target| of each group.
///
/// Gradients flow to both; where they are equal the gradient is 0.
///
/// # Shapes
/// `x` and `target` (G·n, ...) → (G).
///
/// # Errors
/// When the shapes differ or the rows do not divide into `groups`.
pub fn l1_groups(x: &Tensor, target: &Tensor, groups: usize) -> Result<Tensor> {
    Loss { kind: Kind::L1, groups, kernels: Kernels::current()? }.apply(x, target)
}

/// mean (x - target)² of each group.
///
/// # Shapes
/// `x` and `target` (G·n, ...) → (G).
///
/// # Errors
/// When the shapes differ or the rows do not divide into `groups`.
pub fn mse_groups(x: &Tensor, target: &Tensor, groups: usize) -> Result<Tensor> {
    Loss { kind: Kind::Square, groups, kernels: Kernels::current()? }.apply(x, target)
}

/// Binary cross-entropy of logits x and targets y in [0, 1]: Σ [max(x, 0) - x·y + ln(1 + e^-|x|)]
/// of each group, summed over all but the rows and averaged over them.
///
/// # Shapes
/// `logits` and `target` (G·n, ...) → (G).
///
/// # Errors
/// When the shapes differ or the rows do not divide into `groups`.
pub fn bce_groups(logits: &Tensor, target: &Tensor, groups: usize) -> Result<Tensor> {
    Loss { kind: Kind::CrossEntropy, groups, kernels: Kernels::current()? }.apply(logits, target)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    L1,
    Square,
    CrossEntropy,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1_groups",
            Self::Square => "mse_groups",
            Self::CrossEntropy => "bce_groups",
        }
    }

    /// Writes the loss of each element. The kinds are told apart outside of the loops, which the
    /// compiler then vectorises.
    #[inline(always)]
    fn values<T: Number>(self, x: &[T], y: &[T], to: &mut [T]) {
        match self {
            Self::L1 => each(x, y, to, |x, y| (x - y).abs()),
            Self::Square => each(x, y, to, |x, y| (x - y) * (x - y)),
            Self::CrossEntropy => each(x, y, to, |x, y| {
                let positive = if x > T::ZERO { x } else { T::ZERO };
                positive - x * y + x.softplus_terms().0
            }),
        }
    }

    /// Writes the derivatives by x, or (`by_target`) by y, times `scale`.
    #[inline(always)]
    fn slopes<T: Number>(
        self,
        by_target: bool,
        scale: T,
        x: &[T],
        y: &[T],
        to: &mut [MaybeUninit<T>],
    ) {
        let signed = if by_target { -scale } else { scale };
        let written = MaybeUninit::new;
        match (self, by_target) {
            (Self::L1, _) => each(x, y, to, |x, y| {
                let below = if x < y { -signed } else { T::ZERO };
                written(if x > y { signed } else { below })
            }),
            (Self::Square, _) => each(x, y, to, |x, y| written(signed * ((x - y) + (x - y)))),
            (Self::CrossEntropy, false) => each(x, y, to, |x, y| {
                let e = x.softplus_terms().1;
                let probability = if x > T::ZERO { T::ONE } else { e } / (T::ONE + e);
                written(signed * (probability - y))
            }),
            (Self::CrossEntropy, true) => each(x, y, to, |x, _| written(signed * x)),
        }
    }
}

#[inline(always)]
fn each<T: Copy, U>(x: &[T], y: &[T], to: &mut [U], f: impl Fn(T, T) -> U) {
    for (to, (x, y)) in to.iter_mut().zip(x.iter().zip(y)) {
        *to = f(*x, *y);
    }
}

#[derive(Clone, Copy)]
struct Loss {
    kind: Kind,
    groups: usize,
    kernels: Kernels,
}

impl Loss {
    fn apply(self, x: &Tensor, target: &Tensor) -> Result<Tensor> {
        let name = self.kind.name();
        if x.dims() != target.dims() {
            bail!("{name}: {:?} and target {:?} differ", x.shape(), target.shape());
        }
        let rows = x.dims().first().copied().unwrap_or(0);
        if self.groups == 0 || rows % self.groups != 0 {
            bail!("{name}: the rows of {:?} do not divide into {} groups", x.shape(), self.groups);
        }
        if own(self.kernels, [x, target]) {
            return apply2(self, [x, target]);
        }
        let values = match self.kind {
            Kind::L1 => (x - target)?.abs()?,
            Kind::Square => (x - target)?.sqr()?,
            Kind::CrossEntropy => {
                let softplus = ((x.abs()?.neg()?.exp()? + 1.)?).log()?;
                ((x.relu()? - (x * target)?)? + softplus)?
            }
        };
        let values = values.reshape((self.groups, x.elem_count() / self.groups))?;
        values.sum(D::Minus1)? / self.count(x.shape()) as f64
    }

    /// What the sum of a group is divided by.
    fn count(&self, shape: &Shape) -> usize {
        match self.kind {
            Kind::CrossEntropy => shape.dims()[0] / self.groups,
            _ => shape.elem_count() / self.groups,
        }
    }
}

impl Operation<2> for Loss {
    const NAME: &'static str = "loss";

    fn forward<T: Number>(&self, [x, target]: [Operand<'_>; 2]) -> Result<(CpuStorage, Shape)> {
        let task = Values {
            loss: *self,
            x: view::<T>(x.0, x.1)?,
            target: view(target.0, target.1)?,
            count: self.count(x.1.shape()),
        };
        let values = T::dispatch(self.kernels, task);
        Ok((T::to_cpu_storage_owned(values), Shape::from(self.groups)))
    }

    fn backward<T: Number>(
        &self,
        [x, target]: [&Tensor; 2],
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let grad = grad.contiguous()?;
        let read = [x, target, &grad].map(Read::new);
        let task = Slopes {
            loss: *self,
            x: read[0].slice::<T>()?,
            target: read[1].slice()?,
            grad: read[2].slice()?,
            count: self.count(x.shape()),
            wanted: [x.track_op(), target.track_op()],
        };
        let [dx, dt] = T::dispatch(self.kernels, task);
        let shaped = |data: Option<Vec<T>>| data.map(|d| tensor(d, x.shape())).transpose();
        Ok([shaped(dx)?, shaped(dt)?])
    }
}

/// Elements a task takes, within one group.
const CHUNK: usize = 1 << 14;

struct Values<'a, T> {
    loss: Loss,
    x: &'a [T],
    target: &'a [T],
    count: usize,
}

impl<T: Number> Generic<T> for Values<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        struct Part<'a, T>(Kind, &'a [T], &'a [T]);
        impl<T: Number> Task for Part<'_, T> {
            type Out = f64;
            #[inline(always)]
            fn run(self) -> f64 {
                let Self(kind, x, y) = self;
                let mut values = [T::ZERO; 512];
                let one = |(x, y): (&[T], &[T])| {
                    let values = &mut values[..x.len()];
                    kind.values(x, y, values);
                    sum(values.len(), |i| values[i])
                };
                x.chunks(512).zip(y.chunks(512)).map(one).sum()
            }
        }
        let group = self.x.len() / self.loss.groups;
        let chunks = group.div_ceil(CHUNK);
        let mut sums = vec![0.; self.loss.groups * chunks];
        let shared = Shared::new(&mut sums);
        parallel(self.loss.groups * chunks, self.x.len() * 8, |i| {
            let start = i / chunks * group + i % chunks * CHUNK;
            let range = start..(start + CHUNK).min((i / chunks + 1) * group);
            let part = Part(self.loss.kind, &self.x[range.clone()], &self.target[range]);
            // SAFETY: this element is this task's alone; `S` is among the available kernels.
            unsafe { shared.written(i, 1)[0] = S::vectorize(part) };
        });
        let of = |g: usize| sums[g * chunks..(g + 1) * chunks].iter().sum::<f64>();
        (0..self.loss.groups).map(|g| T::narrow(of(g) / self.count as f64)).collect()
    }
}

struct Slopes<'a, T> {
    loss: Loss,
    x: &'a [T],
    target: &'a [T],
    grad: &'a [T],
    count: usize,
    wanted: [bool; 2],
}

impl<T: Number> Generic<T> for Slopes<'_, T> {
    type Out = [Option<Vec<T>>; 2];

    fn run<S: Simd<T = T>>(self) -> Self::Out {
        struct Part<'a, T> {
            kind: Kind,
            x: &'a [T],
            y: &'a [T],
            scale: T,
            to: [Option<&'a mut [MaybeUninit<T>]>; 2],
        }
        impl<T: Number> Task for Part<'_, T> {
            type Out = ();
            #[inline(always)]
            fn run(self) {
                let Self { kind, x, y, scale, to: [dx, dt] } = self;
                if let Some(dx) = dx {
                    kind.slopes(false, scale, x, y, dx);
                }
                if let Some(dt) = dt {
                    kind.slopes(true, scale, x, y, dt);
                }
            }
        }
        let (len, group) = (self.x.len(), self.x.len() / self.loss.groups);
        let chunks = group.div_ceil(CHUNK);
        let run = |out: [Option<Shared<T>>; 2]| {
            parallel(self.loss.groups * chunks, len * 8, |i| {
                let start = i / chunks * group + i % chunks * CHUNK;
                let range = start..(start + CHUNK).min((i / chunks + 1) * group);
                let grad = self.grad[i / chunks].wide();
                let part = Part {
                    kind: self.loss.kind,
                    x: &self.x[range.clone()],
                    y: &self.target[range.clone()],
                    scale: T::narrow(grad / self.count as f64),
                    // SAFETY: this chunk is this task's alone.
                    to: out.map(|to| to.map(|to| unsafe { to.part(range.start, range.len()) })),
                };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(part) };
            });
        };
        // SAFETY: the chunks cover all elements of every buffer that `run` is given.
        unsafe {
            match self.wanted {
                [false, false] => [None, None],
                [true, false] => [Some(filled(len, |dx| run([Some(dx), None]))), None],
                [false, true] => [None, Some(filled(len, |dt| run([None, Some(dt)])))],
                [true, true] => {
                    let mut dx = None;
                    let both = |dt| dx = Some(filled(len, |dx| run([Some(dx), Some(dt)])));
                    let dt = filled(len, both);
                    [dx, Some(dt)]
                }
            }
        }
    }
}
