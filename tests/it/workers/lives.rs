//! How workers live and end: kept, replaced, and never longer than their parent.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rememo::{Executor, Memory, Parallel, memo};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{expect_gone, expect_soon, lines, note, process, workers};
use crate::processes::{expect_success, start, start_interruptible};
use crate::support::TestCache;

#[test]
fn workers_serve_one_batch_after_the_other() {
    rememo::init();
    // Nobody else has workers of this kind.
    let kind = Executor::processes().idle_timeout(Duration::from_secs(61));
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).executor(kind);
    let first = parallel.run([process::delayed(0)]).unwrap();
    assert_eq!(parallel.run([process::delayed(1)]).unwrap(), first);
}

#[test]
fn a_worker_is_replaced_after_its_tasks() {
    rememo::init();
    let kind = Executor::processes().max_tasks(3);
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).executor(kind);
    let mut tasks = BTreeMap::<u32, usize>::new();
    for pid in parallel.run((0..9).map(process::delayed)).unwrap() {
        *tasks.entry(pid).or_default() += 1;
    }
    assert_eq!(tasks.values().collect::<Vec<_>>(), [&3; 3]);
    tasks.into_keys().for_each(expect_gone);
}

#[test]
fn an_idle_worker_ends() {
    rememo::init();
    let kind = Executor::processes().idle_timeout(Duration::from_millis(50));
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).executor(kind);
    for _ in 0..2 {
        expect_gone(parallel.run([process::delayed(0)]).unwrap()[0]);
    }
}

#[test]
fn a_worker_that_died_idle_is_replaced() {
    rememo::init();
    let kind = Executor::processes().idle_timeout(Duration::from_secs(62));
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).executor(kind);
    let pid = parallel.run([process::delayed(0)]).unwrap()[0];
    Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status().unwrap();
    let is_zombie =
        || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    expect_soon("it is dead", is_zombie);
    // The last of its threads may be on its way out still.
    thread::sleep(Duration::from_millis(200));
    assert_ne!(parallel.run([process::delayed(1)]).unwrap()[0], pid);
    expect_gone(pid);
}

/// Notes its process, then takes for ever.
#[memo]
fn endless(x: u64, log: PathBuf) -> u64 {
    note(&log, &std::process::id().to_string());
    thread::sleep(Duration::from_mins(10));
    x
}

#[memo]
fn chatty(x: u64) -> u64 {
    println!("out {x}");
    eprintln!("err {x}");
    x
}

/// The other process of the tests below.
pub fn play(role: &str, cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    match role {
        "endless" | "endless on threads of its own" => {
            rememo::init();
            let run = move |cache: PathBuf| {
                let log = cache.join("pids");
                let _ = workers(&memory).run((0..2).map(|x| endless::delayed(x, log.clone())));
            };
            if role == "endless" {
                run(cache.to_owned());
            } else {
                // The thread that starts them ends before this process does.
                let cache = cache.to_owned();
                let _ = thread::spawn(move || run(cache)).join();
            }
        }
        "finished" => {
            rememo::init();
            let log = cache.join("finished");
            let calls = (0..24).map(|x| uneven::delayed(x, log.clone()));
            let _ = Parallel::new().jobs(1).memory(&memory).executor(Executor::processes()).run(calls);
        }
        "crowded" => {
            rememo::init();
            // Room for some workers, and not for as many as are asked for.
            let few = Rlimit { current: Some(64), maximum: Some(64) };
            setrlimit(Resource::Nofile, few).unwrap();
            let parallel = Parallel::new().jobs(64).memory(&memory).executor(Executor::processes());
            let values = parallel.run((0..500).map(plus_one::delayed)).unwrap();
            assert_eq!(values, (1..=500).collect::<Vec<_>>());
        }
        "uninitialised" => {
            let error = workers(&memory).run([process::delayed(0)]).unwrap_err().to_string();
            println!("{error}");
        }
        "chatty" | "quiet" => {
            rememo::init();
            let workers = Executor::processes();
            let kind = if role == "chatty" { workers } else { workers.pass_output(false) };
            let parallel = Parallel::new().jobs(1).memory(&memory).executor(kind);
            assert_eq!(parallel.run((0..3).map(chatty::delayed)).unwrap(), [0, 1, 2]);
            // What was written passes through another process and a thread.
            thread::sleep(Duration::from_millis(500));
        }
        "idle for ever" => {
            rememo::init();
            let kind = Executor::processes().idle_timeout(Duration::MAX);
            let parallel = Parallel::new().jobs(1).memory(&memory).executor(kind).timeout(Duration::MAX);
            let first = parallel.run([process::delayed(0)]).unwrap();
            // The thread that sees to idle workers has had its turn.
            thread::sleep(Duration::from_millis(200));
            assert_eq!(parallel.run([process::delayed(1)]).unwrap(), first);
            println!("kept");
        }
        other => match other.strip_prefix("lent ") {
            Some(role) => super::lent::play(role, &memory, cache),
            None => panic!("unknown role {other}"),
        },
    }
}

#[test]
fn workers_end_with_a_parent_that_is_killed() {
    for (role, signal) in [
        ("workers endless", "KILL"),
        ("workers endless", "INT"),
        ("workers endless on threads of its own", "KILL"),
    ] {
        let cache = TestCache::new();
        let mut parent = start_interruptible(role, &cache.root()).spawn().unwrap();
        let log = cache.root().join("pids");
        expect_soon("both workers are at work", || lines(&log).len() == 2);
        Command::new("kill").args(["-s", signal, &parent.id().to_string()]).status().unwrap();
        assert!(!parent.wait().unwrap().success());
        for pid in lines(&log) {
            expect_gone(pid.parse().unwrap());
        }
    }
}

/// Every third takes a while, the others next to nothing; each leaves a line when it has finished.
#[memo]
fn uneven(x: u64, log: PathBuf) -> u64 {
    if x % 3 == 2 {
        thread::sleep(Duration::from_millis(200));
    }
    note(&log, &x.to_string());
    x
}

#[memo]
fn plus_one(x: u64) -> u64 {
    x + 1
}

/// Regression: what the jobs of a message had computed was stored when all of them were done.
#[test]
fn what_workers_have_finished_is_stored_when_their_parent_is_killed() {
    for round in 0..4 {
        let cache = TestCache::new();
        let mut parent = start("workers finished", &cache.root()).spawn().unwrap();
        let log = cache.root().join("finished");
        let least = 5 + 3 * round;
        expect_soon("some are finished", || lines(&log).len() >= least);
        // In the middle of one that takes a while: those before it are on their way no longer.
        thread::sleep(Duration::from_millis(100));
        let finished = lines(&log);
        parent.kill().unwrap();
        parent.wait().unwrap();
        let memory = cache.reopen();
        for x in finished.iter().map(|line| line.parse().unwrap()) {
            assert!(memory.contains(&uneven::delayed(x, log.clone())), "{x} of {finished:?} is lost");
        }
    }
}

/// Regression: each item that a worker could not be started for failed at once.
#[test]
fn where_there_is_no_room_for_all_workers_fewer_do_the_work() {
    let (_, stderr) = output("workers crowded");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[memo]
fn limited(x: u64) -> u32 {
    let _ = x;
    std::process::id()
}

#[test]
fn batches_of_many_kinds_leave_few_workers_behind() {
    rememo::init();
    let mut pids = Vec::new();
    for kind in 0..40_u64 {
        let executor = Executor::processes().memory_limit((4 << 30) + kind).idle_timeout(Duration::MAX);
        let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).executor(executor);
        pids.push(parallel.run([limited::delayed(kind)]).unwrap()[0]);
    }
    let alive = || pids.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).count();
    let most = (2 * thread::available_parallelism().unwrap().get()).max(8);
    expect_soon("the first have ended", || alive() <= most);
    assert!(alive() > 0);
}

/// What a process of a role writes to its standard output and error.
fn output(role: &str) -> (String, String) {
    let cache = TestCache::new();
    let child = expect_success(&mut start(role, &cache.root()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&child.stdout), text(&child.stderr))
}

#[test]
fn a_program_that_has_not_called_init_is_told_so() {
    let (stdout, _) = output("workers uninitialised");
    assert!(stdout.contains("has not called `rememo::init()`"), "{stdout}");
}

#[test]
fn a_worker_may_be_idle_for_ever() {
    let (stdout, stderr) = output("workers idle for ever");
    assert!(stdout.contains("kept") && !stderr.contains("panicked"), "{stderr}");
}

#[test]
fn output_of_workers_passes_through_unless_asked_otherwise() {
    let prefixed = |text: &str, line: &str| {
        text.lines().filter(|written| written.starts_with("[worker ") && written.ends_with(line)).count()
    };
    let (stdout, stderr) = output("workers chatty");
    for x in 0..3 {
        assert_eq!(prefixed(&stdout, &format!("out {x}")), 1, "{stdout}");
        assert_eq!(prefixed(&stderr, &format!("] err {x}")), 1, "{stderr}");
    }
    let (stdout, stderr) = output("workers quiet");
    assert!(!stdout.contains("out 1") && !stderr.contains("err 1"), "{stdout}{stderr}");
}

#[test]
fn a_worker_that_was_started_by_nobody_is_no_worker() {
    // The variable of another parent, as a program inherits it that a worker starts.
    let cache = TestCache::new();
    let mut command = start("workers quiet", &cache.root());
    expect_success(command.env("REMEMO_WORKER", "1").stdin(Stdio::null()));
    assert!(env::var_os("REMEMO_WORKER").is_none());
}
