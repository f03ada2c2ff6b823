//! Calls of equal key, in one batch or in flight elsewhere.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rememo::{Parallel, memo};

use crate::support::{TestCache, hit};

#[test]
fn duplicates_are_computed_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> String {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(5));
        x.to_string()
    }
    let cache = TestCache::new();
    let values =
        Parallel::new().jobs(4).memory(&cache.memory).run((0..5000).map(|i| slow::delayed(i % 7))).unwrap();
    assert!(values.iter().enumerate().all(|(i, value)| *value == (i % 7).to_string()));
    assert_eq!(RUNS.load(SeqCst), 7);
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.hits + stats.joined), (7, 4993));
}

/// Values of cheap calls are stored together, a moment after they were computed: whoever asks in that moment must not compute again.
#[test]
fn what_an_item_of_the_batch_has_just_computed_is_a_hit_for_the_next_one() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fibonacci(x: u32) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        if x < 2 { u64::from(x) } else { fibonacci(x - 1) + fibonacci(x - 2) }
    }
    for jobs in [1, 2, 4] {
        RUNS.store(0, SeqCst);
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(jobs).memory(&cache.memory);
        let values = parallel.run((0..60).map(fibonacci::delayed)).unwrap();
        assert_eq!((values[10], values[59]), (55, 956_722_026_041));
        assert_eq!(RUNS.load(SeqCst), 60, "{jobs} jobs");
        assert_eq!(cache.memory.stats().entries, 60);
        assert_eq!(hit(&cache.memory, fibonacci::delayed(59)), values[59]);
    }
}

#[test]
fn duplicates_of_a_value_that_cannot_be_shared_are_run_themselves() {
    #[memo]
    fn refuses(x: u64) -> Result<u64, String> {
        Err(format!("not {x}"))
    }
    let cache = TestCache::new();
    let values =
        Parallel::new().jobs(2).memory(&cache.memory).run((0..20).map(|i| refuses::delayed(i % 2))).unwrap();
    assert!(values.iter().enumerate().all(|(i, value)| *value == Err(format!("not {}", i % 2))));
}

#[test]
fn a_key_computed_by_another_thread_does_not_hold_up_the_batch() {
    static HELD: Barrier = Barrier::new(2);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        if x == 0 {
            HELD.wait();
            HELD.wait();
        }
        x
    }
    let cache = TestCache::new();
    let done = AtomicUsize::new(0);
    let values = thread::scope(|scope| {
        scope.spawn(|| cache.memory.call(slow::delayed(0)));
        HELD.wait();
        scope.spawn(|| {
            // The batch of one thread has done all the others before the key that it waits for is free.
            while cache.memory.stats().stored < 29 {
                thread::sleep(Duration::from_millis(1));
            }
            done.store(1, SeqCst);
            HELD.wait();
        });
        // A slow input, so that the queue runs empty before the end.
        let calls = (0..30).map(|x| {
            thread::sleep(Duration::from_millis(3));
            slow::delayed(x)
        });
        Parallel::new().jobs(1).memory(&cache.memory).run(calls).unwrap()
    });
    assert_eq!(values, (0..30).collect::<Vec<_>>());
    assert_eq!((RUNS.load(SeqCst), done.load(SeqCst)), (30, 1));
}

#[test]
fn duplicates_that_wait_count_as_drawn_ahead() {
    static DRAWN: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn slow(x: u64) -> usize {
        thread::sleep(Duration::from_millis(200));
        DRAWN.load(SeqCst) + x as usize
    }
    let cache = TestCache::new();
    let calls = (0..100_000).map(|_| {
        DRAWN.fetch_add(1, SeqCst);
        slow::delayed(0)
    });
    let values = Parallel::new().jobs(2).memory(&cache.memory).run(calls).unwrap();
    assert!(values[0] <= 1024 + 512, "{} calls were drawn while the first one ran", values[0]);
    assert_eq!(values.len(), 100_000);
}

#[test]
fn duplicates_of_a_value_that_is_not_worth_storing_are_computed_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(min_cost = "1h")]
    fn cheap(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(20));
        x
    }
    let cache = TestCache::new();
    let calls = (0..16).map(|_| cheap::delayed(1));
    assert_eq!(Parallel::new().jobs(4).memory(&cache.memory).run(calls).unwrap(), [1; 16]);
    assert_eq!((RUNS.load(SeqCst), cache.memory.stats().stored), (1, 0));
}
