//! The gradients of a backward pass that candle does not add up: those of variables within
//! [`backward`](crate::backward()), and those on their way from one operation of this crate to another.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::{DType, Result, Tensor, TensorId};

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::tensors::{Read, open, own};

/// A gradient, or a sum of some.
pub(crate) struct Gradient {
    pub(crate) tensor: Tensor,
    /// Whether nobody else has the tensor, so that it may be added to in place.
    pub(crate) own: bool,
}

/// What a pass found, by the id of what stands in the graph: the stand-in of a result, a variable itself.
#[derive(Default)]
pub(crate) struct Found {
    /// Whether variables' gradients are kept from candle.
    pub(crate) variables: bool,
    pub(crate) sums: HashMap<TensorId, Gradient>,
}

thread_local! {
    // candle goes through a graph on one thread.
    static FOUND: RefCell<Found> = RefCell::default();
}

/// Goes on with another collection, and returns the one of before.
pub(crate) fn replace(found: Found) -> Found {
    FOUND.replace(found)
}

/// Drops what a pass has found that failed, lest another one adds to it.
pub(crate) fn forget() {
    drop(FOUND.with_borrow_mut(|found| std::mem::take(&mut found.sums)));
}

/// Takes the gradient of the result behind a stand-in.
pub(crate) fn take(stand_in: &Tensor) -> Option<Tensor> {
    let found = FOUND.with_borrow_mut(|found| found.sums.remove(&stand_in.id()));
    found.map(|gradient| gradient.tensor)
}

/// Keeps a gradient of `operand`, for which `place` stands in the graph, or leaves it to candle;
/// returns what candle is to add at `place`.
pub(crate) fn give(operand: &Tensor, place: &Tensor, gradient: Gradient) -> Result<Option<Tensor>> {
    let (id, variable) = (place.id(), operand.is_variable());
    let before = FOUND.with_borrow_mut(|found| {
        let keeps = id != operand.id() || variable && found.variables;
        keeps.then(|| found.sums.remove(&id))
    });
    let sum = match before {
        None => return Ok(Some(gradient.tensor)),
        Some(None) => gradient,
        Some(Some(sum)) => add(sum, gradient)?,
    };
    FOUND.with_borrow_mut(|found| found.sums.insert(id, sum));
    // candle does not ask for a variable's gradient, but for a stand-in's, which is itself a zero of
    // the right shape and type.
    Ok((!variable).then(|| place.detach()))
}

/// The sum of two gradients, in place of one of them if it may be.
fn add(sum: Gradient, other: Gradient) -> Result<Gradient> {
    let (sum, other) = if sum.own { (sum, other.tensor) } else { (other, sum.tensor) };
    let kernels = Kernels::current()?;
    let tensor = if !sum.own || !own(kernels, [&sum.tensor, &other]) {
        (sum.tensor + other)?
    } else {
        match sum.tensor.dtype() {
            DType::F64 => add_in_place::<f64>(kernels, &sum.tensor, &other)?,
            _ => add_in_place::<f32>(kernels, &sum.tensor, &other)?,
        }
        sum.tensor
    };
    Ok(Gradient { tensor, own: true })
}

/// Elements a task takes.
const CHUNK: usize = 1 << 15;

struct Add<'a, T> {
    sum: &'a mut [T],
    grad: &'a [T],
}

impl<T: Number> Task for Add<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        self.sum.iter_mut().zip(self.grad).for_each(|(sum, g)| *sum += *g);
    }
}

impl<T: Number> Generic<T> for Add<'_, T> {
    type Out = ();

    fn run<S: Simd<T = T>>(self) {
        let len = self.sum.len();
        let shared = Shared::new(self.sum);
        parallel(len.div_ceil(CHUNK), len, |i| {
            let range = i * CHUNK..len.min((i + 1) * CHUNK);
            // SAFETY: this chunk is this task's alone.
            let sum = unsafe { shared.written(range.start, range.len()) };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Add { sum, grad: &self.grad[range] }) };
        });
    }
}

fn add_in_place<T: Number>(kernels: Kernels, sum: &Tensor, grad: &Tensor) -> Result<()> {
    let grad = grad.contiguous()?;
    let read = Read::new(&grad);
    let grad = read.slice::<T>()?;
    open(sum, |sum| T::dispatch(kernels, Add { sum, grad }))
}
