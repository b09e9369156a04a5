//! The weight gradient's sums on their way out.

use crate::parallel::Shared;
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::gradient::Plan;

/// Writes the gradients of a block of A and a block of B.
pub(crate) struct Collect<'a, S: Simd> {
    pub(crate) plan: &'a Plan<'a, S>,
    /// The block of A's total, and room for the last square to run over.
    pub(crate) totals: &'a [S::T],
    pub(crate) block_a: (usize, usize),
    pub(crate) block_b: usize,
    pub(crate) steps: [usize; 2],
    pub(crate) reversed: bool,
    pub(crate) out: Shared<S::T>,
}

impl<S: Simd> Task for Collect<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let width = self.plan.width;
        let first = self.block_b * width;
        let real = width.min(self.plan.g.b[0] - first);
        let taps = self.plan.g.kernel[0] * self.plan.g.kernel[1];
        let channels = self.block_a.1 - self.block_a.0;
        // `[channel of B][channel of A][tap]`, with room for the last square to run over.
        let run = channels * taps;
        let mut turned = Scratch::<S::T>::take(S::LANES * (run + S::LANES));
        for v in (0..real).step_by(S::LANES) {
            for a in 0..channels {
                for k in (0..taps).step_by(S::LANES) {
                    self.turn(a, k, v, run + S::LANES, &mut turned[a * taps + k..]);
                }
            }
            let lanes = turned.chunks_exact(run + S::LANES).take(real - v);
            for (lane, turned) in lanes.enumerate() {
                let at = (first + v + lane) * self.steps[0] + self.block_a.0 * self.steps[1];
                // Side by side in the result too, or else one channel of A at a time.
                let (pieces, size) =
                    if self.steps[1] == taps { (1, run) } else { (channels, taps) };
                for (a, turned) in turned.chunks_exact(size).take(pieces).enumerate() {
                    // SAFETY: these pairs of channels belong to this task alone.
                    let out = unsafe { self.out.part(at + a * self.steps[1], size) };
                    if self.reversed {
                        for (out, from) in out.chunks_mut(taps).zip(turned.chunks(taps)) {
                            let from = from.iter().rev();
                            out.iter_mut().zip(from).for_each(|(to, v)| _ = to.write(*v));
                        }
                    } else {
                        out.iter_mut().zip(turned).for_each(|(to, v)| _ = to.write(*v));
                    }
                }
            }
        }
    }
}

impl<S: Simd> Collect<'_, S> {
    /// to[lane · step + i] = the total of channel `a` of A, tap `k` + i, channel `v` + lane of B.
    /// A whole square where it can be read; taps past the last are overwritten by what follows.
    #[inline(always)]
    fn turn(&self, a: usize, k: usize, v: usize, step: usize, to: &mut [S::T]) {
        let plan = self.plan;
        let width = plan.width;
        let [kh, kw] = plan.g.kernel;
        let at = |tap: usize| {
            let (tap, row) = match plan.merged {
                true => (tap / kw, tap % kw * plan.pitch + a),
                false => (tap, a),
            };
            ((self.block_b * plan.bases.len() + tap) * plan.rows + row) * width + v
        };
        let from = &self.totals[at(k)..];
        let from_step = plan.rows * width;
        let whole = !plan.merged
            && from.len() >= (S::LANES - 1) * from_step + S::LANES
            && to.len() >= (S::LANES - 1) * step + S::LANES;
        if whole {
            // SAFETY: both squares were just checked.
            unsafe { S::transpose(from.as_ptr(), from_step, to.as_mut_ptr(), step) };
            return;
        }
        for tap in 0..S::LANES.min(kh * kw - k) {
            let from = &self.totals[at(k + tap)..][..S::LANES];
            for (to, v) in to[tap..].iter_mut().step_by(step).zip(from) {
                *to = *v;
            }
        }
    }
}
