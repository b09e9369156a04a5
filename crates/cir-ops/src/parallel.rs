//! Sharing work among rayon's threads, and outputs that are written once and never cleared.

use std::mem::MaybeUninit;

use candle_core::Result;
use rayon::prelude::*;

use crate::kernels::{Kernels, with_kernels};

/// Multiplications below which waking other threads costs more than it saves.
const WORTH_SHARING: usize = 250_000;

/// Runs `f` on one of rayon's threads, and waits for it.
///
/// An operation that is started there takes part in its own work and wakes only the other threads;
/// started elsewhere, it also puts its thread to sleep and wakes it up again, which a step of a small
/// network does some hundred times.
///
/// # Errors
/// What `f` returns.
pub fn on_pool<R: Send>(f: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let kernels = Kernels::current()?;
    rayon::scope(|_| with_kernels(kernels, f))?
}

/// What `f` makes of each item, in their order; computed side by side on rayon's threads.
///
/// An operation alone keeps all threads busy only while its own part lasts; candle's, which run on one
/// thread, do not at all. What `f` does for one item must not change what it reads for another; then
/// the results do not depend on the threads.
///
/// # Errors
/// One that `f` returns; of several, which one depends on the threads.
pub fn side_by_side<I: Send, R: Send, E: From<candle_core::Error> + Send>(
    items: Vec<I>,
    f: impl Fn(I) -> std::result::Result<R, E> + Sync,
) -> std::result::Result<Vec<R>, E> {
    let kernels = Kernels::current()?;
    let one = |item| with_kernels(kernels, || f(item))?;
    items.into_par_iter().with_max_len(1).map(one).collect()
}

/// Runs `task` for each of `count` indices; on several threads if `work`, the total number of
/// elementary operations, is worth it. Tasks must not depend on one another.
pub(crate) fn parallel(count: usize, work: usize, task: impl Fn(usize) + Send + Sync) {
    if count <= 1 || work < WORTH_SHARING || rayon::current_num_threads() == 1 {
        (0..count).for_each(task);
    } else {
        (0..count).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// Part `i` of `len` things in `parts` nearly equal parts: its start and end.
pub(crate) fn part(len: usize, parts: usize, i: usize) -> (usize, usize) {
    let (each, more) = (len / parts, len % parts);
    let start = i * each + i.min(more);
    (start, start + each + usize::from(i < more))
}

/// A buffer whose disjoint parts several tasks write.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: every access goes through unsafe methods whose callers keep the parts disjoint.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Shares `buffer`; it must outlive the tasks, which the borrow checker cannot see.
    pub(crate) fn new(buffer: &mut [T]) -> Self {
        Self { start: buffer.as_mut_ptr(), len: buffer.len() }
    }

    /// Elements `start..start + len`, perhaps not yet written.
    ///
    /// # Panics
    /// When they are out of bounds.
    ///
    /// # Safety
    /// No other task touches these elements while the result lives, nor is the buffer freed.
    pub(crate) unsafe fn part<'a>(self, start: usize, len: usize) -> &'a mut [MaybeUninit<T>] {
        assert!(start <= self.len && len <= self.len - start, "part outside of the buffer");
        // SAFETY: in bounds as just checked; exclusive as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start).cast(), len) }
    }

    /// A pointer to elements `start..start + len`; whoever writes there sees to it that no other task
    /// touches what it writes.
    ///
    /// # Panics
    /// When they are out of bounds.
    pub(crate) fn pointer(self, start: usize, len: usize) -> *mut T {
        assert!(start <= self.len && len <= self.len - start, "part outside of the buffer");
        self.start.wrapping_add(start)
    }

    /// Elements `start..start + len`, all of them written before.
    ///
    /// # Panics
    /// When they are out of bounds.
    ///
    /// # Safety
    /// As [`Self::part`], and the elements are initialised.
    pub(crate) unsafe fn written<'a>(self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start <= self.len && len <= self.len - start, "part outside of the buffer");
        // SAFETY: in bounds as just checked; exclusive and initialised as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

/// A vector of `len` numbers that `fill` writes completely through the shared buffer.
///
/// # Safety
/// `fill` writes every element.
pub(crate) unsafe fn filled<T>(len: usize, fill: impl FnOnce(Shared<T>)) -> Vec<T> {
    let mut data = Vec::<T>::with_capacity(len);
    fill(Shared { start: data.as_mut_ptr(), len });
    // SAFETY: the capacity is at least `len`, and the caller promises that all are written.
    unsafe { data.set_len(len) };
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_whole_in_order() {
        for (len, parts) in [(10, 3), (2, 5), (0, 2), (12, 4)] {
            let ends: Vec<_> = (0..parts).map(|i| part(len, parts, i)).collect();
            assert_eq!(ends[0].0, 0);
            assert_eq!(ends[parts - 1].1, len);
            assert!(ends.windows(2).all(|w| w[0].1 == w[1].0), "{ends:?}");
        }
    }
}
