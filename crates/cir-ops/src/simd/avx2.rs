//! AVX2 with FMA: 8 f32 or 4 f64 in each of 16 registers.

use std::arch::x86_64::*;

use super::{Simd, Task};

macro_rules! avx2 {
    ($name:ident, $t:ty, $v:ty, $lanes:literal, $zero:ident, $load:ident, $store:ident, $add:ident,
     $set1:ident, $fma:ident) => {
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
    _mm256_set1_ps,
    _mm256_fmadd_ps
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
    _mm256_set1_pd,
    _mm256_fmadd_pd
);
