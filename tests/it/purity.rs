//! What functions are told to read of the outside world.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rememo::memo;

use crate::support::TestCache;

mod settings {
    pub struct Settings(pub Option<String>);

    impl Settings {
        pub fn load() -> Self {
            Settings(std::env::var("REMEMO_TEST_LEVEL").ok())
        }
    }
}

static CALLS: AtomicU64 = AtomicU64::new(0);

#[memo]
fn with_settings(x: u64) -> u64 {
    let settings = settings::Settings::load();
    x + settings.0.map_or(0, |level| level.len() as u64)
}

#[memo]
fn counted(x: u64) -> u64 {
    x + CALLS.fetch_add(0, Relaxed)
}

/// A method of a value of the standard library, which no name tells.
#[memo]
fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

#[memo(pure)]
fn pure(words: &[String]) -> String {
    let mut counts = HashMap::new();
    for word in words {
        *counts.entry(word).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    assert!(!counts.is_empty(), "there are words");
    format!("{counts:?}")
}

#[test]
fn the_source_tells_what_is_read_and_where() {
    let place = |of: rememo::report::FunctionInfo| {
        of.reads().map(|(name, place)| format!("{name} {place}")).collect::<Vec<_>>()
    };
    let [read] = &place(with_settings::info())[..] else { panic!("{:?}", place(with_settings::info())) };
    assert!(read.starts_with("std::env::var tests/it/purity.rs:"), "{read}");
    let [read] = &place(counted::info())[..] else { panic!("{:?}", place(counted::info())) };
    assert!(read.starts_with("static CALLS tests/it/purity.rs:"), "{read}");
    assert_eq!(place(exists::info()), Vec::<String>::new());
    assert_eq!(place(pure::info()), Vec::<String>::new());
}

#[test]
fn machine_code_tells_what_it_can_come_to_and_records_have_both() {
    let cache = TestCache::new();
    cache.memory.call(with_settings::delayed(1));
    cache.memory.call(exists::delayed("/"));
    cache.memory.call(pure::delayed(&["one".into()]));
    let records = cache.memory.functions().unwrap();
    let of = |name: &str| {
        let record = records.iter().find(|record| record.name.ends_with(name)).unwrap();
        record.reads.iter().map(|(name, place)| format!("{name} {place}")).collect::<Vec<_>>()
    };
    assert!(
        of("with_settings")[0].starts_with("std::env::var tests/it/purity.rs:"),
        "{:?}",
        of("with_settings")
    );
    assert_eq!(of("pure"), Vec::<String>::new());
    assert_eq!(cache.memory.call(counted::delayed(1)), 1);
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return;
    }
    let reads = with_settings::info().code().instances()[0].reads();
    let getenv = reads.iter().find(|(name, _)| name == "getenv").unwrap();
    assert!(getenv.1.contains("settings::Settings::load"), "{reads:?}");
    assert!(of("with_settings").contains(&format!("getenv {}", getenv.1)));
    assert!(of("exists").iter().any(|read| read.starts_with("stat")), "{:?}", of("exists"));
}
