//! A backward pass that does not add the gradients of variables to zeros.
//!
//! candle starts each gradient as a fresh tensor of zeros and adds to it into another fresh one. For
//! the weights of a network these copies cost more than the update. Within [`backward`] this
//! crate's operations keep the gradients of variables themselves, and add in place.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::backprop::GradStore;
use candle_core::cpu_backend::CpuDevice;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, TensorId, bail};

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::tensors::{Read, open, own};

thread_local! {
    static KEPT: RefCell<Option<HashMap<TensorId, Tensor>>> = const { RefCell::new(None) };
}

/// The gradients of `loss`, equal to those of `loss.backward()` and cheaper.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// # fn main() -> candle_core::Result<()> {
/// let x = Var::ones((2, 3), DType::F32, &Device::Cpu)?;
/// let w = Var::ones((4, 3), DType::F32, &Device::Cpu)?;
/// let loss = cir_ops::linear(&x, &w, None)?.sum_all()?;
/// let grads = cir_ops::backward(&loss)?;
/// assert_eq!(grads.get(&w).unwrap().to_vec2::<f32>()?, vec![vec![2.; 3]; 4]);
/// # Ok(()) }
/// ```
///
/// # Errors
/// Whatever the operations' backward passes report.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    struct Restore(Option<HashMap<TensorId, Tensor>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            KEPT.replace(self.0.take());
        }
    }
    let restore = Restore(KEPT.replace(Some(HashMap::new())));
    let grads = loss.backward();
    let kept = KEPT.take().unwrap_or_default();
    drop(restore);
    let mut grads = grads?;
    for (id, grad) in kept {
        let grad = match grads.get_id(id) {
            // Operations of candle had a part in it.
            Some(other) => (other + grad)?,
            None => grad,
        };
        grads.insert_id(id, grad);
    }
    Ok(grads)
}

/// The gradients of Σ ⟨output, gradient⟩ over pairs of an output and its gradient: a backward pass that goes
/// on where another one ended, or through several outputs at once.
///
/// # Shapes
/// Each gradient has its output's.
///
/// # Errors
/// When there is no pair, a shape differs, and whatever the operations' backward passes report.
pub fn backward_from(outputs: &[(Tensor, Tensor)]) -> Result<GradStore> {
    let seed = |(output, gradient): &(Tensor, Tensor)| -> Result<Tensor> {
        if output.shape() != gradient.shape() {
            bail!("output {:?} and gradient {:?} differ", output.shape(), gradient.shape());
        }
        match output.device().is_cpu() {
            true => output.apply_op1(Seed(gradient.detach())),
            false => (output * gradient.detach())?.sum_all(),
        }
    };
    match outputs.iter().map(seed).reduce(|sum, one| sum? + one?) {
        Some(sum) => backward(&sum?),
        None => bail!("a backward pass from no output"),
    }
}

/// A scalar whose gradient by its argument is given; its value is 0, which nobody reads.
struct Seed(Tensor);

impl CustomOp1 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, x: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let scalar = Shape::from(());
        Ok((CpuDevice.zeros_impl(&scalar, x.dtype())?, scalar))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}

/// Keeps the gradient of a variable while [`backward`] runs; gives candle all others.
pub(crate) fn give(arg: &Tensor, grad: Option<Tensor>) -> Result<Option<Tensor>> {
    let Some(grad) = grad else { return Ok(None) };
    let kept = KEPT.with_borrow_mut(|kept| match kept {
        Some(kept) if arg.is_variable() => Some(kept.remove(&arg.id())),
        _ => None,
    });
    let sum = match kept {
        None => return Ok(Some(grad)),
        Some(None) => grad,
        Some(Some(sum)) => {
            let kernels = Kernels::current()?;
            if !own(kernels, [&sum, &grad]) {
                (sum + grad)?
            } else {
                match sum.dtype() {
                    DType::F64 => add_in_place::<f64>(kernels, &sum, &grad)?,
                    _ => add_in_place::<f32>(kernels, &sum, &grad)?,
                }
                sum
            }
        }
    };
    KEPT.with_borrow_mut(|kept| kept.as_mut().map(|kept| kept.insert(arg.id(), sum)));
    Ok(None)
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
