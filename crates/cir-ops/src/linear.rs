//! x·Wᵀ + b, forward and backward.

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::matmul::{InputGradient, Product, WeightGradient};
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply2, apply3};
use crate::sums::column_sums;
use crate::tensors::{Read, own, tensor, view};

/// x·Wᵀ + b, as `torch.nn.functional.linear`; made for few rows and large weights, which are read
/// once in each pass.
///
/// # Shapes
/// `x` (..., in), `weight` (out, in), `bias` (out) → (..., out).
///
/// # Errors
/// When the sizes of `x`, `weight` and `bias` disagree.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    linear_with(Activation::None, x, weight, bias)
}

/// [`linear`] and an activation of its result, whose slope must not be below 0.
///
/// # Shapes
/// As [`linear`].
///
/// # Errors
/// As [`linear`], and when the activation's slope is below 0.
pub fn linear_with(
    activation: Activation,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    activation.check_slope("linear")?;
    let (out, cin) = weight.dims2()?;
    if x.dims().last() != Some(&cin) {
        bail!("linear: input {:?} and weight {:?} disagree", x.shape(), weight.shape());
    }
    if let Some(bias) = bias.filter(|bias| bias.dims() != [out]) {
        bail!("linear: bias {:?} and weight {:?} disagree", bias.shape(), weight.shape());
    }
    let kernels = Kernels::current()?;
    if own(kernels, [x, weight].into_iter().chain(bias)) && cin > 0 && out > 0 {
        let op = Linear { kernels, activation };
        return match bias {
            Some(bias) => apply3(op, [x, weight, bias]),
            None => apply2(op, [x, weight]),
        };
    }
    let y = x.broadcast_matmul(&weight.t()?)?;
    match bias {
        Some(bias) => activation.apply(&y.broadcast_add(bias)?),
        None => activation.apply(&y),
    }
}

#[derive(Clone, Copy)]
struct Linear {
    kernels: Kernels,
    activation: Activation,
}

impl Linear {
    fn product<T: Number>(
        &self,
        x: Operand<'_>,
        weight: Operand<'_>,
        bias: Option<Operand<'_>>,
    ) -> Result<(CpuStorage, Shape)> {
        let (out, cin) = weight.1.shape().dims2()?;
        let (x, dims) = (view::<T>(x.0, x.1)?, x.1.dims());
        let (w, bias) = (view(weight.0, weight.1)?, bias.map(|b| view(b.0, b.1)).transpose()?);
        let y = T::dispatch(
            self.kernels,
            Product { x, w, bias, activation: self.activation, cin, out },
        );
        let shape = [&dims[..dims.len() - 1], &[out]].concat();
        Ok((T::to_cpu_storage_owned(y), Shape::from(shape)))
    }

    fn gradients<T: Number>(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        [result, grad]: [&Tensor; 2],
    ) -> Result<[Option<Tensor>; 3]> {
        let (out, cin) = weight.dims2()?;
        let grad = grad.contiguous()?;
        let read = [x, weight, &grad, result].map(Read::new);
        let (x_, w, grad) = (read[0].slice::<T>()?, read[1].slice()?, read[2].slice()?);
        let before;
        let grad = match self.activation {
            Activation::None => grad,
            activation => {
                before = activation.gradient(self.kernels, read[3].slice()?, grad);
                &before
            }
        };
        let kernels = self.kernels;
        let dx = x
            .track_op()
            .then(|| tensor(T::dispatch(kernels, InputGradient { grad, w, cin, out }), x.shape()));
        let dw = weight.track_op().then(|| {
            tensor(T::dispatch(kernels, WeightGradient { grad, x: x_, cin, out }), weight.shape())
        });
        let db = bias
            .filter(|b| b.track_op())
            .map(|b| tensor(column_sums(kernels, grad, out), b.shape()));
        Ok([dx.transpose()?, dw.transpose()?, db.transpose()?])
    }
}

/// With a bias, or without.
impl<const N: usize> Operation<N> for Linear {
    const NAME: &'static str = "linear";

    fn forward<T: Number>(&self, operands: [Operand<'_>; N]) -> Result<(CpuStorage, Shape)> {
        self.product::<T>(operands[0], operands[1], operands.get(2).copied())
    }

    fn backward<T: Number>(
        &self,
        operands: [&Tensor; N],
        result: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; N]> {
        let bias = operands.get(2).copied();
        let all = self.gradients::<T>(operands[0], operands[1], bias, [result, grad])?;
        let mut all = all.into_iter();
        Ok(std::array::from_fn(|_| all.next().flatten()))
    }
}
