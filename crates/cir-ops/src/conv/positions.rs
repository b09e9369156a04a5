//! How the weight gradient's operands are laid out for its sums over positions.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::simd::{Simd, Task};

use super::gradient::Plan;

/// Positions that are summed in one go: whole samples, or some rows of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    /// The first sample, counted from the first of those packed.
    pub(crate) n: usize,
    pub(crate) samples: usize,
    /// The first row of B.
    pub(crate) y: usize,
    pub(crate) heights: usize,
}

impl Unit {
    /// Copies what this unit reads of the channels `block` of A, `[sample][row][column][channel]`,
    /// zeros outside of the image. Paired operands hold a column and the one a stride further.
    #[inline(always)]
    pub(crate) fn stage<S: Simd>(
        &self,
        plan: &Plan<'_, S>,
        block: (usize, usize),
        first: usize,
        staged: &mut [S::P],
    ) {
        let g = plan.g;
        let [channels, height, width] = g.a;
        let rows = (self.heights - 1) * g.stride + g.kernel[0];
        let zero = S::pack(S::T::ZERO, S::T::ZERO);
        let (before, second) = (g.padding[1], g.stride as isize);
        let left = before.clamp(0, plan.columns as isize) as usize;
        let right = (width as isize + before).clamp(left as isize, plan.columns as isize) as usize;
        for sample in 0..self.samples {
            let n = first + self.n + sample;
            for row in 0..rows {
                let y = (self.y * g.stride + row) as isize - g.padding[0];
                let to = &mut staged[sample * plan.sample + row * plan.row..][..plan.row];
                if !(0..height as isize).contains(&y) {
                    to.fill(zero);
                    continue;
                }
                for (i, channel) in (block.0..block.1).enumerate() {
                    let at = ((n * channels + channel) * height + y as usize) * width;
                    let from = &plan.a[at..at + width];
                    if S::PAIR == 1 {
                        let edges = (0..left).chain(right..plan.columns);
                        for column in edges {
                            to[column * plan.channels + i] = zero;
                        }
                        let inner = &from[(left as isize - before) as usize..];
                        let to = to[(left * plan.channels + i).min(plan.row)..].iter_mut();
                        let to = to.step_by(plan.channels).take(right - left);
                        for (to, v) in to.zip(inner) {
                            *to = S::pack(*v, S::T::ZERO);
                        }
                    } else {
                        let value =
                            |x: isize| usize::try_from(x).ok().and_then(|x| from.get(x)).copied();
                        for column in 0..plan.columns {
                            let x = column as isize - before;
                            let one = value(x).unwrap_or(S::T::ZERO);
                            let other = value(x + second).unwrap_or(S::T::ZERO);
                            to[column * plan.channels + i] = S::pack(one, other);
                        }
                    }
                }
            }
        }
    }
}

/// Packs samples `first..first + count` of B: `[sample][block][row][position or pair][channel]`.
pub(crate) fn pack<S: Simd>(
    plan: &Plan<'_, S>,
    b: &[S::T],
    first: usize,
    count: usize,
    packed: &mut [S::P],
) {
    let width = 2 * S::LANES;
    let size = plan.g.b[1] * plan.pairs * width;
    let blocks = plan.blocks_b;
    let shared = Shared::new(packed);
    parallel(count * blocks, count * blocks * size, |i| {
        // SAFETY: each task packs one block of one sample; scratch is always initialised.
        let to = unsafe { shared.written(i * size, size) };
        let task = Pack::<S> { plan, b, n: first + i / blocks, block: i % blocks, to };
        // SAFETY: `S` was chosen among the available kernels.
        unsafe { S::vectorize(task) };
    });
}

struct Pack<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    b: &'a [S::T],
    n: usize,
    block: usize,
    to: &'a mut [S::P],
}

impl<S: Simd> Task for Pack<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let width = 2 * S::LANES;
        let [channels, height, columns] = self.plan.g.b;
        let positions = height * columns;
        let first = self.block * width;
        let real = width.min(channels - first);
        let from = &self.b[(self.n * channels + first) * positions..][..real * positions];
        let zero = S::pack(S::T::ZERO, S::T::ZERO);
        if S::PAIR == 1 {
            turn::<S>(from, positions, real, self.to);
            return;
        }
        let pairs = self.plan.pairs;
        for c in 0..width {
            let mut to = self.to[c..].iter_mut().step_by(width);
            if c >= real {
                to.for_each(|to| *to = zero);
                continue;
            }
            for row in from[c * positions..(c + 1) * positions].chunks_exact(columns) {
                for pair in 0..pairs {
                    let second = row.get(2 * pair + 1).copied().unwrap_or(S::T::ZERO);
                    if let Some(to) = to.next() {
                        *to = S::pack(row[2 * pair], second);
                    }
                }
            }
        }
    }
}

/// to[position][channel] = from[channel][position] for `real` channels, zeros after them.
#[inline(always)]
fn turn<S: Simd>(from: &[S::T], positions: usize, real: usize, to: &mut [S::P]) {
    let width = 2 * S::LANES;
    let whole = positions / S::LANES * S::LANES;
    let mut done = 0;
    // Unpaired operands are plain numbers, which whole squares of are turned in registers.
    if size_of::<S::P>() == size_of::<S::T>() {
        while done + S::LANES <= real {
            for p in (0..whole).step_by(S::LANES) {
                let from = &from[done * positions + p..];
                let to = &mut to[p * width + done..];
                debug_assert!(from.len() > (S::LANES - 1) * positions);
                debug_assert!(to.len() >= (S::LANES - 1) * width + S::LANES);
                // SAFETY: `from` has `LANES` channels of `positions` from here, `to` `LANES`
                // positions of `width`; where PAIR is 1, P is T.
                unsafe {
                    S::transpose(from.as_ptr(), positions, to.as_mut_ptr().cast(), width);
                }
            }
            done += S::LANES;
        }
    }
    for c in 0..width {
        let start = if c < done { whole } else { 0 };
        let Some(to) = to.get_mut(start * width + c..) else {
            continue;
        };
        let mut to = to.iter_mut().step_by(width);
        if c < real {
            for v in &from[c * positions + start..(c + 1) * positions] {
                if let Some(to) = to.next() {
                    *to = S::pack(*v, S::T::ZERO);
                }
            }
        } else {
            to.for_each(|to| *to = S::pack(S::T::ZERO, S::T::ZERO));
        }
    }
}
