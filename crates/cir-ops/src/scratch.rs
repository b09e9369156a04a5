//! Scratch memory that each thread keeps, so that no operation allocates or clears any.

use std::cell::RefCell;
use std::marker::PhantomData;

/// A cache line; buffers of it start at one.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

thread_local! {
    static POOL: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Plain numbers for which every bit pattern is a value.
///
/// # Safety
/// Only for types without invalid bit patterns, of alignment at most 64.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}
// SAFETY: numbers have no invalid bit patterns.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}

/// A buffer of `T` holding whatever its last user left (zeros if there was none); it goes back to
/// its thread's pool when dropped.
pub(crate) struct Scratch<T: Plain> {
    lines: Vec<Line>,
    len: usize,
    kind: PhantomData<T>,
}

impl<T: Plain> Scratch<T> {
    /// At least `len` numbers; the smallest pooled buffer that fits, else the largest, grown.
    pub(crate) fn take(len: usize) -> Self {
        let count = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        let mut lines = POOL.with_borrow_mut(|pool| {
            let fits = (0..pool.len())
                .filter(|&i| pool[i].len() >= count)
                .min_by_key(|&i| pool[i].len())
                .or_else(|| (0..pool.len()).max_by_key(|&i| pool[i].len()));
            fits.map(|i| pool.swap_remove(i)).unwrap_or_default()
        });
        if lines.len() < count {
            // The old numbers need not be copied: free first.
            lines = Vec::new();
            lines.resize(count, Line([0; 64]));
        }
        Self { lines, len, kind: PhantomData }
    }
}

impl<T: Plain> std::ops::Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        debug_assert!(size_of_val(self.lines.as_slice()) >= self.len * size_of::<T>());
        // SAFETY: `take` made `lines` initialised, aligned to 64 and at least this long, and every
        // bit pattern is a `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<T: Plain> Drop for Scratch<T> {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // A thread that is ending has no pool left; the buffer is simply freed then.
        let _ = POOL.try_with(|pool| pool.borrow_mut().push(lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_kept_and_nest() {
        let first = Scratch::<f32>::take(100).as_ptr();
        let mut again = Scratch::<f32>::take(50);
        assert_eq!(again.as_ptr(), first);
        let other = Scratch::<f32>::take(50);
        assert_ne!(other.as_ptr(), first);
        again.fill(1.);
        assert_eq!(other.len(), 50);
        assert_eq!(first as usize % 64, 0);
    }
}
