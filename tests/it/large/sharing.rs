//! Large values that several wait for at once.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use rememo::{Parallel, Source, memo};

use super::each_layout;
use crate::support::TestCache;

#[memo]
fn slow(length: usize) -> Vec<u64> {
    thread::sleep(Duration::from_millis(100));
    vec![3; length]
}

#[test]
fn threads_that_wait_for_a_large_value_read_what_is_stored() {
    for (_dir, memory) in each_layout() {
        let barrier = Barrier::new(4);
        let sources: Vec<Source> = thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                let outcome = memory.call_info(slow::delayed(100_000));
                assert!(outcome.value == vec![3; 100_000]);
                outcome.source
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(sources.iter().filter(|source| matches!(source, Source::Miss(_))).count(), 1);
        assert_eq!(memory.stats().troubles, 0);
    }
}

#[test]
fn duplicates_in_a_batch_share_a_large_value_also_if_it_cannot_be_stored() {
    for (dir, memory) in each_layout() {
        let all = Parallel::new().jobs(2).memory(&memory).run((0..20).map(|i| slow::delayed(90_000 + i % 2)));
        assert!((0..).zip(all.unwrap()).all(|(i, value)| value == vec![3; 90_000 + i % 2]));
        assert_eq!(memory.stats().misses, 2);
        memory.clear().unwrap();
        // No blob can be stored where there is a file in place of the directory.
        fs::remove_dir_all(dir.path().join("cache/blobs")).unwrap();
        fs::write(dir.path().join("cache/blobs"), "in the way").unwrap();
        let all = Parallel::new().jobs(2).memory(&memory).run((0..20).map(|i| slow::delayed(90_000 + i % 2)));
        assert!((0..).zip(all.unwrap()).all(|(i, value)| value == vec![3; 90_000 + i % 2]));
        assert_eq!(memory.stats().misses, 4, "computed once each");
    }
}

#[memo(min_cost = "1h")]
fn cheap(length: usize) -> Vec<u64> {
    vec![length as u64; length]
}

#[test]
fn duplicates_share_a_large_value_that_is_not_worth_storing() {
    let cache = TestCache::new();
    let all = Parallel::new().jobs(2).memory(&cache.memory).run((0..20).map(|_| cheap::delayed(90_000)));
    assert!(all.unwrap().iter().all(|value| *value == vec![90_000; 90_000]));
    assert_eq!(cache.memory.stats().entries, 0);
}
