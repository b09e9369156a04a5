//! Batches ahead of time: in order, each a function of its number, errors and panics passed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cir_data::{Error, Prefetch};

#[test]
fn items_come_in_order_whatever_the_depth_and_timing() {
    for depth in [0, 1, 3, 100] {
        let make = |k: u64| {
            std::thread::sleep(Duration::from_micros(k * 7919 % 300));
            Ok(k * k)
        };
        let items: Result<Vec<u64>, _> = Prefetch::new(make, 5..50, depth).collect();
        assert_eq!(items.unwrap(), (5..50).map(|k| k * k).collect::<Vec<_>>());
    }
}

#[test]
fn work_is_done_ahead_but_not_further_than_the_depth() {
    let made = Arc::new(AtomicU64::new(0));
    let count = made.clone();
    let make = move |k| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(k)
    };
    let mut items = Prefetch::new(make, 0..1000, 4);
    assert_eq!(items.next().unwrap().unwrap(), 0);
    std::thread::sleep(Duration::from_millis(100));
    // One taken, four waiting, one in hand.
    assert_eq!(made.load(Ordering::SeqCst), 6);
    drop(items);
    assert_eq!(made.load(Ordering::SeqCst), 6);
}

#[test]
fn an_error_is_the_last_item() {
    let make = |k| if k == 2 { Err(Error::setting("file", "nothing", "a file")) } else { Ok(k) };
    let items: Vec<_> = Prefetch::new(make, 0..10, 2).collect();
    assert_eq!(items.len(), 3);
    assert_eq!(items[2].as_ref().unwrap_err().to_string(), "file: found nothing; allowed: a file");
}

#[test]
fn a_panic_is_an_error() {
    let make = |k: u64| {
        assert!(k < 1, "item {k} is bad");
        Ok(k)
    };
    let items: Vec<_> = Prefetch::new(make, 0..10, 2).collect();
    assert_eq!(items.len(), 2);
    let error = items[1].as_ref().unwrap_err();
    assert!(matches!(error, Error::Panic { step: 1, .. }));
    assert_eq!(error.to_string(), "preparing batch 1 panicked: item 1 is bad");
}
