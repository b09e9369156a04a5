//! Minimal filtering (Winograd): correlations of 2×2 outputs with fewer products.
//!
//! Of each axis, tiles of two outputs are computed from transformed inputs and transformed weights,
//! see [`transforms`]; of two axes that takes 9 products instead of 16 for 2×2 taps, and 16 instead
//! of 36 for 3×3. A product of transforms is a matrix product for each point of the tile,
//! M = U·V with U `[output][input]` and V `[input][tile]`, so sums over inputs stay in the
//! transformed domain. A 4×4 kernel of stride 2 is a sum over four images of 2×2 taps (forward),
//! or four interleaved outputs of 2×2 taps (backward): see [`split`].

mod blocks;
mod correlate;
mod gradient;
mod operand;
mod split;
mod staging;
mod transforms;
mod weights;

#[cfg(test)]
mod tests;

pub(crate) use correlate::{better, correlate};
pub(crate) use gradient::{better as better_gradient, weight_gradient};

use crate::simd::Simd;

/// Numbers in a cache line.
fn line<S: Simd>() -> usize {
    64 / size_of::<S::T>()
}
