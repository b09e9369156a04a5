//! The correlation of few positions by many weights, as in the deepest layers of discriminators:
//! most of the work is to read the weights.
//!
//! What each tap reads at each position is staged first (im2col), `[input][phase][tap][position]`,
//! zeros outside of the image; a position is `[sample][output of the phase]`, so that a tile takes
//! some of any row and sample. A task takes a block of outputs, and there are no more tasks than
//! blocks; it packs the weights of a few inputs at a time, uses them for every position while they are
//! in its cache, and so reads all weights once.

use crate::activation::{Activation, Piecewise};
use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{Term, Tile, tile_rows, vectors_across};

use super::plan::{Correlation, start};
use super::weights::pack_inputs;

/// Most positions of a phase: with more, packing all weights first costs little.
const MOST_POSITIONS: usize = 256;
/// Weights so few that packing them all takes little time.
const FEW_WEIGHTS: usize = 1 << 18;
/// Bytes of weights that are packed at a time.
const SLICE: usize = 1 << 17;

/// Whether weights are many and positions few; no more than outputs, so that no more is staged than
/// there are weights.
pub(crate) fn better(c: &Correlation) -> bool {
    let positions = c.batch * c.y.longest() * c.x.longest();
    let weights = c.inputs * c.outputs * c.kernel[0] * c.kernel[1];
    positions <= MOST_POSITIONS.min(c.outputs) && weights >= FEW_WEIGHTS
}

/// Outputs of one phase of rows and one of columns.
struct Phase {
    /// Their places among the outputs of a sample.
    outputs: Vec<usize>,
    /// For each tap, the pixel that each output reads; one past the last is outside of the image.
    reads: Vec<Vec<usize>>,
    /// For each tap, where its positions are staged and its weights packed, counted from the input's
    /// first.
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
    /// The kernel elements of all phases.
    taps: Vec<usize>,
    /// Staged numbers of an input (or pair).
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
    let activate = activation.function();
    let width = vectors_across::<S>(c.outputs) * S::LANES;
    let (phases, taps, staged_step) = (Vec::new(), Vec::new(), 0);
    let mut plan = Plan::<S> { c, x, weight, bias, activate, width, phases, taps, staged_step };
    for py in 0..c.y.phases.len() {
        for px in 0..c.x.phases.len() {
            plan.add_phase(py, px);
        }
    }

    let inputs = c.inputs.div_ceil(S::PAIR);
    let step = plan.staged_step;
    let mut staged = Scratch::<S::P>::take(inputs * step);
    let shared = Shared::new(&mut staged);
    parallel(inputs, inputs * step * 4, |input| {
        // SAFETY: each task stages one input (or pair); scratch is always initialised.
        let to = unsafe { shared.written(input * step, step) };
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

impl<S: Simd> Plan<'_, S> {
    /// The outputs of phase `py` of rows and `px` of columns, with those taps that some of them have
    /// in the image.
    fn add_phase(&mut self, py: usize, px: usize) {
        let Correlation { ref y, ref x, batch, kernel, .. } = *self.c;
        let (rows, columns) = (&y.phases[py], &x.phases[px]);
        let places = y.outputs(py).flat_map(|y| x.outputs(px).map(move |x| (y, x)));
        let outputs: Vec<usize> = places.map(|(row, column)| row * x.output + column).collect();
        let outside = y.input * x.input;
        let (mut reads, mut terms) = (Vec::new(), Vec::new());
        for (ty, tx) in rows.taps.iter().flat_map(|y| columns.taps.iter().map(move |x| (y, x))) {
            let all = (0..rows.count).flat_map(|i| (0..columns.count).map(move |j| (i, j)));
            let pixel = |(i, j)| Some(y.read(i, ty)? * x.input + x.read(j, tx)?);
            let pixels: Vec<usize> = all.map(|at| pixel(at).unwrap_or(outside)).collect();
            if pixels.iter().all(|pixel| *pixel == outside) {
                continue;
            }
            let (x, w) = (self.staged_step as u32, (self.taps.len() * self.width) as u32);
            terms.push(Term { x, w });
            reads.push(pixels);
            self.taps.push(ty.k * kernel[1] + tx.k);
            self.staged_step += batch * outputs.len();
        }
        self.phases.push(Phase { outputs, reads, terms });
    }
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
            let input = self.input * S::PAIR;
            let at = (n * c.inputs + input) * size;
            first[..size].copy_from_slice(&x[at..at + size]);
            if S::PAIR == 2 && input + 1 < c.inputs {
                second[..size].copy_from_slice(&x[at + size..at + 2 * size]);
            }
            for phase in phases {
                let positions = phase.outputs.len();
                for (term, reads) in phase.terms.iter().zip(&phase.reads) {
                    let to = &mut self.to[term.x as usize + n * positions..][..positions];
                    for (to, read) in to.iter_mut().zip(reads) {
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
        let Plan { c, weight, bias, width, ref phases, ref taps, .. } = *self.plan;
        let first = self.block * width;
        let real = width.min(c.outputs - first);
        // `[phase][position][output]`.
        let count = c.batch * c.y.output * c.x.output;
        let mut results = Scratch::<S::T>::take(count * width);
        start(&mut results, width, bias, first);
        let inputs = c.inputs.div_ceil(S::PAIR);
        let step = taps.len() * width;
        let at_once = (SLICE / (step * size_of::<S::P>()).max(1)).clamp(1, inputs);
        let mut packed = Scratch::<S::P>::take(at_once * step);
        for from in (0..inputs).step_by(at_once) {
            let to = inputs.min(from + at_once);
            pack_inputs::<S>(c, weight, taps, width, self.block, (from, to), &mut packed);
            let staged = &self.staged[from * self.plan.staged_step..];
            let mut rest = &mut results[..];
            for phase in phases {
                let sums;
                (sums, rest) = rest.split_at_mut(c.batch * phase.outputs.len() * width);
                if !phase.terms.is_empty() {
                    self.sweep(&phase.terms, to - from, staged, &packed, sums);
                }
            }
        }
        self.write(&results, real);
    }
}

impl<S: Simd> Block<'_, S> {
    /// Adds the products of `inputs` inputs (or pairs) to the positions of a phase.
    #[inline(always)]
    fn sweep(
        &self,
        terms: &[Term],
        inputs: usize,
        staged: &[S::P],
        packed: &[S::P],
        sums: &mut [S::T],
    ) {
        let Plan { c, width, ref taps, staged_step, .. } = *self.plan;
        let vectors = (c.outputs - self.block * width).min(width).div_ceil(S::LANES);
        let t = Tile::<S> {
            x: staged.as_ptr(),
            x_step: staged_step,
            w: packed.as_ptr(),
            w_step: taps.len() * width,
            terms,
            outer: inputs,
            c: sums.as_mut_ptr(),
            c_step: width,
            add: true,
            part: c.part(),
        };
        // SAFETY: each of the inputs has all positions of each tap staged, and its weights of
        // each tap packed; `sums` has each position.
        unsafe { tile_rows(sums.len() / width, vectors, t) };
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
                let mut rest = results;
                for phase in phases {
                    let positions = phase.outputs.len();
                    let sums;
                    (sums, rest) = rest.split_at(c.batch * positions * width);
                    let sums = sums.chunks_exact(width).skip(n * positions);
                    for (place, sums) in phase.outputs.iter().zip(sums) {
                        to[*place].write(activate.value(sums[o]));
                    }
                }
            }
        }
    }
}
