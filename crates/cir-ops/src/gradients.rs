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

/// What a pass found.
#[derive(Default)]
pub(crate) struct Found {
    /// Of variables, if they are kept from candle.
    pub(crate) variables: Option<HashMap<TensorId, Gradient>>,
    /// Of results, by the id of the stand-in.
    between: HashMap<TensorId, Gradient>,
}

impl Found {
    /// Nothing yet; variables are kept.
    pub(crate) fn with_variables() -> Self {
        Self { variables: Some(HashMap::new()), ..Self::default() }
    }
}

thread_local! {
    // candle goes through a graph on one thread.
    static FOUND: RefCell<Found> = RefCell::default();
}

/// Goes on with another collection, and returns the one of before.
pub(crate) fn replace(found: Found) -> Found {
    FOUND.replace(found)
}

/// Takes the gradient of the result behind a stand-in.
pub(crate) fn take(stand_in: &Tensor) -> Option<Tensor> {
    let found = FOUND.with_borrow_mut(|found| found.between.remove(&stand_in.id()));
    found.map(|gradient| gradient.tensor)
}

/// Keeps a gradient of `operand`, for which `place` stands in the graph, or leaves it to candle;
/// returns what candle is to add at `place`.
pub(crate) fn give(operand: &Tensor, place: &Tensor, gradient: Gradient) -> Result<Option<Tensor>> {
    let variable = operand.is_variable();
    let kept = FOUND.with_borrow_mut(|found| match &mut found.variables {
        Some(variables) if variable => Some(variables.remove(&operand.id())),
        _ if place.id() != operand.id() => Some(found.between.remove(&place.id())),
        _ => None,
    });
    let sum = match kept {
        None => return Ok(Some(gradient.tensor)),
        Some(None) => gradient,
        Some(Some(sum)) => add(sum, gradient)?,
    };
    FOUND.with_borrow_mut(|found| match &mut found.variables {
        Some(variables) if variable => variables.insert(operand.id(), sum),
        _ => found.between.insert(place.id(), sum),
    });
    // Candle does not ask for a variable's; a stand-in's must be there, and is zero as itself.
    Ok((!variable).then(|| place.detach()))
}

/// The sum of two gradients, in place of one of them if it may be.
fn add(sum: Gradient, other: Gradient) -> Result<Gradient> {
    let (sum, other) = if sum.own { (sum, other.tensor) } else { (other, sum.tensor) };
    let kernels = Kernels::current()?;
    let tensor = if !own(kernels, [&sum.tensor, &other]) {
        (sum.tensor + other)?
    } else {
        let tensor = if sum.own { sum.tensor } else { sum.tensor.copy()?.contiguous()? };
        match tensor.dtype() {
            DType::F64 => add_in_place::<f64>(kernels, &tensor, &other)?,
            _ => add_in_place::<f32>(kernels, &tensor, &other)?,
        }
        tensor
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
