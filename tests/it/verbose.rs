//! What is said of single calls.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, delayed, memo};

use crate::processes::{expect_success, start};
use crate::progress::{on_a_terminal, screen};
use crate::support::TestCache;

#[memo]
fn fit(seed: u64, kind: &str) -> u64 {
    assert!(kind != "bad", "no data");
    thread::sleep(Duration::from_millis(5));
    seed
}

#[memo]
fn chatty(seed: u64) -> u64 {
    thread::sleep(Duration::from_millis(20));
    println!("out {seed}");
    eprintln!("err {seed}");
    seed
}

/// An error that says nothing.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("words fail")
    }
}

impl std::error::Error for Unspeakable {}

/// What the other process does.
pub fn play(role: &str, cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    let parallel = Parallel::new().jobs(2).memory(&memory);
    match role.rsplit_once(' ') {
        Some(("level", level)) => {
            parallel.run((0..3).map(|seed| fit::delayed(seed, "ridge"))).unwrap();
            let parallel = parallel.verbose(level.parse().unwrap());
            let ridges = (0..6).chain([5]).map(|seed| fit::delayed(seed, "ridge"));
            let calls = ridges.chain([fit::delayed(7, "bad")]);
            let results = parallel.keep_going(true).run_all(calls);
            assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7);
        }
        Some(("unsized", level)) => {
            let parallel = parallel.verbose(level.parse().unwrap());
            let calls = (0..20).filter(|seed| seed % 2 == 0).map(|seed| fit::delayed(seed, "ridge"));
            parallel.jobs(1).window(4).stream(calls).for_each(|value| assert!(value.is_ok()));
        }
        Some(("failing", level)) => {
            let parallel = parallel.verbose(level.parse().unwrap()).retries(1);
            let unspeakable = Parallel::new().memory(&memory).verbose(1);
            assert_eq!(unspeakable.try_run([delayed(|| Err::<(), _>(Unspeakable))]).unwrap_err().index(), 0);
            let parallel = parallel.retry_if(|error: &String| error == "busy");
            let calls =
                ["busy", "no\nway"].map(|text| delayed(|| Err::<(), _>(text.to_owned())).repeatable());
            parallel.jobs(1).keep_going(true).try_run(calls).unwrap_err();
        }
        Some(("beside a bar", level)) => {
            rememo::init();
            let parallel = parallel.progress(true).verbose(level.parse().unwrap());
            parallel.run((0..40).map(|seed| fit::delayed(seed, "lasso"))).unwrap();
            #[cfg(target_os = "linux")]
            {
                let parallel = parallel.executor(rememo::Executor::processes());
                parallel.run((0..20).map(chatty::delayed)).unwrap();
                // What was written passes through another process and a thread.
                thread::sleep(Duration::from_millis(300));
            }
        }
        Some(("workers", level)) => {
            rememo::init();
            #[cfg(target_os = "linux")]
            let parallel = parallel.executor(rememo::Executor::processes().pass_output(false));
            let nested = parallel.clone().verbose(10);
            parallel.verbose(level.parse().unwrap()).run((0..3).map(chatty::delayed)).unwrap();
            // Inside of a task nothing is said.
            let outer = Parallel::new().jobs(1).memory(&memory);
            outer.run([delayed(|| nested.run((3..5).map(chatty::delayed)).unwrap())]).unwrap();
        }
        _ => panic!("nobody plays {role}"),
    }
}

/// The lines on the standard output and error of a process of a role.
fn lines(role: &str) -> (Vec<String>, Vec<String>) {
    let cache = TestCache::new();
    let child = expect_success(&mut start(&format!("verbose {role}"), &cache.root()));
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
    (lines(&child.stdout), lines(&child.stderr))
}

/// The lines that speak of a call, with its name made short.
fn of_calls(lines: &[String]) -> Vec<String> {
    let name = fit::info().name();
    let is_of_call = |line: &&String| line.contains("done, ");
    lines.iter().filter(is_of_call).map(|line| line.replace(name, "fit")).collect()
}

fn count(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn each_level_says_more_than_the_one_before() {
    for (level, computed, hits) in [(0, 0, 0), (1, 1, 0), (9, 2, 0), (10, 3, 0), (20, 3, 4)] {
        let (_, stderr) = lines(&format!("level {level}"));
        let said = of_calls(&stderr);
        assert_eq!(count(&said, " computed in "), computed, "{level}: {stderr:?}");
        assert_eq!(count(&said, " remembered") + count(&said, " merged "), hits, "{level}: {stderr:?}");
        assert_eq!(count(&said, " panicked at "), usize::from(level > 0), "{level}: {stderr:?}");
        let last = "3 of 8 remembered, 3 computed, 1 merged, 1 failed, took ";
        assert_eq!(count(&stderr, last), usize::from(level > 0), "{level}: {stderr:?}");
        assert_eq!(said.len(), computed + hits + usize::from(level > 0));
    }
}

#[test]
fn a_line_says_how_far_it_is_what_was_called_how_it_ended_and_how_long_it_took() {
    let (_, stderr) = lines("level 20");
    let said = of_calls(&stderr);
    // Of two equal ones either is computed.
    let computed = if count(&said, ": task 5 (`fit(5, \"ridge\")`) computed in ") == 1 { 5 } else { 6 };
    let merged = format!(": task {} (`fit(5, \"ridge\")`) merged with an equal one", 11 - computed);
    assert_eq!(count(&said, &merged), 1, "{said:?}");
    for seed in 3..5 {
        let call = format!(": task {seed} (`fit({seed}, \"ridge\")`) computed in ");
        let line = said.iter().find(|line| line.contains(&call)).unwrap_or_else(|| panic!("{stderr:?}"));
        assert!(line.contains(" of 8 done, 0.") && line.ends_with(" ms"), "{line}");
    }
    assert_eq!(count(&said, ": task 0 (`fit(0, \"ridge\")`) remembered"), 1, "{said:?}");
    assert_eq!(count(&said, ": task 7 (`fit(7, \"bad\")`) panicked at "), 1, "{said:?}");
    assert_eq!(count(&said, ": no data"), 1, "{said:?}");
    assert_eq!(count(&said, "8 of 8 done, "), 1, "{said:?}");
}

#[test]
fn above_fifty_it_goes_to_the_standard_output() {
    let (stdout, stderr) = lines("level 51");
    assert_eq!((of_calls(&stdout).len(), of_calls(&stderr).len()), (8, 0), "{stdout:?} {stderr:?}");
    assert_eq!(count(&stdout, "3 of 8 remembered, "), 1);
}

#[test]
fn what_is_tried_again_and_what_returns_an_err_is_told() {
    let (_, stderr) = lines("failing 1");
    assert_eq!(count(&stderr, "1 of 1 done, 0.0s: task 0 failed: "), 1, "{stderr:?}");
    assert_eq!(count(&stderr, "0 of 1 remembered, 1 failed, took "), 1, "{stderr:?}");
    assert_eq!(count(&stderr, ": task 0 returned an error, attempt 1 of 2, tried again"), 1, "{stderr:?}");
    assert_eq!(count(&stderr, ": task 0 failed: busy"), 1, "{stderr:?}");
    assert_eq!(count(&stderr, ": task 1 failed: no way"), 1, "on one line: {stderr:?}");
    assert_eq!(count(&stderr, "0 of 2 remembered, 2 failed, 1 tried again, took "), 1, "{stderr:?}");
}

#[test]
fn an_input_of_unknown_length_has_at_least_what_was_drawn() {
    let (_, stderr) = lines("unsized 10");
    let said = of_calls(&stderr);
    assert_eq!(said.len(), 10, "{stderr:?}");
    assert!(said[0].starts_with("1 of at least "), "{said:?}");
    assert_eq!(count(&stderr, "0 of 10 remembered, 10 computed, took "), 1, "{stderr:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn calls_in_worker_processes_are_spoken_of_and_those_inside_of_a_task_are_not() {
    let (stdout, stderr) = lines("workers 10");
    let said = of_calls(&stderr);
    assert_eq!(said.len(), 3, "{stderr:?}");
    for seed in 0..3 {
        assert_eq!(count(&said, &format!("::chatty({seed})`) computed in ")), 1, "{said:?}");
    }
    assert_eq!(count(&stdout, "out "), 0, "not passed on");
}

#[test]
fn beside_a_bar_every_line_is_whole() {
    let cache = TestCache::new();
    let child: Command = start("verbose beside a bar 10", &cache.root());
    let Some(written) = on_a_terminal(&child) else { return };
    if cfg!(feature = "progress") {
        assert!(written.contains("[="), "{written:?}");
    }
    let shown = screen(&written);
    let name = fit::info().name();
    let end = |line: &str, what: &str| line.find(what).map(|at| line[at..].to_owned());
    for seed in 0..40 {
        let call = format!("task {seed} (`{name}({seed}, \"lasso\")`) computed in ");
        let lines: Vec<_> = shown.iter().filter_map(|line| end(line, &call).map(|_| line)).collect();
        assert_eq!(lines.len(), 1, "{call}: {shown:#?}");
        assert!(lines[0].contains(" of 40 done, ") && lines[0].ends_with("ms"), "{lines:?}");
        assert!(lines[0].starts_with(|c: char| c.is_ascii_digit()), "{lines:?}");
    }
    if cfg!(target_os = "linux") {
        for seed in 0..20 {
            for stream in ["out", "err"] {
                let whole = |line: &&String| {
                    line.starts_with("[worker ") && line.ends_with(&format!(" {stream} {seed}"))
                };
                assert_eq!(shown.iter().filter(whole).count(), 1, "{stream} {seed}: {shown:#?}");
            }
        }
    }
    for last in ["40 computed, took ", "20 computed, took "] {
        assert_eq!(shown.iter().filter(|line| line.contains(last)).count(), 1, "{shown:#?}");
    }
}
