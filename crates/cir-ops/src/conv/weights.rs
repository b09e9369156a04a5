//! Weights packed for the tiles, for each list of taps as
//! `[block of outputs][input][tap][output within the block]`.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::plan::Correlation;

/// Packed weights of some lists of taps.
pub(crate) struct Packed<S: Simd> {
    data: Scratch<S::P>,
    lists: Vec<List>,
}

/// Where the weights of one list start; numbers from one block of outputs to the next, and from
/// one input (or pair of inputs) to the next.
#[derive(Clone, Copy)]
struct List {
    start: usize,
    block_step: usize,
    input_step: usize,
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
    /// Inputs, or pairs of inputs.
    inputs: (usize, usize),
    to: Shared<S::P>,
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { c, width, block, .. } = self;
        let kernel = c.kernel[0] * c.kernel[1];
        let size = kernel.next_multiple_of(S::LANES) * S::LANES;
        // The weights of one or two inputs, `[tap][output]`.
        let mut turned = Scratch::<S::T>::take(S::PAIR * size);
        for v in (0..width).step_by(S::LANES) {
            let first = block * width + v;
            let real = c.outputs.saturating_sub(first).min(S::LANES).min(width - v);
            let lanes = S::LANES.min(width - v);
            for pair in self.inputs.0..self.inputs.1 {
                for half in 0..S::PAIR {
                    let turned = &mut turned[half * size..(half + 1) * size];
                    self.turn(pair * S::PAIR + half, first, real, turned);
                }
                for (taps, list) in self.taps.iter().zip(self.lists) {
                    for (i, tap) in taps.iter().enumerate() {
                        let at = list.start
                            + block * list.block_step
                            + pair * list.input_step
                            + i * width
                            + v;
                        // SAFETY: these outputs of this input are this task's alone.
                        let to = unsafe { self.to.part(at, lanes) };
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
}

impl<S: Simd> Block<'_, S> {
    /// turned[tap][lane] = the weight of `input` and output `first + lane`, zero from `real` on.
    #[inline(always)]
    fn turn(&self, input: usize, first: usize, real: usize, turned: &mut [S::T]) {
        let Self { c, weight, .. } = *self;
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
}
