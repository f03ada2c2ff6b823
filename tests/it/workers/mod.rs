//! Worker processes: values, failures one by one, and that nothing of them is left behind.
//!
//! Workers are this very test binary, started again with the test that called `rememo::init()` first.
#![cfg(target_os = "linux")]

mod failures;
mod lent;
mod lives;
mod values;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};

use rememo::{Executor, Memory, Parallel, memo};

pub use self::lives::play;

/// Two workers, for a memory.
fn workers(memory: &Memory) -> Parallel {
    Parallel::new().jobs(2).memory(memory).executor(Executor::processes())
}

/// The process that it runs in; `salt` makes calls differ.
#[memo]
fn process(salt: u64) -> u32 {
    let _ = salt;
    std::process::id()
}

/// Leaves a line in `log` for each run.
#[memo]
fn logged(x: u64, log: PathBuf) -> u64 {
    note(&log, &x.to_string());
    x * x
}

/// Appends a line to a file.
fn note(file: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Sends a signal to this process, as the kernel would.
fn signal_myself(signal: Signal) -> ! {
    // Again: Rust's own handler of SIGSEGV takes the first for one that will come back by itself, and steps aside.
    for _ in 0..100 {
        kill_process(getpid(), signal).unwrap();
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the signal {signal:?} did not end the process");
}

/// Waits until nothing is left of a process, not even a zombie.
#[track_caller]
fn expect_gone(pid: u32) {
    expect_soon(&format!("process {pid} is gone"), || !Path::new("/proc").join(pid.to_string()).exists());
}

#[track_caller]
fn expect_soon(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "not so after 30 s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
