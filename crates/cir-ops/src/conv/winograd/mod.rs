//! Minimal filtering (Winograd): correlations of tiles of outputs with fewer products.
//!
//! Tiles of m outputs along each axis are computed from transformed inputs and transformed weights of r
//! neighbouring taps, F(m, r), see [`transforms`]. Of two axes F(2, 2) takes 9 products instead of 16,
//! F(3, 2) and F(2, 3) take 16 instead of 36. A product of transforms is a matrix product for each point
//! of the tile, M = Vᵀ·U with V `[input][tile]` and U `[input][output]`, so sums over inputs stay in the
//! transformed domain. A 4×4 kernel of stride 2 is a sum over four images of 2×2 taps (forward),
//! or four interleaved outputs of 2×2 taps (backward), a 3×3 one of stride 2 the same with single
//! taps in between, in 25 products instead of 36, or 49 instead of 81: see [`split`].
//!
//! Where sums over many inputs are added up in short parts (`Correlation::exact`), its rounding is 0.8 to
//! 1.2 times that of PyTorch's sums over all taps (layers of 16 to 256 inputs, against f64). In
//! gradients, on which no sign hangs, parts are longer.
//! Transforms stay in f32, and are rounded when operands are packed.

mod collect;
mod correlate;
mod gradient;
mod operand;
mod outputs;
mod split;
mod tiles;
mod transforms;
mod weights;

#[cfg(test)]
mod tests;

pub(crate) use correlate::{correlate, splits};
pub(crate) use gradient::{splits as gradient_splits, weight_gradient};

use crate::simd::Simd;

/// Writes the numbers of an operand's `half`; the first ones wait in its place for the others.
///
/// # Safety
/// The instruction set of `S` exists, and `to` is valid for a vector.
#[inline(always)]
unsafe fn put_half<S: Simd>(half: usize, to: *mut S::P, v: S::V) {
    const { assert!(size_of::<S::P>() == size_of::<S::T>()) };
    let to = to.cast();
    // SAFETY: as the caller promises.
    unsafe { S::store(to, if half == 0 { v } else { S::pack_lanes(S::load(to), v) }) };
}

/// Terms of a sum before it goes on with the next outputs, so that operands stay in a cache; a
/// multiple of [`TERMS`].
const DEPTH: usize = 256;
/// Terms in the table of a tile.
const TERMS: usize = 32;

/// Terms `first..first + count` as whole tables and what is left: where each starts, how often the
/// table is repeated, and how many of its terms count.
#[inline(always)]
fn tables(first: usize, count: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let whole = count / TERMS * TERMS;
    let both = [(first, whole / TERMS, TERMS), (first + whole, 1, count - whole)];
    both.into_iter().filter(|(_, outer, terms)| outer * terms > 0)
}

/// Channels across a product.
fn width<S: Simd>() -> usize {
    2 * S::LANES
}

/// Of `channels`, the terms of a sum: one in each lane of every `PAIR` vectors.
fn depth<S: Simd>(channels: usize) -> usize {
    let packed = S::LANES * S::PAIR;
    channels / packed * S::LANES + S::LANES.min(channels % packed)
}

/// Numbers in a cache line.
fn line<S: Simd>() -> usize {
    64 / size_of::<S::T>()
}

/// Room for at least `len` numbers in an odd number of cache lines, so that successive ones fall into
/// different sets of a cache.
fn odd_lines<S: Simd>(len: usize) -> usize {
    (len.div_ceil(line::<S>()) | 1) * line::<S>()
}
