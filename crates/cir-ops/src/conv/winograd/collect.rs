//! The weight gradient's sums at all points on their way out: Gᵀ·U·G.

use crate::parallel::Shared;
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::gradient::Plan;
use super::split::{Run, pairs};
use super::transforms::{TapSlopes, Transform, both, for_runs};

/// Writes the gradients of some channels of A and a block of B.
pub(super) struct Collect<'a, S: Simd> {
    pub(super) plan: &'a Plan<'a, S>,
    pub(super) totals: &'a [S::T],
    /// The first channel of A, and the one after the last.
    pub(super) channels: (usize, usize),
    pub(super) block_b: usize,
    /// Steps from one channel of B, and of A, to the next.
    pub(super) steps: [usize; 2],
    pub(super) out: Shared<S::T>,
}

impl<S: Simd> Task for Collect<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { g, b, .. } = self.plan;
        let elements = g.kernel[0] * g.kernel[1];
        let whole = elements.next_multiple_of(S::LANES);
        // `[kernel element][channel of B]`, and the same turned round.
        let mut values = Scratch::<S::T>::take(whole * S::LANES);
        let mut turned = Scratch::<S::T>::take(whole * S::LANES);
        let (first, end) = b.channels_of(self.block_b);
        for lane in (0..end - first).step_by(S::LANES) {
            for channel in self.channels.0..self.channels.1 {
                self.gather(channel, lane, &mut values);
                for k in (0..whole).step_by(S::LANES) {
                    let (from, to) = (&values[k * S::LANES..], &mut turned[k..]);
                    assert!(from.len() >= S::LANES * S::LANES);
                    assert!(to.len() >= (S::LANES - 1) * whole + S::LANES);
                    // SAFETY: both squares were just checked.
                    unsafe { S::transpose(from.as_ptr(), S::LANES, to.as_mut_ptr(), whole) };
                }
                let real = S::LANES.min(end - first - lane);
                for (l, turned) in turned.chunks_exact(whole).enumerate().take(real) {
                    let at = (first + lane + l) * self.steps[0] + channel * self.steps[1];
                    // SAFETY: these pairs of channels belong to this task alone.
                    let out = unsafe { self.out.part(at, elements) };
                    out.write_copy_of_slice(&turned[..elements]);
                }
            }
        }
    }
}

impl<S: Simd> Collect<'_, S> {
    /// values[kernel element][lane] = the gradient of a channel of A and the vector of B at `lane`.
    #[inline(always)]
    fn gather(&self, channel: usize, lane: usize, values: &mut [S::T]) {
        let Plan { a, b, .. } = self.plan;
        for (remainder, runs) in pairs(&a.runs[0], &a.runs[1]) {
            let (block, place) = a.place(remainder, channel);
            let at = (block * b.blocks() + self.block_b) * a.width + place;
            let from = &self.totals[at * b.width + lane..];
            macro_rules! transform {
                ($down:ty, $across:ty) => {
                    self.transform::<$down, $across>(from, runs, values)
                };
            }
            for_runs!(TapSlopes, a.tiles.filter(), runs, transform);
        }
    }

    /// The gradients of the taps of two runs, whose sums at the first point are `from`.
    #[inline(always)]
    fn transform<Down: Transform, Across: Transform>(
        &self,
        from: &[S::T],
        [row, column]: [&Run; 2],
        values: &mut [S::T],
    ) {
        let (point, across) = (self.plan.point(), self.plan.a.tiles.filter().points());
        let width = self.plan.g.kernel[1];
        let last = (Down::READS - 1) * across + Across::READS - 1;
        assert!(last * point + S::LANES <= from.len());
        // SAFETY: the sums of the last point are in bounds, as just checked; the instruction set is
        // there within a task.
        unsafe {
            both::<S, Down, Across>(
                |y, x| S::load(from.as_ptr().add((y * across + x) * point)),
                |y, x, v| {
                    let k = row.elements[y] * width + column.elements[x];
                    S::store(values[k * S::LANES..][..S::LANES].as_mut_ptr(), v);
                },
            );
        }
    }
}
