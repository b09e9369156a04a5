//! Rows of numbers on their way into a correlation and out of it.

use std::mem::MaybeUninit;

use crate::activation::Piecewise;
use crate::numbers::Number;
use crate::simd::Simd;

/// staged[i] = row[start + i·step], zero outside of the row: staged[left..right] are row[at],
/// row[at + step] and so on.
pub(super) struct Span {
    left: usize,
    right: usize,
    at: usize,
    step: usize,
}

impl Span {
    /// That of `len` numbers, of a row of `width`.
    pub(super) fn new(width: usize, start: isize, step: usize, len: usize) -> Self {
        let left = ((-start).max(0) as usize).div_ceil(step).min(len);
        let end = (width as isize - start).max(0) as usize;
        let right = end.div_ceil(step).clamp(left, len);
        Self { left, right, at: (start + (left * step) as isize) as usize, step }
    }
}

/// Copies what a span has of a row, or zeros where there is none; of `PAIR` rows.
#[inline(always)]
pub(super) fn stage_row<S: Simd>(
    first: Option<&[S::T]>,
    second: Option<&[S::T]>,
    &Span { left, right, at, step }: &Span,
    staged: &mut [S::P],
) {
    let zero = S::pack(S::T::ZERO, S::T::ZERO);
    let Some(first) = first.filter(|_| left < right) else {
        staged.fill(zero);
        return;
    };
    staged[..left].fill(zero);
    staged[right..].fill(zero);
    let inner = &mut staged[left..right];
    match (second, step) {
        (None, 1) => {
            for (to, v) in inner.iter_mut().zip(&first[at..]) {
                *to = S::pack(*v, S::T::ZERO);
            }
        }
        (None, 2) => {
            let (from, last) = halves(first, at, inner.len());
            let (to, end) = inner.split_at_mut(from.len());
            to.iter_mut().zip(from).for_each(|(to, [v, _])| *to = S::pack(*v, S::T::ZERO));
            end[0] = S::pack(last, S::T::ZERO);
        }
        (None, _) => {
            for (to, v) in inner.iter_mut().zip(first[at..].iter().step_by(step)) {
                *to = S::pack(*v, S::T::ZERO);
            }
        }
        (Some(second), 1) => {
            for ((to, v), w) in inner.iter_mut().zip(&first[at..]).zip(&second[at..]) {
                *to = S::pack(*v, *w);
            }
        }
        (Some(second), 2) => {
            let (from, last) = halves(first, at, inner.len());
            let (with, last_with) = halves(second, at, inner.len());
            let (to, end) = inner.split_at_mut(from.len());
            for ((to, [v, _]), [w, _]) in to.iter_mut().zip(from).zip(with) {
                *to = S::pack(*v, *w);
            }
            end[0] = S::pack(last, last_with);
        }
        (Some(second), _) => {
            let from = first[at..].iter().step_by(step).zip(second[at..].iter().step_by(step));
            for (to, (v, w)) in inner.iter_mut().zip(from) {
                *to = S::pack(*v, *w);
            }
        }
    }
}

/// `count` numbers of a row from `at` on, every second one: each but the last with the one after it, which
/// lets the loop over them become whole vectors, and the last.
#[inline(always)]
fn halves<T: Number>(row: &[T], at: usize, count: usize) -> (&[[T; 2]], T) {
    let last = at + 2 * (count - 1);
    (row[at..last].as_chunks().0, row[last])
}

/// Turns `[column][channel]`, `width` numbers a column, into `[channel][column]`, for `real` channels.
#[inline(always)]
pub(super) fn turn<S: Simd>(from: &[S::T], width: usize, real: usize, to: &mut [S::T]) {
    let columns = from.len() / width;
    for o in (0..real).step_by(S::LANES) {
        for x in (0..columns).step_by(S::LANES) {
            let (from, to) = (&from[x * width + o..], &mut to[o * columns + x..]);
            assert!(from.len() >= (S::LANES - 1) * width + S::LANES);
            assert!(to.len() >= (S::LANES - 1) * columns + S::LANES);
            // SAFETY: both squares were just checked.
            unsafe { S::transpose(from.as_ptr(), width, to.as_mut_ptr(), columns) };
        }
    }
}

/// to[i·phases + phase] = activate(from[phase·columns + i]).
#[inline(always)]
pub(super) fn interleave<T: Number>(
    from: &[T],
    columns: usize,
    phases: usize,
    activate: Piecewise<T>,
    to: &mut [MaybeUninit<T>],
) {
    match phases {
        1 => {
            for (to, v) in to.iter_mut().zip(from) {
                to.write(activate.value(*v));
            }
        }
        2 => {
            let (even, odd) = from.split_at(columns);
            let pairs = to.chunks_exact_mut(2).zip(even.iter().zip(odd));
            for (to, (v, w)) in pairs {
                to[0].write(activate.value(*v));
                to[1].write(activate.value(*w));
            }
            if to.len() % 2 == 1 {
                let last = to.len() / 2;
                to[2 * last].write(activate.value(even[last]));
            }
        }
        4 => {
            let (even, odd) = from.split_at(2 * columns);
            let parts = [even, &even[columns..], odd, &odd[columns..]];
            let count = to.len() / 4;
            let parts_of = parts.map(|part| &part[..count]);
            let mut groups = to.chunks_exact_mut(4);
            for (i, to) in groups.by_ref().take(count).enumerate() {
                for phase in 0..4 {
                    to[phase].write(activate.value(parts_of[phase][i]));
                }
            }
            for (to, part) in groups.into_remainder().iter_mut().zip(parts) {
                to.write(activate.value(part[count]));
            }
        }
        _ => {
            for (i, to) in to.iter_mut().enumerate() {
                to.write(activate.value(from[i % phases * columns + i / phases]));
            }
        }
    }
}
