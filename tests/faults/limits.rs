//! Few descriptors, files that may not be large, memory that may not be much.

use std::env;

use rememo::Layout;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::actor::Play;
use crate::calls::is_long;
use crate::model::{Model, copy};

/// Limits an actor before it opens the cache, if it is to be.
pub fn early() {
    match limit() {
        Some(("descriptors", left)) => few_descriptors(left),
        Some(("file", bytes)) => set(Resource::Fsize, bytes),
        Some(("memory", bytes)) => set(Resource::As, bytes),
        _ => {}
    }
}

/// Limits an actor once the cache is open.
pub fn late() {
    if let Some(("descriptors later", left)) = limit() {
        few_descriptors(left);
    }
}

fn limit() -> Option<(&'static str, u64)> {
    let text = env::var("REMEMO_FAULTS_LIMIT").ok()?.leak();
    let (name, limit) = text.rsplit_once(' ')?;
    Some((name, limit.parse().ok()?))
}

fn set(resource: Resource, limit: u64) {
    let maximum = getrlimit(resource).maximum;
    setrlimit(resource, Rlimit { current: Some(limit), maximum }).unwrap();
}

/// Leaves so many descriptors.
fn few_descriptors(left: u64) {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    set(Resource::Nofile, open + left);
}

const SCRIPTS: [&str; 3] =
    ["call store replace remove reduce list call", "store grow call verify", "call clear store forget store"];

/// Tries each limit in each script; in the short form, in one of them in turn.
fn each_case(name: &str, limits: &[u64], test: impl Fn(&Play<'_>, &Model)) {
    for layout in [Layout::Log, Layout::Files] {
        let dir = tempfile::tempdir().unwrap();
        let template = dir.path().join("template");
        let mut known = Model::default();
        Play::new("store", &template, layout).run_well(&mut known);
        for (place, script) in SCRIPTS.into_iter().enumerate() {
            let root = dir.path().join("cache");
            for (number, limit) in limits.iter().enumerate() {
                if !is_long() && (number + place) % SCRIPTS.len() != 0 {
                    continue;
                }
                copy(&template, &root);
                test(&Play { limit: Some((name, *limit)), ..Play::new(script, &root, layout) }, &known);
                std::fs::remove_dir_all(&root).unwrap();
            }
        }
    }
}

fn under(name: &str, limits: &[u64]) {
    each_case(name, limits, |play, known| {
        let mut model = known.before();
        let status = play.run(&[], &mut model);
        assert!(status.success() && model.has_ended, "{play:?}: {status}");
        model.check(play.root, &format!("{play:?}"));
    });
}

#[test]
fn few_descriptors_before_the_cache_is_opened_cost_misses_and_nothing_else() {
    under("descriptors", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12]);
}

#[test]
fn few_descriptors_once_the_cache_is_open_cost_misses_and_nothing_else() {
    under("descriptors later", &[0, 1, 2, 3, 4, 5, 6, 8]);
}

#[test]
fn files_that_may_not_be_large_are_an_error_and_no_signal() {
    under("file", &[0, 1, 100, 4096, 30_000, 36_096, 40_000, 66_000, 100_000, 1 << 20]);
}

#[test]
fn memory_that_may_not_be_much_is_an_error_or_the_end_of_the_program_by_its_own_allocations() {
    // The actor itself needs some; with less than that it does not get as far as the cache.
    let least = 64 << 20;
    under("memory", &[least, least + (1 << 20), least + (16 << 20), least + (64 << 20)]);
}
