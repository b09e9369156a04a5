//! Weights packed for the tiles, for each list of taps as
//! `[block of outputs][input][tap][output within the block]`.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::plan::Correlation;

/// Inputs whose weights are asked of memory before they are needed: their rows lie too far apart for the
/// processor to foresee.
const AHEAD: usize = 6;

/// Packed weights of some lists of taps.
pub(crate) struct Packed<S: Simd> {
    data: Scratch<S::P>,
    lists: Vec<List>,
}

/// Where the weights of one list start; numbers from one block of outputs to the next, and from
/// one input (or pair of inputs) to the next.
#[derive(Clone, Copy)]
pub(crate) struct List {
    pub(crate) start: usize,
    pub(crate) block_step: usize,
    pub(crate) input_step: usize,
}

impl<S: Simd> Packed<S> {
    /// Packs, for each list, its kernel elements in blocks of `width` outputs, with zeros after
    /// the last output.
    pub(crate) fn new(c: &Correlation, weight: &[S::T], taps: &[Vec<usize>], width: usize) -> Self {
        let blocks = c.outputs.div_ceil(width);
        let inputs = c.inputs.div_ceil(S::PAIR);
        let mut start = 0;
        let list = |taps: &Vec<usize>| {
            let input_step = taps.len() * width;
            let list = List { start, block_step: inputs * input_step, input_step };
            start += blocks * list.block_step;
            list
        };
        let lists: Vec<List> = taps.iter().map(list).collect();
        let mut data = Scratch::take(start);
        let to = Shared::new(&mut data);
        // Several tasks a block, so that few output channels keep all threads busy.
        let slices = inputs.div_ceil(32);
        parallel(blocks * slices, start * 4, |i| {
            let (block, slice) = (i / slices, i % slices);
            let inputs = (slice * 32, inputs.min((slice + 1) * 32));
            let task = Block::<S> { c, weight, taps, lists: &lists, width, block, inputs, to };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
        Self { data, lists }
    }

    /// The packed weights of a list and block.
    pub(crate) fn block(&self, list: usize, block: usize) -> &[S::P] {
        let List { start, block_step, .. } = self.lists[list];
        &self.data[start + block * block_step..][..block_step]
    }

    /// Numbers from one input (or pair) of a list to the next.
    pub(crate) fn input_step(&self, list: usize) -> usize {
        self.lists[list].input_step
    }
}

struct Block<'a, S: Simd> {
    c: &'a Correlation,
    weight: &'a [S::T],
    taps: &'a [Vec<usize>],
    lists: &'a [List],
    width: usize,
    block: usize,
    inputs: (usize, usize),
    to: Shared<S::P>,
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { c, weight, width, block, inputs, to, .. } = self;
        let lists = self.lists.iter().map(|list| List {
            start: list.start + block * list.block_step + inputs.0 * list.input_step,
            ..*list
        });
        let taps = self.taps.iter().map(Vec::as_slice);
        // SAFETY: these outputs of these inputs are this task's alone.
        unsafe { pack_inputs::<S>(c, weight, taps.zip(lists), width, block, inputs, to) };
    }
}

/// Packs the weights of a block of `width` outputs and of some inputs (or pairs of inputs), of which
/// the first goes to each list's start; kernel elements stand beside their list.
///
/// # Safety
/// No other task touches where the lists put them.
#[inline(always)]
pub(crate) unsafe fn pack_inputs<'a, S: Simd>(
    c: &Correlation,
    weight: &[S::T],
    lists: impl Iterator<Item = (&'a [usize], List)> + Clone,
    width: usize,
    block: usize,
    inputs: (usize, usize),
    to: Shared<S::P>,
) {
    let kernel = c.kernel[0] * c.kernel[1];
    let size = kernel.next_multiple_of(S::LANES) * S::LANES;
    // The weights of one or two inputs, `[tap][output]`.
    let mut turned = Scratch::<S::T>::take(S::PAIR * size);
    for v in (0..width).step_by(S::LANES) {
        let first = block * width + v;
        let real = c.outputs.saturating_sub(first).min(S::LANES).min(width - v);
        let lanes = S::LANES.min(width - v);
        for pair in inputs.0..inputs.1 {
            for half in 0..S::PAIR {
                prefetch::<S>(c, weight, (pair + AHEAD) * S::PAIR + half, (first, real));
                let turned = &mut turned[half * size..(half + 1) * size];
                turn::<S>(c, weight, pair * S::PAIR + half, (first, real), turned);
            }
            for (taps, list) in lists.clone() {
                for (i, tap) in taps.iter().enumerate() {
                    let at = list.start + (pair - inputs.0) * list.input_step + i * width + v;
                    // SAFETY: as the caller promises.
                    let to = unsafe { to.part(at, lanes) };
                    let one = &turned[tap * S::LANES..][..lanes];
                    if S::PAIR == 1 {
                        for (to, v) in to.iter_mut().zip(one) {
                            to.write(S::pack(*v, S::T::ZERO));
                        }
                    } else {
                        let other = &turned[size + tap * S::LANES..][..lanes];
                        for (to, (v, w)) in to.iter_mut().zip(one.iter().zip(other)) {
                            to.write(S::pack(*v, *w));
                        }
                    }
                }
            }
        }
    }
}

/// Asks memory for the weights of `input` and `real` outputs from `first` on.
#[inline(always)]
fn prefetch<S: Simd>(
    c: &Correlation,
    weight: &[S::T],
    input: usize,
    (first, real): (usize, usize),
) {
    let line = 64 / size_of::<S::T>();
    let at = input * c.weight_input_step + first * c.weight_output_step;
    for output in 0..real {
        for k in (0..c.kernel[0] * c.kernel[1]).step_by(line) {
            S::prefetch(weight.as_ptr().wrapping_add(at + output * c.weight_output_step + k));
        }
    }
}

/// turned[tap][lane] = the weight of `input` and output `first + lane`, zero from `real` on.
#[inline(always)]
fn turn<S: Simd>(
    c: &Correlation,
    weight: &[S::T],
    input: usize,
    (first, real): (usize, usize),
    turned: &mut [S::T],
) {
    let kernel = c.kernel[0] * c.kernel[1];
    if input >= c.inputs || real == 0 {
        turned.fill(S::T::ZERO);
        return;
    }
    let step = c.weight_output_step;
    let at = input * c.weight_input_step + first * step;
    for k in (0..kernel).step_by(S::LANES) {
        let from = &weight[at + k..];
        let to = &mut turned[k * S::LANES..(k + S::LANES) * S::LANES];
        // Whole squares run on into the next weights, which are not used.
        if real == S::LANES && from.len() >= (S::LANES - 1) * step + S::LANES {
            // SAFETY: `from` has `LANES` numbers at each of `LANES` steps; `to` is a square.
            unsafe { S::transpose(from.as_ptr(), step, to.as_mut_ptr(), S::LANES) };
            continue;
        }
        for (tap, to) in to.chunks_exact_mut(S::LANES).enumerate().take(kernel - k) {
            for (lane, to) in to.iter_mut().enumerate() {
                *to = if lane < real { from[lane * step + tap] } else { S::T::ZERO };
            }
        }
    }
}
