//! Calls whose `Err` is tried again, and how long they wait for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rememo::execute::{RetryIf, Totals};
use rememo::{Backoff, Memory, Parallel, Task, TaskErrorKind, TryRunError, as_completed, delayed, memo};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, within_a_minute};

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum FetchError {
    Busy(u32),
    NotFound,
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for FetchError {}

/// How often each call was tried: by test and number.
static TRIES: Mutex<BTreeMap<(String, u64), u32>> = Mutex::new(BTreeMap::new());

fn note(test: &str, page: u64) -> u32 {
    let mut tries = TRIES.lock().unwrap();
    let tries = tries.entry((test.to_owned(), page)).or_default();
    *tries += 1;
    *tries
}

fn tries(test: &str) -> Vec<u32> {
    TRIES.lock().unwrap().iter().filter(|((of, _), _)| of == test).map(|(_, tries)| *tries).collect()
}

/// Every fifth page is not found; others are there at their third, second or first attempt.
#[memo]
fn fetch(test: &str, page: u64) -> Result<u64, FetchError> {
    let tried = note(test, page);
    match page % 5 {
        4 => Err(FetchError::NotFound),
        busy if u64::from(tried) <= busy => Err(FetchError::Busy(tried)),
        _ => Ok(10 * page),
    }
}

fn expected(page: u64) -> Result<u64, FetchError> {
    match page % 5 {
        4 => Err(FetchError::NotFound),
        3 => Err(FetchError::Busy(3)),
        _ => Ok(10 * page),
    }
}

fn expected_tries() -> Vec<u32> {
    (0..20).map(|page| if page % 5 == 4 { 1 } else { 1 + page % 5 }.min(3)).collect()
}

fn busy(memory: &Memory) -> Parallel<RetryIf<FetchError>> {
    let parallel = Parallel::new().jobs(2).memory(memory).retries(2);
    parallel.retry_if(|error: &FetchError| matches!(error, FetchError::Busy(_)))
}

#[test]
fn an_err_is_tried_again_as_often_as_asked_if_the_rule_says_so() {
    let all: Vec<_> = (0..20).map(expected).collect();
    for backoff in [None, Some(Backoff::exponential(Duration::from_millis(2)).jitter())] {
        let cache = TestCache::new();
        let parallel = busy(&cache.memory);
        let parallel = backoff.map_or(parallel.clone(), |backoff| parallel.backoff(backoff));
        let name = |method: &str| format!("{method}, {backoff:?}");
        let expect_tries = |method: &str| assert_eq!(tries(&name(method)), expected_tries(), "{method}");
        macro_rules! calls {
            ($test:expr) => {
                (0..20).map(|page| fetch::delayed($test, page))
            };
        }

        let test = name("run");
        assert_eq!(parallel.run(calls!(&test)).unwrap(), all);
        expect_tries("run");
        assert_eq!(cache.memory.stats().entries, 12, "only what is `Ok` is kept");

        let test = name("run_all");
        let values: Result<Vec<_>, _> = parallel.run_all(calls!(&test)).into_iter().collect();
        assert_eq!(values.unwrap(), all);
        expect_tries("run_all");

        let test: &'static str = name("stream").leak();
        let values: Result<Vec<_>, _> = parallel.clone().stream(calls!(test)).collect();
        assert_eq!(values.unwrap(), all);
        expect_tries("stream");

        let test: &'static str = name("submit").leak();
        let tasks: Vec<_> = calls!(test).map(|call| parallel.submit(call)).collect();
        let values: Result<Vec<_>, _> = tasks.into_iter().map(Task::wait).collect();
        assert_eq!(values.unwrap(), all);
        expect_tries("submit");

        let test = name("try_run");
        let error = parallel.clone().keep_going(true).try_run(calls!(&test)).unwrap_err();
        let TryRunError::Returned { index: 3, error: FetchError::Busy(3), .. } = error else {
            panic!("{error:?}")
        };
        expect_tries("try_run");
    }
}

#[test]
fn no_thread_waits_for_the_next_attempt_and_it_comes_when_it_is_due() {
    let log = Mutex::new(Vec::new());
    let started = Instant::now();
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).retries(1);
    let parallel = parallel.retry_if(|_: &String| true).backoff(Duration::from_millis(700));
    let calls = (0..20).map(|page| {
        let log = &log;
        let call = move || {
            log.lock().unwrap().push((page, started.elapsed()));
            let attempts = log.lock().unwrap().iter().filter(|(of, _)| *of == page).count();
            if page == 0 && attempts == 1 { Err("busy".to_owned()) } else { Ok(page) }
        };
        delayed(call).repeatable()
    });
    assert_eq!(parallel.try_run(calls).unwrap(), (0..20).collect::<Vec<_>>());
    let log = log.into_inner().unwrap();
    assert_eq!(log.iter().map(|(page, _)| *page).collect::<Vec<_>>(), (0..20).chain([0]).collect::<Vec<_>>());
    assert!(log[20].1 >= log[0].1 + Duration::from_millis(700), "{log:?}");
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn what_waits_for_its_next_attempt_is_dropped_with_its_batch() {
    within_a_minute(|| {
        let parallel = Parallel::new().jobs(2).memory(&Memory::disabled()).retries(9).backoff(HOUR);
        let parallel = parallel.retry_if(|error: &String| error == "busy");
        let calls = |last: &'static str| {
            ["busy", "busy", last].map(|text| delayed(move || Err::<(), _>(text.to_owned())).repeatable())
        };
        let error = parallel.try_run(calls("broken")).unwrap_err();
        assert_eq!((error.index(), error.to_string().as_str()), (2, "task 2 failed: broken"));
        // Those that wait are not waited for once nobody asks for them.
        let mut stream = parallel.stream_unordered(calls("broken"));
        assert_eq!(stream.next(), Some((2, Ok(Err("broken".to_owned())))));
        drop(stream);
    });
}

/// Counts its attempts, and is never there.
#[memo]
fn away(test: &str, page: u64) -> Result<u64, String> {
    Err(format!("attempt {} at {page}", note(test, page)))
}

#[test]
fn a_task_that_waits_for_its_next_attempt_can_be_cancelled() {
    within_a_minute(|| {
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(2).memory(&cache.memory).retries(5).backoff(HOUR);
        let parallel = parallel.retry_if(|_: &String| true);
        let tasks: Vec<_> = (0..3).map(|page| parallel.submit(away::delayed("cancel", page))).collect();
        while tries("cancel") != [1; 3] {
            std::thread::yield_now();
        }
        for task in tasks {
            // Until its attempt has ended it cannot.
            while !task.cancel() {
                std::thread::yield_now();
            }
            assert_eq!(task.wait().unwrap_err().kind(), TaskErrorKind::Cancelled);
        }
        assert_eq!(tries("cancel"), [1; 3]);
    });
}

#[test]
fn tasks_that_wait_for_others_wait_for_their_next_attempts() {
    within_a_minute(|| {
        let cache = TestCache::new();
        let inner = busy(&cache.memory).jobs(1).retries(4).backoff(Duration::from_millis(20));
        let outer = Parallel::new().jobs(1).memory(&cache.memory);
        let one_by_one = {
            let inner = inner.clone();
            delayed(move || {
                let tasks: Vec<_> = (0..4).map(|page| inner.submit(fetch::delayed("waits", page))).collect();
                tasks.into_iter().map(|task| task.wait().unwrap().unwrap()).sum::<u64>()
            })
        };
        assert_eq!(outer.submit(one_by_one).wait(), Ok(60));
        assert_eq!(tries("waits"), [1, 2, 3, 4]);
        let as_they_come = delayed(move || {
            let tasks: Vec<_> = (0..4).map(|page| inner.submit(fetch::delayed("comes", page))).collect();
            as_completed(tasks).map(|(_, value)| value.unwrap().unwrap()).sum::<u64>()
        });
        assert_eq!(outer.submit(as_they_come).wait(), Ok(60));
        assert_eq!(tries("comes"), [1, 2, 3, 4]);
    });
}

#[test]
fn duplicates_get_what_comes_of_the_last_attempt() {
    let cache = TestCache::new();
    let parallel = busy(&cache.memory).backoff(Duration::from_millis(5));
    let calls = [2, 2, 2, 7, 2].map(|page| fetch::delayed("duplicates", page));
    assert_eq!(parallel.run(calls).unwrap(), [Ok(20), Ok(20), Ok(20), Ok(70), Ok(20)]);
    assert_eq!(tries("duplicates"), [3, 3]);
}

#[memo(cache_err)]
fn kept(test: &str, page: u64) -> Result<u64, String> {
    if note(test, page) == 3 { Err("gone".into()) } else { Err("busy".into()) }
}

#[test]
fn an_err_that_is_tried_again_is_not_kept_and_one_that_is_kept_is_a_hit() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory).retries(5);
    let parallel = parallel.retry_if(|error: &String| error == "busy");
    let call = || [kept::delayed("kept", 1)];
    assert_eq!(parallel.run(call()).unwrap(), [Err("gone".to_owned())]);
    assert_eq!(cache.memory.lookup(&kept::delayed("kept", 1)), Some(Err("gone".to_owned())));
    assert_eq!(parallel.run(call()).unwrap(), [Err("gone".to_owned())]);
    assert_eq!(tries("kept"), [3]);
    // What was kept as it was is a hit, whatever a rule says of it now.
    Parallel::new().memory(&cache.memory).run([kept::delayed("kept before", 1)]).unwrap();
    assert_eq!(parallel.run([kept::delayed("kept before", 1)]).unwrap(), [Err("busy".to_owned())]);
    assert_eq!(tries("kept before"), [1]);
}

#[test]
fn a_rule_that_panics_costs_an_attempt_and_is_not_asked_of_the_last() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled()).retries(1);
    let parallel = parallel.retry_if(|error: &u32| {
        assert!(*error != 1, "no rule for 1");
        false
    });
    let call = |x| {
        RUNS.fetch_add(1, SeqCst);
        Err::<(), _>(x)
    };
    let results = parallel.run_all((0..3_u32).map(|x| delayed(move || call(x)).repeatable()));
    assert_eq!(results, [Ok(Err(0)), Ok(Err(1)), Ok(Err(2))]);
    assert_eq!(RUNS.load(SeqCst), 4);
}

#[test]
fn a_panic_waits_for_its_next_attempt_too_and_progress_counts_both() {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let last = Arc::new(Mutex::new(Totals::default()));
    let seen = Arc::clone(&last);
    let parallel = busy(&Memory::disabled()).backoff(Duration::from_millis(3));
    let parallel = parallel.on_progress(move |totals: &Totals| *seen.lock().unwrap() = totals.clone());
    let call = || {
        let attempt = ATTEMPTS.fetch_add(1, SeqCst);
        assert_ne!(attempt, 0, "at first");
        if attempt == 1 { Err(FetchError::Busy(1)) } else { Ok(7) }
    };
    assert_eq!(parallel.run([delayed(call).repeatable()]).unwrap(), [Ok(7)]);
    let last = last.lock().unwrap();
    assert_eq!((last.computed, last.failed, last.retried), (1, 0, 2));
    assert!(last.to_string().starts_with("0 of 1 remembered, 1 computed, 2 tried again, took "), "{last}");
}

static PATIENT: AtomicU32 = AtomicU32::new(0);

/// Its thread does nothing but wait for the next attempt, for a while.
#[memo]
fn patient(page: u64) -> u64 {
    PATIENT.fetch_add(1, SeqCst);
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let call = || if ATTEMPTS.fetch_add(1, SeqCst) == 0 { Err("busy".to_owned()) } else { Ok(()) };
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).retries(1);
    let parallel = parallel.retry_if(|_: &String| true).backoff(Duration::from_secs(3));
    parallel.try_run([delayed(call).repeatable()]).unwrap();
    page
}

/// What the other process does, in which nothing else goes on.
pub fn play(role: &str, cache: &Path) {
    assert_eq!(role, "patient");
    let memory = Memory::open(cache).unwrap();
    let elsewhere = memory.clone();
    let leader = std::thread::spawn(move || elsewhere.call(patient::delayed(7)));
    while PATIENT.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(pool.install(|| memory.call(patient::delayed(7))), 7);
    assert_eq!(leader.join().unwrap(), 7);
    assert_eq!(PATIENT.load(SeqCst), 1, "computed a second time");
}

#[test]
fn a_thread_that_waits_for_the_next_attempt_is_not_taken_for_one_that_waits_for_ever() {
    let cache = TestCache::new();
    expect_success(&mut start("retries patient", &cache.root()));
}

/// Leaves a line in `log` for each attempt, and is there at the third.
fn attempt(log: &PathBuf, page: u64) -> u32 {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    file.write_all(format!("{page}\n").as_bytes()).unwrap();
    attempts(log, page)
}

fn attempts(log: &PathBuf, page: u64) -> u32 {
    let lines = std::fs::read_to_string(log).unwrap_or_default();
    lines.lines().filter(|line| *line == page.to_string()).count() as u32
}

#[memo]
fn sent(log: PathBuf, page: u64) -> Result<u64, FetchError> {
    match attempt(&log, page) {
        _ if page == 4 => Err(FetchError::NotFound),
        attempt @ (1 | 2) => Err(FetchError::Busy(attempt)),
        _ => Ok(page),
    }
}

/// Too large to come back with the reply.
#[memo(cache_err)]
fn stored(log: PathBuf, page: u64) -> Result<u64, String> {
    if attempt(&log, page) < 3 { Err("busy ".repeat(50_000)) } else { Ok(page) }
}

#[memo]
fn shown(log: PathBuf, page: u64) -> anyhow::Result<u64> {
    let tried = attempt(&log, page);
    anyhow::ensure!(tried >= 3, "busy");
    Ok(page)
}

#[memo]
fn aborts(log: PathBuf, page: u64) -> Result<u64, FetchError> {
    match attempt(&log, page) {
        1 => std::process::abort(),
        2 => Err(FetchError::Busy(2)),
        _ => Ok(page),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn worker_processes_try_again_what_returns_an_err_and_what_crashes() {
    rememo::init();
    for backoff in [Duration::ZERO, Duration::from_millis(20)] {
        let cache = TestCache::new();
        let log = |name: &str| cache.beside(name);
        let parallel = busy(&cache.memory).executor(rememo::Executor::processes()).backoff(backoff);
        let pages = parallel.run((0..5).map(|page| sent::delayed(log("sent"), page))).unwrap();
        assert_eq!(pages, [Ok(0), Ok(1), Ok(2), Ok(3), Err(FetchError::NotFound)]);
        let tried: Vec<_> = (0..5).map(|page| attempts(&log("sent"), page)).collect();
        assert_eq!(tried, [3, 3, 3, 3, 1]);
        assert_eq!(parallel.run([aborts::delayed(log("aborts"), 7)]).unwrap(), [Ok(7)]);
        assert_eq!(attempts(&log("aborts"), 7), 3);

        let parallel = parallel.retry_if(|error: &String| error.starts_with("busy"));
        assert_eq!(parallel.run([stored::delayed(log("stored"), 1)]).unwrap(), [Ok(1)]);
        assert_eq!(cache.memory.lookup(&stored::delayed(log("stored"), 1)), Some(Ok(1)));

        // Its rule cannot be asked, as the error comes back as text.
        let parallel = parallel.retry_if(|_: &anyhow::Error| unreachable!("nothing to ask about"));
        assert_eq!(parallel.try_run([shown::delayed(log("shown"), 1)]).unwrap(), [1]);
        assert_eq!(attempts(&log("shown"), 1), 3);
    }
}
