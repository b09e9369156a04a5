//! The correlation of tiny images: a tile's pixels are the same pixel of several samples, which
//! staging lays side by side as `[input][row][column][sample]`.
//!
//! Each output pixel has its own list of terms, in which taps outside of the image do not occur:
//! of a 3×3 kernel over a 2×2 image four taps of nine remain.

use crate::activation::{Activation, Piecewise};
use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{Term, Tile, most_rows, tile, vectors_across};

use super::plan::{Axis, Correlation, start};
use super::rows::NARROW;
use super::weights::Packed;

/// Whether samples fill the tiles better than the pixels of a row.
pub(crate) fn better<S: Simd>(c: &Correlation) -> bool {
    let rows = most_rows::<S>(vectors_across::<S>(c.outputs));
    let in_row = c.x.longest().div_ceil(c.x.longest().div_ceil(rows));
    let across = c.batch.div_ceil(c.batch.div_ceil(rows).max(1));
    let small = c.y.output * c.x.output <= 256 && c.y.input * c.x.input <= 1024;
    c.outputs > NARROW && small && in_row < 8.min(rows) && across > in_row
}

struct Plan<'a, S: Simd> {
    c: &'a Correlation,
    x: &'a [S::T],
    bias: Option<&'a [S::T]>,
    activate: Piecewise<S::T>,
    weights: Packed<S>,
    /// Outputs in a block.
    width: usize,
    /// The terms of every pixel, and where each pixel's start.
    terms: Vec<Term>,
    starts: Vec<usize>,
    /// Samples in the largest group.
    group: usize,
}

/// Computes the correlation and the activation of it; `bias` holds one number an output channel.
pub(crate) fn correlate<S: Simd>(
    c: &Correlation,
    x: &[S::T],
    weight: &[S::T],
    bias: Option<&[S::T]>,
    activation: Activation,
) -> Vec<S::T> {
    let vectors = vectors_across::<S>(c.outputs);
    let width = vectors * S::LANES;
    let kernel: Vec<usize> = (0..c.kernel[0] * c.kernel[1]).collect();
    let threads = rayon::current_num_threads();
    // Full tiles, but also work for every thread while the tiles stay tolerable.
    let groups = c.batch.div_ceil(most_rows::<S>(vectors)).max((2 * threads).min(c.batch / 6));
    let group = c.batch.div_ceil(groups.max(1));

    let (mut terms, mut starts) = (Vec::new(), vec![0]);
    for y in 0..c.y.output {
        for x in 0..c.x.output {
            for (iy, ky) in reads(&c.y, y) {
                for (ix, kx) in reads(&c.x, x) {
                    let at = (iy * c.x.input + ix) * group;
                    let tap = ky * c.kernel[1] + kx;
                    terms.push(Term { x: at as u32, w: (tap * width) as u32 });
                }
            }
            starts.push(terms.len());
        }
    }
    let weights = Packed::new(c, weight, &[kernel], width);
    let plan = Plan::<S> {
        c,
        x,
        bias,
        activate: activation.function(),
        weights,
        width,
        terms,
        starts,
        group,
    };
    let fill = |out| {
        parallel(groups, c.work(), |i| {
            let samples = part(c.batch, groups, i);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Group { plan: &plan, samples, out }) };
        });
    };
    // SAFETY: the tasks cover all samples, and each writes all outputs of its own.
    unsafe { filled(c.len(), fill) }
}

/// The inputs within the image that output `at` reads, each with its kernel element.
fn reads(axis: &Axis, at: usize) -> impl Iterator<Item = (usize, usize)> {
    let phases = axis.phases.len();
    let taps = axis.phases[at % phases].taps.iter();
    taps.filter_map(move |tap| Some((axis.read(at / phases, tap)?, tap.k)))
}

struct Group<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    samples: (usize, usize),
    out: Shared<S::T>,
}

impl<S: Simd> Task for Group<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { c, bias, activate, width, group, .. } = *self.plan;
        let count = self.samples.1 - self.samples.0;
        let pixels = c.y.output * c.x.output;
        let plane = c.y.input * c.x.input;
        let inputs = c.inputs.div_ceil(S::PAIR);
        let mut staged = Scratch::<S::P>::take(inputs * plane * group);
        self.stage(&mut staged);
        // One block's results, `[pixel][sample][channel]`.
        let mut line = Scratch::<S::T>::take(pixels * count * width);
        for block in 0..c.outputs.div_ceil(width) {
            let first = block * width;
            let real = width.min(c.outputs - first);
            start(&mut line, width, bias, first);
            for (pixel, line) in line.chunks_exact_mut(count * width).enumerate() {
                let t = Tile::<S> {
                    x: staged.as_ptr(),
                    x_step: plane * group,
                    w: self.plan.weights.block(0, block).as_ptr(),
                    w_step: self.plan.weights.input_step(0),
                    terms: &self.plan.terms[self.plan.starts[pixel]..self.plan.starts[pixel + 1]],
                    outer: inputs,
                    c: line.as_mut_ptr(),
                    c_step: width,
                    add: true,
                    part: c.part(),
                };
                // SAFETY: `staged` has `group` samples at each position of each input, of which
                // `count` are read; the weights have each tap; `line` has `count` rows.
                unsafe { tile(count, real.div_ceil(S::LANES), t) };
            }
            for sample in 0..count {
                let n = self.samples.0 + sample;
                for o in 0..real {
                    let at = (n * c.outputs + first + o) * pixels;
                    // SAFETY: this sample's outputs are this task's alone.
                    let to = unsafe { self.out.part(at, pixels) };
                    let from = line[sample * width + o..].iter().step_by(count * width);
                    for (to, v) in to.iter_mut().zip(from) {
                        to.write(activate.value(*v));
                    }
                }
            }
        }
    }
}

impl<S: Simd> Group<'_, S> {
    /// Copies the group's samples, `[input][position][sample]`.
    #[inline(always)]
    fn stage(&self, staged: &mut [S::P]) {
        let Plan { c, x, group, .. } = *self.plan;
        let plane = c.y.input * c.x.input;
        for (sample, n) in (self.samples.0..self.samples.1).enumerate() {
            for input in (0..c.inputs).step_by(S::PAIR) {
                let at = (n * c.inputs + input) * plane;
                let first = &x[at..at + plane];
                let to = staged[input / S::PAIR * plane * group + sample..].iter_mut();
                let to = to.step_by(group);
                if S::PAIR == 2 && input + 1 < c.inputs {
                    let second = &x[at + plane..at + 2 * plane];
                    for ((to, v), w) in to.zip(first).zip(second) {
                        *to = S::pack(*v, *w);
                    }
                } else {
                    for (to, v) in to.zip(first) {
                        *to = S::pack(*v, S::T::ZERO);
                    }
                }
            }
        }
    }
}
