//! Operations of this crate as candle's custom operations of one to three operands.
//!
//! candle starts the gradient of every tensor as zeros and adds to it, one thread and three passes
//! over memory for what is most often a single gradient. So a result is tied into candle's graph by a
//! *stand-in*, one number that the operation hangs on; operations of this crate tie themselves to the
//! stand-ins of their operands and leave the gradients of these in [`gradients`],
//! while candle adds zeros to numbers. To candle's own operations a result is what it seems; their
//! gradient of it goes the same way.
//!
//! ```text
//! stand-in of x ── operation ── stand-in of y ── operation ── stand-in of z
//!       └── x                        └── y ── candle's operations
//! ```

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::cpu_backend::CpuDevice;
use candle_core::op::BackpropOp;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Storage, Tensor,
    TensorId, bail,
};

use crate::gradients::{self, Gradient};
use crate::numbers::Number;
use crate::tensors::Read;

/// One operand of a forward pass.
pub(crate) type Operand<'a> = (&'a CpuStorage, &'a Layout);

/// An operation on `N` contiguous CPU operands, all f32 or all f64.
pub(crate) trait Operation<const N: usize>: Send + Sync + 'static {
    /// For candle's messages.
    const NAME: &'static str;

    /// The result.
    ///
    /// # Errors
    /// When an operand does not fit.
    fn forward<T: Number>(&self, operands: [Operand<'_>; N]) -> Result<(CpuStorage, Shape)>;

    /// The gradient of each operand that wants one, from the result and its gradient: each is `grad`
    /// itself, or a tensor (and storage) that nobody else holds, since it may be added to in place.
    ///
    /// # Errors
    /// When an operand does not fit.
    fn backward<T: Number>(
        &self,
        operands: [&Tensor; N],
        result: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; N]>;
}

/// The result of `operation` on an operand, differentiable.
///
/// # Errors
/// What the operation reports.
pub(crate) fn apply1(operation: impl Operation<1>, a: &Tensor) -> Result<Tensor> {
    Node::run(operation, [a], |node, [a]| a.apply_op1(node))
}

/// The result of `operation` on two operands, differentiable.
///
/// # Errors
/// What the operation reports.
pub(crate) fn apply2(operation: impl Operation<2>, operands: [&Tensor; 2]) -> Result<Tensor> {
    Node::run(operation, operands, |node, [a, b]| a.apply_op2(b, node))
}

/// The result of `operation` on three operands, differentiable.
///
/// # Errors
/// What the operation reports.
pub(crate) fn apply3(operation: impl Operation<3>, operands: [&Tensor; 3]) -> Result<Tensor> {
    Node::run(operation, operands, |node, [a, b, c]| a.apply_op3(b, c, node))
}

/// The stand-ins of all results there are.
static STAND_INS: LazyLock<Mutex<HashMap<TensorId, Tensor>>> = LazyLock::new(Mutex::default);

/// Must be given back before a tensor is dropped, which may be the last of a whole graph.
fn stand_ins() -> MutexGuard<'static, HashMap<TensorId, Tensor>> {
    STAND_INS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands for `operand` in the graph: itself where no operation of this crate made it.
pub(crate) fn stand_in(operand: &Tensor) -> Tensor {
    stand_ins().get(&operand.id()).unwrap_or(operand).clone()
}

/// A number for the graph.
pub(crate) fn number(dtype: DType) -> Result<(CpuStorage, Shape)> {
    let shape = Shape::from(());
    Ok((CpuDevice.zeros_impl(&shape, dtype)?, shape))
}

/// The operation behind a stand-in, and all that its backward pass needs.
struct Node<O, const N: usize> {
    operation: O,
    operands: [Tensor; N],
    /// Cut off from the graph.
    result: Arc<OnceLock<Tensor>>,
}

impl<O: Operation<N>, const N: usize> Node<O, N> {
    /// Computes the result; `tie` makes its stand-in from those of the operands.
    fn run(
        operation: O,
        operands: [&Tensor; N],
        tie: impl FnOnce(Self, [&Tensor; N]) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut operands = operands.map(Tensor::clone);
        for operand in &mut operands {
            *operand = operand.contiguous()?;
        }
        let (storage, shape) = Self::forward(&operation, &operands)?;
        if !operands.iter().any(Tensor::track_op) {
            let storage = Storage::Cpu(storage);
            return Ok(Tensor::from_storage(storage, shape, BackpropOp::none(), false));
        }
        let places = operands.each_ref().map(stand_in);
        let result = Arc::new(OnceLock::new());
        let node = Self { operation, operands, result: result.clone() };
        let number = tie(node, places.each_ref())?;
        let id = Arc::new(OnceLock::new());
        let made = Made { numbers: Mutex::new(Some((storage, shape))), id: id.clone() };
        let made = number.apply_op1(made)?;
        result.get_or_init(|| made.detach());
        stand_ins().insert(*id.get_or_init(|| made.id()), number);
        Ok(made)
    }

    fn forward(operation: &O, operands: &[Tensor; N]) -> Result<(CpuStorage, Shape)> {
        let read = operands.each_ref().map(Read::new);
        let views = read.iter().map(Read::operand).collect::<Result<Vec<_>>>()?;
        let views = std::array::from_fn(|i| views[i]);
        match operands[0].dtype() {
            DType::F64 => operation.forward::<f64>(views),
            _ => operation.forward::<f32>(views),
        }
    }

    /// What candle is to add to the gradients of `places`, the operands' stand-ins.
    fn backward(&self, places: [&Tensor; N], number: &Tensor) -> Result<[Option<Tensor>; N]> {
        self.gradients(places, number).inspect_err(|_| gradients::forget())
    }

    fn gradients(&self, places: [&Tensor; N], number: &Tensor) -> Result<[Option<Tensor>; N]> {
        let (Some(result), Some(grad)) = (self.result.get(), gradients::take(number)) else {
            bail!("{}: a backward pass without a result or its gradient", O::NAME);
        };
        let operands = self.operands.each_ref();
        let mut found = match grad.dtype() {
            DType::F64 => self.operation.backward::<f64>(operands, result, &grad)?,
            _ => self.operation.backward::<f32>(operands, result, &grad)?,
        };
        for ((gradient, operand), place) in found.iter_mut().zip(operands).zip(places) {
            if let Some(tensor) = gradient.take() {
                let own = tensor.id() != grad.id();
                *gradient = gradients::give(operand, place, Gradient { tensor, own })?;
            }
        }
        Ok(found)
    }
}

impl<O: Operation<1>> CustomOp1 for Node<O, 1> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(&self, a: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        number(a.dtype())
    }

    fn bwd(&self, a: &Tensor, number: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        let [gradient] = self.backward([a], number)?;
        Ok(gradient)
    }
}

impl<O: Operation<2>> CustomOp2 for Node<O, 2> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        number(a.dtype())
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        number: &Tensor,
        _: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok(self.backward([a, b], number)?.into())
    }
}

impl<O: Operation<3>> CustomOp3 for Node<O, 3> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        number(a.dtype())
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        number: &Tensor,
        _: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Ok(self.backward([a, b, c], number)?.into())
    }
}

/// A result as candle's own operations see it, made from its stand-in.
struct Made {
    numbers: Mutex<Option<(CpuStorage, Shape)>>,
    id: Arc<OnceLock<TensorId>>,
}

impl CustomOp1 for Made {
    fn name(&self) -> &'static str {
        "result"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        match self.numbers.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(numbers) => Ok(numbers),
            None => bail!("a result is made once"),
        }
    }

    fn bwd(&self, number: &Tensor, made: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        gradients::give(made, number, Gradient { tensor: grad.clone(), own: false })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let id = self.id.get();
        // Dropped after the guard.
        let gone = id.and_then(|id| stand_ins().remove(id));
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn a_stand_in_goes_with_its_result() {
        let x = Var::ones((2, 3), DType::F32, &Device::Cpu).unwrap();
        let y = crate::linear(&x, &x, None).unwrap();
        let (id, number) = (y.id(), stand_in(&y));
        assert_eq!((number.dims(), number.id() == id), (&[][..], false));
        assert_eq!(stand_in(&y.detach()).dims(), [2, 2]);
        let z = crate::relu(&y).unwrap();
        drop(y);
        assert!(stand_ins().contains_key(&id), "the graph of z still has it");
        let grads = z.sum_all().unwrap().backward().unwrap();
        drop(z);
        assert!(!stand_ins().contains_key(&id));
        assert_eq!(grads.get(&x).unwrap().to_vec2::<f32>().unwrap(), vec![vec![4.; 3]; 2]);
        let plain = crate::relu(&x.detach()).unwrap();
        assert_eq!(stand_in(&plain).id(), plain.id());
    }
}
