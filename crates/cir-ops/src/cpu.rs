//! From candle's tensors to the slices of the CPU kernels and back.

use candle_core::{CpuStorage, DType, Device, Layout, Result, Shape, Storage, Tensor, bail};

use crate::float::Float;

/// Whether the CPU kernels serve this tensor.
pub(crate) fn serves(x: &Tensor) -> bool {
    let known = matches!(x.dtype(), DType::F32 | DType::F64);
    matches!(x.device(), Device::Cpu) && known && !forced_to_candle()
}

/// Whether the environment asks for candle's own kernels: `CIR_KERNELS=candle`, to compare.
fn forced_to_candle() -> bool {
    use std::sync::LazyLock;
    static FORCED: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os("CIR_KERNELS").is_some_and(|v| v == "candle"));
    *FORCED
}

/// Calls `f` with the numbers of a tensor on the CPU, row-major.
pub(crate) fn read<T: Float, R>(x: &Tensor, f: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("a tensor that is not on the CPU") };
    f(slice(storage, layout)?)
}

/// The numbers of a row-major layout; callers make their tensors contiguous first.
pub(crate) fn slice<'a, T: Float>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let all = storage.as_slice::<T>()?;
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&all[from..to]),
        None => bail!("a tensor of shape {:?} that is not contiguous", layout.shape()),
    }
}

/// A tensor of new numbers.
pub(crate) fn tensor<T: Float>(numbers: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(numbers, shape.into(), &Device::Cpu)
}

/// `$body` with `$t` bound to the element type of `$dtype`.
macro_rules! for_float {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F64 => {
                type $t = f64;
                $body
            }
            _ => {
                type $t = f32;
                $body
            }
        }
    };
}

pub(crate) use for_float;
