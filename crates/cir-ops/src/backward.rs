//! Backward passes that keep the gradients of variables, and add in place.

use candle_core::backend::BackendStorage;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::gradients::{self, Found, Gradient};
use crate::operation::{number, stand_in};

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
    struct Restore(Found);
    impl Drop for Restore {
        fn drop(&mut self) {
            gradients::replace(std::mem::take(&mut self.0));
        }
    }
    let restore = Restore(gradients::replace(Found { variables: true, ..Found::default() }));
    let grads = loss.backward();
    let found = gradients::replace(Found::default());
    drop(restore);
    let mut grads = grads?;
    for (id, Gradient { tensor, own }) in found.sums {
        let grad = match grads.get_id(id) {
            // Operations of candle had a part in it.
            Some(other) => (other + tensor)?,
            None if own => tensor,
            None => tensor.force_contiguous()?,
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
        let (output, gradient) = (output.clone(), gradient.detach());
        match output.device().is_cpu() {
            true => stand_in(&output).apply_op1(Seed { output, gradient }),
            false => (output * gradient)?.sum_all(),
        }
    };
    match outputs.iter().map(seed).reduce(|sum, one| sum? + one?) {
        Some(sum) => backward(&sum?),
        None => bail!("a backward pass from no output"),
    }
}

/// A scalar whose gradient by an output is given; its value is 0, which nobody reads.
struct Seed {
    output: Tensor,
    gradient: Tensor,
}

impl CustomOp1 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, x: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        number(x.dtype())
    }

    fn bwd(&self, place: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        let gradient = Gradient { tensor: self.gradient.clone(), own: false };
        gradients::give(&self.output, place, gradient)
    }
}
