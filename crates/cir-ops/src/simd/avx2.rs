//! AVX2 with FMA: 8 f32 or 4 f64 in each of 16 registers.

use std::arch::x86_64::*;

use super::{Simd, Task};

macro_rules! avx2 {
    ($name:ident, $t:ty, $v:ty, $lanes:literal, $zero:ident, $load:ident, $store:ident, $add:ident,
     $sub:ident, $set1:ident, $fma:ident, $transpose:ident) => {
        /// 256-bit vectors.
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        // SAFETY (of every block below): intrinsics of AVX2 and FMA, which the caller has checked,
        // on pointers that the caller vouches for.
        impl Simd for $name {
            type T = $t;
            type P = $t;
            type V = $v;
            const LANES: usize = $lanes;
            const ROWS: usize = 6;

            #[inline(always)]
            fn pack(first: $t, _: $t) -> $t {
                first
            }

            #[inline(always)]
            unsafe fn zero() -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $zero() }
            }

            #[inline(always)]
            unsafe fn load(from: *const $t) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(to: *mut $t, v: $v) {
                // SAFETY: see the head of the impl.
                unsafe { $store(to, v) }
            }

            #[inline(always)]
            unsafe fn add(a: $v, b: $v) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            unsafe fn sub(a: $v, b: $v) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $sub(a, b) }
            }

            #[inline(always)]
            unsafe fn packed(from: *const $t) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn broadcast(from: *const $t) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $set1(*from) }
            }

            #[inline(always)]
            unsafe fn splat(v: $t) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $set1(v) }
            }

            #[inline(always)]
            unsafe fn multiply_add(acc: $v, a: $v, b: $v) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $fma(a, b, acc) }
            }

            #[inline(always)]
            unsafe fn fma(acc: $v, a: $v, b: $v) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $fma(a, b, acc) }
            }

            #[inline(always)]
            unsafe fn transpose(from: *const $t, from_step: usize, to: *mut $t, to_step: usize) {
                // SAFETY: see the head of the impl.
                unsafe { $transpose(from, from_step, to, to_step) }
            }

            #[inline(always)]
            unsafe fn vectorize<F: Task>(task: F) -> F::Out {
                #[target_feature(enable = "avx2,fma")]
                fn inner<F: Task>(task: F) -> F::Out {
                    task.run()
                }
                // SAFETY: the caller has checked for AVX2 and FMA.
                unsafe { inner(task) }
            }
        }
    };
}

avx2!(
    F32,
    f32,
    __m256,
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    transpose_f32
);
avx2!(
    F64,
    f64,
    __m256d,
    4,
    _mm256_setzero_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_set1_pd,
    _mm256_fmadd_pd,
    transpose_f64
);

/// 8×8: pairs of rows, pairs of pairs, then halves.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transpose_f32(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
    // SAFETY: the caller vouches for 8 numbers at each of 8 steps of both pointers.
    unsafe {
        let mut quads = [_mm256_setzero_ps(); 8];
        for g in 0..2 {
            let row = |i: usize| _mm256_loadu_ps(from.add((4 * g + i) * from_step));
            let [a, b, c, d] = [row(0), row(1), row(2), row(3)];
            let (ab0, ab1) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd0, cd1) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            // Half h of quads[4g + j] holds column 4h + j of rows 4g to 4g + 3.
            quads[4 * g] = _mm256_shuffle_ps::<0x44>(ab0, cd0);
            quads[4 * g + 1] = _mm256_shuffle_ps::<0xee>(ab0, cd0);
            quads[4 * g + 2] = _mm256_shuffle_ps::<0x44>(ab1, cd1);
            quads[4 * g + 3] = _mm256_shuffle_ps::<0xee>(ab1, cd1);
        }
        for j in 0..4 {
            let (top, bottom) = (quads[j], quads[4 + j]);
            let column = |h: usize| to.add((4 * h + j) * to_step);
            _mm256_storeu_ps(column(0), _mm256_permute2f128_ps::<0x20>(top, bottom));
            _mm256_storeu_ps(column(1), _mm256_permute2f128_ps::<0x31>(top, bottom));
        }
    }
}

/// 4×4: pairs of rows, then halves.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transpose_f64(from: *const f64, from_step: usize, to: *mut f64, to_step: usize) {
    // SAFETY: the caller vouches for 4 numbers at each of 4 steps of both pointers.
    unsafe {
        let row = |i: usize| _mm256_loadu_pd(from.add(i * from_step));
        let [a, b, c, d] = [row(0), row(1), row(2), row(3)];
        let even = (_mm256_unpacklo_pd(a, b), _mm256_unpacklo_pd(c, d));
        let odd = (_mm256_unpackhi_pd(a, b), _mm256_unpackhi_pd(c, d));
        for (j, (top, bottom)) in [even, odd].into_iter().enumerate() {
            let column = |h: usize| to.add((2 * h + j) * to_step);
            _mm256_storeu_pd(column(0), _mm256_permute2f128_pd::<0x20>(top, bottom));
            _mm256_storeu_pd(column(1), _mm256_permute2f128_pd::<0x31>(top, bottom));
        }
    }
}
