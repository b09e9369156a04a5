//! Rows of images on their way into tiles: each row's columns apart by parity and remainder, zeros
//! outside of the image, so that what neighbouring tiles read lies side by side.

use crate::numbers::Number;
use crate::simd::Simd;

use super::super::plan::Axis;
use super::split::{OUTPUTS, Split};

/// One axis of images that are read in tiles.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Pixels.
    pub(super) size: usize,
    /// Where the first tile starts.
    pub(super) low: isize,
    /// Remainders, each an image of its own.
    pub(super) step: usize,
    /// Pixels of one remainder that a tile reads.
    pub(super) reach: usize,
    pub(super) tiles: usize,
}

impl Side {
    /// The inputs of a correlation's axis.
    pub(super) fn inputs(axis: &Axis, split: &Split) -> Self {
        let (size, low, step) = (axis.input, axis.low, axis.step);
        Self { size, low, step, reach: split.reach, tiles: split.tiles }
    }

    /// The outputs of an axis with one phase.
    pub(super) fn outputs(axis: &Axis, split: &Split) -> Self {
        Self { size: axis.output, low: 0, step: 1, reach: OUTPUTS, tiles: split.tiles }
    }
}

/// Rows of tiles of a batch, counted through all samples: the first, and the one after the last.
pub(super) type Units = (usize, usize);

/// How rows of images are staged: `[channel][row][remainder of the row][segment][column]`, a
/// segment being the columns of one parity and remainder.
#[derive(Clone, Debug)]
pub(super) struct Staging {
    pub(super) channels: usize,
    pub(super) down: Side,
    pub(super) across: Side,
    /// Columns of a segment; tiles are read in whole vectors.
    pub(super) columns: usize,
    /// Columns of all segments, whole vectors.
    pub(super) line: usize,
}

impl Staging {
    pub(super) fn new<S: Simd>(channels: usize, down: Side, across: Side) -> Self {
        let columns = across.tiles.next_multiple_of(S::LANES) + (across.reach - 1) / OUTPUTS;
        let line = (across.step * OUTPUTS * columns).next_multiple_of(S::LANES);
        Self { channels, down, across, columns, line }
    }

    /// The row that a unit starts at: tiles of a sample share rows, samples do not.
    pub(super) fn row(&self, units: Units, unit: usize) -> usize {
        let samples = unit / self.down.tiles - units.0 / self.down.tiles;
        (unit - units.0) * OUTPUTS + samples * (self.down.reach - OUTPUTS)
    }

    fn rows(&self, units: Units) -> usize {
        self.row(units, units.1 - 1) + self.down.reach
    }

    /// Numbers that staging some units takes.
    pub(super) fn len(&self, units: Units) -> usize {
        self.channels * self.rows(units) * self.down.step * self.line
    }

    /// Where a staged row of one remainder starts.
    #[inline(always)]
    pub(super) fn at(&self, units: Units, channel: usize, row: usize, remainder: usize) -> usize {
        ((channel * self.rows(units) + row) * self.down.step + remainder) * self.line
    }

    /// Stages what the tiles of `units` read of `x`, of the channels from `first` on, of `all` in
    /// an image.
    #[inline(always)]
    pub(super) fn stage<T: Number>(
        &self,
        x: &[T],
        (first, all): (usize, usize),
        units: Units,
        staged: &mut [T],
    ) {
        let Self { channels, ref down, ref across, .. } = *self;
        for channel in 0..channels {
            for unit in units.0..units.1 {
                let (n, tile) = (unit / down.tiles, unit % down.tiles);
                let plane = &x[(n * all + first + channel) * down.size * across.size..];
                // Rows that the next unit begins with are left to it.
                let last = unit + 1 == units.1 || tile + 1 == down.tiles;
                let reach = if last { down.reach } else { OUTPUTS };
                let row = self.row(units, unit);
                for (i, remainder) in (0..reach).flat_map(|i| (0..down.step).map(move |r| (i, r))) {
                    let y = ((tile * OUTPUTS + i) * down.step + remainder) as isize + down.low;
                    let at = self.at(units, channel, row + i, remainder);
                    let to = &mut staged[at..at + self.line];
                    if (0..down.size as isize).contains(&y) {
                        let row = &plane[y as usize * across.size..][..across.size];
                        self.segments(row, to);
                    } else {
                        to.fill(T::ZERO);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn segments<T: Number>(&self, row: &[T], to: &mut [T]) {
        match self.across.step * OUTPUTS {
            2 => segments::<T, 2>(row, self.across.low, self.columns, to),
            4 => segments::<T, 4>(row, self.across.low, self.columns, to),
            count => {
                for (s, to) in to.chunks_mut(self.columns).take(count).enumerate() {
                    for (i, to) in to.iter_mut().enumerate() {
                        let x = (i * count + s) as isize + self.across.low;
                        let inside = usize::try_from(x).ok().and_then(|x| row.get(x));
                        *to = inside.copied().unwrap_or(T::ZERO);
                    }
                }
            }
        }
    }
}

/// to[segment · columns + i] = row[i · N + segment + low], zero outside of the row.
#[inline(always)]
fn segments<T: Number, const N: usize>(row: &[T], low: isize, columns: usize, to: &mut [T]) {
    let mut rest = to;
    let mut to: [&mut [T]; N] = std::array::from_fn(|_| {
        let (segment, after) = std::mem::take(&mut rest).split_at_mut(columns);
        rest = after;
        segment
    });
    let left = (-low).max(0) as usize;
    let left = left.div_ceil(N).min(columns);
    let right = ((row.len() as isize - low).max(0) as usize / N).clamp(left, columns);
    for i in (0..left).chain(right..columns) {
        for (s, to) in to.iter_mut().enumerate() {
            let x = (i * N + s) as isize + low;
            let inside = usize::try_from(x).ok().and_then(|x| row.get(x));
            to[i] = inside.copied().unwrap_or(T::ZERO);
        }
    }
    if left < right {
        let from = &row[((left * N) as isize + low) as usize..][..(right - left) * N];
        for (s, to) in to.iter_mut().enumerate() {
            for (to, from) in to[left..right].iter_mut().zip(from.chunks_exact(N)) {
                *to = from[s];
            }
        }
    }
}
