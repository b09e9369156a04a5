//! AVX-512 BF16: products of pairs of bfloat16, accumulated in 16 f32.

use std::arch::x86_64::*;
use std::mem::transmute;

use super::avx512::F32;
use super::{Simd, Task};

/// 512-bit vectors whose products multiply bfloat16, rounded to nearest from f32.
#[derive(Clone, Copy)]
pub(crate) struct Bf16;

/// Where the numbers of two halves of a vector go, by turns.
const TURNS: [u16; 32] = {
    let mut from = [0; 32];
    let mut i = 0;
    while i < 32 {
        from[i] = i as u16 / 2 + 16 * (i as u16 % 2);
        i += 1;
    }
    from
};

/// Whether this machine has the instructions.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512bf16")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512f")
}

/// The nearest bfloat16's bits, ties to even.
#[inline(always)]
fn round(x: f32) -> u32 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if x.is_nan() { 0x7fc0 } else { rounded }
}

// SAFETY (of every block below): intrinsics of AVX-512 F, BW and BF16, which the caller has checked, on
// pointers that the caller vouches for; vectors of one size may be reinterpreted.
impl Simd for Bf16 {
    type T = f32;
    type P = u32;
    type V = __m512;
    const LANES: usize = 16;
    const PAIR: usize = 2;
    const ROWS: usize = 14;

    #[inline(always)]
    fn pack(first: f32, second: f32) -> u32 {
        round(first) | round(second) << 16
    }

    #[inline(always)]
    unsafe fn pack_lanes(first: __m512, second: __m512) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe {
            // All of the first below all of the second, then by turns.
            let halves = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first));
            let turns = transmute::<[u16; 32], __m512i>(TURNS);
            _mm512_castsi512_ps(_mm512_permutexvar_epi16(turns, halves))
        }
    }

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: __m512) {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_storeu_ps(to, v) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn packed(from: *const u32) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_loadu_ps(from.cast()) }
    }

    #[inline(always)]
    unsafe fn broadcast(from: *const u32) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_castsi512_ps(_mm512_set1_epi32((*from).cast_signed())) }
    }

    #[inline(always)]
    unsafe fn splat(v: f32) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_set1_ps(v) }
    }

    #[inline(always)]
    unsafe fn multiply_add(acc: __m512, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe { _mm512_fmadd_ps(a, b, acc) }
    }

    #[inline(always)]
    unsafe fn fma(acc: __m512, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the impl.
        unsafe {
            let pairs = |v: __m512| transmute::<__m512, __m512bh>(v);
            _mm512_dpbf16_ps(acc, pairs(a), pairs(b))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        // SAFETY: see the head of the impl.
        unsafe { F32::transpose(from, from_step, to, to_step) }
    }

    #[inline(always)]
    unsafe fn vectorize<F: Task>(task: F) -> F::Out {
        #[target_feature(enable = "avx512f,avx512bw,avx512bf16,avx2,fma")]
        fn inner<F: Task>(task: F) -> F::Out {
            task.run()
        }
        // SAFETY: the caller has checked for AVX-512 F, BW, BF16, AVX2 and FMA.
        unsafe { inner(task) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_even_and_keeps_nan_and_infinity() {
        for (x, bits) in [
            (1.0, 0x3f80),
            (1.003_906_3, 0x3f80),
            (1.003_906_4, 0x3f81),
            (1.011_718_8, 0x3f82),
            (f32::INFINITY, 0x7f80),
            (f32::NEG_INFINITY, 0xff80),
        ] {
            assert_eq!(round(x), bits, "{x}");
        }
        assert_eq!(round(f32::from_bits(0x7f80_0001)), 0x7fc0);
        assert_eq!(Bf16::pack(1., 2.), 0x4000_3f80);
    }

    #[test]
    fn lanes_are_packed_as_pairs_of_numbers_are() {
        if !available() {
            return;
        }
        let numbers = |salt: f32| -> [f32; 16] {
            std::array::from_fn(|i| {
                (i as f32 * 0.37 + salt).sin() * f32::powi(2., i as i32 * 7 - 50)
            })
        };
        let [first, second] = [numbers(1.), numbers(2.)];
        let mut packed = [0; 16];
        // SAFETY: the instructions were just looked for, and all arrays hold a vector.
        unsafe {
            let lanes = Bf16::pack_lanes(Bf16::load(first.as_ptr()), Bf16::load(second.as_ptr()));
            Bf16::store(packed.as_mut_ptr().cast(), lanes);
        }
        let expected: [u32; 16] = std::array::from_fn(|i| Bf16::pack(first[i], second[i]));
        assert_eq!(packed, expected);
    }
}
