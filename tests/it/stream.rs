//! Streams of results.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(target_os = "linux")]
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, delayed, memo};

#[cfg(target_os = "linux")]
use crate::processes::{expect_success, start};
use crate::support::{TestCache, within_a_minute};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[test]
fn a_stream_yields_what_run_returns_in_any_window_and_remembers_it() {
    for (jobs, window) in [(1, 1), (2, 1), (2, 3), (4, 64), (0, 2000)] {
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(jobs).window(window).memory(&cache.memory);
        let expected: Vec<u64> = (0..1500).map(|x| x * x).collect();
        let values: Vec<u64> = parallel.stream((0..1500).map(square::delayed)).map(Result::unwrap).collect();
        assert_eq!(values, expected, "{jobs} jobs, window {window}");
        let mut places = BTreeSet::new();
        for (index, result) in parallel.stream_unordered((0..1500).map(square::delayed)) {
            assert_eq!(result.unwrap(), expected[index]);
            assert!(places.insert(index), "{index} came twice");
        }
        assert_eq!(places.len(), 1500);
        let stats = cache.memory.stats();
        assert_eq!((stats.misses, stats.hits), (1500, 1500));
    }
}

#[test]
fn inputs_are_drawn_at_most_a_window_ahead_of_the_consumer() {
    static DRAWN: AtomicUsize = AtomicUsize::new(0);
    let calls = (0_usize..).map(|x| {
        DRAWN.fetch_add(1, SeqCst);
        delayed(move || x)
    });
    let stream = Parallel::new().jobs(2).window(10).memory(&Memory::disabled()).stream(calls);
    assert_eq!(DRAWN.load(SeqCst), 0, "nothing before it is asked");
    for (delivered, result) in stream.take(300).enumerate() {
        assert_eq!(result.unwrap(), delivered);
        if delivered % 50 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let drawn = DRAWN.load(SeqCst);
        assert!(drawn <= delivered + 10, "{drawn} drawn, {delivered} delivered before");
    }
}

#[test]
fn what_is_dropped_does_not_start_and_what_has_started_is_waited_for() {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn slow(x: u64) -> u64 {
        STARTED.fetch_add(1, SeqCst);
        RUNNING.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(2));
        RUNNING.fetch_sub(1, SeqCst);
        x
    }
    let cache = TestCache::new();
    let mut stream = Parallel::new().jobs(2).memory(&cache.memory).stream((0..900).map(slow::delayed));
    assert_eq!(stream.next().unwrap().unwrap(), 0);
    drop(stream);
    assert_eq!(RUNNING.load(SeqCst), 0);
    let started = STARTED.load(SeqCst);
    assert!(started < 900, "{started}");
    thread::sleep(Duration::from_millis(20));
    assert_eq!(STARTED.load(SeqCst), started, "nothing starts afterwards");
    assert_eq!(cache.memory.stats().stored, started as u64, "what has run is kept");
}

#[test]
fn a_stream_ends_with_the_first_failure_unless_it_is_to_keep_going() {
    let call = |x: u64| {
        delayed(move || {
            assert!(x % 100 != 40, "not {x}");
            x
        })
    };
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
    let results: Vec<_> = parallel.stream((0..1000).map(call)).collect();
    let (last, before) = results.split_last().unwrap();
    let error = last.as_ref().unwrap_err();
    assert_eq!((error.index() % 100, error.message()), (40, &*format!("not {}", error.index())));
    assert!(before.iter().zip(0..).all(|(result, x)| *result.as_ref().unwrap() == x));

    let results: Vec<_> = parallel.keep_going(true).stream((0..1000).map(call)).collect();
    assert_eq!(results.len(), 1000);
    for (result, x) in results.into_iter().zip(0..) {
        assert_eq!(result.ok(), (x % 100 != 40).then_some(x));
    }
}

#[test]
fn a_panic_of_the_input_reaches_who_asks_and_ends_the_stream() {
    let calls = (0..100_u64).map(|x| {
        assert!(x < 30, "no more");
        delayed(move || x)
    });
    let mut stream = Parallel::new().jobs(2).window(8).memory(&Memory::disabled()).stream(calls);
    let mut values = Vec::new();
    let panicked = loop {
        match catch_unwind(AssertUnwindSafe(|| stream.next())) {
            Ok(Some(result)) => values.push(result.unwrap()),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(panicked);
    assert!(values.iter().copied().eq(0..values.len() as u64) && values.len() >= 22, "{values:?}");
    stream.by_ref().for_each(drop);
    assert!(stream.next().is_none());
}

#[test]
fn a_stream_inside_a_task_of_a_pool_of_one_thread_finishes() {
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled());
    let inner = parallel.clone();
    let sums = parallel.run((0..3_u64).map(|x| {
        let inner = inner.clone();
        delayed(move || {
            inner.stream((0..50).map(move |y| delayed(move || x * y))).map(Result::unwrap).sum::<u64>()
        })
    }));
    assert_eq!(sums.unwrap(), [0, 1225, 2450]);
}

#[test]
fn a_key_that_another_thread_computes_does_not_stop_a_stream_of_a_small_window() {
    static HELD: Barrier = Barrier::new(2);
    #[memo]
    fn held(x: u64) -> u64 {
        if x == 7 {
            HELD.wait();
            HELD.wait();
        }
        x
    }
    for window in [1, 4] {
        let cache = TestCache::new();
        thread::scope(|scope| {
            scope.spawn(|| cache.memory.call(held::delayed(7)));
            HELD.wait();
            let parallel = Parallel::new().jobs(2).window(window).memory(&cache.memory);
            let (done, is_done) = mpsc::channel();
            scope.spawn(move || {
                let calls = [7, 7, 1, 2, 7, 3].map(held::delayed);
                done.send(parallel.stream(calls).map(Result::unwrap).collect::<Vec<u64>>()).unwrap();
            });
            thread::sleep(Duration::from_millis(20));
            HELD.wait();
            let values = is_done.recv_timeout(Duration::from_mins(1)).expect("it finishes");
            assert_eq!(values, [7, 7, 1, 2, 7, 3]);
        });
        assert_eq!(cache.memory.stats().misses, 4);
    }
}

/// Regression: a small window that was full of calls whose key somebody else computes was a stream that nobody woke.
#[test]
fn a_stream_of_any_window_goes_on_when_somebody_else_has_computed_its_keys() {
    #[memo]
    fn held(window: u64, x: u64) -> u64 {
        static HELD: Barrier = Barrier::new(2);
        if x == 100 {
            HELD.wait();
            HELD.wait();
        }
        if x == 101 {
            // The one that holds the key may end.
            HELD.wait();
        }
        window + x
    }
    for is_inside in [false, true] {
        for window in 1..=8 {
            let cache = TestCache::new();
            let memory = cache.memory.clone();
            let holder = thread::spawn(move || memory.call(held::delayed(window, 100)));
            let parallel = Parallel::new().jobs(2).window(window as usize).memory(&cache.memory);
            let inner = parallel.clone();
            let (done, is_done) = mpsc::channel();
            let consume = move || {
                // The first lets the key be computed for a while; those behind it wait for it.
                let inputs = [1, 100, 100, 100, 100, 100, 2, 3, 100, 4];
                let calls = inputs.into_iter().map(move |x| held::delayed(window, x));
                let sum: u64 = inner.stream(calls).map(|result| result.unwrap() - window).sum();
                done.send(sum).unwrap();
            };
            // It is under way before the stream begins, and ends when the stream waits.
            let begun = thread::spawn(move || held::uncached(window, 101));
            begun.join().unwrap();
            let ends = thread::spawn(move || {
                thread::sleep(Duration::from_millis(30));
                held::uncached(window, 101)
            });
            if is_inside {
                thread::spawn(move || parallel.run([delayed(consume)]).unwrap());
            } else {
                thread::spawn(consume);
            }
            let sum = is_done.recv_timeout(Duration::from_mins(1)).expect("it goes on");
            assert_eq!(sum, 1 + 2 + 3 + 4 + 600);
            ends.join().unwrap();
            holder.join().unwrap();
            assert_eq!(cache.memory.stats().misses, 5, "each was computed once");
        }
    }
}

/// Regression: results were late by as long as the input took, or by several times that.
#[test]
fn what_is_ready_is_delivered_before_a_slow_input_is_asked_again() {
    let delivered = std::sync::Arc::new(AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&delivered);
    let calls = (0..5_usize).map(move |x| {
        thread::sleep(Duration::from_millis(200));
        // When it is asked for the next one, what it gave before has long been computed.
        assert!(seen.load(SeqCst) + 1 >= x, "{x} is asked for, {seen:?} were delivered");
        delayed(move || x)
    });
    let stream = Parallel::new().jobs(4).memory(&Memory::disabled()).stream(calls);
    for (expected, result) in stream.enumerate() {
        assert_eq!(result.unwrap(), expected);
        delivered.fetch_add(1, SeqCst);
    }
    assert_eq!(delivered.load(SeqCst), 5);
}

#[memo]
#[cfg(target_os = "linux")]
fn kibibyte(x: u64) -> Vec<u8> {
    vec![x as u8; 1024]
}

/// The most memory that this process has had at once, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// What the other process does: sends many inputs through a stream, and looks at its memory after the first 10,000 and at the end.
#[cfg(target_os = "linux")]
pub fn play(role: &str, cache: &Path) {
    let parallel = Parallel::new().jobs(2).memory(&Memory::open(cache).unwrap());
    let (count, results): (u64, Box<dyn Iterator<Item = Vec<u8>>>) = match role {
        "of closures" => {
            let calls = (0..1_000_000_u64).map(|x| delayed(move || kibibyte::uncached(x)));
            (1_000_000, Box::new(parallel.stream(calls).map(Result::unwrap)))
        }
        "of memoized calls, unordered" => {
            // Misses, duplicates and hits.
            let calls = (0..100_000_u64).map(|x| kibibyte::delayed(x % 2_000));
            (100_000, Box::new(parallel.stream_unordered(calls).map(|(_, result)| result.unwrap())))
        }
        role => panic!("nobody plays {role}"),
    };
    let (mut seen, mut early) = (0, 0);
    for value in results {
        assert_eq!(value.len(), 1024);
        seen += 1;
        if seen == 10_000 {
            early = peak_kib();
        }
    }
    assert_eq!(seen, count);
    let peak = peak_kib();
    println!("{role}: {early} KiB after 10,000, {peak} KiB after {count}");
    // A window of values is 1 MiB; all of them together 976 MiB, or 98.
    assert!(peak <= early + 8 * 1024, "{early} KiB after 10,000, {peak} KiB after {count}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_million_inputs_go_through_a_stream_in_flat_memory() {
    for role in ["of closures", "of memoized calls, unordered"] {
        let cache = TestCache::new();
        let child = expect_success(&mut start(&format!("stream {role}"), &cache.root()));
        let out = String::from_utf8(child.stdout).unwrap();
        println!("{}", out.lines().find(|line| line.contains(" KiB after ")).unwrap());
    }
}

/// A stream that is given up waits for the calls that run, and one of them may wait for the call that gives the stream up.
mod given_up {
    use super::*;

    static SETTINGS: Mutex<Option<(Memory, Parallel)>> = Mutex::new(None);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static IS_WAITED_FOR: AtomicBool = AtomicBool::new(false);

    fn settings() -> (Memory, Parallel) {
        SETTINGS.lock().unwrap().clone().unwrap()
    }

    #[memo]
    fn gives_up(x: u64) -> u64 {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            let calls = [waits::delayed(0, x), waits::delayed(1, x)];
            let mut results = settings().1.stream(calls);
            assert_eq!(results.next().unwrap().unwrap(), 0);
            while !IS_WAITED_FOR.load(SeqCst) {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(20));
        }
        x
    }

    /// Waits for who gives up the stream that this call is of.
    #[memo]
    fn waits(which: u64, x: u64) -> u64 {
        if which == 0 {
            return 0;
        }
        IS_WAITED_FOR.store(true, SeqCst);
        settings().0.call(gives_up::delayed(x)) + 1
    }

    /// Regression: it hung.
    #[test]
    fn by_a_call_that_one_of_its_calls_waits_for() {
        within_a_minute(|| {
            let cache = TestCache::new();
            let parallel = Parallel::new().jobs(2).memory(&cache.memory);
            *SETTINGS.lock().unwrap() = Some((cache.memory.clone(), parallel.clone()));
            assert_eq!(parallel.submit(gives_up::delayed(7)).wait().unwrap(), 7);
            assert_eq!(RUNS.load(SeqCst), 2, "once more inside of the call that waits");
            assert_eq!(cache.memory.lookup(&waits::delayed(1, 7)), Some(8));
        });
    }
}
