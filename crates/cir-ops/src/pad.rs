//! Reflection padding: beyond an edge the image is its mirror image, the edge not repeated.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::operation::{Operand, Operation, apply1};
use crate::parallel::{Shared, filled, parallel};
use crate::simd::{Generic, Simd, Task};
use crate::tensors::{Read, own, tensor, view};

/// Pads by `padding` mirrored rows and columns on all four sides, as `torch.nn.ReflectionPad2d`.
///
/// # Shapes
/// `x` (B, C, H, W) → (B, C, H + 2·padding, W + 2·padding).
///
/// # Errors
/// When `padding` is not smaller than H and W.
pub fn reflection_pad2d(x: &Tensor, padding: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    check_reflection("reflection_pad2d", x, padding)?;
    if padding == 0 {
        return Ok(x.clone());
    }
    let kernels = Kernels::current()?;
    if own(kernels, [x]) {
        return apply1(Reflection { padding, kernels }, x);
    }
    let from = |len: usize| {
        let index: Vec<u32> =
            (0..len + 2 * padding).map(|i| mirror(i, padding, len) as u32).collect();
        Tensor::from_vec(index, len + 2 * padding, x.device())
    };
    x.contiguous()?.index_select(&from(h)?, 2)?.index_select(&from(w)?, 3)
}

/// Fails where the mirror image of `x` (B, C, H, W) is too small.
pub(crate) fn check_reflection(op: &str, x: &Tensor, padding: usize) -> Result<()> {
    let (_, _, h, w) = x.dims4()?;
    if padding > 0 && padding >= h.min(w) {
        bail!("{op}: padding {padding} is not smaller than input {:?}", x.shape());
    }
    Ok(())
}

/// Where padded position `i` comes from.
#[inline(always)]
fn mirror(i: usize, padding: usize, len: usize) -> usize {
    let at = i.abs_diff(padding);
    if at < len { at } else { 2 * (len - 1) - at }
}

/// All planes of `x`, (…, h, w), padded.
pub(crate) fn reflected<T: Number>(
    kernels: Kernels,
    x: &[T],
    size: [usize; 2],
    padding: usize,
) -> Vec<T> {
    T::dispatch(kernels, Planes { x, size, padding, back: false })
}

/// The gradient of all planes of `size` from the gradient of the padded ones.
pub(crate) fn folded_back<T: Number>(
    kernels: Kernels,
    grad: &[T],
    size: [usize; 2],
    padding: usize,
) -> Vec<T> {
    T::dispatch(kernels, Planes { x: grad, size, padding, back: true })
}

struct Reflection {
    padding: usize,
    kernels: Kernels,
}

impl Operation<1> for Reflection {
    const NAME: &'static str = "reflection_pad2d";

    fn forward<T: Number>(&self, [(x, layout)]: [Operand<'_>; 1]) -> Result<(CpuStorage, Shape)> {
        let (b, c, h, w) = layout.shape().dims4()?;
        let p = self.padding;
        let y = reflected(self.kernels, view::<T>(x, layout)?, [h, w], p);
        Ok((T::to_cpu_storage_owned(y), Shape::from((b, c, h + 2 * p, w + 2 * p))))
    }

    fn backward<T: Number>(
        &self,
        [x]: [&Tensor; 1],
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let (_, _, h, w) = x.dims4()?;
        let grad = grad.contiguous()?;
        let read = Read::new(&grad);
        let dx = folded_back(self.kernels, read.slice::<T>()?, [h, w], self.padding);
        Ok([Some(tensor(dx, x.shape())?)])
    }
}

/// All planes of `size`, to be padded, or (`back`) whose gradients are to be folded back.
struct Planes<'a, T> {
    x: &'a [T],
    size: [usize; 2],
    padding: usize,
    back: bool,
}

impl<T: Number> Generic<T> for Planes<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let [h, w] = self.size;
        let padded = (h + 2 * self.padding) * (w + 2 * self.padding);
        let (from, to) = if self.back { (padded, h * w) } else { (h * w, padded) };
        let planes = self.x.len() / from;
        let fill = |out: Shared<T>| {
            parallel(planes, planes * padded, |i| {
                let x = &self.x[i * from..(i + 1) * from];
                // SAFETY: this plane is this task's alone.
                let to = unsafe { out.part(i * to, to) };
                let Self { size, padding, back, .. } = self;
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(Plane { x, to, size, padding, back }) };
            });
        };
        // SAFETY: every plane is written.
        unsafe { filled(planes * to, fill) }
    }
}

struct Plane<'a, T> {
    x: &'a [T],
    to: &'a mut [MaybeUninit<T>],
    size: [usize; 2],
    padding: usize,
    back: bool,
}

impl<T: Number> Task for Plane<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { x, to, size: [h, w], padding: p, back } = self;
        let wide = w + 2 * p;
        if !back {
            for (y, to) in to.chunks_exact_mut(wide).enumerate() {
                let row = &x[mirror(y, p, h) * w..][..w];
                to[p..p + w].iter_mut().zip(row).for_each(|(to, v)| _ = to.write(*v));
                for i in 0..p {
                    to[i].write(row[p - i]);
                    to[p + w + i].write(row[w - 2 - i]);
                }
            }
            return;
        }
        for (y, to) in to.chunks_exact_mut(w).enumerate() {
            for (column, to) in to.iter_mut().enumerate() {
                to.write(folded(x, wide, y + p, column, w, p));
            }
            // Rows that were mirrored from this one.
            let above = (y >= 1 && y <= p).then(|| p - y);
            let below = (y + 1 < h && y + 1 + p >= h).then(|| p + 2 * (h - 1) - y);
            for row in above.into_iter().chain(below) {
                for (column, to) in to.iter_mut().enumerate() {
                    // SAFETY: written just above.
                    let sum = unsafe { to.assume_init() } + folded(x, wide, row, column, w, p);
                    to.write(sum);
                }
            }
        }
    }
}

/// The sum of a padded row's numbers that come from `column`.
#[inline(always)]
fn folded<T: Number>(x: &[T], wide: usize, row: usize, column: usize, w: usize, p: usize) -> T {
    let row = &x[row * wide..(row + 1) * wide];
    let mut sum = row[column + p];
    if column >= 1 && column <= p {
        sum += row[p - column];
    }
    if column + 1 < w && column + 1 + p >= w {
        sum += row[p + 2 * (w - 1) - column];
    }
    sum
}
