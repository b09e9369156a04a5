//! AVX-512: 16 f32 or 8 f64 in each of 32 registers.

use std::arch::x86_64::*;

use super::{Simd, Task};

macro_rules! avx512 {
    ($name:ident, $t:ty, $v:ty, $lanes:literal, $zero:ident, $load:ident, $store:ident, $add:ident,
     $sub:ident, $set1:ident, $fma:ident, $transpose:ident) => {
        /// 512-bit vectors.
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        // SAFETY (of every block below): intrinsics of AVX-512 F, which the caller has checked, on
        // pointers that the caller vouches for.
        impl Simd for $name {
            type T = $t;
            type P = $t;
            type V = $v;
            const LANES: usize = $lanes;
            const ROWS: usize = 14;

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
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn inner<F: Task>(task: F) -> F::Out {
                    task.run()
                }
                // SAFETY: the caller has checked for AVX-512 F, AVX2 and FMA.
                unsafe { inner(task) }
            }
        }
    };
}

avx512!(
    F32,
    f32,
    __m512,
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    transpose_f32
);
avx512!(
    F64,
    f64,
    __m512d,
    8,
    _mm512_setzero_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_set1_pd,
    _mm512_fmadd_pd,
    transpose_f64
);

/// 16×16: pairs of rows, pairs of pairs, then 128-bit quarters.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn transpose_f32(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
    // SAFETY: the caller vouches for 16 numbers at each of 16 steps of both pointers.
    unsafe {
        let mut rows = [_mm512_setzero_ps(); 16];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = _mm512_loadu_ps(from.add(r * from_step));
        }
        let mut quads = [_mm512_setzero_ps(); 16];
        for g in 0..4 {
            let [a, b, c, d] = [rows[4 * g], rows[4 * g + 1], rows[4 * g + 2], rows[4 * g + 3]];
            let (ab0, ab1) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd0, cd1) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            // Quarter q of quads[4g + j] holds column 4q + j of rows 4g to 4g + 3.
            quads[4 * g] = _mm512_shuffle_ps::<0x44>(ab0, cd0);
            quads[4 * g + 1] = _mm512_shuffle_ps::<0xee>(ab0, cd0);
            quads[4 * g + 2] = _mm512_shuffle_ps::<0x44>(ab1, cd1);
            quads[4 * g + 3] = _mm512_shuffle_ps::<0xee>(ab1, cd1);
        }
        for j in 0..4 {
            let [a, b, c, d] = [quads[j], quads[4 + j], quads[8 + j], quads[12 + j]];
            let (ab_even, ab_odd) =
                (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
            let (cd_even, cd_odd) =
                (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
            let column = |q: usize| to.add((4 * q + j) * to_step);
            _mm512_storeu_ps(column(0), _mm512_shuffle_f32x4::<0x88>(ab_even, cd_even));
            _mm512_storeu_ps(column(1), _mm512_shuffle_f32x4::<0x88>(ab_odd, cd_odd));
            _mm512_storeu_ps(column(2), _mm512_shuffle_f32x4::<0xdd>(ab_even, cd_even));
            _mm512_storeu_ps(column(3), _mm512_shuffle_f32x4::<0xdd>(ab_odd, cd_odd));
        }
    }
}

/// 8×8: pairs of rows, then 128-bit quarters.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn transpose_f64(from: *const f64, from_step: usize, to: *mut f64, to_step: usize) {
    // SAFETY: the caller vouches for 8 numbers at each of 8 steps of both pointers.
    unsafe {
        let mut pairs = [_mm512_setzero_pd(); 8];
        for g in 0..4 {
            let a = _mm512_loadu_pd(from.add(2 * g * from_step));
            let b = _mm512_loadu_pd(from.add((2 * g + 1) * from_step));
            // Quarter q of pairs[2g + j] holds column 2q + j of rows 2g and 2g + 1.
            pairs[2 * g] = _mm512_unpacklo_pd(a, b);
            pairs[2 * g + 1] = _mm512_unpackhi_pd(a, b);
        }
        for j in 0..2 {
            let [a, b, c, d] = [pairs[j], pairs[2 + j], pairs[4 + j], pairs[6 + j]];
            let (ab_even, ab_odd) =
                (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xdd>(a, b));
            let (cd_even, cd_odd) =
                (_mm512_shuffle_f64x2::<0x88>(c, d), _mm512_shuffle_f64x2::<0xdd>(c, d));
            let column = |q: usize| to.add((2 * q + j) * to_step);
            _mm512_storeu_pd(column(0), _mm512_shuffle_f64x2::<0x88>(ab_even, cd_even));
            _mm512_storeu_pd(column(1), _mm512_shuffle_f64x2::<0x88>(ab_odd, cd_odd));
            _mm512_storeu_pd(column(2), _mm512_shuffle_f64x2::<0xdd>(ab_even, cd_even));
            _mm512_storeu_pd(column(3), _mm512_shuffle_f64x2::<0xdd>(ab_odd, cd_odd));
        }
    }
}
