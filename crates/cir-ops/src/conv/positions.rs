//! How the weight gradient's operands are laid out for its sums over positions.

use crate::numbers::Number;
use crate::parallel::{Shared, parallel};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};

use super::gradient::{POSITIONS, Plan};
use super::images::{Images, Row};

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
        let rows = (self.heights - 1) * g.stride + g.kernel[0];
        let slack = plan.pitch * S::LANES;
        let paired = if S::PAIR == 1 { 0 } else { plan.row + g.stride * plan.pitch };
        let mut turned = Scratch::<S::T>::take(paired + slack);
        let images = Images { numbers: plan.a, sizes: g.a };
        for sample in 0..self.samples {
            let n = first + self.n + sample;
            for row in 0..rows {
                let y = (self.y * g.stride + row) as isize - g.padding[0];
                let columns = plan.columns + if S::PAIR == 1 { 0 } else { g.stride };
                let from = Row { sample: n, y, before: g.padding[1], columns };
                let to = &mut staged[sample * plan.sample + row * plan.row..];
                if S::PAIR == 1 {
                    debug_assert_eq!(size_of::<S::P>(), size_of::<S::T>());
                    // SAFETY: where PAIR is 1, P is T.
                    let to = unsafe {
                        std::slice::from_raw_parts_mut(to.as_mut_ptr().cast::<S::T>(), to.len())
                    };
                    images.turn_row::<S>(from, block, plan.pitch, to);
                } else {
                    images.turn_row::<S>(from, block, plan.pitch, &mut turned);
                    let partners = &turned[g.stride * plan.pitch..];
                    let from = turned[..plan.row].iter().zip(partners);
                    for (to, (v, w)) in to.iter_mut().zip(from) {
                        *to = S::pack(*v, *w);
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
    let width = plan.width;
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
        let width = self.plan.width;
        let [channels, height, columns] = self.plan.g.b;
        let positions = height * columns;
        let first = self.block * width;
        let real = width.min(channels - first);
        let from = &self.b[(self.n * channels + first) * positions..][..real * positions];
        if S::PAIR == 1 {
            debug_assert_eq!(size_of::<S::P>(), size_of::<S::T>());
            // SAFETY: where PAIR is 1, P is T.
            let to = unsafe {
                std::slice::from_raw_parts_mut(self.to.as_mut_ptr().cast(), self.to.len())
            };
            turn::<S>(from, positions, positions, real, width, to);
            return;
        }
        // Some rows at a time are turned, then neighbouring columns are joined.
        let zero = S::T::ZERO;
        let pairs = self.plan.pairs;
        let rows = (POSITIONS / columns).clamp(1, height);
        let mut turned = Scratch::<S::T>::take(rows * columns * width);
        for y in (0..height).step_by(rows) {
            let rows = rows.min(height - y);
            turn::<S>(&from[y * columns..], positions, rows * columns, real, width, &mut turned);
            for row in 0..rows {
                let turned = &turned[row * columns * width..(row + 1) * columns * width];
                let to = &mut self.to[(y + row) * pairs * width..][..pairs * width];
                for (to, two) in to.chunks_exact_mut(width).zip(turned.chunks(2 * width)) {
                    let (first, second) = two.split_at(width);
                    if second.is_empty() {
                        to.iter_mut().zip(first).for_each(|(to, v)| *to = S::pack(*v, zero));
                    } else {
                        let two = first.iter().zip(second);
                        to.iter_mut().zip(two).for_each(|(to, (v, w))| *to = S::pack(*v, *w));
                    }
                }
            }
        }
    }
}

/// to[position][channel] = from[channel · step + position] for `count` positions of `real`
/// of `width` channels, whole vectors of them; zeros after the real ones.
#[inline(always)]
fn turn<S: Simd>(
    from: &[S::T],
    step: usize,
    count: usize,
    real: usize,
    width: usize,
    to: &mut [S::T],
) {
    let to = &mut to[..count * width];
    let whole = count / S::LANES * S::LANES;
    // Where a vector of channels is not whole, squares are turned from a copy with zeros in place of
    // the missing ones.
    let mut square = Scratch::<S::T>::take(S::LANES * S::LANES);
    square.fill(S::T::ZERO);
    for c in (0..width).step_by(S::LANES) {
        let lanes = real.saturating_sub(c).min(S::LANES);
        for p in (0..whole).step_by(S::LANES) {
            let to = &mut to[p * width + c..];
            debug_assert!(to.len() >= (S::LANES - 1) * width + S::LANES);
            let (from, step) = if lanes == S::LANES {
                let from = &from[c * step + p..];
                assert!(from.len() >= (S::LANES - 1) * step + S::LANES);
                (from.as_ptr(), step)
            } else {
                for (lane, row) in square.chunks_exact_mut(S::LANES).take(lanes).enumerate() {
                    row.copy_from_slice(&from[(c + lane) * step + p..][..S::LANES]);
                }
                (square.as_ptr(), S::LANES)
            };
            // SAFETY: `from` was just checked or is a whole square; `to` has `LANES` positions of
            // `width` from here.
            unsafe { S::transpose(from, step, to.as_mut_ptr(), width) };
        }
    }
    for (p, to) in to.chunks_exact_mut(width).enumerate().skip(whole) {
        let (own, none) = to.split_at_mut(real);
        own.iter_mut().enumerate().for_each(|(c, to)| *to = from[c * step + p]);
        none.fill(S::T::ZERO);
    }
}
