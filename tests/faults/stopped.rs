//! Processes that are stopped (Ctrl-Z), and programs that outlive those who started them.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rememo::{Layout, Memory, memo};
use rustix::process::{Pid, Signal, kill_process};

use crate::actor::{Play, value};
use crate::model::Model;

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Takes as long as the environment says, and says when it begins.
#[memo(name = "faults::slow", track = "none")]
fn slow(number: u64) -> u64 {
    println!("computes {number}");
    thread::sleep(Duration::from_millis(env::var("REMEMO_FAULTS_MILLIS").unwrap().parse().unwrap()));
    number + 1
}

/// Starts a program that lives on, and returns.
#[memo(name = "faults::daemon", track = "none")]
fn daemon(number: u64) -> u64 {
    let sleep = Command::new("sh").args(["-c", "sleep 20 & echo started"]).stdout(Stdio::piped()).spawn();
    let mut line = String::new();
    BufReader::new(sleep.unwrap().stdout.take().unwrap()).read_line(&mut line).unwrap();
    // Long enough for a lease.
    thread::sleep(Duration::from_millis(50));
    number + 1
}

#[test]
#[ignore = "the other process of other tests, started by them"]
fn caller() {
    let Some(root) = env::var_os("REMEMO_FAULTS_ROOT") else { return };
    let memory = Memory::open(root).unwrap();
    if env::var_os("REMEMO_FAULTS_DAEMON").is_some() {
        assert_eq!(memory.call(daemon::delayed(1)), 2);
        println!("returned");
        return;
    }
    assert_eq!(memory.call(slow::delayed(1)), 2);
    println!("returned");
}

fn start_caller(root: &Path, millis: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "stopped::caller", "--nocapture"])
        .env("REMEMO_FAULTS_ROOT", root)
        .env("REMEMO_FAULTS_MILLIS", millis.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads lines until one contains the text.
fn wait_for(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) {
    assert!(lines.any(|line| line.unwrap().contains(text)), "it ended without `{text}`");
}

/// Reads all that a process says until it ends well; one line must contain the text.
fn expect_end(child: Child, text: &str) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(text),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn who_waits_for_a_stopped_process_says_so_and_goes_on_when_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    let mut holder = start_caller(&root, 60_000).spawn().unwrap();
    wait_for(&mut BufReader::new(holder.stdout.take().unwrap()).lines(), "computes 1");
    signal(&holder, Signal::STOP);
    let mut waiter = start_caller(&root, 1).spawn().unwrap();
    let mut said = BufReader::new(waiter.stderr.take().unwrap()).lines();
    wait_for(&mut said, &format!("process {} (", holder.id()));
    holder.kill().unwrap();
    holder.wait().unwrap();
    expect_end(waiter, "returned");
    said.for_each(drop);
}

#[test]
fn a_program_that_a_function_started_keeps_no_lease() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    let call = || start_caller(&root, 1).env("REMEMO_FAULTS_DAEMON", "1").spawn().unwrap();
    let started = Instant::now();
    for _ in 0..2 {
        let mut caller = call();
        // Not until its output ends, which the program has, too.
        wait_for(&mut BufReader::new(caller.stdout.take().unwrap()).lines(), "returned");
        caller.wait().unwrap();
        Memory::open(&root).unwrap().clear().unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(15), "it waited for the program's end");
}

/// Others go on storing while one process verifies, or grows the index, and is stopped at any moment of it.
#[test]
fn a_process_that_is_stopped_at_any_moment_stops_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    let mut known = Model::default();
    Play::new("store grow", &root, Layout::Log).run_well(&mut known);
    let memory = Memory::open(&root).unwrap();
    let mut next = 20_000;
    for round in 0..if crate::calls::is_long() { 300 } else { 12 } {
        let script = ["verify verify verify verify", "grow verify", "litter", "forget grow"][round % 4];
        let mut child =
            Play::new(script, &root, Layout::Log).command(&[]).stdout(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(8_000 + (round as u64 * 7919) % 40_000));
        signal(&child, Signal::STOP);
        // Who would have to wait for it gives up after a while: a store may fail, and no call waits.
        let started = Instant::now();
        for number in next..next + 200 {
            assert!(memory.call(value::delayed(number)) == value::uncached(number));
        }
        next += 200;
        assert!(started.elapsed() < Duration::from_secs(50), "round {round}: {:?}", started.elapsed());
        child.kill().unwrap();
        child.wait().unwrap();
        memory.insert(&value::delayed(5), &value::uncached(5)).ok();
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(1100));
    known.entries.values_mut().for_each(|state| *state = crate::model::State::Either);
    drop(memory);
    known.check(&root, "after all");
}
