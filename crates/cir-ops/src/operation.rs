//! Operations of this crate as candle's custom operations of one to three operands.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Tensor,
};

use crate::backward::give;
use crate::numbers::Number;

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

    /// The gradient of each operand that wants one, from the result and its gradient.
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
    a.contiguous()?.apply_op1(Candle(operation))
}

/// The result of `operation` on two operands, differentiable.
///
/// # Errors
/// What the operation reports.
pub(crate) fn apply2(operation: impl Operation<2>, [a, b]: [&Tensor; 2]) -> Result<Tensor> {
    a.contiguous()?.apply_op2(&b.contiguous()?, Candle(operation))
}

/// The result of `operation` on three operands, differentiable.
///
/// # Errors
/// What the operation reports.
pub(crate) fn apply3(operation: impl Operation<3>, [a, b, c]: [&Tensor; 3]) -> Result<Tensor> {
    a.contiguous()?.apply_op3(&b.contiguous()?, &c.contiguous()?, Candle(operation))
}

/// An operation as candle sees it.
struct Candle<O>(O);

fn forward<O: Operation<N>, const N: usize>(
    operation: &O,
    operands: [Operand<'_>; N],
) -> Result<(CpuStorage, Shape)> {
    match operands[0].0 {
        CpuStorage::F64(_) => operation.forward::<f64>(operands),
        _ => operation.forward::<f32>(operands),
    }
}

fn backward<O: Operation<N>, const N: usize>(
    operation: &O,
    operands: [&Tensor; N],
    result: &Tensor,
    grad: &Tensor,
) -> Result<[Option<Tensor>; N]> {
    let mut gradients = match grad.dtype() {
        DType::F64 => operation.backward::<f64>(operands, result, grad)?,
        _ => operation.backward::<f32>(operands, result, grad)?,
    };
    for (operand, gradient) in operands.into_iter().zip(&mut gradients) {
        *gradient = give(operand, gradient.take())?;
    }
    Ok(gradients)
}

impl<O: Operation<1>> CustomOp1 for Candle<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(&self, a: &CpuStorage, la: &Layout) -> Result<(CpuStorage, Shape)> {
        forward(&self.0, [(a, la)])
    }

    fn bwd(&self, a: &Tensor, result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let [gradient] = backward(&self.0, [a], result, grad)?;
        Ok(gradient)
    }
}

impl<O: Operation<2>> CustomOp2 for Candle<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        forward(&self.0, [(a, la), (b, lb)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok(backward(&self.0, [a, b], result, grad)?.into())
    }
}

impl<O: Operation<3>> CustomOp3 for Candle<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
        c: &CpuStorage,
        lc: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        forward(&self.0, [(a, la), (b, lb), (c, lc)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Ok(backward(&self.0, [a, b, c], result, grad)?.into())
    }
}
