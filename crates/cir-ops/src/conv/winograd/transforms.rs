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
//! The gradient of g is Gᵀ(Bᵀ·d ⊙ A·y) of the gradient y of the outputs.
//!
//! Each works on whole vectors of slices that start at given places: of tiles, or of channels.

use crate::numbers::Number;
use crate::simd::Simd;

use super::split::{OUTPUTS, POINTS};

/// Which transform of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Transform {
    /// Bᵀ of what a tile reads.
    Inputs,
    /// A of the gradients of its outputs.
    Outputs,
}

impl Transform {
    /// Numbers along an axis that it takes.
    pub(super) fn reads(self, taps: usize) -> usize {
        if self == Self::Inputs { taps + OUTPUTS - 1 } else { OUTPUTS }
    }

    /// to[point · step + i] = the transform of from[start + i] for `len` numbers, whole vectors.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(
        self,
        taps: usize,
        from: &[S::T],
        starts: [usize; POINTS],
        to: &mut [S::T],
        step: usize,
        len: usize,
    ) {
        assert!(len.is_multiple_of(S::LANES) && taps * step + len <= to.len());
        assert!(starts[..self.reads(taps)].iter().all(|start| start + len <= from.len()));
        let to = to.as_mut_ptr();
        for i in (0..len).step_by(S::LANES) {
            // SAFETY: the vectors from `starts` and at multiples of `step` are in bounds, as just
            // checked; the instruction set is there within a task.
            unsafe {
                let d = |j: usize| S::load(from.as_ptr().add(starts[j] + i));
                let put = |point: usize, v| S::store(to.add(point * step + i), v);
                let (first, second) = (d(0), d(1));
                match (self, taps) {
                    (Self::Inputs, 2) => {
                        put(0, S::sub(first, second));
                        put(1, second);
                        put(2, S::sub(second, d(2)));
                    }
                    (Self::Inputs, _) => {
                        let (third, fourth) = (d(2), d(3));
                        put(0, S::sub(first, third));
                        put(1, S::add(second, third));
                        put(2, S::sub(third, second));
                        put(3, S::sub(second, fourth));
                    }
                    (Self::Outputs, 2) => {
                        put(0, first);
                        put(1, S::add(first, second));
                        put(2, S::sub(S::zero(), second));
                    }
                    (Self::Outputs, _) => {
                        put(0, first);
                        put(1, S::add(first, second));
                        put(2, S::sub(first, second));
                        put(3, S::sub(S::zero(), second));
                    }
                }
            }
        }
    }
}

/// to[output · to_step + i] = Aᵀ of from[point · step + i] for `len` numbers, whole vectors.
#[inline(always)]
pub(super) fn outputs<S: Simd>(
    taps: usize,
    from: &[S::T],
    step: usize,
    to: &mut [S::T],
    to_step: usize,
    len: usize,
) {
    assert!(len.is_multiple_of(S::LANES) && taps * step + len <= from.len());
    assert!((OUTPUTS - 1) * to_step + len <= to.len());
    let to = to.as_mut_ptr();
    for i in (0..len).step_by(S::LANES) {
        // SAFETY: the vectors at multiples of the steps are in bounds, as just checked; the
        // instruction set is there within a task.
        unsafe {
            let m = |point: usize| S::load(from.as_ptr().add(point * step + i));
            let (mut left, mut right) = (S::add(m(0), m(1)), S::sub(m(1), m(2)));
            if taps > 2 {
                left = S::add(left, m(2));
                right = S::sub(right, m(3));
            }
            S::store(to.add(i), left);
            S::store(to.add(to_step + i), right);
        }
    }
}

/// G of the taps, in f64 since the weights are rounded once for all tiles.
#[inline(always)]
pub(super) fn taps<const L: usize>(g: &[[f64; L]], to: &mut [[f64; L]; POINTS]) {
    if let [g0, g1] = g {
        for i in 0..L {
            to[0][i] = g0[i];
            to[1][i] = g0[i] + g1[i];
            to[2][i] = g1[i];
        }
    } else if let [g0, g1, g2] = g {
        for i in 0..L {
            let (even, odd) = ((g0[i] + g2[i]) * 0.5, g1[i] * 0.5);
            to[0][i] = g0[i];
            to[1][i] = even + odd;
            to[2][i] = even - odd;
            to[3][i] = g2[i];
        }
    }
}

/// Gᵀ of the sums at all points.
#[inline(always)]
pub(super) fn gradients<T: Number, const L: usize>(u: &[[T; L]; POINTS], to: &mut [[T; L]]) {
    let half = T::narrow(0.5);
    if let [g0, g1] = to {
        for i in 0..L {
            g0[i] = u[0][i] + u[1][i];
            g1[i] = u[1][i] + u[2][i];
        }
    } else if let [g0, g1, g2] = to {
        for i in 0..L {
            let (sum, difference) = ((u[1][i] + u[2][i]) * half, (u[1][i] - u[2][i]) * half);
            g0[i] = u[0][i] + sum;
            g1[i] = difference;
            g2[i] = sum + u[3][i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::portable::F64;

    /// A correlation, and the gradient of its taps, of one tile a lane.
    #[test]
    fn transforms_filter_as_the_definition_does() {
        const LANES: usize = <F64 as Simd>::LANES;
        for taps in 2..POINTS {
            let points = taps + OUTPUTS - 1;
            let d: Vec<f64> = (0..points * LANES).map(|i| (i * 5 % 7) as f64 - 3.).collect();
            let y: Vec<f64> = (0..OUTPUTS * LANES).map(|i| (i * 3 % 5) as f64 - 2.).collect();
            let g: Vec<[f64; LANES]> = (0..taps).map(|j| [j as f64 + 0.5; LANES]).collect();
            let starts = std::array::from_fn(|j| j * LANES);
            let (mut v, mut z) = ([0.; POINTS * LANES], [0.; POINTS * LANES]);
            Transform::Inputs.apply::<F64>(taps, &d, starts, &mut v, LANES, LANES);
            Transform::Outputs.apply::<F64>(taps, &y, starts, &mut z, LANES, LANES);
            let mut u = [[0.; LANES]; POINTS];
            super::taps(&g, &mut u);
            let mut m = [0.; POINTS * LANES];
            for i in 0..POINTS * LANES {
                m[i] = v[i] * u[i / LANES][i % LANES];
            }
            let mut found = [0.; OUTPUTS * LANES];
            outputs::<F64>(taps, &m, LANES, &mut found, LANES, LANES);
            let mut sums = [[0.; LANES]; POINTS];
            for i in 0..POINTS * LANES {
                sums[i / LANES][i % LANES] = v[i] * z[i];
            }
            let mut slopes = vec![[0.; LANES]; taps];
            gradients(&sums, &mut slopes);
            for lane in 0..LANES {
                for i in 0..OUTPUTS {
                    let sum: f64 = (0..taps).map(|j| d[(i + j) * LANES + lane] * g[j][lane]).sum();
                    assert_eq!(found[i * LANES + lane], sum, "{taps} taps");
                }
                for (j, slope) in slopes.iter().enumerate() {
                    let sum: f64 =
                        (0..OUTPUTS).map(|i| d[(i + j) * LANES + lane] * y[i * LANES + lane]).sum();
                    assert_eq!(slope[lane], sum, "{taps} taps");
                }
            }
        }
    }
}
