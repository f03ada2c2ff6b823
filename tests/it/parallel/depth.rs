//! How deep batches and memoized functions may be inside one another, and what a level of that takes of the stack.

use std::hint::black_box;
use std::ptr;
use std::sync::Mutex;

use rememo::{Parallel, delayed, memo};

use crate::support::TestCache;

/// Threads of a pool have so many bytes of stack, unless it is set.
const STACK: usize = 8 << 20;

/// Where the stack was at each level.
#[derive(Debug)]
struct Levels(Mutex<Vec<usize>>);

impl Levels {
    const fn new() -> Self {
        Levels(Mutex::new(Vec::new()))
    }

    #[inline(never)]
    fn note(&self) {
        let local = 0_u8;
        self.0.lock().unwrap().push(ptr::from_ref(black_box(&local)).addr());
    }

    /// Bytes from one level to the next.
    fn bytes_each(&self) -> usize {
        let levels = self.0.lock().unwrap();
        (levels[0] - levels[levels.len() - 1]) / (levels.len() - 1)
    }
}

/// One thread, so that all is on its stack.
fn one_thread() -> Parallel {
    Parallel::new().jobs(1)
}

static BATCHES: Levels = Levels::new();

fn batches(depth: u64) -> u64 {
    BATCHES.note();
    if depth == 0 { 0 } else { one_thread().run([delayed(move || batches(depth - 1))]).unwrap()[0] + 1 }
}

static MEMOIZED: Levels = Levels::new();

#[memo]
fn memoized_batches(depth: u64) -> u64 {
    MEMOIZED.note();
    if depth == 0 { 0 } else { one_thread().run([memoized_batches::delayed(depth - 1)]).unwrap()[0] + 1 }
}

static RECURSION: Levels = Levels::new();

#[memo]
fn recursion(depth: u64) -> u64 {
    RECURSION.note();
    if depth == 0 { 0 } else { recursion(depth - 1) + 1 }
}

#[test]
fn a_thousand_batches_are_inside_one_another_on_the_stack_of_one_thread() {
    let depth = if cfg!(debug_assertions) { 300 } else { 1000 };
    let cache = TestCache::new();
    let plain = |parallel: Parallel, depth: u64| {
        assert_eq!(parallel.run([delayed(move || batches(depth))]).unwrap(), [depth]);
    };
    let memoized = |parallel: Parallel, depth: u64| {
        assert_eq!(parallel.run([memoized_batches::delayed(depth)]).unwrap(), [depth]);
    };
    let parallel = || one_thread().memory(&cache.memory);
    plain(parallel().stack_size(64 << 20), 50);
    memoized(parallel().stack_size(64 << 20), 50);
    for (what, levels, stack) in [("batches", &BATCHES, STACK), ("memoized batches", &MEMOIZED, 2 * STACK)] {
        let bytes = levels.bytes_each();
        println!("{what}: {bytes} bytes of stack a level");
        assert!(bytes < stack / (depth + depth / 10) as usize, "{what}: {bytes} bytes of stack a level");
    }
    cache.memory.clear().unwrap();
    plain(parallel(), depth);
    memoized(parallel().stack_size(2 * STACK), depth);
}

/// Regression: each level held a lease, whose descriptors ran out, and the stack of a thread of 2 MiB was full after 925 levels
/// (243 of a build without optimisations).
#[test]
fn a_memoized_function_that_calls_itself_goes_as_deep_as_ever() {
    let depth = if cfg!(debug_assertions) { 243 } else { 925 };
    let cache = TestCache::new();
    let run = |depth: u64, stack: usize| {
        let parallel = one_thread().memory(&cache.memory).stack_size(stack);
        assert_eq!(parallel.run([recursion::delayed(depth)]).unwrap(), [depth]);
    };
    run(50, 64 << 20);
    let bytes = RECURSION.bytes_each();
    println!("recursion: {bytes} bytes of stack a level");
    assert!(bytes < (2 << 20) / depth as usize, "{bytes} bytes of stack a level");
    cache.memory.clear().unwrap();
    run(depth, 2 << 20);
    assert_eq!(cache.memory.stats().troubles, 0);
    // Threads have more by default.
    let parallel = one_thread().memory(&cache.memory);
    assert_eq!(parallel.run([recursion::delayed(3 * depth)]).unwrap(), [3 * depth]);
}
