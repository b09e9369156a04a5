//! Minimal filtering of one axis, F(2, 2) and F(2, 3): two outputs y of neighbouring inputs d and
//! taps g as y = Aᵀ(G·g ⊙ Bᵀ·d), with three products instead of four, or four instead of six.
//!
//! ```text
//! F(2, 2)  Bᵀd = (d₀ - d₁, d₁, d₁ - d₂)           Gg = (g₀, g₀ + g₁, g₁)
//!          Aᵀm = (m₀ + m₁, m₁ - m₂)
//! F(2, 3)  Bᵀd = (d₀ - d₂, d₁ + d₂, d₂ - d₁, d₁ - d₃)
//!          Gg = (g₀, (g₀ + g₁ + g₂)/2, (g₀ - g₁ + g₂)/2, g₂)
//!          Aᵀm = (m₀ + m₁ + m₂, m₁ - m₂ - m₃)
//! ```
//!
//! Each works on slices of whole vectors, side by side: of tiles, or of channels.

use crate::numbers::Number;
use crate::simd::Simd;

use super::split::POINTS;

/// to[i] = f of from[..][i]; the inner loop's length is known, so that it becomes vectors.
#[inline(always)]
fn each<S: Simd, const M: usize, const N: usize>(
    from: [&[S::T]; M],
    to: [&mut [S::T]; N],
    f: impl Fn([S::T; M]) -> [S::T; N],
) {
    let len = to[0].len();
    let from = from.map(|from| &from[..len]);
    let to = to.map(|to| &mut to[..len]);
    for at in (0..len / S::LANES * S::LANES).step_by(S::LANES) {
        let mut results = [[S::T::ZERO; 16]; N];
        for lane in 0..S::LANES {
            let values = f(std::array::from_fn(|j| from[j][at + lane]));
            for (results, value) in results.iter_mut().zip(values) {
                results[lane] = value;
            }
        }
        for p in 0..N {
            to[p][at..at + S::LANES].copy_from_slice(&results[p][..S::LANES]);
        }
    }
}

/// Bᵀ of the inputs; with two taps the last of both is not used.
#[inline(always)]
pub(super) fn inputs<S: Simd>(taps: usize, d: [&[S::T]; POINTS], to: [&mut [S::T]; POINTS]) {
    let ([d0, d1, d2, d3], [t0, t1, t2, t3]) = (d, to);
    if taps == 2 {
        each::<S, 3, 3>([d0, d1, d2], [t0, t1, t2], |[a, b, c]| [a - b, b, b - c]);
    } else {
        let transform = |[a, b, c, d]: [S::T; 4]| [a - c, b + c, c - b, b - d];
        each::<S, 4, 4>([d0, d1, d2, d3], [t0, t1, t2, t3], transform);
    }
}

/// Aᵀ of the products.
#[inline(always)]
pub(super) fn outputs<S: Simd>(taps: usize, m: [&[S::T]; POINTS], to: [&mut [S::T]; 2]) {
    let [m0, m1, m2, m3] = m;
    if taps == 2 {
        each::<S, 3, 2>([m0, m1, m2], to, |[a, b, c]| [a + b, b - c]);
    } else {
        each::<S, 4, 2>([m0, m1, m2, m3], to, |[a, b, c, d]| [a + b + c, b - c - d]);
    }
}

/// G of the taps, in f64 since the weights are rounded once for all tiles.
#[inline(always)]
pub(super) fn taps(g: &[[f64; 16]], to: &mut [[f64; 16]], lanes: usize) {
    if let [g0, g1] = g {
        for i in 0..lanes {
            to[0][i] = g0[i];
            to[1][i] = g0[i] + g1[i];
            to[2][i] = g1[i];
        }
    } else if let [g0, g1, g2] = g {
        for i in 0..lanes {
            let (even, odd) = ((g0[i] + g2[i]) * 0.5, g1[i] * 0.5);
            to[0][i] = g0[i];
            to[1][i] = even + odd;
            to[2][i] = even - odd;
            to[3][i] = g2[i];
        }
    }
}
