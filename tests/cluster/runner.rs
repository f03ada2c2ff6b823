//! Runs scenarios side by side: many more than there are cores, since they wait most of the time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

/// What a scenario is called, and what it does; it fails by a panic.
pub type Scenario = (&'static str, fn());

/// Each has some five daemons, and on nodes that it says it has, some six workers.
const AT_ONCE: usize = 8;

/// Runs those whose name contains a word of the command line, or all; with `--exact`, those that have the name. Says of each how it
/// ended. `--list` names them, as the standard harness does.
pub fn run(scenarios: &[Scenario]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_meant = |name: &str, word: &str| if has("--exact") { name == word } else { name.contains(word) };
    let asked: Vec<_> = scenarios
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| is_meant(name, word)))
        .filter(|_| !has("--ignored"))
        .collect();
    if has("--list") {
        for (name, _) in &asked {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} scenarios", asked.len());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((name, scenario)) = asked.get(next.fetch_add(1, Relaxed)) {
            let started = Instant::now();
            let ended = catch_unwind(AssertUnwindSafe(scenario));
            let how = if ended.is_ok() { "ok" } else { "FAILED" };
            println!("test {name} ... {how} ({:.1} s)", started.elapsed().as_secs_f64());
            if ended.is_err() {
                failed.lock().unwrap().push(*name);
            }
        }
    };
    thread::scope(|scope| {
        for number in 0..AT_ONCE.min(asked.len()) {
            let builder = thread::Builder::new().name(format!("scenarios {number}"));
            builder.spawn_scoped(scope, work).unwrap();
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("\ntest result: {} passed, {} failed {failed:?}", asked.len() - failed.len(), failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
