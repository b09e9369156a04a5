//! An allocator that keeps large blocks, for programs that train.
//!
//! A fresh block of many megabytes is given page by page as it is first written, which costs more than
//! writing it, and general allocators return such blocks to the system when they are freed. A training
//! step frees and asks for the same sizes again and again.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blocks from this size on are kept.
const LARGE: usize = 1 << 22;
/// Of every block that is kept.
const ALIGN: usize = 64;
/// Blocks that are kept at most.
const PLACES: usize = 256;

/// Keeps blocks of 4 MiB and more when they are freed; `A` gives them, and all smaller ones.
///
/// What is kept and what is in use are together never more than was once in use, so that a program
/// holds no more memory than it needed at some time, but for rounding sizes up by at most an eighth.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: cir_ops::KeepLarge<std::alloc::System> =
///     cir_ops::KeepLarge::new(std::alloc::System);
/// let first = vec![0u8; 1 << 23].as_ptr();
/// assert_eq!(vec![1u8; 1 << 23].as_ptr(), first);
/// ```
#[derive(Debug)]
pub struct KeepLarge<A> {
    source: A,
    kept: Mutex<Kept>,
}

impl<A> KeepLarge<A> {
    /// Nothing kept yet.
    pub const fn new(source: A) -> Self {
        let blocks = [Block { at: 0, size: 0 }; PLACES];
        Self { source, kept: Mutex::new(Kept { blocks, count: 0, bytes: 0, used: 0, most: 0 }) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that holds the lock can panic half way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A freed block.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// Its address.
    at: usize,
    size: usize,
}

/// Freed blocks, oldest first. It must not allocate.
#[derive(Debug)]
struct Kept {
    blocks: [Block; PLACES],
    count: usize,
    /// Bytes kept, in use, and most that were ever in use, of large blocks.
    bytes: usize,
    used: usize,
    most: usize,
}

impl Kept {
    fn remove(&mut self, i: usize) -> Block {
        let block = self.blocks[i];
        self.blocks.copy_within(i + 1..self.count, i);
        self.count -= 1;
        self.bytes -= block.size;
        block
    }

    /// The newest block of this size: its numbers are the likeliest to be in a cache.
    fn take(&mut self, size: usize) -> Option<Block> {
        let i = self.blocks[..self.count].iter().rposition(|block| block.size == size)?;
        Some(self.remove(i))
    }

    fn push(&mut self, block: Block) {
        self.blocks[self.count] = block;
        self.count += 1;
        self.bytes += block.size;
    }
}

/// What a large block is really asked for: sizes in steps of an eighth, so that blocks fit again.
fn rounded(layout: Layout) -> Option<Layout> {
    if layout.size() < LARGE || layout.align() > ALIGN {
        return None;
    }
    let step = layout.size().checked_next_power_of_two()? / 16;
    Layout::from_size_align(layout.size().checked_next_multiple_of(step)?, ALIGN).ok()
}

impl<A: GlobalAlloc> KeepLarge<A> {
    /// A block of a rounded layout, and whether it was kept, so that it may hold anything.
    fn block(&self, layout: Layout, fresh: impl FnOnce(&A) -> *mut u8) -> (*mut u8, bool) {
        let size = layout.size();
        let mut kept = self.kept();
        kept.used += size;
        kept.most = kept.most.max(kept.used);
        if let Some(block) = kept.take(size) {
            return (std::ptr::with_exposed_provenance_mut(block.at), true);
        }
        while kept.count > 0 && kept.used + kept.bytes > kept.most {
            let oldest = kept.remove(0);
            self.give_back(oldest);
        }
        drop(kept);
        let new = fresh(&self.source);
        if new.is_null() {
            self.kept().used -= size;
        }
        (new, false)
    }

    fn give_back(&self, block: Block) {
        // SAFETY: kept blocks came from `source` with this very layout, which was valid then.
        unsafe {
            let layout = Layout::from_size_align_unchecked(block.size, ALIGN);
            self.source.dealloc(std::ptr::with_exposed_provenance_mut(block.at), layout);
        }
    }
}

// SAFETY: small blocks are the source's; a large one comes from the source with the rounded layout,
// is handed out to one owner at a time, and goes back with the same layout, which follows from its own.
unsafe impl<A: GlobalAlloc> GlobalAlloc for KeepLarge<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match rounded(layout) {
            // SAFETY: the size is not 0, as the caller promises of `layout`.
            None => unsafe { self.source.alloc(layout) },
            // SAFETY: rounded sizes are not 0.
            Some(large) => self.block(large, |source| unsafe { source.alloc(large) }).0,
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(large) = rounded(layout) else {
            // SAFETY: passed on to the caller.
            return unsafe { self.source.alloc_zeroed(layout) };
        };
        // SAFETY: rounded sizes are not 0.
        let (at, used) = self.block(large, |source| unsafe { source.alloc_zeroed(large) });
        if used {
            // SAFETY: the block has at least the size of `layout`.
            unsafe { at.write_bytes(0, layout.size()) };
        }
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let Some(large) = rounded(layout) else {
            // SAFETY: passed on to the caller.
            return unsafe { self.source.dealloc(at, layout) };
        };
        let block = Block { at: at.expose_provenance(), size: large.size() };
        let mut kept = self.kept();
        kept.used -= block.size;
        if kept.count < PLACES {
            kept.push(block);
        } else {
            drop(kept);
            self.give_back(block);
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size` is valid with this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (rounded(layout), rounded(new)) {
            // SAFETY: passed on to the caller.
            (None, None) => unsafe { self.source.realloc(at, layout, size) },
            (Some(old), Some(new)) if old == new => at,
            _ => {
                // SAFETY: the old block is the caller's; the new one is apart from it.
                unsafe {
                    let to = self.alloc(new);
                    if !to.is_null() {
                        to.copy_from_nonoverlapping(at, layout.size().min(size));
                        self.dealloc(at, layout);
                    }
                    to
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    const MIB: usize = 1 << 20;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 4).unwrap()
    }

    #[test]
    fn a_freed_block_serves_again_and_is_cleared_where_zeros_are_asked_for() {
        let keep = KeepLarge::new(System);
        // SAFETY: blocks are written within their size and freed with their layout.
        unsafe {
            let first = keep.alloc(layout(5 * MIB));
            first.write_bytes(7, 5 * MIB);
            keep.dealloc(first, layout(5 * MIB));
            let zeros = keep.alloc_zeroed(layout(5 * MIB - 1));
            assert_eq!(zeros, first);
            assert!((0..5 * MIB - 1).all(|i| *zeros.add(i) == 0));
            keep.dealloc(zeros, layout(5 * MIB - 1));
        }
    }

    #[test]
    fn no_more_is_held_than_was_once_in_use() {
        let keep = KeepLarge::new(System);
        // SAFETY: as above.
        unsafe {
            let both = [8 * MIB, 16 * MIB].map(|size| (keep.alloc(layout(size)), layout(size)));
            both.iter().for_each(|&(at, layout)| keep.dealloc(at, layout));
            assert_eq!(keep.kept().bytes, 24 * MIB);
            // Another size: the oldest makes room for it.
            let other = keep.alloc(layout(12 * MIB));
            assert_eq!(keep.kept().bytes, 0);
            keep.dealloc(other, layout(12 * MIB));
            assert_eq!(keep.kept().most, 24 * MIB);
        }
    }

    #[test]
    fn growing_keeps_the_content() {
        let keep = KeepLarge::new(System);
        // SAFETY: as above.
        unsafe {
            let at = keep.alloc(layout(3 * MIB));
            at.write_bytes(9, 3 * MIB);
            let at = keep.realloc(at, layout(3 * MIB), 6 * MIB);
            let at = keep.realloc(at, layout(6 * MIB), 6 * MIB + 8);
            assert!((0..3 * MIB).all(|i| *at.add(i) == 9));
            keep.dealloc(at, layout(6 * MIB + 8));
        }
    }
}
