//! Between candle's tensors and slices.

use std::cell::Cell;
use std::marker::PhantomData;

use candle_core::{
    CpuStorage, DType, Device, InplaceOp1, Layout, Result, Shape, Storage, StorageRef, Tensor, bail,
};

use crate::kernels::Kernels;
use crate::numbers::Number;

/// The numbers of a contiguous operand.
///
/// # Errors
/// When the layout is not contiguous or the type is another.
pub(crate) fn view<'a, T: Number>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("operand of shape {:?} is not contiguous", layout.shape());
    };
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// Read access to a CPU tensor; holds its lock.
pub(crate) struct Read<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Read<'a> {
    /// Locks `tensor`, which must be contiguous when the slice is taken.
    pub(crate) fn new(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout }
    }

    /// Its storage.
    ///
    /// # Errors
    /// Off the CPU.
    pub(crate) fn operand(&self) -> Result<(&CpuStorage, &Layout)> {
        match &*self.storage {
            Storage::Cpu(storage) => Ok((storage, self.layout)),
            _ => bail!("operand of shape {:?} is not on the CPU", self.layout.shape()),
        }
    }

    /// Its numbers.
    ///
    /// # Errors
    /// As [`view`], and off the CPU.
    pub(crate) fn slice<T: Number>(&self) -> Result<&[T]> {
        let (storage, layout) = self.operand()?;
        view(storage, layout)
    }
}

/// A CPU tensor of `data`, which is not copied.
///
/// # Errors
/// When `shape` has another number of elements.
pub(crate) fn tensor<T: Number>(data: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(data, shape.into(), &Device::Cpu)
}

/// Whether this crate's kernels can take these operands: all f32 or all f64, on the CPU.
pub(crate) fn own<'a>(kernels: Kernels, operands: impl IntoIterator<Item = &'a Tensor>) -> bool {
    let mut first = None;
    kernels != Kernels::Candle
        && operands.into_iter().all(|t| {
            t.device().is_cpu()
                && t.dtype() == *first.get_or_insert(t.dtype())
                && matches!(t.dtype(), DType::F32 | DType::F64)
        })
}

struct Open<T, F>(Cell<Option<F>>, PhantomData<T>);

/// Gives `f` the numbers of a contiguous CPU tensor to write.
///
/// # Errors
/// When the tensor is not contiguous or of another type.
pub(crate) fn open<T: Number>(t: &Tensor, f: impl FnOnce(&mut [T])) -> Result<()> {
    t.inplace_op1(&Open(Cell::new(Some(f)), PhantomData))
}

impl<T: Number, F: FnOnce(&mut [T])> InplaceOp1 for Open<T, F> {
    fn name(&self) -> &'static str {
        "open"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("tensor {:?} is not contiguous", layout.shape());
        };
        let Some(numbers) = T::slice_mut(storage) else {
            bail!("tensor {:?} has another type", layout.shape());
        };
        if let Some(f) = self.0.take() {
            f(&mut numbers[start..end]);
        }
        Ok(())
    }
}
