//! Transformed weights, for each row phase and column phase as
//! `[point][block of outputs][remainder][input][output within the block]`.

use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::super::plan::Correlation;
use super::super::weights::Turned;
use super::split::{Run, Split};
use super::transforms::{Taps, Transform, both};
use super::{WIDTH, line};

/// Inputs that a task transforms.
const INPUTS: usize = 32;

/// The weights of all phases, transformed.
pub(super) struct Weights<S: Simd> {
    data: Scratch<S::T>,
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
        let width = WIDTH * S::LANES;
        let blocks = c.outputs.div_ceil(width);
        let remainder = c.inputs * width;
        let block = down.remainders() * across.remainders() * remainder;
        // A cache line more, so that the points of a weight fall into different sets of a cache.
        let point = blocks * block + line::<S>();
        let phase = down.points() * across.points() * point;
        let sizes = Sizes { width, remainder, block, point, phase };
        let len = down.phases.len() * across.phases.len() * phase;
        let mut data = Scratch::take(len);
        let to = Shared::new(&mut data);
        let slices = c.inputs.div_ceil(INPUTS);
        parallel(blocks * slices, 4 * len, |i| {
            let (block, slice) = (i / slices, i % slices);
            let inputs = (slice * INPUTS, c.inputs.min((slice + 1) * INPUTS));
            let task = Slice::<S> { c, axes, weight, sizes, block, inputs, to };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
        Self { data, sizes }
    }

    /// The weights of a phase, point, block of outputs and remainder.
    pub(super) fn at(&self, phase: usize, point: usize, block: usize, remainder: usize) -> &[S::T] {
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
    to: Shared<S::T>,
}

impl<S: Simd> Task for Slice<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let [down, across] = self.axes;
        match [down.taps, across.taps] {
            [2, 2] => self.all::<Taps<2>, Taps<2>>(),
            [2, _] => self.all::<Taps<2>, Taps<3>>(),
            [_, 2] => self.all::<Taps<3>, Taps<2>>(),
            _ => self.all::<Taps<3>, Taps<3>>(),
        }
    }
}

impl<S: Simd> Slice<'_, S> {
    #[inline(always)]
    fn all<D: Transform, A: Transform>(&self) {
        let Self { c, axes: [down, across], sizes, block, inputs, .. } = *self;
        let mut turned = Turned::<S>::new(c, self.weight);
        for v in (0..sizes.width).step_by(S::LANES) {
            for input in inputs.0..inputs.1 {
                turned.read(input, block * sizes.width + v, S::LANES);
                for (py, rows) in down.phases.iter().enumerate() {
                    for (px, columns) in across.phases.iter().enumerate() {
                        let phase = py * across.phases.len() + px;
                        let pairs =
                            rows.iter().flat_map(|row| columns.iter().map(move |c| (row, c)));
                        for (remainder, (row, column)) in pairs.enumerate() {
                            let at = phase * sizes.phase
                                + block * sizes.block
                                + remainder * sizes.remainder
                                + input * sizes.width
                                + v;
                            self.transform::<D, A>(&turned, row, column, at);
                        }
                    }
                }
            }
        }
    }

    /// The weights of an input, a remainder of rows and of columns, and a vector of outputs.
    #[inline(always)]
    fn transform<D: Transform, A: Transform>(
        &self,
        turned: &Turned<'_, S>,
        row: &Run,
        column: &Run,
        at: usize,
    ) {
        let (point, kernel) = (self.sizes.point, self.c.kernel);
        let len = (D::WRITES * A::WRITES - 1) * point + S::LANES;
        let to = self.to.pointer(at, len);
        let (rows, columns) = (&row.elements[..D::READS], &column.elements[..A::READS]);
        // SAFETY: a tap has a vector; these outputs of this input are this task's alone; the
        // instruction set is there within a task.
        unsafe {
            both::<S, D, A>(
                |y, x| S::load(turned.tap(rows[y] * kernel[1] + columns[x]).as_ptr()),
                |y, x, v| S::store(to.add((y * A::WRITES + x) * point), v),
            );
        }
    }
}
