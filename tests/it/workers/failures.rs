//! Each way to fail is the failure of one task.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rememo::{Executor, Memory, Parallel, TaskErrorKind, delayed, memo};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::{expect_gone, lines, note, process, signal_myself, workers};
use crate::support::{TestCache, hit};

/// What a call is told to do, after it has noted its process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Act {
    Return,
    Abort,
    Segfault,
    Kill,
    Exit,
    Overflow,
    Allocate,
    Hang,
    Panic,
}

#[memo]
fn act(x: u64, what: Act, log: PathBuf) -> u64 {
    note(&log, &format!("{x} {}", std::process::id()));
    match what {
        Act::Return => x + 1,
        Act::Abort => std::process::abort(),
        Act::Segfault => signal_myself(Signal::SEGV),
        Act::Kill => signal_myself(Signal::KILL),
        Act::Exit => std::process::exit(3),
        Act::Overflow => overflow(x),
        Act::Allocate => vec![1_u8; 3 << 30].iter().map(|&byte| u64::from(byte)).sum(),
        Act::Hang => loop {
            thread::sleep(Duration::from_secs(1));
        },
        Act::Panic => panic!("{x} is too much"),
    }
}

#[expect(unconditional_recursion, reason = "to overflow the stack")]
fn overflow(x: u64) -> u64 {
    let array = std::hint::black_box([x; 64]);
    overflow(x + 1) + array[63]
}

/// The kind and the message of the failure of one call between two that are well; they are, and its worker is gone.
fn fails(what: Act, parallel: impl Fn(Parallel) -> Parallel) -> (TaskErrorKind, String) {
    rememo::init();
    let cache = TestCache::new();
    let log = cache.beside("log");
    let acts = [Act::Return, what, Act::Return];
    let calls = || acts.iter().zip(0..).map(|(&what, x)| act::delayed(x, what, log.clone()));
    let results = parallel(workers(&cache.memory)).run_all(calls());
    assert_eq!((&results[0], &results[2]), (&Ok(1), &Ok(3)));
    let error = results[1].as_ref().unwrap_err();
    assert_eq!((error.index(), error.function().unwrap().rsplit("::").next()), (1, Some("act")));
    assert!(error.arguments().starts_with("1, \""), "{error}");
    assert_eq!(cache.memory.stats().entries, 2, "what went well is kept, and nothing else");
    hit(&cache.memory, act::delayed(2, Act::Return, log.clone()));
    if error.kind() != TaskErrorKind::Panicked {
        let noted = lines(&log).into_iter().find_map(|line| line.strip_prefix("1 ").map(str::to_owned));
        expect_gone(noted.unwrap().parse().unwrap());
    }
    cache.expect_tidy();
    (error.kind(), error.message().to_owned())
}

#[test]
fn a_worker_that_aborts() {
    let (kind, message) = fails(Act::Abort, |parallel| parallel);
    assert_eq!((kind, message.as_str()), (TaskErrorKind::Crashed, "killed by signal 6 (SIGABRT)"));
}

#[test]
fn a_worker_that_segfaults() {
    let (kind, message) = fails(Act::Segfault, |parallel| parallel);
    assert_eq!((kind, message.as_str()), (TaskErrorKind::Crashed, "killed by signal 11 (SIGSEGV)"));
}

#[test]
fn a_worker_that_is_killed() {
    let (kind, message) = fails(Act::Kill, |parallel| parallel);
    assert_eq!((kind, message.as_str()), (TaskErrorKind::Crashed, "killed by signal 9 (SIGKILL)"));
}

#[test]
fn a_worker_that_exits() {
    let (kind, message) = fails(Act::Exit, |parallel| parallel);
    assert_eq!((kind, message.as_str()), (TaskErrorKind::Crashed, "exited with code 3"));
}

#[test]
fn a_worker_whose_stack_overflows() {
    let (kind, message) = fails(Act::Overflow, |parallel| parallel);
    assert_eq!(kind, TaskErrorKind::Crashed);
    assert!(message.contains("SIGABRT") && message.contains("overflowed its stack"), "{message}");
}

#[test]
fn a_worker_that_wants_too_much_memory() {
    let limited = |parallel: Parallel| parallel.executor(Executor::processes().memory_limit(512 << 20));
    let (kind, message) = fails(Act::Allocate, limited);
    assert_eq!(kind, TaskErrorKind::OutOfMemory, "{message}");
    assert!(message.contains("536870912 bytes"), "{message}");
}

#[test]
fn a_worker_that_takes_too_long() {
    let (kind, message) = fails(Act::Hang, |parallel| parallel.timeout(Duration::from_millis(300)));
    assert_eq!((kind, message.as_str()), (TaskErrorKind::TimedOut, "it had not ended after 300ms"));
}

#[test]
fn a_task_that_panics_tells_text_and_place() {
    let (kind, message) = fails(Act::Panic, |parallel| parallel);
    assert_eq!((kind, message.as_str()), (TaskErrorKind::Panicked, "1 is too much"));
    let cache = TestCache::new();
    let log = cache.beside("log");
    let error = workers(&cache.memory).run([act::delayed(7, Act::Panic, log)]).unwrap_err();
    assert!(error.task().unwrap().place().unwrap().starts_with(file!()), "{error}");
}

/// A batch of a thousand in which forty fail, each in one of four ways.
#[test]
fn of_a_thousand_the_forty_that_fail_fail_alone() {
    rememo::init();
    let cache = TestCache::new();
    let log = cache.beside("log");
    let act_of = |x: u64| match (x % 25, (x / 25) % 4) {
        (0, 0) => Act::Abort,
        (0, 1) => Act::Segfault,
        (0, 2) => Act::Hang,
        (0, _) => Act::Panic,
        _ => Act::Return,
    };
    let kind_of = |what| match what {
        Act::Abort | Act::Segfault => Err(TaskErrorKind::Crashed),
        Act::Hang => Err(TaskErrorKind::TimedOut),
        Act::Panic => Err(TaskErrorKind::Panicked),
        _ => Ok(()),
    };
    let run = || {
        let calls = (0..1000).map(|x| act::delayed(x, act_of(x), log.clone()));
        workers(&cache.memory).timeout(Duration::from_secs(1)).keep_going(true).run_all(calls)
    };
    let check = |results: &[Result<u64, rememo::TaskError>]| {
        for (x, result) in (0..).zip(results) {
            match (result, kind_of(act_of(x))) {
                (Ok(value), Ok(())) => assert_eq!(*value, x + 1),
                (Err(error), Err(kind)) => assert_eq!((error.kind(), error.index() as u64), (kind, x)),
                (result, expected) => panic!("{x}: {result:?}, where {expected:?} is right"),
            }
        }
    };
    let results = run();
    check(&results);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 960);
    assert_eq!(cache.memory.stats().entries, 960);
    let first = lines(&log).len();
    check(&run());
    let again: Vec<u64> =
        lines(&log)[first..].iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(again.iter().all(|&x| act_of(x) != Act::Return), "computed again: {again:?}");
    assert_eq!(cache.memory.stats().hits, 960);
    cache.expect_tidy();
}

#[test]
fn the_first_failure_stops_a_batch_and_what_is_done_is_kept() {
    rememo::init();
    let cache = TestCache::new();
    let log = cache.beside("log");
    let what = |x| if x == 3 { Act::Abort } else { Act::Return };
    let calls = (0..10_000).map(|x| act::delayed(x, what(x), log.clone()));
    let error = workers(&cache.memory).run(calls).unwrap_err();
    assert_eq!(error.task().unwrap().index(), 3);
    let stats = cache.memory.stats();
    assert!((3..10_000).contains(&stats.entries), "{stats:?}");
}

/// The message of the only call of a batch, which could not be run.
#[track_caller]
fn refusal<T: std::fmt::Debug + Send>(results: Vec<Result<T, rememo::TaskError>>) -> String {
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::NotSent, "{error}");
    error.message().to_owned()
}

#[memo]
fn generic<T: Serialize + Send>(x: T) -> usize {
    let _ = x;
    size_of::<T>()
}

#[derive(Serialize)]
struct OneWay(u64);

#[memo]
fn one_way(x: &OneWay) -> u64 {
    x.0
}

/// Read back as another value.
#[derive(Debug, Serialize, Deserialize)]
struct Slanted {
    #[serde(serialize_with = "doubled")]
    x: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn doubled<S: serde::Serializer>(x: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(2 * x)
}

#[memo]
fn slanted(x: &Slanted) -> u64 {
    x.x
}

#[derive(Serialize)]
struct Model(u64);

impl Model {
    #[memo]
    fn fit(&self, x: u64) -> u64 {
        self.0 + x
    }
}

#[memo]
fn observed(x: u64) -> u64 {
    x
}

#[test]
fn what_cannot_be_sent_says_what_to_do() {
    rememo::init();
    let cache = TestCache::new();
    let parallel = workers(&cache.memory);
    assert!(refusal(parallel.run_all([delayed(|| 1)])).contains("a closure cannot be sent"));
    assert!(refusal(parallel.run_all([generic::delayed(1_u8)])).contains("it is generic"));
    let model = Model(1);
    assert!(refusal(parallel.run_all([model.fit_delayed(1)])).contains("it is in an impl block"));
    let message = refusal(parallel.run_all([one_way::delayed(&OneWay(1))]));
    assert!(message.contains("`x` cannot be received") && message.contains("OneWay"), "{message}");
    let message = refusal(parallel.run_all([slanted::delayed(&Slanted { x: 1 })]));
    assert!(message.contains("its argument `x` arrives as another value"), "{message}");
    assert_eq!(cache.memory.stats().entries, 0);
    // On threads all of them run.
    assert_eq!(
        Parallel::new().memory(&cache.memory).run([slanted::delayed(&Slanted { x: 1 })]).unwrap(),
        [1]
    );
}

#[test]
fn settings_that_threads_cannot_keep_are_errors() {
    let parallel = Parallel::new().memory(&Memory::disabled());
    let timeout = parallel.clone().timeout(Duration::from_secs(1));
    assert!(refusal(timeout.run_all([observed::delayed(1)])).contains("a thread cannot be stopped"));
    let limited = parallel.executor(Executor::threads().memory_limit(1 << 30));
    assert!(refusal(limited.run_all([observed::delayed(1)])).contains("behind `Executor::processes()`"));
}

#[test]
fn a_program_that_is_no_worker_is_an_error() {
    rememo::init();
    let of = |program: &str| workers(&Memory::disabled()).executor(Executor::processes().program(program));
    assert!(refusal(of("/nonexistent").run_all([process::delayed(0)])).contains("cannot be started"));
    let message = refusal(of("/bin/true").run_all([process::delayed(0)]));
    assert!(message.contains("before it called `rememo::init()`"), "{message}");
    let echo = refusal(of("/bin/cat").run_all([process::delayed(0)]));
    assert!(echo.contains("ended before"), "{echo}");
}

/// Crashes at its first two attempts.
#[memo]
fn shaky(x: u64, log: PathBuf) -> u64 {
    note(&log, &x.to_string());
    if lines(&log).len() < 3 { std::process::abort() } else { x }
}

#[test]
fn a_call_whose_worker_crashes_is_tried_again_when_asked() {
    rememo::init();
    let cache = TestCache::new();
    let log = cache.beside("log");
    let parallel = workers(&cache.memory);
    let error = parallel.clone().retries(1).run([shaky::delayed(5, log.clone())]).unwrap_err();
    assert_eq!(error.task().unwrap().kind(), TaskErrorKind::Crashed);
    assert_eq!(lines(&log).len(), 2);
    std::fs::remove_file(&log).unwrap();
    assert_eq!(parallel.retries(2).run([shaky::delayed(5, log.clone())]).unwrap(), [5]);
    assert_eq!(lines(&log).len(), 3);
}

/// Starts a program that outlives it by far, and does not end.
#[memo]
#[expect(clippy::zombie_processes, reason = "that it is left behind is the point")]
fn parent(x: u64, log: PathBuf, how: Act) -> u64 {
    let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    note(&log, &child.id().to_string());
    match how {
        Act::Abort => std::process::abort(),
        Act::Hang => thread::sleep(Duration::from_secs(1000)),
        _ => {}
    }
    x
}

/// Regression: the programs that a task had started lived on when it was stopped.
#[test]
fn what_a_task_has_started_ends_with_its_worker() {
    rememo::init();
    for (how, kind) in [(Act::Hang, TaskErrorKind::TimedOut), (Act::Abort, TaskErrorKind::Crashed)] {
        let cache = TestCache::new();
        let log = cache.beside("log");
        let parallel = workers(&cache.memory).timeout(Duration::from_secs(2));
        let error = parallel.run([parent::delayed(1, log.clone(), how)]).unwrap_err();
        assert_eq!(error.task().unwrap().kind(), kind);
        let pid = &lines(&log)[0];
        // Killed; whoever adopts it may be slow to take note.
        super::expect_soon("it is gone, or dead", || {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        });
    }
}

/// Regression: when a worker crashed, all calls of its message were run again, the one that had crashed it, too.
#[test]
fn nothing_but_a_retry_that_was_asked_for_runs_twice() {
    rememo::init();
    for retries in [0, 2] {
        let cache = TestCache::new();
        let log = cache.beside("log");
        let what = |x| if x == 150 { Act::Abort } else { Act::Return };
        let calls = (0..400).map(|x| act::delayed(x, what(x), log.clone()));
        // One worker, so that many travel together. Without a store all that counts is that they are not run again.
        let parallel = Parallel::new().jobs(1).executor(Executor::processes()).retries(retries);
        for memory in [&cache.memory, &Memory::disabled()] {
            let results = parallel.clone().memory(memory).run_all(calls.clone());
            assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
            let mut runs = std::collections::BTreeMap::<u64, u32>::new();
            for line in lines(&log) {
                *runs.entry(line.split(' ').next().unwrap().parse().unwrap()).or_default() += 1;
            }
            std::fs::remove_file(&log).unwrap();
            assert_eq!(runs.remove(&150), Some(1 + retries));
            assert!(runs.len() == 399 && runs.values().all(|&times| times == 1), "{runs:?}");
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed(#[serde(with = "sealed")] u64);

mod sealed {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(x: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*x)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let x = u64::deserialize(deserializer)?;
        assert!(x != 7, "seven cannot be opened");
        Ok(x)
    }
}

#[memo]
fn opened(sealed: &Sealed) -> u64 {
    sealed.0
}

#[test]
fn a_panic_in_serde_has_its_text_there_too() {
    rememo::init();
    let cache = TestCache::new();
    let error = workers(&cache.memory).run([opened::delayed(&Sealed(7))]).unwrap_err();
    let task = error.task().unwrap();
    assert_eq!((task.kind(), task.message()), (TaskErrorKind::Panicked, "seven cannot be opened"));
}

#[test]
fn a_worker_of_another_program_is_refused() {
    rememo::init();
    // Cargo builds the examples before it runs all tests, but not for this test target alone.
    let other = std::env::current_exe().unwrap().parent().unwrap().join("../examples/isolated");
    if !other.exists() {
        crate::engines::skip("the example `isolated` is not built");
        return;
    }
    let kind = Executor::processes().program(other);
    let message = refusal(workers(&Memory::disabled()).executor(kind).run_all([process::delayed(0)]));
    assert!(message.contains("of another program than this one"), "{message}");
}
