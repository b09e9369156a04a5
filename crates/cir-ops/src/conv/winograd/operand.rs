//! An operand of the weight gradient: transformed tiles of images, as
//! `[point][remainder and group of channels][tile or pair of them][channel]`.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::line;
use super::split::{Run, have, pairs};
use super::tiles::{Places, Tiles, Units};

/// Images, and how their tiles are laid out.
pub(super) struct Operand<'a, T> {
    pub(super) tiles: Tiles<'a, T>,
    /// A run for each remainder of rows and of columns.
    pub(super) runs: [Vec<Run>; 2],
    /// Channels in a group, whole vectors.
    pub(super) width: usize,
    /// Operands from one tile, or pair, to the next.
    pub(super) pitch: usize,
}

impl<T: Number> Operand<'_, T> {
    fn channels(&self) -> usize {
        self.tiles.images.sizes[0]
    }

    /// Groups of channels.
    fn groups(&self) -> usize {
        self.channels().div_ceil(self.width)
    }

    /// Blocks, each of one remainder and a group of channels.
    pub(super) fn blocks(&self) -> usize {
        self.runs[0].len() * self.runs[1].len() * self.groups()
    }

    /// The block of a channel of a remainder, and its place there.
    pub(super) fn place(&self, remainder: usize, channel: usize) -> (usize, usize) {
        (remainder * self.groups() + channel / self.width, channel % self.width)
    }

    /// Channels of a block: the first, and the one after the last.
    pub(super) fn channels_of(&self, block: usize) -> (usize, usize) {
        let first = block % self.groups() * self.width;
        (first, self.channels().min(first + self.width))
    }

    /// Points and blocks whose runs have them.
    pub(super) fn products(&self) -> Vec<(usize, usize)> {
        let mut products = Vec::new();
        for point in 0..self.tiles.points() {
            for (remainder, runs) in pairs(&self.runs[0], &self.runs[1]) {
                if have(runs, self.tiles.filter(), point) {
                    let first = remainder * self.groups();
                    products.extend((first..first + self.groups()).map(|block| (point, block)));
                }
            }
        }
        products
    }

    /// The step from one block to the next, of `count` tiles.
    fn block<S: Simd>(&self, count: usize) -> usize {
        count.div_ceil(S::PAIR) * self.pitch
    }

    /// The step from one point to the next.
    fn point<S: Simd>(&self, count: usize) -> usize {
        // A cache line more, so that the points of a tile fall into different sets of a cache.
        self.blocks() * self.block::<S>(count) + line::<S>()
    }

    /// Room for `count` tiles.
    pub(super) fn room<S: Simd<T = T>>(&self, count: usize) -> Scratch<S::P> {
        Scratch::take(self.tiles.points() * self.point::<S>(count))
    }

    /// The transformed tiles of a point and block, of `count` in all.
    pub(super) fn at<'v, S: Simd>(
        &self,
        all: &'v [S::P],
        point: usize,
        block: usize,
        count: usize,
    ) -> &'v [S::P] {
        let len = self.block::<S>(count);
        &all[point * self.point::<S>(count) + block * len..][..len]
    }

    /// Transforms the tiles of `units`, by tasks of about `most` units.
    pub(super) fn transform<S: Simd<T = T>>(&self, units: Units, most: usize, to: &mut [S::P]) {
        // In steps of `PAIR` units, so that tasks begin where a pair of tiles does.
        let steps = (units.1 - units.0).div_ceil(S::PAIR);
        let slices = (units.1 - units.0).div_ceil(most).min(steps);
        let work = 4 * to.len();
        let to = Shared::new(to);
        parallel(slices * self.groups(), work, |i| {
            let (first, last) = part(steps, slices, i / self.groups());
            let slice = (units.0 + first * S::PAIR, units.1.min(units.0 + last * S::PAIR));
            let task = Slice::<S> { operand: self, units, slice, group: i % self.groups(), to };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
    }
}

struct Slice<'a, S: Simd> {
    operand: &'a Operand<'a, S::T>,
    units: Units,
    /// Those of this task.
    slice: Units,
    group: usize,
    to: Shared<S::P>,
}

impl<S: Simd> Task for Slice<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { operand, units, slice, group, to } = self;
        let Operand { ref tiles, pitch, .. } = *operand;
        let channels = operand.channels_of(group);
        let staged = tiles.stage::<S>(slice, channels);
        let count = tiles.count(units);
        let before = tiles.count((units.0, slice.0));
        let point = operand.point::<S>(count);
        for (remainder, runs) in pairs(&operand.runs[0], &operand.runs[1]) {
            let (block, _) = operand.place(remainder, channels.0);
            let at = block * operand.block::<S>(count) + before / S::PAIR * pitch;
            let to = Places { to, at, point, term: pitch };
            // SAFETY: these tiles of this block are this task's alone, which runs where the
            // instruction set exists.
            unsafe { tiles.transform::<S>(&staged, runs, to) };
        }
    }
}
