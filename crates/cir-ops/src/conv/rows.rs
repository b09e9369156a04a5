//! The correlation of images that are not tiny: each task stages some rows of some samples, zero
//! padded, as `[row][input][column]`, and sweeps them with tiles that lie within a row.
//!
//! With many output channels a tile is pixels × channels, its result is turned round on the way
//! out. With few it is channels × pixels, and the roles of the tile's operands are exchanged. A
//! column stride is resolved in staging, where the columns of each remainder come to lie side by
//! side.

use crate::activation::{Activation, Piecewise};
use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task, prefetch_all};
use crate::tile::{Term, Tile, tile, tile_rows, vectors_across};

use super::lines::{Span, interleave, stage_row, turn};
use super::plan::{Correlation, start};
use super::weights::Packed;

/// Bytes of staged input, or of sums, at most: a second-level cache holds both.
const HELD: usize = 1 << 19;
/// Most output channels in one tile whose vectors are pixels.
pub(crate) const NARROW: usize = 4;

/// Whether pixels are the vector side: for more channels than a tile takes, if no lane is wasted and
/// there are pixels for two vectors, which keep enough sums going.
fn narrow<S: Simd>(c: &Correlation) -> bool {
    let longest = c.x.longest();
    let filled = longest.is_multiple_of(S::LANES) && longest >= 2 * S::LANES;
    c.outputs <= NARROW || c.outputs <= 4 * NARROW && filled
}

/// Bytes of weights that stay in a first-level cache, beside what they meet.
const WEIGHTS: usize = 1 << 14;

/// Inputs (or pairs) whose weights, `step` numbers of each, are used for all rows before the next
/// ones: whole parts of a sum, or less than one where it has more inputs than fit.
fn inputs_at_once<S: Simd>(part: usize, terms: usize, step: usize) -> usize {
    let fitting = (WEIGHTS / (step * size_of::<S::P>()).max(1)).max(1);
    let in_a_part = part / terms.clamp(1, part);
    if in_a_part < fitting { fitting / in_a_part * in_a_part } else { fitting }
}

struct Plan<'a, S: Simd> {
    c: &'a Correlation,
    x: &'a [S::T],
    bias: Option<&'a [S::T]>,
    activate: Piecewise<S::T>,
    /// A list for each row phase and column phase, and the terms of each.
    weights: Packed<S>,
    terms: Vec<Vec<Term>>,
    narrow: bool,
    /// Outputs in a block.
    width: usize,
    /// Columns of one remainder, of all remainders (one input's row), and of all inputs.
    residue: usize,
    pitch: usize,
    row: usize,
    /// What of a row is staged of each remainder.
    spans: Vec<Span>,
    /// Columns of the longest phase, rounded up to whole vectors.
    columns: usize,
}

/// Computes the correlation and the activation of it; `bias` holds one number an output channel.
pub(crate) fn correlate<S: Simd>(
    c: &Correlation,
    x: &[S::T],
    weight: &[S::T],
    bias: Option<&[S::T]>,
    activation: Activation,
) -> Vec<S::T> {
    let narrow = narrow::<S>(c);
    let width = if narrow { c.outputs } else { vectors_across::<S>(c.outputs) * S::LANES };
    let longest = c.x.longest();
    let columns = longest.next_multiple_of(S::LANES);
    let residue = c.x.reach(columns).div_ceil(c.x.step);
    let pitch = residue * c.x.step;
    let row = c.inputs.div_ceil(S::PAIR) * pitch;

    let (mut lists, mut all_terms) = (Vec::new(), Vec::new());
    for py in &c.y.phases {
        for px in &c.x.phases {
            let (mut taps, mut terms) = (Vec::new(), Vec::new());
            for ty in &py.taps {
                for tx in &px.taps {
                    let column = (tx.offset - c.x.low) as usize;
                    let down = (ty.offset - c.y.low) as usize * row;
                    let across = column % c.x.step * residue + column / c.x.step;
                    let (x, w) = ((down + across) as u32, (taps.len() * width) as u32);
                    terms.push(if narrow { Term { x: w, w: x } } else { Term { x, w } });
                    taps.push(ty.k * c.kernel[1] + tx.k);
                }
            }
            lists.push(taps);
            all_terms.push(terms);
        }
    }
    let weights = Packed::new(c, weight, &lists, width);
    let terms = all_terms;
    let plan = Plan::<S> {
        c,
        x,
        bias,
        activate: activation.function(),
        weights,
        terms,
        narrow,
        width,
        residue,
        pitch,
        row,
        spans: (0..c.x.step as isize)
            .map(|remainder| Span::new(c.x.input, remainder + c.x.low, c.x.step, residue))
            .collect(),
        columns,
    };

    // Several samples a task where they fit, else a sample in several blocks of rows; the result
    // does not depend on it.
    let threads = rayon::current_num_threads();
    let height = c.y.longest();
    let sums = if narrow { 0 } else { c.y.phases.len() * c.x.phases.len() * columns * width };
    let bytes = |rows: usize| {
        (c.y.reach(rows) * row * size_of::<S::P>()).max(rows * sums * size_of::<S::T>())
    };
    let group = (HELD / bytes(height).max(1)).min(c.batch.div_ceil(4 * threads)).max(1);
    let fitting = (1..=height).rev().find(|&rows| bytes(rows) <= HELD).unwrap_or(1);
    let groups = c.batch.div_ceil(group);
    let blocks = height.div_ceil(fitting).max((2 * threads).div_ceil(groups.max(1))).min(height);
    let fill = |out| {
        parallel(groups * blocks, c.work(), |i| {
            let samples = part(c.batch, groups, i / blocks);
            let rows = part(height, blocks, i % blocks);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(RowTask { plan: &plan, samples, rows, out }) };
        });
    };
    // SAFETY: the tasks cover all samples and all rows, and each writes all its outputs.
    unsafe { filled(c.len(), fill) }
}

struct RowTask<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    samples: (usize, usize),
    rows: (usize, usize),
    out: Shared<S::T>,
}

impl<S: Simd> Task for RowTask<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { c, narrow, width, row, columns, .. } = *self.plan;
        let phases = c.x.phases.len();
        let reach = c.y.reach(self.rows.1 - self.rows.0);
        let samples = self.samples.1 - self.samples.0;
        let mut staged = Scratch::<S::P>::take(samples * reach * row);
        for (n, staged) in (self.samples.0..).zip(staged.chunks_exact_mut(reach * row)) {
            self.stage(n, staged);
        }
        let lines = if narrow { 0 } else { samples * (self.rows.1 - self.rows.0) };
        let mut lines = Scratch::<S::T>::take(lines * c.y.phases.len() * phases * columns * width);
        let turned_step = phases * columns;
        let mut turned = Scratch::<S::T>::take(width * turned_step);
        for block in 0..c.outputs.div_ceil(width) {
            let first = block * width;
            let real = width.min(c.outputs - first);
            if !narrow {
                self.sweep_wide(block, real.div_ceil(S::LANES), &staged, &mut lines);
            }
            for (i, n) in (self.samples.0..self.samples.1).enumerate() {
                for (j, py) in self.output_rows() {
                    let list = py * phases;
                    if narrow {
                        let at = (i * reach + (j - self.rows.0) * c.y.step) * row;
                        for px in 0..phases {
                            self.sweep_narrow(list + px, &staged[at..], px, &mut turned);
                        }
                    } else {
                        // Phases lie one behind the other in both.
                        let lines = &lines[self.line(i, j, list)..][..turned_step * width];
                        turn::<S>(lines, width, real, &mut turned);
                    }
                    let y = j * c.y.phases.len() + py;
                    for o in 0..real {
                        let at = ((n * c.outputs + first + o) * c.y.output + y) * c.x.output;
                        // SAFETY: this row of this channel and sample is this task's alone.
                        let to = unsafe { self.out.part(at, c.x.output) };
                        interleave(
                            &turned[o * turned_step..(o + 1) * turned_step],
                            columns,
                            phases,
                            self.plan.activate,
                            to,
                        );
                    }
                }
            }
        }
    }
}

impl<S: Simd> RowTask<'_, S> {
    /// This task's rows, each with its phase.
    #[inline(always)]
    fn output_rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let phases = &self.plan.c.y.phases;
        let rows =
            (self.rows.0..self.rows.1).flat_map(|j| (0..phases.len()).map(move |py| (j, py)));
        rows.filter(|&(j, py)| j < phases[py].count)
    }

    /// Where the sums of sample `i` of the task, row `j` and a list start among the lines,
    /// `[sample][row][list][pixel][channel]`.
    #[inline(always)]
    fn line(&self, i: usize, j: usize, list: usize) -> usize {
        let Plan { c, width, columns, .. } = *self.plan;
        let lists = c.y.phases.len() * c.x.phases.len();
        let row = i * (self.rows.1 - self.rows.0) + j - self.rows.0;
        (row * lists + list) * columns * width
    }

    /// Pixels × channels: the sums of all lines. A few inputs at a time, whose weights stay in a
    /// first-level cache, for all rows.
    #[inline(always)]
    fn sweep_wide(&self, block: usize, vectors: usize, staged: &[S::P], lines: &mut [S::T]) {
        let Plan { c, width, pitch, row, bias, ref weights, .. } = *self.plan;
        let reach = c.y.reach(self.rows.1 - self.rows.0);
        let inputs = c.inputs.div_ceil(S::PAIR);
        for (py, down) in c.y.phases.iter().enumerate() {
            for (px, across) in c.x.phases.iter().enumerate() {
                let list = py * c.x.phases.len() + px;
                let terms = &self.plan.terms[list];
                let w_step = weights.input_step(list);
                let most = inputs_at_once::<S>(c.part(), terms.len(), w_step);
                for first in (0..inputs).step_by(most) {
                    for i in 0..self.samples.1 - self.samples.0 {
                        for j in self.rows.0..self.rows.1.min(down.count) {
                            let line = &mut lines[self.line(i, j, list)..][..across.count * width];
                            if first == 0 {
                                start(line, width, bias, block * width);
                            }
                            if terms.is_empty() {
                                continue;
                            }
                            let at = (i * reach + (j - self.rows.0) * c.y.step) * row;
                            let t = Tile::<S> {
                                x: staged[at + first * pitch..].as_ptr(),
                                x_step: pitch,
                                w: weights.block(list, block)[first * w_step..].as_ptr(),
                                w_step,
                                terms,
                                outer: most.min(inputs - first),
                                c: line.as_mut_ptr(),
                                c_step: width,
                                add: true,
                                part: c.part(),
                            };
                            // SAFETY: the staged rows reach from the first tap of the first pixel
                            // to the last tap of the last one for each input; `w` holds each
                            // input's taps; `line` each pixel.
                            unsafe { tile_rows(across.count, vectors, t) };
                        }
                    }
                }
            }
        }
    }

    /// Channels × pixels: `turned` is `[channel][phase][pixel]`.
    #[inline(always)]
    fn sweep_narrow(&self, list: usize, x: &[S::P], px: usize, turned: &mut [S::T]) {
        let Plan { c, pitch, columns, .. } = *self.plan;
        let step = c.x.phases.len() * columns;
        for o in 0..c.outputs {
            let start = self.plan.bias.map_or(S::T::ZERO, |bias| bias[o]);
            turned[o * step + px * columns..][..columns].fill(start);
        }
        let terms = &self.plan.terms[list];
        if terms.is_empty() {
            return;
        }
        let groups = c.outputs.div_ceil(NARROW);
        for i in 0..groups {
            let (first, last) = part(c.outputs, groups, i);
            // As many vectors as the registers of the largest tile hold.
            let most = 2 * S::ROWS / (last - first);
            let mut from = 0;
            while from < columns {
                let left = most.min((columns - from) / S::LANES);
                let vectors = [8, 6, 4, 3, 2].into_iter().find(|&v| v <= left).unwrap_or(1);
                let t = Tile::<S> {
                    x: self.plan.weights.block(list, 0)[first..].as_ptr(),
                    x_step: self.plan.weights.input_step(list),
                    w: x[from..].as_ptr(),
                    w_step: pitch,
                    terms,
                    outer: c.inputs.div_ceil(S::PAIR),
                    c: turned[first * step + px * columns + from..].as_mut_ptr(),
                    c_step: step,
                    add: true,
                    part: c.part(),
                };
                // SAFETY: as in `sweep_wide`; rows are staged for `columns` pixels, whole vectors.
                unsafe { tile(last - first, vectors, t) };
                from += vectors * S::LANES;
            }
        }
    }

    /// Copies the rows that this task reads of sample `n`, `[row][input][remainder][column]`.
    #[inline(always)]
    fn stage(&self, n: usize, staged: &mut [S::P]) {
        let Plan { c, x, residue, pitch, row, .. } = *self.plan;
        let (height, width) = (c.y.input, c.x.input);
        let top = (self.rows.0 * c.y.step) as isize + c.y.low;
        // One channel after the other, since its rows lie side by side in memory.
        for i in 0..c.inputs.div_ceil(S::PAIR) {
            for (r, staged) in staged.chunks_exact_mut(row).enumerate() {
                let y = top + r as isize;
                let inside = (0..height as isize).contains(&y);
                let from = |channel: usize| {
                    (inside && channel < c.inputs).then(|| {
                        let at = ((n * c.inputs + channel) * height + y as usize) * width;
                        &x[at..at + width]
                    })
                };
                // The next channel lies a plane further, where no processor looks ahead.
                (S::PAIR..2 * S::PAIR)
                    .filter_map(|next| from(i * S::PAIR + next))
                    .for_each(prefetch_all);
                let first = from(i * S::PAIR);
                let second = if S::PAIR == 2 { from(i * S::PAIR + 1) } else { None };
                let parts = staged[i * pitch..(i + 1) * pitch].chunks_exact_mut(residue);
                for (span, part) in self.plan.spans.iter().zip(parts) {
                    stage_row::<S>(first, second, span, part);
                }
            }
        }
    }
}
