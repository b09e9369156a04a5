//! An operand of the weight gradient: transformed tiles of images, channels side by side, as
//! `[point][block of channels × remainders][tile][channel × remainder]`.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::blocks::{Layout, Tiles};
use super::split::{OUTPUTS, Run};
use super::staging::{Side, Staging, Units};
use super::transforms::Transform;

/// Images of some channels, and how their tiles are transformed.
pub(super) struct Operand<'a, T> {
    pub(super) images: &'a [T],
    pub(super) channels: usize,
    pub(super) transform: Transform,
    pub(super) down: Side,
    pub(super) across: Side,
    /// A run for each remainder of rows and of columns.
    pub(super) runs: [Vec<Run>; 2],
    pub(super) taps: [usize; 2],
    /// Channels × remainders in a block, whole vectors and whole channels.
    pub(super) width: usize,
}

/// Rows of tiles that are transformed at a time, in blocks of some.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) units: Units,
    /// Rows of tiles in a block.
    pub(super) block: usize,
    /// Tiles in a row.
    pub(super) tiles: usize,
}

impl Chunk {
    pub(super) fn blocks(&self) -> usize {
        (self.units.1 - self.units.0).div_ceil(self.block)
    }

    /// Tiles of some units, whole vectors.
    pub(super) fn whole<S: Simd>(&self, units: usize) -> usize {
        (units * self.tiles).next_multiple_of(S::LANES)
    }

    /// The units of a block, and its first tile.
    fn part<S: Simd>(&self, block: usize) -> (Units, usize) {
        let first = self.units.0 + block * self.block;
        let units = (first, self.units.1.min(first + self.block));
        (units, block * self.whole::<S>(self.block))
    }

    /// Tiles of the chunk, each block's in whole vectors.
    pub(super) fn len<S: Simd>(&self) -> usize {
        let (units, first) = self.part::<S>(self.blocks() - 1);
        first + self.whole::<S>(units.1 - units.0)
    }
}

impl<T: Number> Operand<'_, T> {
    /// Channels × remainders.
    pub(super) fn depth(&self) -> usize {
        self.channels * self.remainders()
    }

    fn remainders(&self) -> usize {
        self.runs[0].len() * self.runs[1].len()
    }

    pub(super) fn blocks(&self) -> usize {
        self.depth().div_ceil(self.width)
    }

    fn points(&self) -> usize {
        (self.taps[0] + OUTPUTS - 1) * (self.taps[1] + OUTPUTS - 1)
    }

    /// Transformed numbers of a tile.
    pub(super) fn len(&self) -> usize {
        self.points() * self.blocks() * self.width
    }

    /// Transforms the tiles of a chunk.
    pub(super) fn transform<S: Simd<T = T>>(&self, chunk: Chunk, to: &mut [T]) {
        let work = 4 * self.len() * chunk.len::<S>();
        let to = Shared::new(to);
        parallel(chunk.blocks() * self.blocks(), work, |i| {
            let (block, channels) = (i / self.blocks(), i % self.blocks());
            let task = Block::<S> { operand: self, chunk, block, channels, to };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
    }
}

struct Block<'a, S: Simd> {
    operand: &'a Operand<'a, S::T>,
    chunk: Chunk,
    block: usize,
    /// The block of channels.
    channels: usize,
    to: Shared<S::T>,
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { operand, chunk, .. } = self;
        let Operand { transform, width, taps, channels: all, .. } = *operand;
        let (units, first_tile) = chunk.part::<S>(self.block);
        let tiles = (units.1 - units.0) * chunk.tiles;
        let whole = tiles.next_multiple_of(S::LANES);
        let remainders = operand.remainders();
        let each = width / remainders;
        let first = self.channels * each;
        let channels = each.min(all - first);
        let staging = Staging::new::<S>(channels, operand.down.clone(), operand.across.clone());
        let mut staged = Scratch::<S::T>::take(staging.len(units));
        staging.stage(operand.images, (first, all), units, &mut staged);
        let layout = Layout::new::<S>(units.1 - units.0, chunk.tiles);
        let depth = channels * remainders;
        let point = layout.point::<S>(depth);
        // Room for the last square of channels to run over.
        let mut v = Scratch::<S::T>::take(operand.points() * point + S::LANES * layout.pitch);
        let [down, across] = &operand.runs;
        let all = Tiles { transform, staging: &staging, down, across, taps, layout };
        all.apply::<S>(units, &staged, &mut v);
        for p in 0..operand.points() {
            let v = &mut v[p * point..];
            if tiles < whole {
                for row in v.chunks_mut(layout.pitch).take(depth) {
                    row[tiles..whole].fill(S::T::ZERO);
                }
            }
            let at = (p * operand.blocks() + self.channels) * chunk.len::<S>() + first_tile;
            // SAFETY: these tiles of this block of channels are this task's alone; scratch is
            // always initialised.
            let to = unsafe { self.to.written(at * width, whole * width) };
            for k in (0..depth).step_by(S::LANES) {
                for t in (0..whole).step_by(S::LANES) {
                    let from = &v[k * layout.pitch + t..];
                    let to = &mut to[t * width + k..];
                    assert!(from.len() >= (S::LANES - 1) * layout.pitch + S::LANES);
                    assert!(to.len() >= (S::LANES - 1) * width + S::LANES);
                    // SAFETY: both squares were just checked.
                    unsafe { S::transpose(from.as_ptr(), layout.pitch, to.as_mut_ptr(), width) };
                }
            }
        }
    }
}
