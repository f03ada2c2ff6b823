//! Arguments and values that panic when they are dropped, wherever the library drops them. While
//! something is to come of a call, a panic of its argument is that; otherwise it goes no further.

use std::mem;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, TaskErrorKind, delayed, memo};
use serde::{Deserialize, Serialize};

use super::{Results, expect, in_every_way};

/// Panics when it is dropped, unless something panics already.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(thread::panicking(), "dropped");
    }
}

#[memo(ignore(guard))]
fn square(x: u64, guard: Fragile) -> u64 {
    // Dropped here, it would be a panic of the function's own.
    mem::forget(guard);
    x * x
}

/// A value that panics when it is dropped.
#[memo]
fn fragile(x: u64) -> (u64, Fragile) {
    (x, Fragile)
}

/// Fails the first time.
fn second_time_lucky(runs: &AtomicU64, x: u64, guard: Fragile) -> u64 {
    mem::forget(guard);
    assert!(runs.fetch_add(1, SeqCst) == 1, "the first time");
    x * x
}

#[track_caller]
fn check_thrice(way: &str, results: Results<u64>) {
    let expected: Vec<u64> = (0..90).map(|i| (i / 3) * (i / 3)).collect();
    let values: Vec<u64> =
        results.into_iter().map(|result| result.unwrap_or_else(|error| panic!("{way}: {error}"))).collect();
    assert_eq!(values, expected, "{way}");
}

pub fn play(role: &str, cache: &Path) {
    match role {
        "duplicates and hits" => duplicates_and_hits(cache),
        "what a failure leaves" => what_a_failure_leaves(),
        "copies for another attempt" => copies_for_another_attempt(),
        "cancelled and forgotten" => cancelled_and_forgotten(),
        "what an input leaves" => what_an_input_leaves(),
        "values" => values(cache),
        role => panic!("no such role: {role}"),
    }
}

/// Each result is the call's own: its value, or that its argument panicked when it was dropped. Of
/// equal calls `least` have a value.
#[track_caller]
fn check_own(way: &str, results: Results<u64>, least: usize) {
    assert_eq!(results.len(), 90, "{way}");
    let mut values = [0; 30];
    for (i, result) in results.into_iter().enumerate() {
        let x = i / 3;
        match result {
            Ok(value) => {
                assert_eq!(value, (x * x) as u64, "{way}");
                values[x] += 1;
            }
            Err(error) => {
                let told = (error.kind(), error.message());
                assert_eq!(told, (TaskErrorKind::Panicked, "dropped"), "{way}");
            }
        }
    }
    assert!(values.iter().all(|&count| count >= least), "{way}: {values:?}");
}

/// Each call has two duplicates; first they are computed, then found.
fn duplicates_and_hits(cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    let make = || (0..90).map(|i| square::delayed(i / 3, Fragile)).collect();
    let make_anew = || {
        memory.clear().unwrap();
        make()
    };
    in_every_way(&memory, make_anew, |way, results| check_own(way, results, 1));
    let misses = memory.stats().misses;
    in_every_way(&memory, make, |way, results| check_own(way, results, 0));
    assert_eq!(memory.stats().misses, misses, "what was computed beside the failures was kept");
}

fn what_a_failure_leaves() {
    for jobs in [1, 2, 4] {
        let parallel = Parallel::new().jobs(jobs).memory(&Memory::disabled());
        let calls = || {
            (0..3000_u64).map(|i| {
                let guard = Fragile;
                delayed(move || {
                    mem::forget(guard);
                    assert!(i != 10, "stop here");
                    i
                })
            })
        };
        let error = parallel.run(calls()).unwrap_err();
        assert_eq!(error.task().unwrap().message(), "stop here");
        // What stood before the failure and had not begun is not computed any more.
        let mut results: Vec<_> = parallel.stream(calls()).collect();
        assert_eq!(results.pop().unwrap().unwrap_err().message(), "stop here");
        let values: Vec<u64> = results.into_iter().map(Result::unwrap).collect();
        assert!(values.len() <= 10 && values.iter().zip(0..).all(|(&value, i)| value == i), "{values:?}");
        parallel.stream(calls()).take(5).for_each(drop);
        for (index, result) in parallel.stream_unordered(calls()).take(5) {
            assert_eq!(result.ok(), (index != 10).then_some(index as u64));
        }
    }
}

/// Panics when it is dropped, also while something panics already.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("dropped while something panics");
    }
}

/// The input panics while arguments wait and results are there: nothing else reaches the caller.
fn what_an_input_leaves() {
    // Of a panic inside a panic the usual one prints the whole stack, which takes long.
    panic::set_hook(Box::new(|_| ()));
    for jobs in [1, 2, 4] {
        let parallel = Parallel::new().jobs(jobs).memory(&Memory::disabled());
        let calls = || {
            (0..3000_u64).map(|i| {
                assert!(i < 2000, "no more input");
                let guard = Explosive;
                delayed(move || {
                    thread::sleep(Duration::from_micros(100));
                    guard
                })
            })
        };
        let expect = |way: &str, run: &dyn Fn()| {
            let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"no more input"), "{way} on {jobs}");
        };
        expect("run", &|| drop(parallel.run(calls())));
        expect("run_all", &|| drop(parallel.run_all(calls())));
        expect("stream", &|| parallel.stream(calls()).for_each(mem::forget));
        expect("stream_unordered", &|| parallel.stream_unordered(calls()).for_each(mem::forget));
    }
}

fn copies_for_another_attempt() {
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).retries(3);
    let call = |x: u64| {
        let (runs, guard) = (Arc::new(AtomicU64::new(0)), Fragile);
        delayed(move || second_time_lucky(&runs, x, guard)).repeatable()
    };
    let results = parallel.clone().keep_going(true).run_all((0..20).map(call));
    let waited = (0..20).map(|x| parallel.submit(call(x)).wait());
    for result in results.into_iter().chain(waited) {
        // The copy that was kept beside the attempt that went well.
        assert_eq!(result.unwrap_err().message(), "dropped");
    }
}

fn cancelled_and_forgotten() {
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled());
    let slow = parallel.submit(delayed(|| thread::sleep(Duration::from_millis(100))));
    let tasks: Vec<_> = (0..20)
        .map(|x| {
            let guard = Fragile;
            parallel.submit(delayed(move || {
                mem::forget(guard);
                x
            }))
        })
        .collect();
    let cancelled: Vec<bool> = tasks.iter().step_by(2).map(rememo::Task::cancel).collect();
    assert!(cancelled.contains(&true), "{cancelled:?}");
    for (x, task) in tasks.into_iter().enumerate() {
        match task.wait() {
            Ok(value) => assert_eq!(value, x),
            Err(error) => assert_eq!(error.kind(), TaskErrorKind::Cancelled),
        }
    }
    slow.wait().unwrap();
    // Values of tasks that nobody waits for.
    drop((0..20).map(|_| parallel.submit(delayed(|| Fragile))).collect::<Vec<_>>());
    assert_eq!(parallel.submit(delayed(|| 7)).wait(), Ok(7));
}

fn values(cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    let make = || (0..90).map(|i| fragile::delayed(i / 3)).collect();
    let check = |way: &str, results: Results<(u64, Fragile)>| {
        let values = results.into_iter().map(|result| {
            let (x, guard) = result.unwrap_or_else(|error| panic!("{way}: {error}"));
            mem::forget(guard);
            Ok(x * x)
        });
        check_thrice(way, values.collect());
    };
    in_every_way(&memory, make, check);
    let parallel = Parallel::new().jobs(2).memory(&memory);
    for ordered in [true, false] {
        let calls = (0..500).map(|x| fragile::delayed(x + 100));
        // What is ready is not delivered.
        let first = if ordered {
            parallel.stream(calls).next().unwrap()
        } else {
            parallel.stream_unordered(calls).next().unwrap().1
        };
        mem::forget(first.unwrap());
    }
    let failing = (0..200_u64).map(|x| {
        delayed(move || {
            assert!(x != 150, "stop here");
            Fragile
        })
    });
    assert_eq!(parallel.run(failing).unwrap_err().task().unwrap().message(), "stop here");
}

#[test]
fn arguments_of_duplicates_and_of_hits() {
    expect("drop duplicates and hits");
}

#[test]
fn arguments_that_a_failure_or_a_dropped_stream_leaves() {
    expect("drop what a failure leaves");
}

#[test]
fn arguments_and_values_that_a_panic_of_the_input_leaves() {
    expect("drop what an input leaves");
}

#[test]
fn copies_that_were_made_for_another_attempt() {
    expect("drop copies for another attempt");
}

#[test]
fn arguments_and_values_of_tasks_that_were_cancelled_or_forgotten() {
    expect("drop cancelled and forgotten");
}

#[test]
fn values_that_are_shared_or_not_delivered() {
    expect("drop values");
}
