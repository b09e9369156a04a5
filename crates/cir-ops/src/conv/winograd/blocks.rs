//! Transformed tiles in blocks: `[point][channel × remainder][tile]`.

use crate::scratch::Scratch;
use crate::simd::Simd;

use super::line;
use super::split::{OUTPUTS, POINTS, Run};
use super::staging::{Staging, Units};
use super::transforms::Transform;

/// The layout of a block's tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Tiles in a row.
    pub(super) tiles: usize,
    /// Steps from one channel and remainder to the next.
    pub(super) pitch: usize,
}

impl Layout {
    /// Of at most `units` rows of tiles.
    pub(super) fn new<S: Simd>(units: usize, tiles: usize) -> Self {
        // Tiles are written in whole vectors, each row over the surplus of the one before.
        let most = (units - 1) * tiles + tiles.next_multiple_of(S::LANES);
        let most = most.max((units * tiles).next_multiple_of(S::LANES));
        // An odd number of cache lines, so that successive channels fall into different sets.
        let pitch = (most.div_ceil(line::<S>()) | 1) * line::<S>();
        Self { tiles, pitch }
    }

    /// The step from one point to the next, of a number of channels and remainders.
    pub(super) fn point<S: Simd>(&self, channels: usize) -> usize {
        channels * self.pitch + line::<S>()
    }
}

/// How a block's tiles are transformed: `down` and `across` hold a run for each remainder, and
/// the taps of each axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles<'a> {
    pub(super) transform: Transform,
    pub(super) staging: &'a Staging,
    pub(super) down: &'a [Run],
    pub(super) across: &'a [Run],
    pub(super) taps: [usize; 2],
    pub(super) layout: Layout,
}

impl Tiles<'_> {
    /// Transforms all tiles of some units.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, units: Units, staged: &[S::T], to: &mut [S::T]) {
        let Self { transform, staging, down, across, taps, layout } = *self;
        let remainders = down.len() * across.len();
        let point = layout.point::<S>(staging.channels * remainders);
        let points = taps[1] + OUTPUTS - 1;
        let whole = layout.tiles.next_multiple_of(S::LANES);
        let line = staging.line;
        let mut rows = Scratch::<S::T>::take(POINTS * line);
        for channel in 0..staging.channels {
            for unit in units.0..units.1 {
                let first = (unit - units.0) * layout.tiles;
                for (r, run) in down.iter().enumerate() {
                    let row = staging.row(units, unit) + run.first;
                    let start = staging.at(units, channel, row, r);
                    let step = down.len() * line;
                    let starts = [start, start + step, start + 2 * step, start + 3 * step];
                    transform.apply::<S>(taps[0], staged, starts, &mut rows, line, line);
                    for (s, run) in across.iter().enumerate() {
                        let mut starts = [0; POINTS];
                        for (j, start) in starts.iter_mut().enumerate() {
                            let place = run.first + j;
                            let segment = place % OUTPUTS * across.len() + s;
                            *start = segment * staging.columns + place / OUTPUTS;
                        }
                        let k = channel * remainders + r * across.len() + s;
                        for y in 0..taps[0] + OUTPUTS - 1 {
                            let from = &rows[y * line..(y + 1) * line];
                            let to = &mut to[y * points * point + k * layout.pitch + first..];
                            transform.apply::<S>(taps[1], from, starts, to, point, whole);
                        }
                    }
                }
            }
        }
    }
}
