//! One vocabulary for all instruction sets: what the kernels need of a vector unit.
//!
//! A kernel is a [`Task`] generic over [`Simd`]; [`Simd::vectorize`] compiles its body for the
//! instruction set. Loops over slices in it are vectorised by the compiler, the products of
//! convolutions by the operations named here.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod bf16;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(crate) mod portable;

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::scratch::Plain;

/// Work to be compiled for an instruction set. Implementations mark `run` `#[inline(always)]`.
pub(crate) trait Task {
    /// What it returns.
    type Out;
    /// Does it.
    fn run(self) -> Self::Out;
}

/// Work that picks the vector type by the instruction set.
pub(crate) trait Generic<T: Number> {
    /// What it returns.
    type Out;
    /// Does it with the vectors of `S`.
    fn run<S: Simd<T = T>>(self) -> Self::Out;
}

/// The vectors of one instruction set over one number type.
///
/// The operations are unsafe because they may only run where the instruction set exists, which
/// `Kernels::available` has checked; pointers must be valid for [`Simd::LANES`] elements.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// Stored and accumulated numbers.
    type T: Number;
    /// What a product multiplies: `T` itself, or as many narrower numbers as `PAIR` says.
    type P: Plain;
    /// A vector of `LANES` numbers.
    type V: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Terms of a sum in one packed operand.
    const PAIR: usize = 1;
    /// Rows of the largest register tile of two vectors.
    const ROWS: usize;

    /// Packs `PAIR` terms, the second is ignored where `PAIR` is 1.
    fn pack(first: Self::T, second: Self::T) -> Self::P;
    /// Packs the numbers of each lane; where `PAIR` is 1, those of the first.
    #[inline(always)]
    unsafe fn pack_lanes(first: Self::V, _second: Self::V) -> Self::V {
        const { assert!(Self::PAIR == 1) };
        first
    }
    /// Zeros.
    unsafe fn zero() -> Self::V;
    /// Reads a vector.
    unsafe fn load(from: *const Self::T) -> Self::V;
    /// Writes a vector.
    unsafe fn store(to: *mut Self::T, v: Self::V);
    /// a + b.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// a - b.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// Reads a vector of packed operands.
    unsafe fn packed(from: *const Self::P) -> Self::V;
    /// One packed operand in all lanes.
    unsafe fn broadcast(from: *const Self::P) -> Self::V;
    /// One number in all lanes.
    unsafe fn splat(v: Self::T) -> Self::V;
    /// acc + a·b, for plain numbers.
    unsafe fn multiply_add(acc: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// acc + a·b, for packed operands.
    unsafe fn fma(acc: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `LANES` rows of `LANES` numbers, `from_step` apart, into columns `to_step` apart.
    #[inline(always)]
    unsafe fn transpose(from: *const Self::T, from_step: usize, to: *mut Self::T, to_step: usize) {
        for r in 0..Self::LANES {
            for c in 0..Self::LANES {
                // SAFETY: the caller vouches for both squares.
                unsafe { *to.add(c * to_step + r) = *from.add(r * from_step + c) };
            }
        }
    }
    /// Runs `task` compiled for the instruction set.
    unsafe fn vectorize<F: Task>(task: F) -> F::Out;
}

/// Starts to read what will soon be needed; any address will do.
#[inline(always)]
pub(crate) fn prefetch<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: part of SSE, which every x86-64 has; a prefetch never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// [`prefetch`] of each cache line of some numbers.
#[inline(always)]
pub(crate) fn prefetch_all<T>(numbers: &[T]) {
    numbers.iter().step_by(64 / size_of::<T>()).for_each(|number| prefetch(number));
}

/// Runs `task` with the vectors of `kernels` for f32.
pub(crate) fn dispatch_f32<G: Generic<f32>>(kernels: Kernels, task: G) -> G::Out {
    match kernels {
        #[cfg(target_arch = "x86_64")]
        Kernels::Avx512 => task.run::<avx512::F32>(),
        #[cfg(target_arch = "x86_64")]
        Kernels::Avx2 => task.run::<avx2::F32>(),
        #[cfg(target_arch = "aarch64")]
        Kernels::Neon => task.run::<neon::F32>(),
        _ => task.run::<portable::F32>(),
    }
}

/// Runs `task` with vectors that multiply bfloat16, or in f32 where `kernels` have none.
pub(crate) fn dispatch_bf16<G: Generic<f32>>(kernels: Kernels, task: G) -> G::Out {
    #[cfg(target_arch = "x86_64")]
    if kernels == Kernels::Avx512 && bf16::available() {
        return task.run::<bf16::Bf16>();
    }
    dispatch_f32(kernels, task)
}

/// Runs `task` with the vectors of `kernels` for f64.
pub(crate) fn dispatch_f64<G: Generic<f64>>(kernels: Kernels, task: G) -> G::Out {
    match kernels {
        #[cfg(target_arch = "x86_64")]
        Kernels::Avx512 => task.run::<avx512::F64>(),
        #[cfg(target_arch = "x86_64")]
        Kernels::Avx2 => task.run::<avx2::F64>(),
        #[cfg(target_arch = "aarch64")]
        Kernels::Neon => task.run::<neon::F64>(),
        _ => task.run::<portable::F64>(),
    }
}
