//! System calls that fail, are interrupted, or are the last of their process: each kind, at each place.
//!
//! strace injects the faults. Where a call stands among those of its kind is counted in a run without faults, from the line on
//! with which the actor begins: what the program does before that is not the library's.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use rememo::Layout;

use crate::actor::Play;
use crate::model::{Model, copy};

/// Whether the long forms are to run.
pub fn is_long() -> bool {
    env::var_os("REMEMO_TEST_LONG").is_some()
}

/// The calls that a script makes, with the errors that each is tried with.
const CALLS: [(&str, &[&str]); 18] = [
    ("openat", &["EMFILE", "ENFILE", "EIO", "EACCES"]),
    ("read", &["EIO"]),
    ("pread64", &["EIO"]),
    ("pwrite64", &["ENOSPC", "EIO"]),
    ("fallocate", &["ENOSPC", "EINTR"]),
    ("mmap", &["ENOMEM"]),
    ("statx", &["EIO"]),
    ("newfstatat", &["EIO"]),
    ("fstat", &["EIO"]),
    ("fstatfs", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("renameat", &["EIO", "ENOSPC"]),
    ("linkat", &["EIO", "EPERM"]),
    ("unlinkat", &["EIO", "EROFS"]),
    ("mkdirat", &["ENOSPC"]),
    ("fcntl", &["EINTR", "ENOLCK"]),
    ("flock", &["ENOLCK"]),
    ("fsync", &["EIO"]),
];

/// What an actor does to the entries of a template, in scripts that make different calls.
const SCRIPTS: [&str; 6] = [
    "call replace remove call",
    "grow",
    "litter call",
    "verify reduce list call",
    "clear store",
    "forget store",
];

fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !found {
        crate::engines::skip("strace is not installed");
    }
    found
}

/// What strace is told to do to a call; what it did is in `log`. (With `--seccomp-bpf` it is three times as fast, and strace 6.1
/// does nothing to any call but the first.)
fn inject(call: &str, fault: &str, log: &Path) -> [String; 8] {
    let (trace, inject) = (format!("trace={call}"), format!("-einject={call}:{fault}"));
    ["strace", "-f", "-qq", "-o", log.to_str().unwrap(), "-e", &trace, &inject].map(str::to_owned)
}

/// How many calls failed because strace had them fail.
fn injected(log: &Path) -> usize {
    fs::read_to_string(log).unwrap().matches("(INJECTED)").count()
}

/// How often an actor makes each call, before it begins and in all, when nothing goes wrong.
fn count(play: &Play<'_>, log: &Path) -> BTreeMap<String, (u32, u32)> {
    let names: Vec<_> = CALLS.iter().map(|(name, _)| *name).collect();
    let trace = format!("trace=write,{}", names.join(","));
    let prefix = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", log.to_str().unwrap(), "-e", &trace];
    let mut model = Model::default();
    let status = play.run(&prefix.map(str::to_owned), &mut model);
    assert!(status.success() && model.has_ended, "{play:?}: {status}");
    let text = fs::read_to_string(log).unwrap();
    let mut actor = None;
    for line in text.lines() {
        if line.contains("write(1, \"begin\\n\"") {
            actor = line.split(' ').next();
        }
    }
    let actor = actor.expect("it begins");
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut has_begun = false;
    for line in text.lines() {
        // Counted for each thread of its own, as strace counts.
        let Some((thread, call)) = line.split_once(' ') else { continue };
        has_begun |= call.contains("write(1, \"begin\\n\"");
        let name = call.trim_start().split('(').next().unwrap();
        if thread == actor && names.contains(&name) {
            let count = counts.entry(name.to_owned()).or_default();
            count.1 += 1;
            if !has_begun {
                count.0 += 1;
            }
        }
    }
    counts
}

/// Runs `fault` at each place of each call that each script makes; how often. In the short form, at one place of every third
/// call, of others in each script.
fn at_each_place(
    layout: Layout,
    durable: bool,
    most: u32,
    mut fault: impl FnMut(&Play<'_>, &str, u32, &Model),
) -> u32 {
    let mut tried = 0;
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("template");
    let mut known = Model::default();
    Play::new("store call", &template, layout).run_well(&mut known);
    let root = dir.path().join("cache");
    for (place, script) in SCRIPTS.into_iter().enumerate() {
        let mut play = Play::new(script, &root, layout);
        if durable {
            play.durability = rememo::Durability::Each;
        }
        copy(&template, &root);
        let counts = count(&play, &dir.path().join("trace"));
        fs::remove_dir_all(&root).unwrap();
        for (number, (call, (before, all))) in counts.into_iter().enumerate() {
            if !is_long() && (number + place) % 3 != 0 {
                continue;
            }
            let places = all - before;
            // Some, at other places in each script: with all of them it takes an hour.
            let step = if is_long() { places.div_ceil(most * 10) } else { places.div_ceil(most) }.max(1);
            for at in (before + 1 + place as u32 % step..=all).step_by(step as usize) {
                copy(&template, &root);
                fault(&play, &call, at, &known);
                tried += 1;
                fs::remove_dir_all(&root).unwrap();
            }
        }
    }
    tried
}

#[test]
fn a_system_call_that_fails_anywhere_costs_no_entry_and_no_result() {
    if !has_strace() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("trace");
    for layout in [Layout::Log, Layout::Files] {
        let mut failed = 0;
        let tried = at_each_place(layout, layout == Layout::Log, 1, |play, call, at, known| {
            let errors = CALLS.iter().find(|(name, _)| *name == call).unwrap().1;
            let error = errors[at as usize % errors.len()];
            let context = format!("{call} fails with {error} at {at}: {play:?}");
            let mut model = known.before();
            let status = play.run(&inject(call, &format!("error={error}:when={at}"), &log), &mut model);
            assert!(status.success() && model.has_ended, "{context}: {status}");
            // Some calls depend on how long others took; a thread of the test harness may have made as many as this.
            failed += u32::from(injected(&log) > 0);
            model.check(play.root, &context);
        });
        println!("{layout:?}: {failed} failures of system calls");
        assert!(failed > tried / 10 * 9, "{layout:?}: {failed} of {tried} failed");
    }
}

#[test]
fn a_process_that_is_killed_at_any_system_call_loses_nothing_that_it_acknowledged() {
    if !has_strace() {
        return;
    }
    for layout in [Layout::Log, Layout::Files] {
        let mut killed = 0;
        let tried = at_each_place(layout, false, 1, |play, call, at, known| {
            let context = format!("killed at {call} {at}: {play:?}");
            let mut model = known.before();
            play.run(&inject(call, &format!("signal=KILL:when={at}"), Path::new("/dev/null")), &mut model);
            // Some calls depend on how long others took.
            killed += u32::from(!model.has_ended);
            model.check(play.root, &context);
            // What it left is removed by whoever comes next, or asks for it.
            let memory = rememo::Memory::open(play.root).unwrap();
            memory.clear().unwrap();
            let mut left = Vec::new();
            for directory in ["tmp", "blobs"] {
                files_below(&play.root.join(directory), &mut left);
            }
            assert!(left.is_empty(), "{context}: left behind are {left:?}");
        });
        println!("{layout:?}: {killed} kills");
        assert!(killed > tried / 10 * 9, "{layout:?}: {killed} of {tried} were killed");
    }
}

#[test]
fn a_new_directory_whose_maker_is_killed_at_any_system_call_is_good() {
    if !has_strace() {
        return;
    }
    for layout in [Layout::Log, Layout::Files] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("cache");
        let play = Play::new("store", &root, layout);
        let counts = count(&play, &dir.path().join("trace"));
        fs::remove_dir_all(&root).unwrap();
        let (mut tried, mut killed) = (0, 0);
        for (call, (before, all)) in counts {
            // Making the directory takes fewer of each.
            let last = all.min(before + if is_long() { 60 } else { 4 });
            for at in before + 1..=last {
                let context = format!("killed at {call} {at}: {play:?}");
                let mut model = Model::default();
                play.run(
                    &inject(&call, &format!("signal=KILL:when={at}"), Path::new("/dev/null")),
                    &mut model,
                );
                killed += u32::from(!model.has_ended);
                tried += 1;
                model.check(&root, &context);
                let _ = fs::remove_dir_all(&root);
            }
        }
        assert!(killed > tried / 10 * 9, "{layout:?}: {killed} of {tried} were killed");
    }
}

fn files_below(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files_below(&path, files) } else { files.push(path) }
    }
}
