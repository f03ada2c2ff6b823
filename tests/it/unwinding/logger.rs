//! A logger that panics at every event costs events.

use std::path::Path;

use rememo::{Layout, Memory, Parallel, delayed, memo};

use super::{Results, expect_with, in_every_way};

struct Explosive;

impl log::Log for Explosive {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        assert_ne!(record.target(), "rememo", "an event at {}", record.level());
    }

    fn flush(&self) {}
}

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

/// Of which no key can be made, which is told.
#[memo]
fn unkeyed(x: u64, bad: Unfit) -> u64 {
    let _ = bad;
    x * x
}

struct Unfit;

impl serde::Serialize for Unfit {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("unfit"))
    }
}

#[track_caller]
fn check(way: &str, results: Results<u64>) {
    let values: Vec<u64> =
        results.into_iter().map(|result| result.unwrap_or_else(|error| panic!("{way}: {error}"))).collect();
    assert_eq!(values, (0..60).map(|x| (x / 2) * (x / 2)).collect::<Vec<_>>(), "{way}");
}

pub fn play(role: &str, cache: &Path) {
    log::set_logger(&Explosive).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let layout = if role == "files" { Layout::Files } else { Layout::Auto };
    let memory = Memory::builder().dir(cache).layout(layout).open().unwrap();
    assert_eq!(memory.call(square::delayed(3)), 9);
    assert_eq!(memory.call(square::delayed(3)), 9);
    assert_eq!(memory.stats().hits, 1, "{:?}", memory.stats());
    assert_eq!(memory.try_call(square::delayed(4)).unwrap(), 16);
    memory.insert(&square::delayed(5), &25).unwrap();
    assert_eq!(memory.call(unkeyed::delayed(3, Unfit)), 9);
    let _entered = memory.enter();
    assert_eq!(square(6), 36);
    let make = || {
        memory.clear().unwrap();
        (0..60).map(|x| square::delayed(x / 2)).collect()
    };
    in_every_way(&memory, make, check);
    in_every_way(&memory, || (0..60).map(|x| unkeyed::delayed(x / 2, Unfit)).collect(), check);
    // It is told that a closure cannot be tried again.
    let tried = Parallel::new().jobs(2).retries(1).memory(&memory).run_all((0..9_u64).map(|x| {
        delayed(move || {
            assert!(x % 3 != 0);
            x
        })
    }));
    assert_eq!(tried.iter().filter(|result| result.is_ok()).count(), 6);
    // The store goes wrong.
    std::fs::remove_dir_all(cache).unwrap();
    std::fs::write(cache, "in the way").unwrap();
    in_every_way(&memory, || (0..60).map(|x| square::delayed(x / 2)).collect(), check);
    let elsewhere = cache.with_file_name("budgeted");
    let memory = Memory::builder().dir(elsewhere).budget(1 << 21).open().unwrap();
    let large = |x: u64| vec![x; 4000];
    for x in 0..200 {
        assert_eq!(memory.get_or_compute("large", &x, || large(x)), large(x));
    }
}

#[test]
fn with_the_log_layout() {
    expect_with("logger log", &[("REMEMO", "nonsense")]);
}

#[test]
fn with_the_files_layout() {
    expect_with("logger files", &[]);
}
