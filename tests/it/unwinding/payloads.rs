//! What a task panics with may panic again when it is dropped.

use std::panic::panic_any;

use rememo::{Memory, Parallel, TaskErrorKind, delayed};

use super::{Results, expect, in_every_way};

/// Panics when it is dropped, with another of its kind as often as it counts.
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        match self.0 {
            0 => panic!("the last bomb"),
            left => panic_any(Bomb(left - 1)),
        }
    }
}

const CALLS: u64 = 60;

fn task(x: u64, bombs: u32) -> u64 {
    if x % 7 == 3 {
        panic_any(Bomb(bombs))
    }
    x * x
}

#[track_caller]
fn check(way: &str, results: Results<u64>) {
    assert_eq!(results.len() as u64, CALLS, "{way}");
    for (x, result) in (0..).zip(results) {
        match result {
            Ok(value) => assert_eq!((value, x % 7 == 3), (x * x, false), "{way}"),
            Err(error) => {
                assert_eq!((error.kind(), x % 7), (TaskErrorKind::Panicked, 3), "{way}: {error}");
            }
        }
    }
}

pub fn play(role: &str) {
    let memory = Memory::disabled();
    match role {
        "once" => {
            for bombs in [0, 3] {
                let make = || (0..CALLS).map(|x| delayed(move || task(x, bombs))).collect();
                in_every_way(&memory, make, check);
            }
        }
        "retried" => {
            let make = || (0..CALLS).map(|x| delayed(move || task(x, 1)).repeatable());
            let parallel = Parallel::new().jobs(2).memory(&memory).retries(2);
            check("run_all", parallel.run_all(make()));
            check("wait", make().map(|call| parallel.submit(call).wait()).collect());
        }
        "stopped" => {
            for jobs in [1, 2, 4] {
                let parallel = Parallel::new().jobs(jobs).memory(&memory);
                let calls = || (0..CALLS).map(|x| delayed(move || task(x, 1)));
                let error = parallel.run(calls()).unwrap_err();
                assert_eq!(error.task().unwrap().index() % 7, 3);
                let results: Vec<_> = parallel.stream(calls()).collect();
                let (last, values) = results.split_last().unwrap();
                assert!(values.iter().all(Result::is_ok), "{results:?}");
                assert!(last.is_err(), "a stream ends with the failure that stopped it: {results:?}");
            }
        }
        role => panic!("no such role: {role}"),
    }
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_fails_its_call_alone() {
    expect("payload once");
}

#[test]
fn so_it_does_when_calls_are_tried_again() {
    expect("payload retried");
}

#[test]
fn so_it_does_when_a_failure_stops_the_batch() {
    expect("payload stopped");
}
