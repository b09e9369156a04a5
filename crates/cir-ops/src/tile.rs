//! The one microkernel: a register tile of a sum of outer products,
//! c[i][j] += Σ_k x[k][i] · w[k][j].
//!
//! All products of this crate come down to it. In a convolution i runs over pixels (or samples, or
//! input channels in the weight gradient) that lie side by side in `x`, and j over channels that
//! lie side by side in packed weights `w`; k runs over channels and taps, whose positions are
//! listed in a table.

use crate::parallel::part;
use crate::simd::{Simd, Task};

/// [`Tile::part`] of what a layer computes: rounding grows with the square root of the longest chain
/// of additions, and where an activation lies so near to 0 that rounding decides on its sign, the
/// whole gradient hangs on it.
pub(crate) const SHORT: usize = 32;
/// [`Tile::part`] of gradients, in which no sign is at stake.
pub(crate) const LONG: usize = 512;

/// Vectors across the widest tile.
pub(crate) const MAX_VECTORS: usize = 8;

/// Rows of the largest tile of one or two vectors that stays in registers.
pub(crate) fn most_rows<S: Simd>(vectors: usize) -> usize {
    if vectors == 1 { (2 * S::ROWS).min(14) } else { S::ROWS }
}

/// Vectors across the tiles of `channels` channels: one, where that is enough.
pub(crate) fn vectors_across<S: Simd>(channels: usize) -> usize {
    if channels <= S::LANES { 1 } else { 2 }
}

/// Positions of one term in `x` and in `w`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) x: u32,
    pub(crate) w: u32,
}

/// Operands of a tile. The terms are `terms` repeated `outer` times, `x_step` and `w_step` apart.
pub(crate) struct Tile<'a, S: Simd> {
    pub(crate) x: *const S::P,
    pub(crate) x_step: usize,
    pub(crate) w: *const S::P,
    pub(crate) w_step: usize,
    pub(crate) terms: &'a [Term],
    pub(crate) outer: usize,
    /// Rows `c_step` apart.
    pub(crate) c: *mut S::T,
    pub(crate) c_step: usize,
    /// Whether to add to what `c` holds.
    pub(crate) add: bool,
    /// Terms that are added in registers before the sum goes on in `c`, roughly.
    pub(crate) part: usize,
}

impl<S: Simd> Clone for Tile<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S: Simd> Copy for Tile<'_, S> {}

impl<S: Simd> Tile<'_, S> {
    /// What is left from row `row` and vector `vector` on; nothing may be left.
    fn from(self, row: usize, vector: usize) -> Self {
        Self {
            x: self.x.wrapping_add(row),
            w: self.w.wrapping_add(vector * S::LANES),
            c: self.c.wrapping_add(row * self.c_step + vector * S::LANES),
            ..self
        }
    }
}

/// A tile of fixed size.
struct Sized<'a, S: Simd, const ROWS: usize, const VECTORS: usize>(Tile<'a, S>);

/// The statement for each literal below a bound that is known at compile time: arrays indexed so
/// stay in registers at every optimisation level.
macro_rules! unrolled {
    ($bound:expr, $i:ident, $body:block, $($literal:literal)*) => {
        $(if $literal < $bound {
            #[allow(non_upper_case_globals)]
            const $i: usize = $literal;
            $body
        })*
    };
}
macro_rules! rows {
    ($i:ident, $body:block) => { unrolled!(ROWS, $i, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13) };
}
macro_rules! vectors {
    ($i:ident, $body:block) => { unrolled!(VECTORS, $i, $body, 0 1 2 3 4 5 6 7) };
}

impl<S: Simd, const ROWS: usize, const VECTORS: usize> Task for Sized<'_, S, ROWS, VECTORS> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let t = self.0;
        // SAFETY: `tile` promises that all positions are valid, and that the instruction set is
        // there.
        unsafe {
            // Whole repetitions of few terms, or a part of one repetition of many.
            let most = t.part.min(t.terms.len()).max(1);
            let repetitions = t.part / most;
            let mut add = t.add;
            for first in (0..t.outer.max(1)).step_by(repetitions) {
                let last = t.outer.min(first + repetitions);
                for from in (0..t.terms.len().max(1)).step_by(most) {
                    let terms = &t.terms[from..t.terms.len().min(from + most)];
                    // Longer than the bounds, so that the constant indices are in range where unused.
                    let mut acc = [[S::zero(); MAX_VECTORS]; 14];
                    for o in first..last {
                        let x = t.x.add(o * t.x_step);
                        let w = t.w.add(o * t.w_step);
                        for term in terms {
                            let x = x.add(term.x as usize);
                            let w = w.add(term.w as usize);
                            let mut b = [S::zero(); MAX_VECTORS];
                            vectors!(J, {
                                b[J] = S::packed(w.add(J * S::LANES));
                            });
                            rows!(I, {
                                let a = S::broadcast(x.add(I));
                                vectors!(J, {
                                    acc[I][J] = S::fma(acc[I][J], a, b[J]);
                                });
                            });
                        }
                    }
                    rows!(I, {
                        vectors!(J, {
                            let c = t.c.add(I * t.c_step + J * S::LANES);
                            let sum = if add { S::add(S::load(c), acc[I][J]) } else { acc[I][J] };
                            S::store(c, sum);
                        });
                    });
                    add = true;
                }
            }
        }
    }
}

/// Computes a tile of `rows` by `vectors`. Up to 14 by 2 or 3 by 8 it stays in registers; others are
/// put together from such.
///
/// # Safety
/// The instruction set of `S` exists; for every term, `rows` numbers at `x` and `vectors` vectors
/// at `w` can be read, and the tile at `c` can be written (and has been, if `add`).
pub(crate) unsafe fn tile<S: Simd>(rows: usize, vectors: usize, t: Tile<'_, S>) {
    macro_rules! arms {
        ($(($r:literal, $v:literal))*) => {
            match (rows, vectors) {
                // SAFETY: passed on to the caller.
                $(($r, $v) => unsafe { S::vectorize(Sized::<S, $r, $v>(t)) },)*
                (0, _) | (_, 0) => {}
                _ => {
                    let whole = [8, 6, 4, 3, 2, 1].into_iter().find(|&v| v <= vectors).unwrap_or(1);
                    let most = if whole > 2 { 3 } else { 14 };
                    let (r, v) = (rows.min(most), whole);
                    // SAFETY: the three parts do not leave the tile that the caller vouches for.
                    unsafe {
                        tile(r, v, t);
                        tile(r, vectors - v, t.from(0, v));
                        tile(rows - r, vectors, t.from(r, 0));
                    }
                }
            }
        };
    }
    arms!((1, 1)(2, 1)(3, 1)(4, 1)(5, 1)(6, 1)(7, 1)(8, 1)(9, 1)(10, 1)(11, 1)(12, 1)(13, 1)(
        14, 1
    )(1, 2)(2, 2)(3, 2)(4, 2)(5, 2)(6, 2)(7, 2)(8, 2)(9, 2)(10, 2)(11, 2)(12, 2)(13, 2)(
        14, 2
    )(1, 3)(2, 3)(3, 3)(4, 3)(1, 4)(2, 4)(3, 4)(4, 4)(1, 6)(2, 6)(3, 6)(4, 6)(1, 8)(2, 8)(
        3, 8
    ));
}

/// Computes any number of rows, in tiles that stay in registers and are as equal as can be, so that
/// none is left with a row or two.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
pub(crate) unsafe fn tile_rows<S: Simd>(rows: usize, vectors: usize, t: Tile<'_, S>) {
    let tiles = rows.div_ceil(most_rows::<S>(vectors));
    for i in 0..tiles {
        let (from, to) = part(rows, tiles, i);
        // SAFETY: these rows are among those that the caller vouches for.
        unsafe { tile(to - from, vectors, t.from(from, 0)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::portable::F32;

    /// Sizes that fit into registers, and some that are put together from such.
    #[test]
    fn every_size_is_the_sum_of_products_in_parts_of_any_length() {
        const LANES: usize = <F32 as Simd>::LANES;
        // Two repetitions of three terms.
        const TERMS: usize = 3;
        for (rows, vectors) in [(14, 2), (3, 8), (4, 8), (17, 2), (5, 5), (31, 11), (0, 3), (3, 0)]
        {
            for (part, add) in
                [(1, true), (2, false), (3, true), (4, false), (6, false), (512, true)]
            {
                let width = vectors * LANES;
                let number = |i: usize| (i * 7 % 11) as f32 - 5.;
                let x: Vec<f32> = (0..2 * TERMS * rows).map(number).collect();
                let w: Vec<f32> = (0..2 * TERMS * width).map(number).collect();
                let mut c: Vec<f32> = (0..rows * width).map(number).collect();
                let term = |k: usize| Term { x: (k * rows) as u32, w: (k * width) as u32 };
                let terms: Vec<Term> = (0..TERMS).map(term).collect();
                let t = Tile::<F32> {
                    x: x.as_ptr(),
                    x_step: TERMS * rows,
                    w: w.as_ptr(),
                    w_step: TERMS * width,
                    terms: &terms,
                    outer: 2,
                    c: c.as_mut_ptr(),
                    c_step: width,
                    add,
                    part,
                };
                // SAFETY: the vectors above have these sizes; plain code needs no instruction set.
                unsafe { tile(rows, vectors, t) };
                for (at, found) in c.iter().enumerate() {
                    let (i, j) = (at / width, at % width);
                    let product = |k: usize| x[k * rows + i] * w[k * width + j];
                    let sum: f32 = (0..2 * TERMS).map(product).sum();
                    let before = if add { number(at) } else { 0. };
                    assert_eq!(*found, before + sum, "{rows} by {vectors}, part {part}, {i} {j}");
                }
            }
        }
    }
}
