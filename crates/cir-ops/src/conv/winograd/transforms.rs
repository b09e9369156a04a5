//! Minimal filtering of one axis, F(2, 2), F(3, 2) and F(2, 3): two or three outputs y of neighbouring
//! inputs d and two or three taps g as y = Aᵀ(G·g ⊙ Bᵀ·d), with three products instead of four, or four
//! instead of six.
//!
//! ```text
//! F(2, 2)  Bᵀd = (d₀ - d₁, d₁, d₁ - d₂)           Gg = (g₀, g₀ + g₁, g₁)
//!          Aᵀm = (m₀ + m₁, m₁ - m₂)
//! F(2, 3)  Bᵀd = (d₀ - d₂, d₁ + d₂, d₂ - d₁, d₁ - d₃)
//!          Gg = (g₀, (g₀ + g₁ + g₂)/2, (g₀ - g₁ + g₂)/2, g₂)
//!          Aᵀm = (m₀ + m₁ + m₂, m₁ - m₂ - m₃)
//! F(3, 2)  Bᵀd as of F(2, 3)                      Gg = (g₀, (g₀ + g₁)/2, (g₀ - g₁)/2, g₁)
//!          Aᵀm = (m₀ + m₁ + m₂, m₁ - m₂, m₁ + m₂ - m₃)
//! ```
//!
//! The gradient of g is Gᵀ(Bᵀ·d ⊙ A·y) of the gradient y of the outputs.
//!
//! A run of `LEN` taps is one of as many as the filter has, of which the last are zero, so that its
//! last points vanish.

use crate::numbers::Number;
use crate::simd::Simd;

use super::split::POINTS;

/// A transform of an axis, of vectors whose lanes are channels.
pub(super) trait Transform {
    /// Vectors that it takes.
    const READS: usize;
    /// Vectors that it makes.
    const WRITES: usize;

    /// Transforms the first `READS` into the first `WRITES`; the others are zeros, or not used.
    ///
    /// # Safety
    /// The instruction set of `S` exists.
    unsafe fn apply<S: Simd>(values: [S::V; POINTS]) -> [S::V; POINTS];
}

/// Bᵀ of what a tile reads, for F(M, R).
pub(super) struct Inputs<const M: usize, const R: usize, const LEN: usize>;
/// Aᵀ of the sums at all points.
pub(super) struct Outputs<const M: usize, const R: usize, const LEN: usize>;
/// A of the gradients of a tile's outputs.
pub(super) struct Slopes<const M: usize, const R: usize, const LEN: usize>;
/// G of the taps.
pub(super) struct Taps<const M: usize, const R: usize, const LEN: usize>;
/// Gᵀ of the sums at all points: the gradients of the taps.
pub(super) struct TapSlopes<const M: usize, const R: usize, const LEN: usize>;

impl<const M: usize, const R: usize, const LEN: usize> Transform for Inputs<M, R, LEN> {
    const READS: usize = M + LEN - 1;
    const WRITES: usize = M + LEN - 1;

    #[inline(always)]
    unsafe fn apply<S: Simd>([d0, d1, d2, d3]: [S::V; POINTS]) -> [S::V; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            match (M, R) {
                (2, 2) => [S::sub(d0, d1), d1, S::sub(d1, d2), d3],
                _ => [S::sub(d0, d2), S::add(d1, d2), S::sub(d2, d1), S::sub(d1, d3)],
            }
        }
    }
}

impl<const M: usize, const R: usize, const LEN: usize> Transform for Outputs<M, R, LEN> {
    const READS: usize = M + LEN - 1;
    const WRITES: usize = M;

    #[inline(always)]
    unsafe fn apply<S: Simd>([m0, m1, m2, m3]: [S::V; POINTS]) -> [S::V; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let (left, right) = (S::add(m0, m1), S::sub(m1, m2));
            match (M, R) {
                (2, 2) => [left, right, m2, m3],
                (2, _) => [S::add(left, m2), S::sub(right, m3), m2, m3],
                _ => [S::add(left, m2), right, S::sub(S::add(m1, m2), m3), m3],
            }
        }
    }
}

impl<const M: usize, const R: usize, const LEN: usize> Transform for Slopes<M, R, LEN> {
    const READS: usize = M;
    const WRITES: usize = M + LEN - 1;

    #[inline(always)]
    unsafe fn apply<S: Simd>([y0, y1, y2, _]: [S::V; POINTS]) -> [S::V; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let (sum, minus) = (S::add(y0, y1), |y| S::sub(S::zero(), y));
            match (M, R) {
                (2, 2) => [y0, sum, minus(y1), y2],
                (2, _) => [y0, sum, S::sub(y0, y1), minus(y1)],
                _ => [y0, S::add(sum, y2), S::add(S::sub(y0, y1), y2), minus(y2)],
            }
        }
    }
}

impl<const M: usize, const R: usize, const LEN: usize> Transform for Taps<M, R, LEN> {
    const READS: usize = LEN;
    const WRITES: usize = M + LEN - 1;

    #[inline(always)]
    unsafe fn apply<S: Simd>([g0, g1, g2, g3]: [S::V; POINTS]) -> [S::V; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let (outer, last) = if R == 2 { (g0, g1) } else { (S::add(g0, g2), g2) };
            let (even, odd) = (half::<S>(outer), half::<S>(g1));
            match (M, R) {
                (2, 2) => [g0, S::add(g0, g1), g1, g3],
                _ => [g0, S::add(even, odd), S::sub(even, odd), last],
            }
        }
    }
}

impl<const M: usize, const R: usize, const LEN: usize> Transform for TapSlopes<M, R, LEN> {
    const READS: usize = M + LEN - 1;
    const WRITES: usize = LEN;

    #[inline(always)]
    unsafe fn apply<S: Simd>([u0, u1, u2, u3]: [S::V; POINTS]) -> [S::V; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let (sum, difference) = (half::<S>(S::add(u1, u2)), half::<S>(S::sub(u1, u2)));
            match (M, R) {
                (2, 2) => [S::add(u0, u1), S::add(u1, u2), u2, u3],
                (3, _) => [S::add(u0, sum), S::add(difference, u3), u2, u3],
                _ => [S::add(u0, sum), difference, S::add(sum, u3), u3],
            }
        }
    }
}

/// v / 2.
///
/// # Safety
/// The instruction set of `S` exists.
#[inline(always)]
unsafe fn half<S: Simd>(v: S::V) -> S::V {
    // SAFETY: as the caller promises.
    unsafe { S::multiply_add(S::zero(), S::splat(S::T::narrow(0.5)), v) }
}

/// `$apply!(Down, Across)` with the transforms of a filter for two runs.
macro_rules! for_runs {
    ($kind:ident, $filter:expr, $runs:expr, $apply:ident) => {{
        let $crate::conv::winograd::split::Filter { outputs, taps } = $filter;
        match ((outputs, taps), $runs.map(|run| run.elements.len())) {
            ((2, 2), [1, 1]) => $apply!($kind<2, 2, 1>, $kind<2, 2, 1>),
            ((2, 2), [1, _]) => $apply!($kind<2, 2, 1>, $kind<2, 2, 2>),
            ((2, 2), [_, 1]) => $apply!($kind<2, 2, 2>, $kind<2, 2, 1>),
            ((2, 2), _) => $apply!($kind<2, 2, 2>, $kind<2, 2, 2>),
            ((3, 2), [1, 1]) => $apply!($kind<3, 2, 1>, $kind<3, 2, 1>),
            ((3, 2), [1, _]) => $apply!($kind<3, 2, 1>, $kind<3, 2, 2>),
            ((3, 2), [_, 1]) => $apply!($kind<3, 2, 2>, $kind<3, 2, 1>),
            ((3, 2), _) => $apply!($kind<3, 2, 2>, $kind<3, 2, 2>),
            _ => $apply!($kind<2, 3, 3>, $kind<2, 3, 3>),
        }
    }};
}
pub(super) use for_runs;

/// Of both axes: `Down` of each column, then `Across` of each row. `from` gives the vector of a row and
/// column, `to` takes it.
///
/// # Safety
/// The instruction set of `S` exists.
#[inline(always)]
pub(super) unsafe fn both<S: Simd, Down: Transform, Across: Transform>(
    from: impl Fn(usize, usize) -> S::V,
    mut to: impl FnMut(usize, usize, S::V),
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut columns = [[S::zero(); POINTS]; POINTS];
        for (x, column) in columns.iter_mut().enumerate().take(Across::READS) {
            for (y, value) in column.iter_mut().enumerate().take(Down::READS) {
                *value = from(y, x);
            }
            *column = Down::apply::<S>(*column);
        }
        for y in 0..Down::WRITES {
            let row = Across::apply::<S>(columns.map(|column| column[y]));
            for (x, value) in row.into_iter().enumerate().take(Across::WRITES) {
                to(y, x, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::portable::F64;

    const LANES: usize = <F64 as Simd>::LANES;
    type V = [f64; LANES];

    /// A correlation, and the gradient of its taps, of one tile a lane.
    fn filters_as_the_definition_does<const M: usize, const R: usize, const LEN: usize>() {
        let number = |i: usize, lane: usize| ((i * 5 + lane * 3) % 7) as f64 - 3.;
        let vectors = |salt: usize| -> [V; POINTS] {
            std::array::from_fn(|i| std::array::from_fn(|lane| number(i + salt, lane)))
        };
        let (d, y, mut g) = (vectors(0), vectors(4), vectors(9));
        g[LEN..].fill([0.; LANES]);
        // SAFETY: plain code needs no instruction set.
        let (v, z, u) = unsafe {
            (
                Inputs::<M, R, LEN>::apply::<F64>(d),
                Slopes::<M, R, LEN>::apply::<F64>(y),
                Taps::<M, R, LEN>::apply::<F64>(g),
            )
        };
        let points = M + LEN - 1;
        let products = |a: [V; POINTS], b: [V; POINTS]| -> [V; POINTS] {
            std::array::from_fn(|p| {
                std::array::from_fn(|l| if p < points { a[p][l] * b[p][l] } else { 0. })
            })
        };
        // SAFETY: as above.
        let (found, slopes) = unsafe {
            (
                Outputs::<M, R, LEN>::apply::<F64>(products(v, u)),
                TapSlopes::<M, R, LEN>::apply::<F64>(products(v, z)),
            )
        };
        for lane in 0..LANES {
            for i in 0..M {
                let sum: f64 = (0..LEN).map(|j| d[i + j][lane] * g[j][lane]).sum();
                assert_eq!(found[i][lane], sum, "F({M}, {R}) of {LEN} taps");
            }
            for (j, slope) in slopes.iter().enumerate().take(LEN) {
                let sum: f64 = (0..M).map(|i| d[i + j][lane] * y[i][lane]).sum();
                assert_eq!(slope[lane], sum, "F({M}, {R}) of {LEN} taps");
            }
        }
    }

    #[test]
    fn runs_of_one_two_and_three_taps_filter_as_the_definition_does() {
        filters_as_the_definition_does::<2, 2, 1>();
        filters_as_the_definition_does::<2, 2, 2>();
        filters_as_the_definition_does::<3, 2, 1>();
        filters_as_the_definition_does::<3, 2, 2>();
        filters_as_the_definition_does::<2, 3, 3>();
    }
}
