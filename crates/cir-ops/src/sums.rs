//! Sums whose value does not depend on the number of threads: fixed chunks, added in order.

use std::mem::MaybeUninit;

use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel};
use crate::simd::{Generic, Simd, Task};

/// Accumulators side by side; a power of two.
const LANES: usize = 16;
/// Numbers that are added in their own precision before the sum goes on in f64.
const CHUNK: usize = 512;

/// Σ f(i) for `i` below `len`, in f64 across chunks; for use inside of a [`Task`].
#[inline(always)]
pub(crate) fn sum<T: Number>(len: usize, f: impl Fn(usize) -> T) -> f64 {
    let mut total = 0.;
    let mut start = 0;
    while start < len {
        let end = len.min(start + CHUNK);
        let mut lanes = [T::ZERO; LANES];
        let whole = start + (end - start) / LANES * LANES;
        let mut i = start;
        while i < whole {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += f(i + lane);
            }
            i += LANES;
        }
        for (lane, i) in (whole..end).enumerate() {
            lanes[lane] += f(i);
        }
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                let other = lanes[lane + half];
                lanes[lane] += other;
            }
            half /= 2;
        }
        total += lanes[0].wide();
        start = end;
    }
    total
}

/// For each channel the sum over samples and positions of `x`, which is (batch, channels,
/// positions).
pub(crate) fn channel_sums<T: Number>(
    kernels: Kernels,
    x: &[T],
    batch: usize,
    channels: usize,
    positions: usize,
) -> Vec<T> {
    struct Channel<'a, T> {
        x: &'a [T],
        step: usize,
        positions: usize,
        channel: usize,
    }
    impl<T: Number> Task for Channel<'_, T> {
        type Out = T;
        #[inline(always)]
        fn run(self) -> T {
            let planes = self.x.chunks_exact(self.step);
            let range = self.channel * self.positions..(self.channel + 1) * self.positions;
            T::narrow(planes.map(|s| &s[range.clone()]).map(|s| sum(s.len(), |i| s[i])).sum())
        }
    }
    struct All<'a, T> {
        x: &'a [T],
        batch: usize,
        channels: usize,
        positions: usize,
    }
    impl<T: Number> Generic<T> for All<'_, T> {
        type Out = Vec<T>;
        fn run<S: Simd<T = T>>(self) -> Vec<T> {
            let Self { x, batch, channels, positions } = self;
            let step = (channels * positions).max(1);
            let fill = |out: Shared<T>| {
                parallel(channels, batch * channels * positions, |channel| {
                    // SAFETY: `S` was chosen among the available kernels.
                    let sum = unsafe { S::vectorize(Channel { x, step, positions, channel }) };
                    // SAFETY: this element is this task's alone.
                    let to = unsafe { out.part(channel, 1) };
                    to[0].write(sum);
                });
            };
            // SAFETY: every channel's sum is written.
            unsafe { filled(channels, fill) }
        }
    }
    T::dispatch(kernels, All { x, batch, channels, positions })
}

/// Columns a task takes.
const COLUMNS: usize = 64;

/// For each column the sum over the rows of `x`, which is (rows, columns).
pub(crate) fn column_sums<T: Number>(kernels: Kernels, x: &[T], columns: usize) -> Vec<T> {
    struct Part<'a, T> {
        x: &'a [T],
        columns: usize,
        first: usize,
        to: &'a mut [MaybeUninit<T>],
    }
    impl<T: Number> Task for Part<'_, T> {
        type Out = ();
        #[inline(always)]
        fn run(self) {
            let mut sums = [0.; COLUMNS];
            for row in self.x.chunks_exact(self.columns) {
                let row = &row[self.first..self.first + self.to.len()];
                sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v.wide());
            }
            self.to.iter_mut().zip(sums).for_each(|(to, sum)| _ = to.write(T::narrow(sum)));
        }
    }
    struct All<'a, T> {
        x: &'a [T],
        columns: usize,
    }
    impl<T: Number> Generic<T> for All<'_, T> {
        type Out = Vec<T>;
        fn run<S: Simd<T = T>>(self) -> Vec<T> {
            let Self { x, columns } = self;
            let fill = |out: Shared<T>| {
                parallel(columns.div_ceil(COLUMNS), x.len(), |i| {
                    let first = i * COLUMNS;
                    // SAFETY: these columns are this task's alone.
                    let to = unsafe { out.part(first, COLUMNS.min(columns - first)) };
                    // SAFETY: `S` was chosen among the available kernels.
                    unsafe { S::vectorize(Part { x, columns, first, to }) };
                });
            };
            // SAFETY: every column's sum is written.
            unsafe { filled(columns, fill) }
        }
    }
    T::dispatch(kernels, All { x, columns })
}
