//! Weights packed for the tiles: all of them, for each list of taps as
//! `[block of outputs][input][tap][output within the block]`, or those of some inputs and one block;
//! and turned on their way there, as minimal filtering reads them, too.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task, prefetch};

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
        let mut turned = Turned::<S>::new(c, self.weight, 1);
        for v in (0..width).step_by(S::LANES) {
            let lanes = S::LANES.min(width - v);
            for pair in self.inputs.0..self.inputs.1 {
                turned.read(pair, block * width + v, lanes);
                for (taps, list) in self.taps.iter().zip(self.lists) {
                    let at = list.start + block * list.block_step + pair * list.input_step + v;
                    for (i, tap) in taps.iter().enumerate() {
                        // SAFETY: these outputs of this input are this task's alone; scratch is
                        // always initialised.
                        turned.write(*tap, unsafe { self.to.written(at + i * width, lanes) });
                    }
                }
            }
        }
    }
}

/// Packs the weights of a block of `width` outputs and of some inputs (or pairs):
/// `[input][tap][output within the block]`.
#[inline(always)]
pub(crate) fn pack_inputs<S: Simd>(
    c: &Correlation,
    weight: &[S::T],
    taps: &[usize],
    width: usize,
    block: usize,
    inputs: (usize, usize),
    to: &mut [S::P],
) {
    if taps.is_empty() {
        return;
    }
    let mut turned = Turned::<S>::new(c, weight, 1);
    for v in (0..width).step_by(S::LANES) {
        let lanes = S::LANES.min(width - v);
        for (pair, to) in (inputs.0..inputs.1).zip(to.chunks_exact_mut(taps.len() * width)) {
            turned.read(pair, block * width + v, lanes);
            for (tap, to) in taps.iter().zip(to.chunks_exact_mut(width)) {
                turned.write(*tap, &mut to[v..v + lanes]);
            }
        }
    }
}

/// How many inputs (or pairs) ahead weights are prefetched: the rows of successive outputs lie too far
/// apart for the processor to foresee.
const AHEAD: usize = 6;

/// The weights of an input (or pair) and a vector of outputs, `[tap][output]`.
pub(crate) struct Turned<'a, S: Simd> {
    c: &'a Correlation,
    weight: &'a [S::T],
    /// From one input of a pair to the other; as many pairs are interleaved.
    apart: usize,
    /// Numbers of one input.
    size: usize,
    numbers: Scratch<S::T>,
}

impl<'a, S: Simd> Turned<'a, S> {
    pub(crate) fn new(c: &'a Correlation, weight: &'a [S::T], apart: usize) -> Self {
        let size = (c.kernel[0] * c.kernel[1]).next_multiple_of(S::LANES) * S::LANES;
        Self { c, weight, apart, size, numbers: Scratch::take(S::PAIR * size) }
    }

    /// Reads the weights of an input (or pair) and of `lanes` outputs from `first` on, zero past the
    /// last.
    #[inline(always)]
    pub(crate) fn read(&mut self, pair: usize, first: usize, lanes: usize) {
        let real = self.c.outputs.saturating_sub(first).min(lanes);
        for half in 0..S::PAIR {
            self.prefetch(self.input(pair + AHEAD, half), first, real);
            self.turn(self.input(pair, half), first, real, half * self.size);
        }
    }

    /// The input that is a half of a pair.
    #[inline(always)]
    fn input(&self, pair: usize, half: usize) -> usize {
        let apart = self.apart;
        pair / apart * apart * S::PAIR + half * apart + pair % apart
    }

    /// The weights of a kernel element and of an input of a pair: a vector.
    #[inline(always)]
    pub(crate) fn element(&self, half: usize, k: usize) -> &[S::T] {
        &self.numbers[half * self.size + k * S::LANES..][..S::LANES]
    }

    /// Writes the weights of a kernel element.
    #[inline(always)]
    fn write(&self, tap: usize, to: &mut [S::P]) {
        let (one, other) = self.numbers.split_at(self.size);
        let one = &one[tap * S::LANES..][..S::LANES];
        if S::PAIR == 1 {
            to.iter_mut().zip(one).for_each(|(to, v)| *to = S::pack(*v, S::T::ZERO));
        } else {
            let two = one.iter().zip(&other[tap * S::LANES..]);
            to.iter_mut().zip(two).for_each(|(to, (v, w))| *to = S::pack(*v, *w));
        }
    }

    #[inline(always)]
    fn prefetch(&self, input: usize, first: usize, real: usize) {
        let Correlation { kernel, weight_input_step, weight_output_step, .. } = *self.c;
        let at = input * weight_input_step + first * weight_output_step;
        for output in 0..real {
            for k in (0..kernel[0] * kernel[1]).step_by(64 / size_of::<S::T>()) {
                prefetch(self.weight.as_ptr().wrapping_add(at + output * weight_output_step + k));
            }
        }
    }

    /// numbers[to..][tap][lane] = the weight of `input` and output `first + lane`, zero from `real` on.
    #[inline(always)]
    fn turn(&mut self, input: usize, first: usize, real: usize, to: usize) {
        let c = self.c;
        let turned = &mut self.numbers[to..to + self.size];
        let kernel = c.kernel[0] * c.kernel[1];
        if input >= c.inputs || real == 0 {
            turned.fill(S::T::ZERO);
            return;
        }
        let step = c.weight_output_step;
        let at = input * c.weight_input_step + first * step;
        for k in (0..kernel).step_by(S::LANES) {
            let from = &self.weight[at + k..];
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
