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
        let Self { tiles, staged: Staged { numbers, units, pitch }, runs, to, .. } = self;
        let (count, columns) = (tiles.count(*units), tiles.columns());
        let turns = tiles.terms == Terms::Channels;
        // Terms, and the length of what lies side by side.
        let (terms, beside) = match turns {
            true => (pitch / S::PAIR, count.next_multiple_of(S::LANES)),
            false => (count.div_ceil(S::PAIR), *pitch),
        };
        assert!(beside <= to.term && pitch.is_multiple_of(S::LANES), "places overlap");
        // The run's points, among those of the longest.
        let Filter { outputs, .. } = tiles.filter();
        let across = tiles.filter().points();
        let points = (Down::WRITES - 1) * across + Across::WRITES;
        let put = to.to.pointer(to.at, (points - 1) * to.point + (terms - 1) * to.term + beside);
        // From one pixel of a remainder to the next.
        let [y_step, x_step] = [tiles.down.step * columns * pitch, tiles.across.step * pitch];
        let reach = (Down::READS - 1) * y_step + (Across::READS - 1) * x_step + pitch;
        let a_row = tiles.across.split.tiles;
        let start = |tile: usize| {
            let row = tiles.row(*units, units.0 + tile / a_row) + runs[0].first;
            let tile = tile % a_row;
            (row * columns + tile * outputs * tiles.across.step + runs[1].first) * pitch
        };
        const { assert!(S::LANES <= MOST_LANES) };
        // `[point][tile][lane]` of as many tiles as a vector has lanes.
        let square = S::LANES * S::LANES;
        let mut squares = Scratch::<S::P>::take(points * square);
        // Vectors of channels that are packed together.
        let packed = if turns { S::PAIR } else { 1 };
        for t in (0..count).step_by(S::LANES) {
            let group = S::LANES.min(count - t);
            let mut starts = [0; MOST_LANES];
            for (i, from) in starts.iter_mut().enumerate().take(group) {
                *from = start(t + i);
                assert!(*from + reach <= numbers.len(), "a tile outside of what is staged");
            }
            for c in (0..*pitch).step_by(packed * S::LANES) {
                // SAFETY: all that a tile reads is in bounds, as just checked; so are the squares,
                // and all places, which are the caller's; the instruction set is there in a task.
                unsafe {
                    let put = match turns {
                        true => put.add(c / S::PAIR * to.term + t),
                        false => put.add(t / S::PAIR * to.term + c),
                    };
                    for vector in 0..packed {
                        for (i, start) in starts.iter().enumerate().take(group) {
                            let from = numbers.as_ptr().add(start + c + vector * S::LANES);
                            let (half, put, step) = match turns {
                                true => (vector, squares.as_mut_ptr().add(i * S::LANES), square),
                                false => (i % S::PAIR, put.add(i / S::PAIR * to.term), to.point),
                            };
                            both::<S, Down, Across>(
                                |y, x| S::load(from.add(y * y_step + x * x_step)),
                                |y, x, v| put_half::<S>(half, put.add((y * across + x) * step), v),
                            );
                        }
                    }
                    for p in 0..points {
                        let put = put.add(p * to.point);
                        if turns {
                            // Operands are turned as numbers of their size.
                            let from = squares.as_ptr().add(p * square).cast();
                            S::transpose(from, S::LANES, put.cast(), to.term);
                        } else if group % S::PAIR > 0 {
                            put_half::<S>(1, put.add(group / S::PAIR * to.term), S::zero());
                        }
                    }
                }
            }
        }
    }
}
