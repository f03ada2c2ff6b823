//! Hits that are computed again and compared.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rememo::{Executor, Memory, MissReason, Parallel, memo};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, hit, miss, miss_because};

/// How often functions of this process were run, for those that return it.
static RUNS: AtomicU64 = AtomicU64::new(0);

#[memo]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[memo]
fn tick(_x: u64) -> u64 {
    RUNS.fetch_add(1, Relaxed)
}

#[memo]
fn ticks(x: u64) -> Vec<f64> {
    vec![x as f64, RUNS.fetch_add(1, Relaxed) as f64]
}

#[memo]
fn process(_x: u64) -> u32 {
    std::process::id()
}

#[memo]
fn positive(_x: u64) -> Result<u64, String> {
    match RUNS.fetch_add(1, Relaxed) {
        _ if std::env::var_os("REMEMO_TEST_POSITIVE").is_none() => Ok(1),
        runs => Err(format!("run {runs}")),
    }
}

#[memo]
fn table(length: u64) -> HashMap<u64, f64> {
    (0..length).map(|i| (i, if i % 2 == 0 { f64::NAN } else { 0.5 })).collect()
}

#[memo]
fn large(length: usize) -> Vec<u64> {
    (0..length as u64).collect()
}

/// A memory on the directory of `cache` that verifies all hits.
fn verifying(cache: &TestCache) -> Memory {
    Memory::builder().dir(cache.root()).verify_hits(1.0).warnings(false).open().unwrap()
}

/// What a process tells on its standard error, whose end is a good one.
fn told(process: &mut Command) -> String {
    String::from_utf8(expect_success(process).stderr).unwrap()
}

/// What a second process does in `role`, under `REMEMO=verify`.
pub fn play(role: &str, cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    match role {
        "environment" => {
            assert_eq!(miss_because(&memory, cube::delayed(3)), (27, MissReason::Verified));
            assert_eq!(memory.stats().mismatches, 0);
            memory.call(process::delayed(3));
            assert_eq!(memory.stats().mismatches, 1);
        }
        "err" => {
            assert!(memory.call(positive::delayed(1)).is_err());
            assert_eq!((memory.stats().verified, memory.stats().mismatches), (1, 1));
        }
        _ => unreachable!("{role}"),
    }
}

#[test]
fn a_hit_that_returns_the_same_stays_as_it_is() {
    for cache in [TestCache::new(), TestCache::files()] {
        miss(&cache.memory, cube::delayed(2));
        miss(&cache.memory, large::delayed(200_000));
        let memory = verifying(&cache);
        assert_eq!(miss_because(&memory, cube::delayed(2)), (8, MissReason::Verified));
        assert_eq!(miss_because(&memory, large::delayed(200_000)).0.len(), 200_000);
        let stats = memory.stats();
        assert_eq!(
            (stats.verified, stats.mismatches, stats.hits, stats.misses, stats.stored),
            (2, 0, 0, 2, 0)
        );
        hit(&cache.memory, cube::delayed(2));
    }
}

#[test]
fn a_hit_that_returns_something_else_is_counted_and_replaced() {
    for cache in [TestCache::new(), TestCache::files()] {
        let (first, firsts) = (miss(&cache.memory, tick::delayed(1)), miss(&cache.memory, ticks::delayed(1)));
        let memory = verifying(&cache);
        let (second, seconds) = (memory.call(tick::delayed(1)), memory.call(ticks::delayed(1)));
        assert!(second != first && seconds != firsts);
        let stats = memory.stats();
        assert_eq!((stats.verified, stats.mismatches, stats.stored), (2, 2, 2));
        assert_eq!(hit(&cache.reopen(), tick::delayed(1)), second);
        assert_eq!(hit(&cache.reopen(), ticks::delayed(1)), seconds);
    }
}

#[test]
fn the_order_of_a_hash_map_and_nan_are_no_difference() {
    let cache = TestCache::new();
    let table_of = |memory: &Memory| memory.call(table::delayed(100));
    let in_order = |table: &HashMap<u64, f64>| table.keys().copied().collect::<Vec<_>>();
    let first = table_of(&cache.memory);
    let memory = verifying(&cache);
    // Of a hundred keys, two maps in one order have never been seen.
    assert_ne!(in_order(&first), in_order(&table_of(&memory)));
    assert_eq!((memory.stats().verified, memory.stats().mismatches), (1, 0));
}

#[test]
fn what_computes_nothing_verifies_nothing() {
    let cache = TestCache::new();
    miss(&cache.memory, tick::delayed(2));
    let memory = verifying(&cache);
    assert!(memory.contains(&tick::delayed(2)) && memory.lookup(&tick::delayed(2)).is_some());
    let frozen = Memory::builder().dir(cache.root()).verify_hits(1.0).frozen(true).open().unwrap();
    hit(&frozen, tick::delayed(2));
    assert_eq!((memory.stats().verified, frozen.stats().verified), (0, 0));
    assert_eq!(memory.lookup(&tick::delayed(2)), cache.memory.lookup(&tick::delayed(2)));
}

#[test]
fn batches_and_submitted_calls_verify_too() {
    let cache = TestCache::new();
    let calls = || (0..40).map(cube::delayed);
    let parallel = Parallel::new().memory(&cache.memory);
    let expected = parallel.run(calls()).unwrap();
    let memory = verifying(&cache);
    let parallel = Parallel::new().memory(&memory);
    assert_eq!(parallel.run(calls()).unwrap(), expected);
    assert_eq!(memory.stats().verified, 40);
    assert_eq!(parallel.run(calls().chain(calls())).unwrap(), [&expected[..], &expected].concat());
    // Of two equal calls one waits for the other; if that has ended by then, it is a hit again, and verified again.
    let verified = memory.stats().verified;
    assert!((80..=120).contains(&verified), "{verified}");
    assert_eq!(memory.stats().mismatches, 0);
    assert_eq!(parallel.submit(cube::delayed(4)).wait().unwrap(), 64);
    assert_eq!(memory.stats().verified, verified + 1);
    miss(&cache.memory, tick::delayed(3));
    parallel.run([tick::delayed(3)]).unwrap();
    assert_eq!(memory.stats().mismatches, 1);
}

#[test]
fn values_of_worker_processes_are_compared_too() {
    rememo::init();
    let cache = TestCache::new();
    let here = Parallel::new().memory(&cache.memory);
    here.run((0..8).map(cube::delayed)).unwrap();
    here.run((0..8).map(process::delayed)).unwrap();
    here.run([large::delayed(100_000)]).unwrap();
    let memory = verifying(&cache);
    let workers = Parallel::new().jobs(2).memory(&memory).executor(Executor::processes());
    workers.run((0..8).map(cube::delayed)).unwrap();
    workers.run([large::delayed(100_000)]).unwrap();
    assert_eq!((memory.stats().verified, memory.stats().mismatches), (9, 0));
    let there = workers.run((0..8).map(process::delayed)).unwrap();
    assert!(!there.contains(&std::process::id()));
    assert_eq!((memory.stats().verified, memory.stats().mismatches), (17, 8));
    assert_eq!(Parallel::new().memory(&cache.reopen()).run((0..8).map(process::delayed)).unwrap(), there);
}

#[test]
fn the_share_of_the_hits_is_kept() {
    let cache = TestCache::new();
    for _ in 0..2 {
        cache.memory.call(cube::delayed(5));
    }
    let memory = Memory::builder().dir(cache.root()).verify_hits(0.25).open().unwrap();
    for _ in 0..400 {
        assert_eq!(memory.call(cube::delayed(5)), 125);
    }
    let stats = memory.stats();
    assert!((99..=101).contains(&stats.verified), "{stats:?}");
    assert_eq!(stats.hits + stats.verified, 400);
}

#[test]
#[should_panic(expected = "`1.5` is no share of the hits: from 0 to 1")]
fn more_than_all_is_refused() {
    let _ = Memory::builder().verify_hits(1.5);
}

#[test]
fn the_environment_asks_for_it() {
    let cache = TestCache::new();
    miss(&cache.memory, cube::delayed(3));
    let here = miss(&cache.memory, process::delayed(3));
    let told = told(start("verify environment", &cache.root()).env("REMEMO", "verify"));
    let line = format!("process(3)` returned {here} when it was kept, and ");
    assert!(told.contains(&line), "{told}");
    assert_eq!(
        told.matches("it depends on more than its arguments and its code (told once;").count(),
        1,
        "{told}"
    );
}

#[test]
fn an_err_where_a_value_was_kept_is_a_difference() {
    let cache = TestCache::new();
    miss(&cache.memory, positive::delayed(1)).unwrap();
    let mut process = start("verify err", &cache.root());
    let told = told(process.env("REMEMO", "verify=1").env("REMEMO_TEST_POSITIVE", "no"));
    assert!(told.contains("positive(1)` returned an `Ok` when it was kept, and an `Err` when"), "{told}");
}
