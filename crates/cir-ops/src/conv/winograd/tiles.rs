//! Images in tiles of two outputs by two, transformed with their channels side by side: lanes are
//! channels, so that neither the images' sides nor the tiles' number leaves any of them empty.

use crate::numbers::Number;
use crate::parallel::Shared;
use crate::scratch::Scratch;
use crate::simd::Simd;

use super::super::images::{Images, Row};
use super::super::plan::Axis;
use super::MOST_LANES;
use super::split::{OUTPUTS, Run, Split};
use super::transforms::{Inputs, Slopes, Transform, both};

/// One axis of images that are read in tiles.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Where the first tile starts.
    low: isize,
    /// Remainders, each an image of its own.
    step: usize,
    /// Pixels of one remainder that a tile reads.
    reach: usize,
    pub(super) tiles: usize,
}

impl Side {
    /// The inputs of a correlation's axis.
    pub(super) fn inputs(axis: &Axis, split: &Split) -> Self {
        Self { low: axis.low, step: axis.step, reach: split.reach, tiles: split.tiles }
    }

    /// The outputs of an axis with one phase.
    pub(super) fn outputs(split: &Split) -> Self {
        Self { low: 0, step: 1, reach: OUTPUTS, tiles: split.tiles }
    }
}

/// Rows of tiles of a batch, counted through all samples: the first, and the one after the last.
pub(super) type Units = (usize, usize);

/// What is computed of a tile's pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Bᵀ of what a tile reads.
    Inputs,
    /// A of the gradients of its outputs.
    Slopes,
}

/// The images of a batch, and how their tiles are transformed.
pub(super) struct Tiles<'a, T> {
    pub(super) images: Images<'a, T>,
    pub(super) down: Side,
    pub(super) across: Side,
    pub(super) kind: Kind,
    /// Taps of each axis.
    pub(super) taps: [usize; 2],
}

/// Where transformed tiles go: the first number, and the steps from one point, tile and channel to the
/// next. Either channels or tiles lie side by side.
#[derive(Clone, Copy)]
pub(super) struct Places<T> {
    pub(super) to: Shared<T>,
    pub(super) at: usize,
    pub(super) point: usize,
    pub(super) tile: usize,
    pub(super) channel: usize,
}

impl<T: Number> Tiles<'_, T> {
    /// Tiles of some units.
    pub(super) fn count(&self, units: Units) -> usize {
        (units.1 - units.0) * self.across.tiles
    }

    /// What staging some units takes, with `channels` numbers a pixel, and room to run over.
    pub(super) fn staged<S: Simd>(&self, units: Units, channels: usize) -> usize {
        let rows = self.row(units, units.1 - 1) + self.down.reach * self.down.step;
        (rows * self.columns() + S::LANES) * channels
    }

    /// The staged row that a unit starts at: tiles of a sample share rows, samples do not.
    fn row(&self, units: Units, unit: usize) -> usize {
        let Side { step, reach, tiles, .. } = self.down;
        let samples = unit / tiles - units.0 / tiles;
        ((unit - units.0) * OUTPUTS + samples * (reach - OUTPUTS)) * step
    }

    fn columns(&self) -> usize {
        let Side { step, reach, tiles, .. } = self.across;
        ((tiles - 1) * OUTPUTS + reach) * step
    }

    /// Copies what the tiles of `units` read of the channels of `block`, with `channels` numbers a
    /// pixel: `[row][column][channel]`.
    #[inline(always)]
    pub(super) fn stage<S: Simd<T = T>>(
        &self,
        units: Units,
        block: (usize, usize),
        channels: usize,
        staged: &mut [T],
    ) {
        let Side { low, step, reach, tiles } = self.down;
        for unit in units.0..units.1 {
            let (sample, tile) = (unit / tiles, unit % tiles);
            // Rows that the next unit begins with are left to it.
            let last = unit + 1 == units.1 || tile + 1 == tiles;
            let rows = step * if last { reach } else { OUTPUTS };
            for i in 0..rows {
                let y = (tile * OUTPUTS * step + i) as isize + low;
                let columns = self.columns();
                let row = Row { sample, y, before: -self.across.low, columns };
                let at = (self.row(units, unit) + i) * columns * channels;
                self.images.turn_row::<S>(row, block, channels, &mut staged[at..]);
            }
        }
    }

    /// Transforms all tiles of `units`, of which `staged` has `channels` numbers a pixel, whole
    /// vectors, for a remainder and run of rows and of columns.
    ///
    /// # Safety
    /// No other task touches the tiles' places.
    #[inline(always)]
    pub(super) unsafe fn transform<S: Simd<T = T>>(
        &self,
        units: Units,
        staged: &[T],
        channels: usize,
        runs: [(usize, &Run); 2],
        to: Places<T>,
    ) {
        macro_rules! apply {
            ($kind:ident, $down:literal, $across:literal) => {
                // SAFETY: passed on to the caller.
                unsafe {
                    self.apply::<S, $kind<$down>, $kind<$across>>(units, staged, channels, runs, to)
                }
            };
        }
        match (self.kind, self.taps) {
            (Kind::Inputs, [2, 2]) => apply!(Inputs, 2, 2),
            (Kind::Inputs, [2, _]) => apply!(Inputs, 2, 3),
            (Kind::Inputs, [_, 2]) => apply!(Inputs, 3, 2),
            (Kind::Inputs, _) => apply!(Inputs, 3, 3),
            (Kind::Slopes, [2, 2]) => apply!(Slopes, 2, 2),
            (Kind::Slopes, [2, _]) => apply!(Slopes, 2, 3),
            (Kind::Slopes, [_, 2]) => apply!(Slopes, 3, 2),
            (Kind::Slopes, _) => apply!(Slopes, 3, 3),
        }
    }

    /// As [`Self::transform`], of the kind and taps that `D` and `A` have.
    #[inline(always)]
    unsafe fn apply<S: Simd<T = T>, D: Transform, A: Transform>(
        &self,
        units: Units,
        staged: &[T],
        channels: usize,
        [(r, down), (s, across)]: [(usize, &Run); 2],
        to: Places<T>,
    ) {
        let count = self.count(units);
        let turns = to.channel > 1;
        assert!(channels.is_multiple_of(S::LANES) && (!turns || to.tile == 1));
        let (points, whole) = (D::WRITES * A::WRITES, count.next_multiple_of(S::LANES));
        let tiles = if turns { whole } else { count };
        let len = (points - 1) * to.point + (tiles - 1) * to.tile + (channels - 1) * to.channel + 1;
        let put = to.to.pointer(to.at, len);
        // From one pixel of a remainder to the next.
        let columns = self.columns();
        let [y_step, x_step] = [self.down.step * columns * channels, self.across.step * channels];
        let reach = (D::READS - 1) * y_step + (A::READS - 1) * x_step + channels;
        let starts = |tile: usize| {
            let unit = units.0 + tile / self.across.tiles;
            let row = self.row(units, unit) + down.first * self.down.step + r;
            let tile = tile % self.across.tiles;
            let column = (tile * OUTPUTS + across.first) * self.across.step + s;
            (row * columns + column) * channels
        };
        // `[point][tile][channel]` of as many tiles and channels as a vector has lanes.
        let square = S::LANES * S::LANES;
        let mut squares = Scratch::<T>::take(points * square);
        for t in (0..count).step_by(S::LANES) {
            let group = S::LANES.min(count - t);
            let mut from = [0; MOST_LANES];
            for (i, from) in from.iter_mut().enumerate().take(group) {
                *from = starts(t + i);
                assert!(*from + reach <= staged.len());
            }
            for c in (0..channels).step_by(S::LANES) {
                // SAFETY: all that a tile reads is in bounds, as just checked; so are the squares,
                // and all places, which are the caller's; the instruction set is there in a task.
                unsafe {
                    let to_here = put.add(t * to.tile + c * to.channel);
                    let (first, tile_step, point_step) = match turns {
                        true => (squares.as_mut_ptr(), S::LANES, square),
                        false => (to_here, to.tile, to.point),
                    };
                    for (i, from) in from.iter().enumerate().take(group) {
                        let from = staged.as_ptr().add(from + c);
                        let put = first.add(i * tile_step);
                        both::<S, D, A>(
                            |y, x| S::load(from.add(y * y_step + x * x_step)),
                            |y, x, v| S::store(put.add((y * A::WRITES + x) * point_step), v),
                        );
                    }
                    if turns {
                        for p in 0..points {
                            let from = squares.as_ptr().add(p * square);
                            S::transpose(from, S::LANES, to_here.add(p * to.point), to.channel);
                        }
                    }
                }
            }
        }
    }
}
