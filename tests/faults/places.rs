//! Directories that are moved, cleaned, linked, baked into an image, or on a file system of another kind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rememo::{Layout, Memory};

use crate::actor::{Play, value};
use crate::engines::{Disk, skip};
use crate::model::{Model, State, copy};

/// Longer than it takes until a store looks after its files.
const MOMENT: Duration = Duration::from_millis(60);

fn store(memory: &Memory, numbers: std::ops::Range<u64>) {
    for number in numbers {
        memory.insert(&value::delayed(number), &value::uncached(number)).unwrap();
    }
}

fn expect(memory: &Memory, numbers: std::ops::Range<u64>, there: bool, context: &str) {
    for number in numbers {
        assert_eq!(
            memory.lookup(&value::delayed(number)),
            there.then(|| value::uncached(number)),
            "{context}: {number}"
        );
    }
}

#[test]
fn a_directory_that_is_moved_under_a_program_keeps_its_entries_and_a_new_one_gets_its_own() {
    for layout in [Layout::Log, Layout::Files] {
        let dir = tempfile::tempdir().unwrap();
        let (root, moved) = (dir.path().join("cache"), dir.path().join("cache.old"));
        let open = |root: &Path| Memory::builder().dir(root).layout(layout).open().unwrap();
        let memory = open(&root);
        store(&memory, 0..50);
        fs::rename(&root, &moved).unwrap();
        store(&memory, 50..100);
        let fresh = open(&root);
        store(&fresh, 200..250);
        thread::sleep(MOMENT);
        store(&memory, 100..150);
        store(&fresh, 250..300);
        for (memory, own, other, name) in [
            (&memory, 0..150, 200..300, "the program's"),
            (&open(&moved), 0..150, 200..300, "moved"),
            (&fresh, 200..300, 0..150, "the fresh one"),
            (&open(&root), 200..300, 0..150, "fresh, opened again"),
        ] {
            expect(memory, own, true, &format!("{layout:?}, {name}"));
            expect(memory, other, false, &format!("{layout:?}, {name}"));
        }
    }
}

/// Cleaners of temporary directories remove files that are old, or empty, whoever has them open.
#[test]
fn a_cleaner_that_removes_any_file_under_running_programs_costs_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    let memories = [Memory::open(&root).unwrap(), Memory::open(&root).unwrap()];
    let mut next = 0;
    for (round, victim) in
        ["leases", "log/control", "index", "CACHEDIR.TAG", ".gitignore", "log/control", "index"]
            .iter()
            .enumerate()
    {
        store(&memories[0], next..next + 40);
        let _ = fs::remove_file(root.join(victim));
        // Before anybody has noticed.
        store(&memories[1], next + 40..next + 80);
        let later = Memory::open(&root).unwrap();
        store(&later, next + 80..next + 120);
        store(&memories[0], next + 120..next + 160);
        next += 160;
        thread::sleep(MOMENT);
        for memory in memories.iter().chain([&later]) {
            expect(memory, 0..next, true, &format!("round {round}, {victim}"));
        }
    }
    expect(&Memory::open(&root).unwrap(), 0..next, true, "in the end");
}

#[test]
fn links_and_pipes_in_the_place_of_files_are_neither_followed_nor_waited_for() {
    for layout in [Layout::Log, Layout::Files] {
        let dir = tempfile::tempdir().unwrap();
        let template = dir.path().join("template");
        Play::new("store", &template, layout).run_well(&mut Model::default());
        let outside = dir.path().join("outside");
        for victim in ["format", "log/control", "log/0000", "index", "leases", "CACHEDIR.TAG", "blobs/first"]
        {
            for kind in ["link", "pipe"] {
                let root = dir.path().join("cache");
                copy(&template, &root);
                fs::write(&outside, "somebody else's").unwrap();
                let mut path = root.join(victim);
                if victim == "blobs/first" {
                    let shard = fs::read_dir(root.join("blobs")).unwrap().next().unwrap().unwrap().path();
                    path = fs::read_dir(shard).unwrap().next().unwrap().unwrap().path();
                }
                let _ = fs::remove_file(&path);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).unwrap();
                }
                if kind == "link" {
                    symlink(&outside, &path).unwrap();
                } else {
                    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
                }
                let mut model = Model::default();
                let status = Play::new("call store verify clear", &root, layout).run(&[], &mut model);
                let context = format!("{layout:?}: a {kind} in place of {victim}");
                assert!(status.success() && model.has_ended, "{context}: {status}");
                assert_eq!(fs::read(&outside).unwrap(), b"somebody else's", "{context}");
                fs::remove_dir_all(&root).unwrap();
            }
        }
    }
}

/// A cache that was baked into the image of a container: its files are below, and are copied up when they are written.
#[test]
fn a_cache_in_the_lower_layer_of_an_overlay_goes_on_in_the_upper() {
    let dir = tempfile::tempdir().unwrap();
    let merged = dir.path().join("merged");
    fs::create_dir(&merged).unwrap();
    let mount = |arguments: &[&str], at: &Path| {
        Command::new("mount").args(arguments).arg(at).output().is_ok_and(|output| output.status.success())
    };
    // A file system of its own: a directory on an overlay cannot be the upper layer of another.
    let Some(layers) = Disk::mount("tmpfs", "256m") else { return };
    let disk = layers.path();
    let lower = disk.join("lower");
    for name in ["lower", "upper", "work"] {
        fs::create_dir(disk.join(name)).unwrap();
    }
    let mut known = Model::default();
    Play::new("store", &lower.join("cache"), Layout::Log).run_well(&mut known);
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        disk.join("upper").display(),
        disk.join("work").display()
    );
    if mount(&["-t", "overlay", "overlay", "-o", &options], &merged) {
        let root = merged.join("cache");
        // The one has everything mapped before the other writes anything.
        let readers = [Memory::open(&root).unwrap(), Memory::open(&root).unwrap()];
        for reader in &readers {
            known.check_in(reader, "baked in");
        }
        Play::new("grow", &root, Layout::Auto).run_well(&mut known);
        for reader in &readers {
            known.check_in(reader, "by another process");
        }
        store(&readers[0], 2000..2400);
        known.entries.extend((2000..2400).map(|number| (number, State::There)));
        for reader in &readers {
            known.check_in(reader, "by this one");
        }
        known.check(&root, "opened again");
        drop(readers);
    } else {
        skip("no overlay can be mounted here");
    }
    let _ = Command::new("umount").arg("-l").arg(&merged).status();
}

/// A log is refused where processes cannot share it, whoever made it: in time, and with what to do.
#[test]
fn a_log_that_came_to_a_file_system_where_it_cannot_be_shared_is_refused() {
    let Some(disk) = Disk::mount("ramfs", "") else { return };
    let dir = tempfile::tempdir().unwrap();
    let local = dir.path().join("cache");
    Play::new("store", &local, Layout::Log).run_well(&mut Model::default());
    let there = disk.path();
    let root = there.join("cache");
    copy(&local, &root);
    let error = Memory::open(&root).unwrap_err();
    assert_eq!(error.path(), Some(&*root));
    assert!(error.to_string().contains("another directory"), "{error}");
    // A new one there gets the files layout.
    let memory = Memory::open(there.join("new")).unwrap();
    store(&memory, 0..5);
    assert_eq!(fs::read_to_string(there.join("new/format")).unwrap(), "rememo 3 files\n");
}
