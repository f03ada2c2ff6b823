//! The order in which the calls of a batch start.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use std::{iter, thread};

use rememo::{Memory, Parallel, memo};

use crate::support::TestCache;

/// The calls that have started, in order.
type Started = Mutex<Vec<u64>>;

fn take(started: &Started) -> Vec<u64> {
    std::mem::take(&mut started.lock().unwrap())
}

/// How long each call took, by its argument: of the entries of the function of this name.
fn times(memory: &Memory, function: &str) -> HashMap<u64, Duration> {
    let entries = memory.entries().unwrap();
    let entries = entries.iter().filter(|entry| entry.function() == function);
    entries.map(|entry| (entry.arguments().parse().unwrap(), entry.compute_time())).collect()
}

fn longest_first(times: &HashMap<u64, Duration>) -> Vec<u64> {
    let mut order: Vec<u64> = times.keys().copied().collect();
    order.sort_by_key(|x| (std::cmp::Reverse(times[x]), *x));
    order
}

/// The argument of a call that ends when all calls of its batch are drawn. So the others are known before one of them starts.
const FIRST: u64 = 1000;

/// Whether all are drawn.
type Drawn = AtomicBool;

/// The inputs behind a first call.
fn behind_first(inputs: Range<u64>, drawn: &Drawn) -> impl Iterator<Item = u64> {
    let end = iter::from_fn(|| {
        drawn.store(true, SeqCst);
        None
    });
    iter::once(FIRST).chain(inputs).chain(end)
}

/// What the first call does.
fn wait_until(drawn: &Drawn) {
    while !drawn.load(SeqCst) {
        thread::yield_now();
    }
}

/// Takes 2 to 14 ms.
fn work(x: u64) -> u64 {
    thread::sleep(Duration::from_millis(2 + x * 5 % 13));
    x
}

mod before {
    #[rememo::memo(name = "order: changed")]
    pub fn changed(x: u64) -> u64 {
        super::work(x)
    }
}

mod after {
    pub static STARTED: super::Started = super::Started::new(Vec::new());
    pub static DRAWN: super::Drawn = super::Drawn::new(false);

    #[rememo::memo(name = "order: changed")]
    pub fn changed(x: u64) -> u64 {
        STARTED.lock().unwrap().push(x);
        if x == super::FIRST {
            super::wait_until(&DRAWN);
        }
        super::work(x) + 1
    }
}

#[test]
fn after_a_change_of_code_what_took_longest_starts_first_and_what_is_unknown_before_that() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    parallel.run((0..40).map(before::changed::delayed)).unwrap();
    let known = longest_first(&times(&cache.memory, "order: changed"));
    assert_eq!(known.len(), 40);
    assert!(!known.is_sorted());
    // As another process would: it reads the records anew.
    let parallel = Parallel::new().jobs(1).memory(&cache.reopen());
    let inputs = behind_first(0..50, &after::DRAWN);
    let values = parallel.run(inputs.map(after::changed::delayed)).unwrap();
    let in_order = iter::once(FIRST).chain(0..50).map(|x| x + 1);
    assert!(values.into_iter().eq(in_order), "values come in the order of the input");
    let expected: Vec<u64> = iter::once(FIRST).chain(40..50).chain(known).collect();
    assert_eq!(take(&after::STARTED), expected);
}

mod streamed {
    pub static STARTED: super::Started = super::Started::new(Vec::new());

    #[rememo::memo(name = "order: streamed", version = 1)]
    pub fn before(x: u64) -> u64 {
        super::work(x)
    }

    #[rememo::memo(name = "order: streamed", version = 2)]
    pub fn after(x: u64) -> u64 {
        STARTED.lock().unwrap().push(x);
        super::work(x)
    }
}

#[test]
fn a_stream_starts_its_calls_in_the_order_of_the_input() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    parallel.run((0..20).map(streamed::before::delayed)).unwrap();
    let parallel = Parallel::new().jobs(1).memory(&cache.reopen());
    parallel.stream((0..20).map(streamed::after::delayed)).for_each(drop);
    assert!(take(&streamed::STARTED).into_iter().eq(0..20));
}

#[test]
fn of_expired_entries_what_took_longest_starts_first() {
    static STARTED: Started = Started::new(Vec::new());
    static DRAWN: Drawn = Drawn::new(false);
    #[memo(ttl = "1ms", name = "order: expired")]
    fn expired(x: u64) -> u64 {
        STARTED.lock().unwrap().push(x);
        if x == FIRST {
            wait_until(&DRAWN);
        }
        work(x)
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    parallel.run((0..20).map(expired::delayed)).unwrap();
    assert!(take(&STARTED).into_iter().eq(0..20), "of what is not known the order is that of the input");
    let known = longest_first(&times(&cache.memory, "order: expired"));
    thread::sleep(Duration::from_millis(20));
    parallel.run(behind_first(0..20, &DRAWN).map(expired::delayed)).unwrap();
    let expected: Vec<u64> = iter::once(FIRST).chain(known).collect();
    assert_eq!(take(&STARTED), expected);
    assert_eq!(cache.memory.stats().misses, 41);
}

#[test]
fn duplicates_and_cheap_calls_change_no_result_of_an_ordered_batch() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(3).memory(&cache.memory);
    let inputs: Vec<u64> = (0..30).chain(10..20).chain([5, 5]).collect();
    parallel.run((0..30).map(cheap_or_not::before::delayed)).unwrap();
    let parallel = Parallel::new().jobs(3).memory(&cache.reopen());
    let values = parallel.run(inputs.iter().copied().map(cheap_or_not::after::delayed)).unwrap();
    assert_eq!(values, inputs);
}

mod cheap_or_not {
    #[rememo::memo(name = "order: cheap or not", version = 1)]
    pub fn before(x: u64) -> u64 {
        if x.is_multiple_of(3) { x } else { super::work(x) }
    }

    #[rememo::memo(name = "order: cheap or not", version = 2)]
    pub fn after(x: u64) -> u64 {
        if x.is_multiple_of(3) { x } else { super::work(x) }
    }
}
