//! Batches made ahead of time on a background thread.
//!
//! Item k is a pure function of k, so neither the order nor the content depends on timing, and a
//! resumed run that starts at step k gets the batches that an uninterrupted one would have got.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use crate::{Error, Result};

/// An iterator over items that a background thread makes in order, up to `depth` ahead.
///
/// The first error ends it, and so does a panic, as [`Error::Panic`]. Dropping it stops the thread
/// after the item in work and waits for that.
#[derive(Debug)]
pub struct Prefetch<T> {
    items: Option<Receiver<Result<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts making the items of `steps`; a `depth` of 0 counts as 1.
    /// Should the system give no thread, that is the first item's error.
    pub fn new(
        make: impl Fn(u64) -> Result<T> + Send + 'static,
        steps: Range<u64>,
        depth: usize,
    ) -> Self {
        let (sender, receiver) = sync_channel(depth.max(1));
        let no_thread = sender.clone();
        let work = move || {
            for step in steps {
                let item = catch_unwind(AssertUnwindSafe(|| make(step)))
                    .unwrap_or_else(|panic| Err(Error::Panic { step, message: text(&*panic) }));
                let failed = item.is_err();
                if sender.send(item).is_err() || failed {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("prefetch".into()).spawn(work);
        if let Err(e) = &thread {
            // The channel is empty and has room.
            let _ = no_thread.try_send(Err(Error::Other(e.to_string().into())));
        }
        Self { items: Some(receiver), thread: thread.ok() }
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.items.as_ref()?.recv().ok()
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // Without a receiver the thread's next send fails, and it ends.
        self.items = None;
        if let Some(thread) = self.thread.take() {
            // Its panics have become items already.
            let _ = thread.join();
        }
    }
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
