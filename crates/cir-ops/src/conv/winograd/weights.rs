//! Transformed weights, for each row phase and column phase as
//! `[point][block of outputs][remainder][input or pair of them][output within the block]`.

use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::super::plan::Correlation;
use super::super::weights::Turned;
use super::split::{Run, Split, pairs};
use super::transforms::{Taps, Transform, both, for_runs};
use super::{depth, line, put_half, width};

/// Inputs, or pairs, that a task transforms.
const INPUTS: usize = 32;

/// The weights of all phases, transformed.
pub(super) struct Weights<S: Simd> {
    data: Scratch<S::P>,
    sizes: Sizes,
}

/// Steps of the transformed weights.
#[derive(Clone, Copy)]
struct Sizes {
    /// Outputs in a block.
    width: usize,
    remainder: usize,
    block: usize,
    point: usize,
    phase: usize,
}

impl<S: Simd> Weights<S> {
    /// Transforms the weights of each row phase and column phase.
    pub(super) fn new(c: &Correlation, axes: [&Split; 2], weight: &[S::T]) -> Self {
        let [down, across] = axes;
        let width = width::<S>();
        let blocks = c.outputs.div_ceil(width);
        let inputs = depth::<S>(c.inputs);
        let remainder = inputs * width;
        let block = down.remainders() * across.remainders() * remainder;
        // A cache line more, so that the points of a weight fall into different sets of a cache.
        let point = blocks * block + line::<S>();
        let phase = down.filter.points().pow(2) * point;
        let sizes = Sizes { width, remainder, block, point, phase };
        let len = down.phases.len() * across.phases.len() * phase;
        let mut data = Scratch::take(len);
        let to = Shared::new(&mut data);
        let slices = inputs.div_ceil(INPUTS);
        parallel(blocks * slices, 4 * len, |i| {
            let (block, slice) = (i / slices, i % slices);
            let inputs = (slice * INPUTS, inputs.min((slice + 1) * INPUTS));
            let task = Slice::<S> { c, axes, weight, sizes, block, inputs, to };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
        Self { data, sizes }
    }

    /// The weights of a phase, point, block of outputs and remainder.
    pub(super) fn at(&self, phase: usize, point: usize, block: usize, remainder: usize) -> &[S::P] {
        let s = &self.sizes;
        let at = phase * s.phase + point * s.point + block * s.block + remainder * s.remainder;
        &self.data[at..at + s.remainder]
    }
}

/// The weights of a block of outputs and some inputs.
struct Slice<'a, S: Simd> {
    c: &'a Correlation,
    axes: [&'a Split; 2],
    weight: &'a [S::T],
    sizes: Sizes,
    block: usize,
    inputs: (usize, usize),
    to: Shared<S::P>,
}

impl<S: Simd> Task for Slice<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { c, axes: [down, across], sizes, block, inputs, .. } = self;
        let mut turned = Turned::<S>::new(c, self.weight, S::LANES);
        let real = sizes.width.min(c.outputs - block * sizes.width);
        for v in (0..real).step_by(S::LANES) {
            for term in inputs.0..inputs.1 {
                turned.read(term, block * sizes.width + v, S::LANES);
                let at = block * sizes.block + term * sizes.width + v;
                for (py, rows) in down.phases.iter().enumerate() {
                    for (px, columns) in across.phases.iter().enumerate() {
                        let phase = py * across.phases.len() + px;
                        self.phase(&turned, rows, columns, at + phase * sizes.phase);
                    }
                }
            }
        }
    }
}

impl<S: Simd> Slice<'_, S> {
    /// The weights of a phase for a term and a vector of outputs, the first of which goes to `at`.
    #[inline(always)]
    fn phase(&self, turned: &Turned<'_, S>, rows: &[Run], columns: &[Run], at: usize) {
        for (remainder, runs) in pairs(rows, columns) {
            let at = at + remainder * self.sizes.remainder;
            macro_rules! transform {
                ($down:ty, $across:ty) => {
                    self.transform::<$down, $across>(turned, runs, at)
                };
            }
            for_runs!(Taps, self.axes[0].filter, runs, transform);
        }
    }

    /// The weights of a run of rows and one of columns.
    #[inline(always)]
    fn transform<Down: Transform, Across: Transform>(
        &self,
        turned: &Turned<'_, S>,
        [row, column]: [&Run; 2],
        at: usize,
    ) {
        let (point, kernel) = (self.sizes.point, self.c.kernel);
        let across = self.axes[1].filter.points();
        let len = ((Down::WRITES - 1) * across + Across::WRITES - 1) * point + S::LANES;
        let to = self.to.pointer(at, len);
        let (rows, columns) = (&row.elements[..Down::READS], &column.elements[..Across::READS]);
        for half in 0..S::PAIR {
            // SAFETY: a tap has a vector; these outputs of this term are this task's alone; the
            // instruction set is there within a task.
            unsafe {
                both::<S, Down, Across>(
                    |y, x| {
                        let k = rows[y] * kernel[1] + columns[x];
                        S::load(turned.element(half, k).as_ptr())
                    },
                    |y, x, v| put_half::<S>(half, to.add((y * across + x) * point), v),
                );
            }
        }
    }
}
