//! Images in tiles of two outputs by two, transformed with their channels side by side: lanes are
//! channels, so that neither the images' sides nor the tiles' number leaves any of them empty.

use std::marker::PhantomData;

use crate::numbers::Number;
use crate::parallel::Shared;
use crate::scratch::{Plain, Scratch};
use crate::simd::{Simd, Task};

use super::super::images::{Images, Row};
use super::super::plan::Axis;
use super::split::{OUTPUTS, Run, Split};
use super::transforms::{Inputs, Slopes, Transform, both, for_runs};

/// Lanes of the longest vector.
const MOST_LANES: usize = 16;

/// One axis of images that are read in tiles.
pub(super) struct Side<'a> {
    pub(super) split: &'a Split,
    /// Where the first tile starts.
    low: isize,
    /// Remainders, each an image of its own.
    step: usize,
    /// Pixels of one remainder that a tile reads.
    reach: usize,
}

impl<'a> Side<'a> {
    /// The inputs of a correlation's axis.
    pub(super) fn inputs(axis: &Axis, split: &'a Split) -> Self {
        Self { split, low: axis.low, step: axis.step, reach: split.reach }
    }

    /// The outputs of an axis with one phase.
    pub(super) fn outputs(split: &'a Split) -> Self {
        Self { split, low: 0, step: 1, reach: OUTPUTS }
    }
}

/// Rows of tiles of a batch, counted through all samples: the first, and the one after the last.
pub(super) type Units = (usize, usize);

/// What is computed of a tile's pixels.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Bᵀ of what a tile reads.
    Inputs,
    /// A of the gradients of its outputs.
    Slopes,
}

/// The images of a batch, and how their tiles are transformed.
pub(super) struct Tiles<'a, T> {
    pub(super) images: Images<'a, T>,
    pub(super) down: Side<'a>,
    pub(super) across: Side<'a>,
    pub(super) kind: Kind,
}

/// What the tiles of some units, of which there are, read of some channels:
/// `[row][column][channel]`, whole vectors of channels.
pub(super) struct Staged<T: Plain> {
    numbers: Scratch<T>,
    units: Units,
    /// Numbers of a pixel.
    pitch: usize,
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
    /// Points of the longest runs, down and across.
    pub(super) fn points(&self) -> [usize; 2] {
        [self.down.split.points(), self.across.split.points()]
    }

    /// The sizes of two runs, see [`Split::size`].
    pub(super) fn sizes(&self, [row, column]: [&Run; 2]) -> [[usize; 2]; 2] {
        [self.down.split.size(row), self.across.split.size(column)]
    }

    /// Tiles of some units.
    pub(super) fn count(&self, units: Units) -> usize {
        (units.1 - units.0) * self.across.split.tiles
    }

    /// The staged row that a unit starts at: tiles of a sample share rows, samples do not.
    fn row(&self, units: Units, unit: usize) -> usize {
        let Side { split, step, reach, .. } = self.down;
        let samples = unit / split.tiles - units.0 / split.tiles;
        ((unit - units.0) * OUTPUTS + samples * (reach - OUTPUTS)) * step
    }

    fn columns(&self) -> usize {
        let Side { split, step, reach, .. } = self.across;
        ((split.tiles - 1) * OUTPUTS + reach) * step
    }

    /// Copies what the tiles of `units` read of the channels from `channels.0` to `channels.1`.
    #[inline(always)]
    pub(super) fn stage<S: Simd<T = T>>(
        &self,
        units: Units,
        channels: (usize, usize),
    ) -> Staged<T> {
        let Side { split: &Split { tiles, .. }, low, step, reach } = self.down;
        let (columns, pitch) =
            (self.columns(), (channels.1 - channels.0).next_multiple_of(S::LANES));
        let rows = self.row(units, units.1 - 1) + reach * step;
        // Rows run over by a vector of columns.
        let mut numbers = Scratch::take((rows * columns + S::LANES) * pitch);
        for unit in units.0..units.1 {
            let (sample, tile) = (unit / tiles, unit % tiles);
            // Rows that the next unit begins with are left to it.
            let last = unit + 1 == units.1 || tile + 1 == tiles;
            for i in 0..step * if last { reach } else { OUTPUTS } {
                let y = (tile * OUTPUTS * step + i) as isize + low;
                let row = Row { sample, y, before: -self.across.low, columns };
                let at = (self.row(units, unit) + i) * columns * pitch;
                self.images.turn_row::<S>(row, channels, pitch, &mut numbers[at..]);
            }
        }
        Staged { numbers, units, pitch }
    }

    /// Transforms all staged tiles, for a run of rows and one of columns. Channels are written in
    /// whole vectors, and tiles, where they lie side by side.
    ///
    /// # Safety
    /// The instruction set of `S` exists, and no other task touches these places.
    #[inline(always)]
    pub(super) unsafe fn transform<S: Simd<T = T>>(
        &self,
        staged: &Staged<T>,
        runs: [&Run; 2],
        to: Places<T>,
    ) {
        macro_rules! apply {
            ($down:ty, $across:ty) => {{
                let kinds = PhantomData::<($down, $across)>;
                // SAFETY: passed on to the caller.
                unsafe { S::vectorize(Apply::<S, _, _> { tiles: self, staged, runs, to, kinds }) }
            }};
        }
        match self.kind {
            Kind::Inputs => for_runs!(Inputs, self.sizes(runs), apply),
            Kind::Slopes => for_runs!(Slopes, self.sizes(runs), apply),
        }
    }
}

/// [`Tiles::transform`] of given transforms, compiled once wherever it is called.
struct Apply<'a, S: Simd, Down, Across> {
    tiles: &'a Tiles<'a, S::T>,
    staged: &'a Staged<S::T>,
    runs: [&'a Run; 2],
    to: Places<S::T>,
    kinds: PhantomData<(Down, Across)>,
}

impl<S: Simd, Down: Transform, Across: Transform> Task for Apply<'_, S, Down, Across> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { tiles, staged: Staged { numbers, units, pitch }, runs, to, .. } = self;
        let (count, columns) = (tiles.count(*units), tiles.columns());
        let (turns, whole) = (to.channel > 1, count.next_multiple_of(S::LANES));
        let apart = if turns { to.tile == 1 && whole <= to.channel } else { *pitch <= to.tile };
        assert!(apart && pitch.is_multiple_of(S::LANES), "places overlap");
        // The run's points, among those of the longest.
        let across = tiles.points()[1];
        let points = (Down::WRITES - 1) * across + Across::WRITES;
        let written = if turns { whole } else { count };
        let len = (points - 1) * to.point + (written - 1) * to.tile + (pitch - 1) * to.channel + 1;
        let put = to.to.pointer(to.at, len);
        // From one pixel of a remainder to the next.
        let [y_step, x_step] = [tiles.down.step * columns * pitch, tiles.across.step * pitch];
        let reach = (Down::READS - 1) * y_step + (Across::READS - 1) * x_step + pitch;
        let a_row = tiles.across.split.tiles;
        let start = |tile: usize| {
            let row = tiles.row(*units, units.0 + tile / a_row) + runs[0].first;
            let tile = tile % a_row;
            (row * columns + tile * OUTPUTS * tiles.across.step + runs[1].first) * pitch
        };
        const { assert!(S::LANES <= MOST_LANES) };
        // `[point][tile][channel]` of as many tiles and channels as a vector has lanes.
        let square = S::LANES * S::LANES;
        let mut squares = Scratch::<S::T>::take(points * square);
        for t in (0..count).step_by(S::LANES) {
            let group = S::LANES.min(count - t);
            let mut starts = [0; MOST_LANES];
            for (i, from) in starts.iter_mut().enumerate().take(group) {
                *from = start(t + i);
                assert!(*from + reach <= numbers.len(), "a tile outside of what is staged");
            }
            for c in (0..*pitch).step_by(S::LANES) {
                // SAFETY: all that a tile reads is in bounds, as just checked; so are the squares,
                // and all places, which are the caller's; the instruction set is there in a task.
                unsafe {
                    let put = put.add(t * to.tile + c * to.channel);
                    let (first, tile_step, point_step) = match turns {
                        true => (squares.as_mut_ptr(), S::LANES, square),
                        false => (put, to.tile, to.point),
                    };
                    for (i, start) in starts.iter().enumerate().take(group) {
                        let from = numbers.as_ptr().add(start + c);
                        let put = first.add(i * tile_step);
                        both::<S, Down, Across>(
                            |y, x| S::load(from.add(y * y_step + x * x_step)),
                            |y, x, v| S::store(put.add((y * across + x) * point_step), v),
                        );
                    }
                    if turns {
                        for p in 0..points {
                            let from = squares.as_ptr().add(p * square);
                            S::transpose(from, S::LANES, put.add(p * to.point), to.channel);
                        }
                    }
                }
            }
        }
    }
}
