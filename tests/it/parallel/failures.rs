//! What a panic does to a batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rememo::{Parallel, delayed, memo};

use super::square;
use crate::support::{TestCache, hit};

#[test]
fn a_panicking_item_is_an_error_with_its_index_and_the_others_are_kept() {
    #[memo]
    fn picky(x: u64) -> u64 {
        assert!(x % 10 != 3, "{x} ends in three");
        x
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(3).memory(&cache.memory);
    let results = parallel.run_all((0..100).map(picky::delayed));
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(*value, i as u64),
            Err(error) => {
                assert_eq!((i % 10, error.index()), (3, i));
                assert_eq!(error.message(), format!("{i} ends in three"));
                assert!(error.function().unwrap().ends_with("picky"));
            }
        }
    }
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 10);
    assert_eq!(cache.memory.stats().entries, 90);

    let before = cache.memory.stats().misses;
    parallel.run_all((0..100).map(picky::delayed));
    assert_eq!(cache.memory.stats().misses, before, "the failed ones count as nothing, the others are hits");
}

#[test]
fn duplicates_of_a_panicking_item_fail_with_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fails(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        panic!("no {x}")
    }
    let cache = TestCache::new();
    let results = Parallel::new().jobs(1).memory(&cache.memory).run_all((0..10).map(|_| fails::delayed(1)));
    let indices: Vec<_> = results.into_iter().map(|result| result.unwrap_err().index()).collect();
    assert_eq!(indices, (0..10).collect::<Vec<_>>());
    assert_eq!(RUNS.load(SeqCst), 1);
}

#[test]
fn run_stops_at_a_failure_and_keeps_what_was_computed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fails_at_five(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        assert!(x != 5, "five");
        thread::sleep(Duration::from_millis(1));
        x
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let error = parallel.run((0..10_000).map(fails_at_five::delayed)).unwrap_err();
    let task = error.task().unwrap();
    assert_eq!((task.index(), task.message()), (5, "five"));
    // How many ran before the failure was known depends on the machine: the rest takes seconds.
    let runs = RUNS.load(SeqCst);
    assert!(runs < 10_000, "all calls ran");
    assert_eq!(cache.memory.stats().entries, u64::from(runs) - 1);
    // Which of them ran, the threads decided.
    let kept: Vec<_> = (0..10_000).filter(|&x| cache.memory.contains(&fails_at_five::delayed(x))).collect();
    assert_eq!(kept.len(), runs as usize - 1);
    for x in kept {
        hit(&cache.memory, fails_at_five::delayed(x));
    }
}

#[test]
fn the_first_failure_in_input_order_is_reported() {
    let barrier = Barrier::new(2);
    let calls = (0..2).map(|i| {
        let barrier = &barrier;
        delayed(move || -> u64 {
            barrier.wait();
            thread::sleep(Duration::from_millis(if i == 0 { 50 } else { 0 }));
            panic!("item {i}")
        })
    });
    let error = Parallel::new().jobs(2).run(calls).unwrap_err();
    assert_eq!(error.task().unwrap().message(), "item 0");
}

#[test]
fn a_panic_in_the_input_reaches_the_caller_and_keeps_what_was_computed() {
    let cache = TestCache::new();
    let calls = (0..5000u64).map(|x| {
        assert!(x < 3000, "the input breaks");
        square::delayed(x)
    });
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let payload = catch_unwind(AssertUnwindSafe(|| parallel.run(calls))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the input breaks"));
    assert_eq!(cache.memory.verify().unwrap().damaged.len(), 0);
    assert!(cache.memory.stats().entries > 0);
    cache.expect_tidy();
}

/// An argument whose `Drop` panics does so outside of any task.
#[test]
fn arguments_that_panic_when_they_are_dropped_do_not_hide_what_stopped_the_batch() {
    struct Explosive(bool);
    impl Drop for Explosive {
        fn drop(&mut self) {
            assert!(!self.0 || thread::panicking(), "dropped");
        }
    }
    let calls = (0..10_000).map(|i| {
        let explosive = Explosive(i > 50);
        delayed(move || {
            let _kept = std::mem::ManuallyDrop::new(explosive);
            thread::sleep(Duration::from_millis(1));
            assert!(i != 10, "stop here");
        })
    });
    // Those that are dropped before they run explode.
    let error = Parallel::new().jobs(2).run(calls).unwrap_err();
    assert_eq!(error.task().unwrap().message(), "stop here");
}
