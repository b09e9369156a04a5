//! The correlation of few positions by many weights, as in the deepest layers of discriminators:
//! most of the work is to read the weights.
//!
//! What each tap reads at each position is staged first (im2col), `[input][phase][tap][position]`,
//! zeros outside of the image, so that a tile takes positions of any row and sample. A task takes a
//! block of outputs; it packs the weights of a few inputs at a time, uses them for every position
//! while they are in its cache, and so reads all weights once.

use crate::activation::{Activation, Piecewise};
use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{Term, Tile, most_rows, tile, vectors_across};

use super::plan::{Axis, Correlation};
use super::weights::{List, pack_inputs};

/// Positions of a phase past which weights that were packed once serve long enough.
const POSITIONS: usize = 256;
/// Weights below which packing all of them takes no time.
const WEIGHTS: usize = 1 << 18;
/// Bytes of weights that are packed at a time.
const PACKED: usize = 1 << 17;

/// Whether weights are many and positions few.
pub(crate) fn better(c: &Correlation) -> bool {
    let positions = c.batch * c.y.longest() * c.x.longest();
    let weights = c.inputs * c.outputs * c.kernel[0] * c.kernel[1];
    positions <= POSITIONS && weights >= WEIGHTS
}

/// Outputs of one phase of rows and one of columns.
struct Phase {
    /// Their place among the outputs of a sample.
    outputs: Vec<usize>,
    /// Kernel elements.
    taps: Vec<usize>,
    /// For each tap, the input's pixel that each output reads; past the last outside of the image.
    reads: Vec<Vec<usize>>,
    /// Where its positions are staged and its weights packed, counted from the input's start.
    staged: usize,
    packed: usize,
    terms: Vec<Term>,
}

struct Plan<'a, S: Simd> {
    c: &'a Correlation,
    x: &'a [S::T],
    weight: &'a [S::T],
    bias: Option<&'a [S::T]>,
    activate: Piecewise<S::T>,
    /// Outputs in a block.
    width: usize,
    phases: Vec<Phase>,
    /// Numbers of an input (or pair), packed and staged.
    weights_step: usize,
    staged_step: usize,
}

/// Computes the correlation and the activation of it; `bias` holds one number an output channel.
pub(crate) fn correlate<S: Simd>(
    c: &Correlation,
    x: &[S::T],
    weight: &[S::T],
    bias: Option<&[S::T]>,
    activation: Activation,
) -> Vec<S::T> {
    let width = vectors_across::<S>(c.outputs) * S::LANES;
    let mut phases = Vec::new();
    let (mut staged_step, mut weights_step) = (0, 0);
    for py in 0..c.y.phases.len() {
        for px in 0..c.x.phases.len() {
            let mut phase = phase(c, py, px);
            let positions = c.batch * phase.outputs.len();
            let term = |tap| Term { x: (tap * positions) as u32, w: (tap * width) as u32 };
            phase.terms = (0..phase.taps.len()).map(term).collect();
            (phase.staged, phase.packed) = (staged_step, weights_step);
            staged_step += phase.taps.len() * positions;
            weights_step += phase.taps.len() * width;
            phases.push(phase);
        }
    }
    let activate = activation.function();
    let plan = Plan::<S> { c, x, weight, bias, activate, width, phases, weights_step, staged_step };

    let inputs = c.inputs.div_ceil(S::PAIR);
    let mut staged = Scratch::<S::P>::take(inputs * staged_step);
    let shared = Shared::new(&mut staged);
    parallel(inputs, inputs * staged_step * 4, |input| {
        // SAFETY: each task stages one input (or pair); scratch is always initialised.
        let to = unsafe { shared.written(input * staged_step, staged_step) };
        // SAFETY: `S` was chosen among the available kernels.
        unsafe { S::vectorize(Stage { plan: &plan, input, to }) };
    });
    let fill = |out| {
        parallel(c.outputs.div_ceil(width), c.work(), |block| {
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Block { plan: &plan, staged: &staged, block, out }) };
        });
    };
    // SAFETY: the blocks cover all outputs, and each writes its own in every sample.
    unsafe { filled(c.len(), fill) }
}

/// The outputs of phase `py` of rows and `px` of columns; what lies where is left open.
fn phase(c: &Correlation, py: usize, px: usize) -> Phase {
    let (rows, columns) = (&c.y.phases[py], &c.x.phases[px]);
    let places = |axis: &Axis, phase, count| {
        let step = axis.phases.len();
        (0..count).map(move |i| i * step + phase)
    };
    let outputs = places(&c.y, py, rows.count)
        .flat_map(|y| places(&c.x, px, columns.count).map(move |x| y * c.x.output + x))
        .collect();
    let (mut taps, mut reads) = (Vec::new(), Vec::new());
    for ty in &rows.taps {
        for tx in &columns.taps {
            let read = |y: usize, x: usize| {
                let y = usize::try_from((y * c.y.step) as isize + ty.offset).ok()?;
                let x = usize::try_from((x * c.x.step) as isize + tx.offset).ok()?;
                (y < c.y.input && x < c.x.input).then_some(y * c.x.input + x)
            };
            let outside = c.y.input * c.x.input;
            let all = (0..rows.count).flat_map(|y| (0..columns.count).map(move |x| (y, x)));
            reads.push(all.map(|(y, x)| read(y, x).unwrap_or(outside)).collect());
            taps.push(ty.k * c.kernel[1] + tx.k);
        }
    }
    Phase { outputs, taps, reads, staged: 0, packed: 0, terms: Vec::new() }
}

/// Stages an input (or pair) of all samples.
struct Stage<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    input: usize,
    to: &'a mut [S::P],
}

impl<S: Simd> Task for Stage<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { c, x, ref phases, .. } = *self.plan;
        let size = c.y.input * c.x.input;
        // A zero follows the image.
        let mut first = Scratch::<S::T>::take(size + 1);
        let mut second = Scratch::<S::T>::take(size + 1);
        first[size] = S::T::ZERO;
        second.fill(S::T::ZERO);
        for n in 0..c.batch {
            let at = (n * c.inputs + self.input * S::PAIR) * size;
            first[..size].copy_from_slice(&x[at..at + size]);
            if S::PAIR == 2 && self.input * 2 + 1 < c.inputs {
                second[..size].copy_from_slice(&x[at + size..at + 2 * size]);
            }
            for phase in phases {
                let positions = phase.outputs.len();
                for (tap, reads) in phase.reads.iter().enumerate() {
                    let at = phase.staged + (tap * c.batch + n) * positions;
                    for (to, read) in self.to[at..at + positions].iter_mut().zip(reads) {
                        *to = S::pack(first[*read], second[*read]);
                    }
                }
            }
        }
    }
}

/// Computes a block of outputs at all positions.
struct Block<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    staged: &'a [S::P],
    block: usize,
    out: Shared<S::T>,
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { c, bias, width, ref phases, weights_step, .. } = *self.plan;
        let first = self.block * width;
        let real = width.min(c.outputs - first);
        let mut start = [S::T::ZERO; 64];
        if let Some(bias) = bias {
            start[..real].copy_from_slice(&bias[first..first + real]);
        }
        // `[phase][position][output]`.
        let results = c.batch * c.y.output * c.x.output * width;
        let mut results = Scratch::<S::T>::take(results);
        for position in results.chunks_exact_mut(width) {
            position.copy_from_slice(&start[..width]);
        }
        let inputs = c.inputs.div_ceil(S::PAIR);
        let at_once = (PACKED / (weights_step * size_of::<S::P>()).max(1)).clamp(1, inputs);
        let mut packed = Scratch::<S::P>::take(at_once * weights_step);
        for from in (0..inputs).step_by(at_once) {
            let to = inputs.min(from + at_once);
            self.pack((from, to), &mut packed);
            let mut rest = &mut results[..];
            for phase in phases {
                let positions = c.batch * phase.outputs.len();
                let line;
                (line, rest) = rest.split_at_mut(positions * width);
                if !phase.taps.is_empty() {
                    let staged = &self.staged[from * self.plan.staged_step + phase.staged..];
                    self.sweep(phase, to - from, staged, &packed[phase.packed..], line);
                }
            }
        }
        self.write(&results, real);
    }
}

impl<S: Simd> Block<'_, S> {
    /// Packs the block's weights of some inputs, `[input][phase][tap][output]`.
    #[inline(always)]
    fn pack(&self, inputs: (usize, usize), packed: &mut [S::P]) {
        let Plan { c, weight, ref phases, width, weights_step, .. } = *self.plan;
        let lists = phases.iter().map(|phase| {
            let list = List { start: phase.packed, block_step: 0, input_step: weights_step };
            (phase.taps.as_slice(), list)
        });
        let to = Shared::new(packed);
        // SAFETY: no other task knows this buffer.
        unsafe { pack_inputs::<S>(c, weight, lists, width, self.block, inputs, to) };
    }

    /// Adds the products of `inputs` inputs to the positions of a phase.
    #[inline(always)]
    fn sweep(
        &self,
        phase: &Phase,
        inputs: usize,
        staged: &[S::P],
        packed: &[S::P],
        line: &mut [S::T],
    ) {
        let Plan { c, width, weights_step, staged_step, .. } = *self.plan;
        let vectors = (c.outputs - self.block * width).min(width).div_ceil(S::LANES);
        let positions = line.len() / width;
        let tiles = positions.div_ceil(most_rows::<S>(vectors));
        for i in 0..tiles {
            let (from, to) = part(positions, tiles, i);
            let t = Tile::<S> {
                x: staged[from..].as_ptr(),
                x_step: staged_step,
                w: packed.as_ptr(),
                w_step: weights_step,
                terms: &phase.terms,
                outer: inputs,
                c: line[from * width..].as_mut_ptr(),
                c_step: width,
                add: true,
                part: c.part(),
            };
            // SAFETY: each of the inputs has all positions of each tap staged, and its weights of
            // each tap packed; `line` has each position.
            unsafe { tile(to - from, vectors, t) };
        }
    }

    /// Writes the results of the block's `real` outputs, activated.
    #[inline(always)]
    fn write(&self, results: &[S::T], real: usize) {
        let Plan { c, activate, width, ref phases, .. } = *self.plan;
        let size = c.y.output * c.x.output;
        for n in 0..c.batch {
            for o in 0..real {
                let at = (n * c.outputs + self.block * width + o) * size;
                // SAFETY: this output of this sample is this task's alone.
                let to = unsafe { self.out.part(at, size) };
                let mut before = 0;
                for phase in phases {
                    let positions = phase.outputs.len();
                    let from = results[(before + n * positions) * width + o..].iter();
                    for (place, v) in phase.outputs.iter().zip(from.step_by(width)) {
                        to[*place].write(activate.value(*v));
                    }
                    before += c.batch * positions;
                }
            }
        }
    }
}
