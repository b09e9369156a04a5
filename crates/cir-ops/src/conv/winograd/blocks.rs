//! Transformed tiles in blocks: `[point][channel × remainder][tile]`.

use crate::numbers::Number;
use crate::scratch::Scratch;
use crate::simd::Simd;

use super::line;
use super::split::{OUTPUTS, POINTS, Run, Split};
use super::staging::{Staging, Units};
use super::transforms;

/// The layout of a block's tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Rows of tiles in the largest block, and tiles in a row.
    pub(super) units: usize,
    pub(super) tiles: usize,
    /// Steps from one channel and remainder to the next.
    pub(super) pitch: usize,
}

impl Layout {
    pub(super) fn new<S: Simd>(units: usize, tiles: usize) -> Self {
        // Tiles are written in whole vectors, each row over the surplus of the one before.
        let most = (units - 1) * tiles + tiles.next_multiple_of(S::LANES);
        let most = most.max((units * tiles).next_multiple_of(S::LANES));
        // An odd number of cache lines, so that successive channels fall into different sets.
        let pitch = (most.div_ceil(line::<S>()) | 1) * line::<S>();
        Self { units, tiles, pitch }
    }

    /// The step from one point to the next, of a number of channels and remainders.
    pub(super) fn point<S: Simd>(&self, channels: usize) -> usize {
        channels * self.pitch + line::<S>()
    }
}

/// Bᵀ·d·B of all tiles of some units in one phase: `down` and `across` hold a run a remainder.
#[inline(always)]
pub(super) fn transform_inputs<S: Simd>(
    staging: &Staging,
    splits: [&Split; 2],
    [down, across]: [&[Run]; 2],
    units: Units,
    staged: &[S::T],
    layout: Layout,
    to: &mut [S::T],
) {
    let [taps_down, taps_across] = splits.map(|split| split.taps);
    let remainders = down.len() * across.len();
    let point = layout.point::<S>(staging.channels * remainders);
    let whole = layout.tiles.next_multiple_of(S::LANES);
    let columns = staging.columns;
    let mut rows = Scratch::<S::T>::take(POINTS * staging.line);
    for channel in 0..staging.channels {
        for unit in units.0..units.1 {
            let row = staging.row(units, unit);
            let first = (unit - units.0) * layout.tiles;
            for (r, run) in down.iter().enumerate() {
                let d = std::array::from_fn(|i| match i <= taps_down {
                    true => staging.line(staged, units, channel, row + run.first + i, r),
                    false => &[],
                });
                transforms::inputs::<S>(taps_down, d, quarters(&mut rows, staging.line));
                for (y, rows) in rows.chunks_exact(staging.line).enumerate().take(taps_down + 1) {
                    for (s, run) in across.iter().enumerate() {
                        let d = std::array::from_fn(|j| {
                            let place = run.first + j;
                            let segment = place % OUTPUTS * across.len() + s;
                            match j <= taps_across {
                                true => &rows[segment * columns + place / OUTPUTS..][..whole],
                                false => &[],
                            }
                        });
                        let k = channel * remainders + r * across.len() + s;
                        let at = y * (taps_across + 1) * point + k * layout.pitch + first;
                        let mut points = to[at..].chunks_mut(point);
                        let to = std::array::from_fn(|j| match j <= taps_across {
                            true => points.next().map_or(&mut [][..], |to| &mut to[..whole]),
                            false => &mut [],
                        });
                        transforms::inputs::<S>(taps_across, d, to);
                    }
                }
            }
        }
    }
}

/// Four successive parts.
#[inline(always)]
pub(super) fn quarters<T>(all: &mut [T], len: usize) -> [&mut [T]; POINTS] {
    let mut parts = all.chunks_exact_mut(len);
    std::array::from_fn(|_| parts.next().unwrap_or(&mut []))
}
