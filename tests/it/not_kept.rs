//! What can be kept, and how one notices what cannot.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rememo::execute::Totals;
use rememo::{Memory, Parallel, Source, TaskErrorKind, Why, memo};
use serde::{Deserialize, Serialize};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, hit, miss};

/// Needs names, but for the number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Answer {
    Number(u64),
    Any(serde_json::Value),
}

static RUNS: AtomicU64 = AtomicU64::new(0);

#[memo]
fn answer(x: u64) -> Answer {
    RUNS.fetch_add(1, Relaxed);
    if x.is_multiple_of(3) { Answer::Number(x) } else { Answer::Any(serde_json::json!({"x": [x, null]})) }
}

#[test]
fn values_of_one_function_are_kept_whether_they_need_names_or_not() {
    let cache = TestCache::new();
    let calls = || (0..30).map(answer::delayed);
    let values: Vec<_> = (0..30).map(answer::uncached).collect();
    let before = RUNS.load(Relaxed);
    for memory in [&cache.memory, &cache.reopen()] {
        assert_eq!(Parallel::new().memory(memory).run(calls()).unwrap(), values);
        for (call, value) in calls().zip(&values) {
            assert_eq!(hit(memory, call), *value);
        }
    }
    assert_eq!(RUNS.load(Relaxed), before + 30);
    assert_eq!((cache.memory.stats().not_kept, cache.memory.stats().troubles), (0, 0));
    let (number, any) = (answer::delayed(3), answer::delayed(4));
    for call in [number, any] {
        let shelved = cache.memory.shelve(call).unwrap();
        let token = serde_json::to_string(&shelved).unwrap();
        let sent: rememo::Shelved<Answer> = serde_json::from_str(&token).unwrap();
        assert_eq!(sent.get().unwrap(), shelved.get().unwrap());
    }
}

/// Of `slope` is told what is not read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fit {
    name: String,
    #[serde(skip_deserializing)]
    slope: u64,
}

#[memo]
fn fit(slope: u64) -> Fit {
    Fit { name: "line".into(), slope }
}

#[memo]
fn other_fit(slope: u64) -> Result<Fit, String> {
    if slope > 1000 { Err("too steep".into()) } else { Ok(fit::uncached(slope)) }
}

#[test]
fn what_is_not_kept_says_so_with_type_field_and_remedy() {
    let cache = TestCache::new();
    let reason = |memory: &Memory| memory.call_info(fit::delayed(3)).not_kept.unwrap();
    for part in ["`Fit`", "in the field `slope`", "skip_deserializing"] {
        assert!(reason(&cache.memory).contains(part), "{}", reason(&cache.memory));
    }
    assert_eq!(miss(&cache.memory, fit::delayed(3)), fit::uncached(3));
    let stats = cache.memory.stats();
    assert_eq!(
        (stats.hits, stats.not_kept, stats.troubles, stats.entries),
        (0, stats.misses, stats.misses, 0)
    );
    let kept = cache.memory.call_info(fit::delayed(0));
    assert_eq!((kept.value, kept.not_kept), (fit::uncached(0), None), "what is not read is the default");
    hit(&cache.memory, fit::delayed(0));
}

#[test]
fn why_tells_that_a_value_was_not_kept() {
    let cache = TestCache::new();
    assert!(matches!(cache.memory.why(&fit::delayed(3)), Why::NeverComputed { .. }));
    cache.memory.call(fit::delayed(3));
    let why = cache.memory.why(&fit::delayed(3));
    assert!(matches!(&why, Why::NotKept { function, .. } if function.ends_with("fit")), "{why:?}");
    let line = why.to_string();
    assert!(
        line.starts_with("computed, but a value of `it::not_kept::fit` cannot be kept: `Fit`: "),
        "{line}"
    );
    assert!(matches!(cache.memory.why(&fit::delayed(4)), Why::NeverComputed { .. }));
    cache.memory.insert(&fit::delayed(3), &fit::uncached(0)).unwrap();
    assert!(cache.memory.why(&fit::delayed(3)).is_hit());
}

#[test]
fn progress_counts_what_was_not_kept() {
    let cache = TestCache::new();
    let last = std::sync::Arc::new(Mutex::new(Totals::default()));
    let seen = std::sync::Arc::clone(&last);
    let parallel = Parallel::new()
        .memory(&cache.memory)
        .on_progress(move |totals: &Totals| *seen.lock().unwrap() = totals.clone());
    parallel.run((0..21).map(fit::delayed)).unwrap();
    drop(parallel);
    let last = last.lock().unwrap();
    assert_eq!((last.computed, last.not_kept), (21, 20));
    assert!(last.to_string().contains("21 computed, 20 could not be kept"), "{last}");
}

fn strict(cache: &TestCache) -> Memory {
    Memory::builder().dir(cache.root()).strict(true).open().unwrap()
}

fn panic_text(act: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(act)).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn a_strict_memory_takes_it_for_an_error() {
    let cache = TestCache::new();
    let memory = strict(&cache);
    let error = memory.try_call(fit::delayed(3)).unwrap_err();
    assert_eq!(error.to_string(), "cannot keep a value of `it::not_kept::fit`");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("in the field `slope`"), "{cause}");
    for text in [
        panic_text(|| drop(memory.call(fit::delayed(3)))),
        panic_text(|| drop(memory.call_info(fit::delayed(3)))),
        panic_text(|| drop(memory.recompute(fit::delayed(3)))),
        panic_text(|| {
            let _entered = memory.enter();
            fit(3);
        }),
    ] {
        assert!(text.starts_with("cannot keep a value of `it::not_kept::fit`: `Fit`: "), "{text}");
    }
    assert!(
        memory.shelve(fit::delayed(3)).is_err()
            && memory.insert(&fit::delayed(3), &fit::uncached(3)).is_err()
    );
    assert_eq!(memory.try_call(fit::delayed(0)).unwrap(), fit::uncached(0));
    hit(&memory, fit::delayed(0));
    assert_eq!(memory.try_call(other_fit::delayed(0)).unwrap(), other_fit::uncached(0));
}

#[test]
fn in_a_batch_of_a_strict_memory_the_task_fails() {
    let cache = TestCache::new();
    let memory = strict(&cache);
    let parallel = Parallel::new().jobs(2).memory(&memory).retries(3);
    let results = parallel.run_all([0, 3, 3, 0].map(fit::delayed));
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().err().map(rememo::TaskError::kind)).collect();
    assert_eq!(kinds, [None, Some(TaskErrorKind::NotKept), Some(TaskErrorKind::NotKept), None]);
    let error = parallel.run([3].map(fit::delayed)).unwrap_err();
    let line = "task 0 (`it::not_kept::fit(3)`) returned a value that cannot be kept: `Fit`: ";
    assert!(error.to_string().starts_with(line), "{error}");
    let error = parallel.submit(fit::delayed(3)).wait().unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::NotKept);
    assert_eq!(memory.stats().entries, 1);
}

/// What cannot be read back cannot be sent either.
#[cfg(target_os = "linux")]
#[test]
fn from_a_worker_process_no_other_value_comes_back() {
    rememo::init();
    let cache = TestCache::new();
    for memory in [&cache.memory, &strict(&cache)] {
        let workers = Parallel::new().jobs(2).memory(memory).executor(rememo::Executor::processes());
        let results = workers.run_all([0, 3].map(fit::delayed));
        assert_eq!(results[0], Ok(fit::uncached(0)));
        let error = results[1].as_ref().unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::NotSent);
        assert!(error.message().contains("another value in the field `slope`"), "{error}");
    }
}

/// What another process does, which is looked at from outside.
pub fn play(role: &str, cache: &Path) {
    static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    struct Logger;
    impl log::Log for Logger {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            if record.level() == log::Level::Warn {
                LOGGED.lock().unwrap().push(record.args().to_string());
            }
        }

        fn flush(&self) {}
    }
    if role == "not kept, logged" {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    }
    let first = Memory::builder().dir(cache).warnings(role != "not kept, in silence").open().unwrap();
    for memory in [&first, &Memory::builder().dir(cache).warnings(false).open().unwrap()] {
        for slope in 1..5 {
            assert_eq!(
                memory.call_info(fit::delayed(slope)).source,
                memory.call_info(fit::delayed(slope)).source
            );
            Parallel::new().memory(memory).run((1..9).map(|_| other_fit::delayed(slope))).unwrap().len();
        }
    }
    let logged = LOGGED.lock().unwrap();
    assert_eq!(logged.len(), if role == "not kept, logged" { 2 } else { 0 }, "{logged:#?}");
}

#[test]
fn it_is_told_once_for_each_function_on_the_standard_error_and_to_the_logger() {
    let told = |role: &str, variables: &[(&str, &str)]| {
        let cache = TestCache::new();
        let mut command = start(role, &cache.root());
        command.env_remove("REMEMO_QUIET").envs(variables.iter().copied());
        let printed = expect_success(&mut command).stderr;
        let printed = String::from_utf8(printed).unwrap();
        let lines: Vec<_> =
            printed.lines().filter(|line| line.starts_with("rememo: ")).map(str::to_owned).collect();
        assert!(fs::exists(cache.root()).unwrap());
        lines
    };
    for role in ["not kept", "not kept, logged"] {
        let lines = told(role, &[]);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        let about = |name: &str| lines.iter().filter(|line| line.contains(name)).count();
        assert_eq!((about("`it::not_kept::fit`"), about("`it::not_kept::other_fit`")), (1, 1));
        for part in ["`Fit`", "`slope`", "skip_deserializing", "warnings(false)"] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
        assert!(lines[1].contains("`Result<Fit, String>`"), "{}", lines[1]);
    }
    assert!(told("not kept, in silence", &[]).is_empty());
    assert!(told("not kept", &[("REMEMO_QUIET", "1")]).is_empty());
    assert_eq!(told("not kept", &[("REMEMO_QUIET", "0")]).len(), 2);
}

#[test]
fn an_entry_is_read_by_the_encoding_that_it_names() {
    let cache = TestCache::new();
    // The last value of each process needs the other encoding.
    for (first, second) in [(4, 3), (6, 5)] {
        miss(&cache.memory, answer::delayed(first));
        miss(&cache.memory, answer::delayed(second));
        for x in [first, second] {
            let outcome = cache.memory.call_info(answer::delayed(x));
            assert_eq!((outcome.value, outcome.source), (answer::uncached(x), Source::Hit));
        }
    }
}
