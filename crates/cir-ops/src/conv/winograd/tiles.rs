//! Images in tiles, transformed with their channels side by side: lanes are
//! channels, so that neither the images' sides nor the tiles' number leaves any of them empty.

use std::marker::PhantomData;

use crate::numbers::Number;
use crate::parallel::Shared;
use crate::scratch::{Plain, Scratch};
use crate::simd::{Simd, Task};

use super::super::images::{Images, Row};
use super::super::plan::Axis;
use super::put_half;
use super::split::{Filter, Run, Split};
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
        Self { split, low: 0, step: 1, reach: split.filter.outputs }
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

/// What the products sum over, of which `PAIR` are packed together; the other lies side by side.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Terms {
    /// Tiles, next to one another.
    Tiles,
    /// Channels, a vector apart: tiles are turned round.
    Channels,
}

/// The images of a batch, and how their tiles are transformed.
pub(super) struct Tiles<'a, T> {
    pub(super) images: Images<'a, T>,
    pub(super) down: Side<'a>,
    pub(super) across: Side<'a>,
    pub(super) kind: Kind,
    pub(super) terms: Terms,
}

/// What the tiles of some units (at least one) read of some channels, `[row][column][channel]`; their
/// number is filled up to whole vectors, or to as many vectors as are packed together where they are
/// the terms.
pub(super) struct Staged<T: Plain> {
    numbers: Scratch<T>,
    units: Units,
    /// Numbers of a pixel.
    pitch: usize,
}

/// Where transformed tiles go: the first operand, and the steps from one point and from one term to
/// the next.
#[derive(Clone, Copy)]
pub(super) struct Places<P> {
    pub(super) to: Shared<P>,
    pub(super) at: usize,
    pub(super) point: usize,
    pub(super) term: usize,
}

impl<T: Number> Tiles<'_, T> {
    /// The filter of both axes.
    pub(super) fn filter(&self) -> Filter {
        self.down.split.filter
    }

    /// Points of a tile.
    pub(super) fn points(&self) -> usize {
        self.filter().points().pow(2)
    }

    /// Tiles of some units.
    pub(super) fn count(&self, units: Units) -> usize {
        (units.1 - units.0) * self.across.split.tiles
    }

    /// The staged row that a unit starts at: tiles of a sample share rows, samples do not.
    fn row(&self, units: Units, unit: usize) -> usize {
        let Side { split, step, reach, .. } = self.down;
        let outputs = split.filter.outputs;
        let samples = unit / split.tiles - units.0 / split.tiles;
        ((unit - units.0) * outputs + samples * (reach - outputs)) * step
    }

    fn columns(&self) -> usize {
        let Side { split, step, reach, .. } = self.across;
        ((split.tiles - 1) * split.filter.outputs + reach) * step
    }

    /// Copies what the tiles of `units` read of the channels from `channels.0` to `channels.1`.
    #[inline(always)]
    pub(super) fn stage<S: Simd<T = T>>(
        &self,
        units: Units,
        channels: (usize, usize),
    ) -> Staged<T> {
        let Side { split: &Split { filter: Filter { outputs, .. }, tiles, .. }, low, step, reach } =
            self.down;
        let whole = match self.terms {
            Terms::Tiles => S::LANES,
            Terms::Channels => S::LANES * S::PAIR,
        };
        let (columns, pitch) = (self.columns(), (channels.1 - channels.0).next_multiple_of(whole));
        let rows = self.row(units, units.1 - 1) + reach * step;
        // Rows run over by a vector of columns.
        let mut numbers = Scratch::take((rows * columns + S::LANES) * pitch);
        for unit in units.0..units.1 {
            let (sample, tile) = (unit / tiles, unit % tiles);
            // Rows that the next unit begins with are left to it.
            let last = unit + 1 == units.1 || tile + 1 == tiles;
            for i in 0..step * if last { reach } else { outputs } {
                let y = (tile * outputs * step + i) as isize + low;
                let row = Row { sample, y, before: -self.across.low, columns };
                let at = (self.row(units, unit) + i) * columns * pitch;
                self.images.turn_row::<S>(row, channels, pitch, &mut numbers[at..]);
            }
        }
        Staged { numbers, units, pitch }
    }

    /// Transforms all staged tiles, for a run of rows and one of columns. What lies side by side is
    /// written in whole vectors.
    ///
    /// # Safety
    /// The instruction set of `S` exists, and no other task touches these places.
    #[inline(always)]
    pub(super) unsafe fn transform<S: Simd<T = T>>(
        &self,
        staged: &Staged<T>,
        runs: [&Run; 2],
        to: Places<S::P>,
    ) {
        macro_rules! apply {
            ($down:ty, $across:ty) => {{
                let kinds = PhantomData::<($down, $across)>;
                // SAFETY: passed on to the caller.
                unsafe { S::vectorize(Apply::<S, _, _> { tiles: self, staged, runs, to, kinds }) }
            }};
        }
        match self.kind {
            Kind::Inputs => for_runs!(Inputs, self.filter(), runs, apply),
            Kind::Slopes => for_runs!(Slopes, self.filter(), runs, apply),
        }
    }
}

/// [`Tiles::transform`] of given transforms, compiled once wherever it is called.
struct Apply<'a, S: Simd, Down, Across> {
    tiles: &'a Tiles<'a, S::T>,
    staged: &'a Staged<S::T>,
    runs: [&'a Run; 2],
    to: Places<S::P>,
    kinds: PhantomData<(Down, Across)>,
}

impl<S: Simd, Down: Transform, Across: Transform> Task for Apply<'_, S, Down, Across> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        match self.tiles.terms {
            Terms::Tiles => self.straight(),
            Terms::Channels => self.turned(),
        }
    }
}

impl<S: Simd, Down: Transform, Across: Transform> Apply<'_, S, Down, Across> {
    /// Points of the runs, among those of the longest.
    #[inline(always)]
    fn points(&self) -> usize {
        (Down::WRITES - 1) * self.tiles.filter().points() + Across::WRITES
    }

    /// Channels side by side.
    #[inline(always)]
    fn straight(&self) {
        let (count, pitch, to) = (self.tiles.count(self.staged.units), self.staged.pitch, self.to);
        let put = self.places(count.div_ceil(S::PAIR), pitch);
        for t in 0..count {
            let start = self.start(t);
            for c in (0..pitch).step_by(S::LANES) {
                let at = t / S::PAIR * to.term + c;
                // SAFETY: the tile is staged, the place is one of those of this task, where the
                // instruction set exists.
                unsafe { self.tile(start + c, t % S::PAIR, put.wrapping_add(at), to.point) };
            }
        }
        if count % S::PAIR > 0 {
            for p in 0..self.points() {
                for c in (0..pitch).step_by(S::LANES) {
                    let at = p * to.point + count / S::PAIR * to.term + c;
                    // SAFETY: as above.
                    unsafe { put_half::<S>(1, put.wrapping_add(at), S::zero()) };
                }
            }
        }
    }

    /// Tiles side by side: as many as a vector has lanes are turned round at a time.
    #[inline(always)]
    fn turned(&self) {
        const { assert!(S::LANES <= MOST_LANES) };
        let (count, pitch, to) = (self.tiles.count(self.staged.units), self.staged.pitch, self.to);
        let put = self.places(pitch / S::PAIR, count.next_multiple_of(S::LANES));
        // `[point][tile][lane]`.
        let square = S::LANES * S::LANES;
        let mut squares = Scratch::<S::P>::take(self.points() * square);
        for t in (0..count).step_by(S::LANES) {
            let group = S::LANES.min(count - t);
            let mut starts = [0; MOST_LANES];
            (0..group).for_each(|i| starts[i] = self.start(t + i));
            for c in (0..pitch).step_by(S::PAIR * S::LANES) {
                for half in 0..S::PAIR {
                    for (i, start) in starts.iter().enumerate().take(group) {
                        let put = squares[i * S::LANES..].as_mut_ptr();
                        // SAFETY: the tile is staged, the squares hold each point and lane; the
                        // instruction set is there within a task.
                        unsafe { self.tile(start + c + half * S::LANES, half, put, square) };
                    }
                }
                for p in 0..self.points() {
                    let from = squares[p * square..][..square].as_ptr();
                    let put = put.wrapping_add(p * to.point + c / S::PAIR * to.term + t);
                    // SAFETY: a square, and places of this task. Operands are turned as numbers of
                    // their size.
                    unsafe { S::transpose(from.cast(), S::LANES, put.cast(), to.term) };
                }
            }
        }
    }

    /// The first of the places of some terms, with so many operands side by side; all are the caller's.
    #[inline(always)]
    fn places(&self, terms: usize, beside: usize) -> *mut S::P {
        let to = self.to;
        assert!(beside <= to.term && self.staged.pitch.is_multiple_of(S::LANES), "places overlap");
        to.to.pointer(to.at, (self.points() - 1) * to.point + (terms - 1) * to.term + beside)
    }

    /// From one pixel of a remainder to the next, down and across, among the staged numbers.
    #[inline(always)]
    fn steps(&self) -> [usize; 2] {
        let Tiles { down, across, .. } = self.tiles;
        [down.step * self.tiles.columns(), across.step].map(|step| step * self.staged.pitch)
    }

    /// Where a tile starts among the staged numbers, which hold all that it reads.
    #[inline(always)]
    fn start(&self, tile: usize) -> usize {
        let (tiles, Staged { numbers, units, pitch }) = (self.tiles, self.staged);
        let in_a_row = tiles.across.split.tiles;
        let row = tiles.row(*units, units.0 + tile / in_a_row) + self.runs[0].first;
        let column = tile % in_a_row * tiles.filter().outputs * tiles.across.step;
        let start = (row * tiles.columns() + column + self.runs[1].first) * pitch;
        let [down, across] = self.steps();
        let reach = (Down::READS - 1) * down + (Across::READS - 1) * across + pitch;
        assert!(start + reach <= numbers.len(), "a tile outside of what is staged");
        start
    }

    /// Transforms a vector of channels of the tile from `start` on, to `put` and a `step` further for
    /// each point.
    ///
    /// # Safety
    /// The tile is staged, the places are valid and this task's, and the instruction set exists.
    #[inline(always)]
    unsafe fn tile(&self, start: usize, half: usize, put: *mut S::P, step: usize) {
        let [down, across] = self.steps();
        let points = self.tiles.filter().points();
        // SAFETY: as the caller promises.
        unsafe {
            let from = self.staged.numbers.as_ptr().add(start);
            both::<S, Down, Across>(
                |y, x| S::load(from.add(y * down + x * across)),
                |y, x, v| put_half::<S>(half, put.add((y * points + x) * step), v),
            );
        }
    }
}
