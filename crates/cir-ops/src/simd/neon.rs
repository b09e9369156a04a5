//! NEON: 4 f32 or 2 f64 in each of 32 registers.

use std::arch::aarch64::*;

use super::{Simd, Task};

macro_rules! neon {
    ($name:ident, $t:ty, $v:ty, $lanes:literal, $load:ident, $store:ident, $add:ident,
     $sub:ident, $dup:ident, $fma:ident) => {
        /// 128-bit vectors.
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        // SAFETY (of every block below): intrinsics of NEON, which the caller has checked, on
        // pointers that the caller vouches for.
        impl Simd for $name {
            type T = $t;
            type P = $t;
            type V = $v;
            const LANES: usize = $lanes;
            const ROWS: usize = 12;

            #[inline(always)]
            fn pack(first: $t, _: $t) -> $t {
                first
            }

            #[inline(always)]
            unsafe fn zero() -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $dup(0.) }
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
                unsafe { $dup(*from) }
            }

            #[inline(always)]
            unsafe fn splat(v: $t) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $dup(v) }
            }

            #[inline(always)]
            unsafe fn multiply_add(acc: $v, a: $v, b: $v) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $fma(acc, a, b) }
            }

            #[inline(always)]
            unsafe fn fma(acc: $v, a: $v, b: $v) -> $v {
                // SAFETY: see the head of the impl.
                unsafe { $fma(acc, a, b) }
            }

            #[inline(always)]
            unsafe fn vectorize<F: Task>(task: F) -> F::Out {
                #[target_feature(enable = "neon")]
                fn inner<F: Task>(task: F) -> F::Out {
                    task.run()
                }
                // SAFETY: the caller has checked for NEON.
                unsafe { inner(task) }
            }
        }
    };
}

neon!(F32, f32, float32x4_t, 4, vld1q_f32, vst1q_f32, vaddq_f32, vsubq_f32, vdupq_n_f32, vfmaq_f32);
neon!(F64, f64, float64x2_t, 2, vld1q_f64, vst1q_f64, vaddq_f64, vsubq_f64, vdupq_n_f64, vfmaq_f64);
