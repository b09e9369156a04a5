//! The number types that the kernels compute with: f32 and f64.

use candle_core::{CpuStorage, WithDType};

use crate::kernels::Kernels;
use crate::precision::Precision;
use crate::scratch::Plain;
use crate::simd::{Generic, dispatch_bf16, dispatch_f32, dispatch_f64};

/// f32 or f64.
pub(crate) trait Number: WithDType + Plain + std::ops::Neg<Output = Self> {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The smallest positive number with a full mantissa.
    const SMALLEST: Self;
    /// √self.
    fn sqrt(self) -> Self;
    /// |self|.
    fn abs(self) -> Self;
    /// The value as f64; exact.
    fn wide(self) -> f64;
    /// The nearest value.
    fn narrow(value: f64) -> Self;
    /// tanh self.
    fn tanh(self) -> Self;
    /// (ln(1 + e), e) with e = exp(-|self|).
    fn softplus_terms(self) -> (Self, Self);
    /// The numbers of a storage, if they are of this type.
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;
    /// Runs `task` with the vectors of `kernels` over this type.
    fn dispatch<G: Generic<Self>>(kernels: Kernels, task: G) -> G::Out;
    /// Runs `task`, whose products may be of `precision`.
    fn dispatch_at<G: Generic<Self>>(precision: Precision, kernels: Kernels, task: G) -> G::Out;
}

macro_rules! number {
    ($t:ty, $variant:ident, $dispatch:ident, $low:ident, $tanh:expr, $softplus_terms:expr) => {
        impl Number for $t {
            const ZERO: Self = 0.;
            const ONE: Self = 1.;
            const SMALLEST: Self = <$t>::MIN_POSITIVE;
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn narrow(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $tanh(self)
            }
            #[inline(always)]
            fn softplus_terms(self) -> (Self, Self) {
                $softplus_terms(self)
            }
            fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(numbers) => Some(numbers),
                    _ => None,
                }
            }
            fn dispatch<G: Generic<Self>>(kernels: Kernels, task: G) -> G::Out {
                $dispatch(kernels, task)
            }
            fn dispatch_at<G: Generic<Self>>(at: Precision, kernels: Kernels, task: G) -> G::Out {
                match at {
                    Precision::Full => $dispatch(kernels, task),
                    Precision::Bf16 => $low(kernels, task),
                }
            }
        }
    };
}

number!(f32, F32, dispatch_f32, dispatch_bf16, tanh_f32, |x: f32| {
    let e = exp_of_negative(-x.abs());
    (ln_1p_of_unit(e), e)
});
number!(f64, F64, dispatch_f64, dispatch_f64, f64::tanh, |x: f64| {
    let e = (-x.abs()).exp();
    (e.ln_1p(), e)
});

/// exp(x) for x ≤ 0, by powers of two and a polynomial; branch-free, so that loops vectorise.
/// Relative error below 2e-7; 0 below -87.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    // Adding 1.5·2²³ rounds to an integer, which the low bits then hold.
    const SHIFT: f32 = 12_582_912.;
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    // ln 2 in two parts, the first exact in products with n.
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = (p * r) * r + r + 1.;
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < -87. { 0. } else { p * power }
}

/// ln(1 + e) for 0 ≤ e ≤ 1, as 2·artanh(e / (2 + e)).
#[inline(always)]
fn ln_1p_of_unit(e: f32) -> f32 {
    let s = e / (2. + e);
    let q = s * s;
    let p = 2. / 15.;
    let p = p * q + 2. / 13.;
    let p = p * q + 2. / 11.;
    let p = p * q + 2. / 9.;
    let p = p * q + 2. / 7.;
    let p = p * q + 2. / 5.;
    let p = p * q + 2. / 3.;
    s * (p * q + 2.)
}

/// tanh: near 0 an odd polynomial, else (1 - e) / (1 + e) with e = exp(-2|x|).
#[inline(always)]
fn tanh_f32(x: f32) -> f32 {
    let a = x.abs();
    let q = x * x;
    let p = -5.704_988_7e-3;
    let p = p * q + 2.063_909e-2;
    let p = p * q - 5.373_971_6e-2;
    let p = p * q + 1.333_144_2e-1;
    let p = p * q - 3.333_328e-1;
    let small = a + a * q * p;
    let e = exp_of_negative(-2. * a);
    let large = (1. - e) / (1. + e);
    let y = if a < 0.625 { small } else { large };
    // NaN fails both comparisons' use of e, and so passes through.
    y.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_functions_are_close_to_their_f64_values() {
        for i in -400_000..400_000 {
            let x = i as f32 * 2.5e-4;
            let wide = f64::from(x);
            let tanh = f64::from(Number::tanh(x));
            assert!((tanh - wide.tanh()).abs() <= 2.5e-7 * wide.tanh().abs(), "tanh {x}");
            let (l, e) = x.softplus_terms();
            let exact = (-wide.abs()).exp();
            let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 3e-7 * b + 1e-37;
            assert!(near(e, exact), "exp {x}: {e} {exact}");
            assert!(near(l, exact.ln_1p()), "ln_1p {x}: {l}");
        }
        assert!(Number::tanh(f32::NAN).is_nan());
        assert_eq!(Number::tanh(f32::INFINITY), 1.);
    }
}
