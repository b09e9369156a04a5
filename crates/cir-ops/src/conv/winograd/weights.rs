//! Transformed weights, for each list of taps as
//! `[point][group of outputs][input × remainder][output within the group]`, groups padded so that
//! they are written in whole vectors.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::most_rows;

use super::super::plan::Correlation;
use super::split::{POINTS, Run, Split};
use super::{line, transforms};

/// Inputs that a task transforms.
const INPUTS: usize = 32;

/// The weights of all phases, transformed.
pub(super) struct Weights<S: Simd> {
    data: Scratch<S::T>,
    sizes: Sizes,
}

/// Outputs in a group, groups, and steps of the transformed weights.
#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    /// From one input and remainder to the next.
    input: usize,
    groups: usize,
    group: usize,
    point: usize,
    phase: usize,
}

impl<S: Simd> Weights<S> {
    /// Transforms the weights of each row phase and column phase.
    pub(super) fn new(c: &Correlation, down: &Split, across: &Split, weight: &[S::T]) -> Self {
        let groups = c.outputs.div_ceil(most_rows::<S>(2));
        let rows = c.outputs.div_ceil(groups);
        let input = if S::ROWS <= 8 { 8 } else { 16 };
        let group = c.inputs * down.remainders() * across.remainders() * input;
        // A cache line more, so that the points of a weight fall into different sets of a cache.
        let point = groups * group + line::<S>();
        let phase = down.points() * across.points() * point;
        let sizes = Sizes { rows, input, groups, group, point, phase };
        let len = down.phases.len() * across.phases.len() * phase;
        let mut data = Scratch::take(len);
        let to = Shared::new(&mut data);
        let slices = c.inputs.div_ceil(INPUTS);
        parallel(groups * slices, 4 * len, |i| {
            let (group, slice) = (i / slices, i % slices);
            let inputs = (slice * INPUTS, c.inputs.min((slice + 1) * INPUTS));
            let task = Group::<S> { c, down, across, weight, sizes, group, inputs, to };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
        Self { data, sizes }
    }

    /// The step from one input and remainder to the next.
    pub(super) fn input(&self) -> usize {
        self.sizes.input
    }

    /// Outputs from one group to the next.
    pub(super) fn rows(&self) -> usize {
        self.sizes.rows
    }

    /// The weights of a phase, point and group.
    pub(super) fn group(&self, phase: usize, point: usize, group: usize) -> &[S::T] {
        let Sizes { group: step, point: point_step, phase: phase_step, .. } = self.sizes;
        &self.data[phase * phase_step + point * point_step + group * step..][..step]
    }

    /// Groups of outputs.
    pub(super) fn groups(&self) -> usize {
        self.sizes.groups
    }
}

struct Group<'a, S: Simd> {
    c: &'a Correlation,
    down: &'a Split,
    across: &'a Split,
    weight: &'a [S::T],
    sizes: Sizes,
    group: usize,
    inputs: (usize, usize),
    to: Shared<S::T>,
}

impl<S: Simd> Task for Group<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { down, across, .. } = self;
        for (py, rows) in down.phases.iter().enumerate() {
            for (px, columns) in across.phases.iter().enumerate() {
                let phase = (py * across.phases.len() + px) * self.sizes.phase;
                for (i, row) in rows.iter().enumerate() {
                    for (j, column) in columns.iter().enumerate() {
                        let remainder = i * columns.len() + j;
                        if self.sizes.input == 8 {
                            self.transform::<8>(phase, remainder, row, column);
                        } else {
                            self.transform::<16>(phase, remainder, row, column);
                        }
                    }
                }
            }
        }
    }
}

impl<S: Simd> Group<'_, S> {
    /// The weights of one remainder of rows and of columns, for all inputs of the task.
    #[inline(always)]
    fn transform<const L: usize>(&self, phase: usize, remainder: usize, row: &Run, column: &Run) {
        let Self { c, weight, sizes, .. } = *self;
        let remainders = self.down.remainders() * self.across.remainders();
        let first = self.group * sizes.rows;
        let real = sizes.rows.min(c.outputs - first);
        let (down, across) = (row.elements.len(), column.elements.len());
        let mut taken = [S::T::ZERO; L];
        let mut taps = [[0f64; L]; POINTS];
        let mut columns = [[[0f64; L]; POINTS]; POINTS];
        let mut points = [[0f64; L]; POINTS];
        for input in self.inputs.0..self.inputs.1 {
            for (x, kx) in column.elements.iter().enumerate() {
                for (taps, ky) in taps.iter_mut().zip(&row.elements) {
                    let at = input * c.weight_input_step + ky * c.kernel[1] + kx;
                    let from = weight[at + first * c.weight_output_step..].iter();
                    let from = from.step_by(c.weight_output_step);
                    taken[..real].iter_mut().zip(from).for_each(|(to, v)| *to = *v);
                    taps.iter_mut().zip(&taken).for_each(|(to, v)| *to = v.wide());
                }
                transforms::taps(&taps[..down], &mut columns[x]);
            }
            let k = input * remainders + remainder;
            for y in 0..=down {
                for (taps, column) in taps.iter_mut().zip(&columns).take(across) {
                    *taps = column[y];
                }
                transforms::taps(&taps[..across], &mut points);
                for (x, point) in points.iter().enumerate().take(across + 1) {
                    let mut rounded = [S::T::ZERO; L];
                    for (to, v) in rounded.iter_mut().zip(point) {
                        *to = S::T::narrow(*v);
                    }
                    let at = phase
                        + (y * (across + 1) + x) * sizes.point
                        + self.group * sizes.group
                        + k * L;
                    // SAFETY: this group's weights of this input are this task's alone.
                    let to = unsafe { self.to.part(at, L) };
                    to.write_copy_of_slice(&rounded);
                }
            }
        }
    }
}
