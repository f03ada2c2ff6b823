//! Several processes, one store. The second process is this very test binary, started again for one test that does nothing
//! unless it is told to.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rememo::{Memory, Parallel, as_completed, memo};

use crate::support::{TestCache, hit};

/// Starts this binary again to run `processes::worker` in `role`.
pub fn start(role: &str, cache: &Path) -> Command {
    in_role(Command::new(env::current_exe().unwrap()), role, cache)
}

/// The same, and an interrupt ends it, even where this process was told to ignore that (as a shell tells what it runs in the
/// background).
#[cfg(target_os = "linux")]
pub fn start_interruptible(role: &str, cache: &Path) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(env::current_exe().unwrap());
    in_role(command, role, cache)
}

fn in_role(mut command: Command, role: &str, cache: &Path) -> Command {
    command
        .args(["--ignored", "--exact", "processes::worker", "--nocapture"])
        .env("REMEMO_TEST_ROLE", role)
        .env("REMEMO_TEST_CACHE", cache)
        .stdout(Stdio::null());
    command
}

/// Runs a process to its end, which must be a good one; what it printed.
#[track_caller]
pub fn expect_success(command: &mut Command) -> Output {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    output
}

#[test]
#[ignore = "the other process of other tests, started by them"]
fn worker() {
    let Ok(role) = env::var("REMEMO_TEST_ROLE") else { return };
    let cache = env::var_os("REMEMO_TEST_CACHE").unwrap();
    match role.as_str() {
        "slow calls" => {
            let memory = Memory::open(cache).unwrap();
            let values = Parallel::new().jobs(2).memory(&memory).run((0..50).map(slow::delayed)).unwrap();
            assert_eq!(values, (0..50).map(|x| x + 1000).collect::<Vec<_>>());
        }
        "slow tasks" => {
            let memory = Memory::open(cache).unwrap();
            let parallel = Parallel::new().jobs(2).memory(&memory);
            let tasks: Vec<_> = (0..50).map(|x| parallel.submit(slow::delayed(x))).collect();
            for (x, result) in as_completed(tasks) {
                assert_eq!(result.unwrap(), x as u64 + 1000);
            }
        }
        "slow calls one by one" => {
            let memory = Memory::open(cache).unwrap();
            for x in 0..50 {
                assert_eq!(memory.call(slow::delayed(x)), x + 1000);
            }
        }
        "one value" => crate::trouble::store_one(Path::new(&cache)),
        role => {
            let cache = Path::new(&cache);
            match role.split_once(' ') {
                #[cfg(target_os = "linux")]
                Some(("stream", role)) => crate::stream::play(role, cache),
                #[cfg(target_os = "linux")]
                Some(("concurrent", role)) => crate::concurrent::play(role, cache),
                Some(("frozen", role)) => crate::frozen::play(role, cache),
                Some(("bodies", role)) => crate::bodies::play(role, cache),
                Some(("verify", role)) => crate::verify::play(role, cache),
                Some(("panics", role)) => crate::parallel::panics::play(role, cache),
                Some(("progress", role)) => crate::progress::play(role, cache),
                Some(("retries", role)) => crate::retries::play(role, cache),
                Some(("verbose", role)) => crate::verbose::play(role, cache),
                Some(("unwinding", role)) => crate::unwinding::play(role, cache),
                Some(("large", role)) => crate::large::footprint::play(role, cache),
                #[cfg(feature = "zstd")]
                Some(("compressed", role)) => crate::compressed::play(role, cache),
                #[cfg(target_os = "linux")]
                Some(("array", role)) => crate::array::play(role, cache),
                #[cfg(target_os = "linux")]
                Some(("workers", role)) => crate::workers::play(role, cache),
                _ => crate::environment::play(role, cache),
            }
        }
    }
}

/// Takes a while, and leaves a line for every run in the file that the environment names.
#[memo]
fn slow(x: u64) -> u64 {
    let runs = env::var_os("REMEMO_TEST_RUNS").unwrap();
    thread::sleep(Duration::from_millis(20));
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(runs)
        .unwrap()
        .write_all(format!("{x}\n").as_bytes())
        .unwrap();
    x + 1000
}

/// How often `slow` ran to its end.
fn runs(file: &Path) -> Vec<u64> {
    let mut runs: Vec<u64> =
        fs::read_to_string(file).unwrap_or_default().lines().map(|line| line.parse().unwrap()).collect();
    runs.sort_unstable();
    runs
}

fn wait_for_success(mut child: Child) {
    assert!(child.wait().unwrap().success());
}

#[test]
fn two_processes_started_together_compute_each_call_once() {
    for role in ["slow calls", "slow calls one by one"] {
        let cache = TestCache::new();
        let file = cache.root().with_file_name("runs");
        let start = || start(role, &cache.root()).env("REMEMO_TEST_RUNS", &file).spawn().unwrap();
        let (one, other) = (start(), start());
        wait_for_success(one);
        wait_for_success(other);
        assert_eq!(runs(&file), (0..50).collect::<Vec<_>>(), "{role}");
        cache.expect_tidy();
    }
}

/// The one that is killed loses at most the calls that it was running: those run again, but all others once.
#[test]
fn a_process_killed_halfway_loses_only_what_it_was_running() {
    for role in ["slow calls", "slow calls one by one"] {
        let cache = TestCache::new();
        let file = cache.root().with_file_name("runs");
        let start = || start(role, &cache.root()).env("REMEMO_TEST_RUNS", &file).spawn().unwrap();
        let (mut victim, other) = (start(), start());
        let deadline = Instant::now() + Duration::from_mins(1);
        while runs(&file).len() < 20 {
            assert!(Instant::now() < deadline, "nothing runs");
            thread::sleep(Duration::from_millis(2));
        }
        victim.kill().unwrap(); // SIGKILL
        victim.wait().unwrap();
        let again = start();
        wait_for_success(other);
        wait_for_success(again);
        let runs = runs(&file);
        // A call may have run to its end just before the kill and not been stored: one for each thread of the victim.
        let threads = if role == "slow calls" { 2 } else { 1 };
        assert!((50..=50 + threads).contains(&runs.len()), "{} runs for 50 calls", runs.len());
        let mut distinct = runs;
        distinct.dedup();
        assert_eq!(distinct, (0..50).collect::<Vec<_>>());
        let memory = cache.reopen();
        for x in 0..50 {
            hit(&memory, slow::delayed(x));
        }
        assert_eq!(memory.verify().unwrap().damaged.len(), 0);
    }
}

/// Ctrl-C in the middle of a batch: nothing is told to the program, and what was finished is there.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_in_the_middle_keeps_what_was_finished() {
    use std::os::unix::process::ExitStatusExt;
    for role in ["slow calls", "slow tasks"] {
        let cache = TestCache::new();
        let file = cache.root().with_file_name("runs");
        let start =
            || start_interruptible(role, &cache.root()).env("REMEMO_TEST_RUNS", &file).spawn().unwrap();
        let mut child = start();
        let deadline = Instant::now() + Duration::from_mins(1);
        while runs(&file).len() < 15 {
            assert!(Instant::now() < deadline, "nothing runs");
            thread::sleep(Duration::from_millis(2));
        }
        let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(interrupt.success());
        assert_eq!(child.wait().unwrap().signal(), Some(2), "{role}");

        let finished = runs(&file);
        assert!((15..50).contains(&finished.len()), "{} of 50 were finished", finished.len());
        let memory = cache.reopen();
        let kept: Vec<u64> =
            finished.iter().copied().filter(|x| memory.contains(&slow::delayed(*x))).collect();
        // Each of two threads may have been stopped between the last line of the function and the store.
        assert!(kept.len() + 2 >= finished.len(), "{role}: of {finished:?} only {kept:?} were kept");

        wait_for_success(start());
        let runs = runs(&file);
        assert_eq!(runs.len(), 50 + finished.len() - kept.len(), "{role}: the next run computes the rest");
        assert!(kept.iter().all(|x| runs.iter().filter(|&run| run == x).count() == 1));
    }
}

/// Kills a writer at random moments, many times: what is there is sound, and nothing that was acknowledged is lost.
#[test]
fn a_store_survives_writers_killed_at_any_moment() {
    let cache = TestCache::new();
    let acknowledged = cache.root().with_file_name("acknowledged");
    // The writers need not follow the machine code, for which they do not live long enough.
    cache.memory.contains(&crate::environment::table::delayed(0));
    for round in 0..30u64 {
        let mut writer = start("write", &cache.root())
            .env("REMEMO_TEST_FIRST", (round * 1000).to_string())
            .env("REMEMO_TEST_RUNS", &acknowledged)
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(5 + (round * 7) % 40));
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    let memory = cache.reopen();
    let acknowledged = runs(&acknowledged);
    assert!(acknowledged.len() > 30, "the writers hardly ran: {}", acknowledged.len());
    for x in acknowledged {
        assert_eq!(
            hit(&memory, crate::environment::table::delayed(x)),
            crate::environment::table::uncached(x)
        );
    }
    assert_eq!(memory.verify().unwrap().damaged.len(), 0);
}
