//! How long do batches of short calls take on Slurm, and their first results? `submitit_peer.py` runs it beside submitit.
//!
//! Without Slurm (`sinfo` says) it runs on threads, which shows that it works. `CALLS=1` in the environment makes a batch of one call.
//! Outside of the timing: the start of this program, and opening the memory.

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rememo::{Executor, Memory, Parallel, memo};
use tempfile::TempDir;

const CALLS: usize = 2_000;

#[memo]
fn square(number: u64) -> u64 {
    thread::sleep(Duration::from_millis(1));
    number * number
}

#[rememo::main]
fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let is_here =
        Command::new("sinfo").arg("--noheader").output().is_ok_and(|answer| answer.status.success());
    let executor = if is_here && !is_test { Executor::slurm().tasks(6) } else { Executor::threads() };
    let count = std::env::var("CALLS").map_or(CALLS, |count| count.parse().expect("a number of calls"));
    let calls = || (0..count as u64).map(square::delayed);
    let is_right = |sum: u64| assert_eq!(sum, (0..count as u64).map(|number| number * number).sum::<u64>());

    // A stream makes a job of what is drawn ahead, so it can take several. It tells when the first value is there.
    let (_dir, parallel) = fresh(&executor);
    let parallel = parallel.window(count);
    let started = Instant::now();
    let mut values = parallel.stream_unordered(calls()).map(|(_, value)| value.expect("no call fails"));
    let one = values.next().expect("there is a call");
    let first = started.elapsed();
    is_right(one + values.sum::<u64>());

    // Slurm looks for what it can start about once a second: this batch begins at another time of that second than the other ended.
    thread::sleep(Duration::from_millis(1_500 + u64::from(std::process::id() % 1_000)));
    let (_dir, parallel) = fresh(&executor);
    let started = Instant::now();
    is_right(parallel.run(calls()).expect("no call fails").iter().sum());
    let all = started.elapsed();
    println!("{count} calls: first {:.3} s, all {:.3} s", first.as_secs_f64(), all.as_secs_f64());
}

/// A memory of nothing.
fn fresh(executor: &Executor) -> (TempDir, Parallel) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a new directory");
    let parallel = Parallel::new().memory(&memory).executor(executor.clone());
    (dir, parallel)
}
