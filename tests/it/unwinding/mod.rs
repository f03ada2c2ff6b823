//! Panics where nobody expects them: in the `Drop` of what a task panicked with, of arguments and
//! of values, in the program's logger. None ends a batch, hangs a wait or takes another call's
//! value along. And the end of a thread, when its locals are gone.
//!
//! Where a test guards against an abort, it has a process of its own.

mod drops;
mod ending;
mod executor;
mod input;
mod logger;
mod payloads;

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rememo::{Call, Memory, Parallel, TaskError, as_completed};

use crate::processes::start;

/// Plays a part in a process of its own.
pub fn play(role: &str, cache: &Path) {
    match role.split_once(' ') {
        Some(("payload", role)) => payloads::play(role),
        Some(("drop", role)) => drops::play(role, cache),
        Some(("logger", role)) => logger::play(role, cache),
        Some(("ending", role)) => ending::play(role, cache),
        _ => panic!("no such role: {role}"),
    }
}

/// Plays a part in a process of its own, which has to end well within a minute.
#[track_caller]
fn expect(role: &str) {
    expect_with(role, &[]);
}

/// The same, with environment variables.
#[track_caller]
fn expect_with(role: &str, variables: &[(&str, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = start(&format!("unwinding {role}"), &dir.path().join("cache"));
    // Thousands of panics are printed, which nobody wants to see unless something is wrong.
    let output = dir.path().join("output");
    command.envs(variables.iter().copied()).stderr(File::create(&output).unwrap());
    let end_of_output = || {
        let text = fs::read(&output).unwrap();
        String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned()
    };
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_mins(1) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{role} hangs: {}", end_of_output());
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{role}: {status}: {}", end_of_output());
}

/// What came of calls, in the order of the input.
type Results<T> = Vec<Result<T, TaskError>>;

/// Runs the calls that `make` makes in every way there is to run all of them, on one thread and on
/// several, and hands what came of them to `check` together with the name of the way.
fn in_every_way<C, T>(memory: &Memory, make: impl Fn() -> Vec<C>, check: impl Fn(&str, Results<T>))
where
    C: Call<Output = T> + Send + 'static,
    T: Send + 'static,
{
    for jobs in [1, 2, 4] {
        let parallel = Parallel::new().jobs(jobs).memory(memory).keep_going(true);
        check(&format!("run_all on {jobs}"), parallel.run_all(make()));
        check(&format!("stream on {jobs}"), parallel.stream(make()).collect());
        let small = parallel.clone().window(8);
        check(&format!("stream with a small window on {jobs}"), small.stream(make()).collect());
        let unordered = in_order(parallel.stream_unordered(make()));
        check(&format!("stream_unordered on {jobs}"), unordered);
        let submit = || -> Vec<_> { make().into_iter().map(|call| parallel.submit(call)).collect() };
        let waited = submit().into_iter().map(rememo::Task::wait).collect();
        check(&format!("wait on {jobs}"), waited);
        check(&format!("as_completed on {jobs}"), in_order(as_completed(submit())));
    }
}

fn in_order<T>(results: impl Iterator<Item = (usize, Result<T, TaskError>)>) -> Results<T> {
    let mut results: Vec<_> = results.collect();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
