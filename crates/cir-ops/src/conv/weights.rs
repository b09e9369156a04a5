//! Weights packed for the tiles: `[block of outputs][input][tap][output within the block]`.

use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::plan::Correlation;

/// Packed weights of one list of taps.
pub(crate) struct Packed<S: Simd> {
    data: Scratch<S::P>,
    /// Numbers from one block of outputs to the next, and from one input (or pair) to the next.
    pub(crate) block_step: usize,
    pub(crate) input_step: usize,
}

impl<S: Simd> Packed<S> {
    /// Packs the kernel elements `taps` in blocks of `width` outputs, zeros after the last output.
    pub(crate) fn new(c: &Correlation, weight: &[S::T], taps: &[usize], width: usize) -> Self {
        let input_step = taps.len() * width;
        let block_step = c.inputs.div_ceil(S::PAIR) * input_step;
        let blocks = c.outputs.div_ceil(width);
        let mut data = Scratch::take(blocks * block_step);
        let shared = Shared::new(&mut data);
        parallel(blocks, blocks * block_step * 4, |block| {
            // SAFETY: each block is one task's; `data` outlives them.
            let to = unsafe { shared.part(block * block_step, block_step) };
            let first = block * width;
            let real = width.min(c.outputs - first);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Block::<S> { c, weight, taps, width, first, real, to }) };
        });
        Self { data, block_step, input_step }
    }

    /// The packed weights of a block.
    pub(crate) fn block(&self, block: usize) -> &[S::P] {
        &self.data[block * self.block_step..(block + 1) * self.block_step]
    }
}

struct Block<'a, S: Simd> {
    c: &'a Correlation,
    weight: &'a [S::T],
    taps: &'a [usize],
    width: usize,
    first: usize,
    real: usize,
    to: &'a mut [std::mem::MaybeUninit<S::P>],
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let zero = <S::T as crate::numbers::Number>::ZERO;
        let (inputs, in_step) = (self.c.inputs, self.c.weight_input_step);
        // Without taps there is nothing to write.
        let width = self.width.min(self.to.len());
        for j in 0..width {
            if j >= self.real {
                self.to[j..].iter_mut().step_by(self.width).for_each(|to| {
                    to.write(S::pack(zero, zero));
                });
                continue;
            }
            let row = &self.weight[(self.first + j) * self.c.weight_output_step..];
            let mut to = self.to[j..].iter_mut().step_by(self.width);
            for input in (0..inputs).step_by(S::PAIR) {
                let here = &row[input * in_step..];
                let next =
                    (input + 1 < inputs && S::PAIR == 2).then(|| &row[(input + 1) * in_step..]);
                for &tap in self.taps {
                    let second = next.map_or(zero, |next| next[tap]);
                    if let Some(to) = to.next() {
                        to.write(S::pack(here[tap], second));
                    }
                }
            }
        }
    }
}
