//! What a directory takes on the disk: within its budget and a stated slack, whatever was stored, replaced or killed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime};

use rememo::{Layout, Memory, memo};

use crate::actor::{Play, value};

/// What the documents of `MemoryBuilder::budget` say: a sixteenth more, and four mebibytes.
fn most(budget: u64) -> u64 {
    budget + budget / 16 + (4 << 20)
}

/// As `du` counts: blocks.
fn disk_usage(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    let below = match fs::read_dir(path) {
        Ok(entries) if metadata.is_dir() => entries.flatten().map(|entry| disk_usage(&entry.path())).sum(),
        _ => 0,
    };
    metadata.blocks() * 512 + below
}

#[memo(name = "faults::block", track = "none")]
fn block(number: u64, length: usize) -> Vec<u8> {
    (0..length).map(|i| (number as usize * 7 + i) as u8).collect()
}

fn open(root: &Path, layout: Layout, budget: u64) -> Memory {
    Memory::builder().dir(root).layout(layout).budget(budget).open().unwrap()
}

#[test]
fn a_budget_holds_whatever_is_stored_replaced_and_used() {
    const BUDGET: u64 = 12 << 20;
    for layout in [Layout::Log, Layout::Files] {
        for (name, length) in [("small", 300), ("middling", 20_000), ("large", 400_000), ("larger", 3 << 20)]
        {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().join("cache");
            let memory = open(&root, layout, BUDGET);
            let count =
                (4 * BUDGET / length as u64).min(if layout == Layout::Files { 2_000 } else { 10_000 });
            for number in 0..count {
                // Each is used at once, so that all of it is in use.
                memory.call(block::delayed(number, length));
                memory.call(block::delayed(number, length));
                // Replaced by a value of another size: large by small, and small by large.
                if number % 3 == 0 {
                    memory.insert(&block::delayed(number, length), &vec![1; 100]).unwrap();
                }
                if number % 50 == 0 {
                    memory.insert(&block::delayed(number, length), &vec![1; 200_000]).unwrap();
                }
            }
            let used = disk_usage(&root);
            assert!(used <= most(BUDGET), "{layout:?}, {name}: {used} of {BUDGET}");
            let entries = memory.stats().entries;
            assert!(entries > 0, "{layout:?}, {name}: something is kept");
            drop(memory);
            // What is left is what it says.
            let memory = open(&root, layout, BUDGET);
            assert_eq!(memory.entries().unwrap().len() as u64, entries, "{layout:?}, {name}");
        }
    }
}

#[test]
fn a_value_that_is_larger_than_the_budget_is_returned_and_not_stored() {
    for layout in [Layout::Log, Layout::Files] {
        let dir = tempfile::tempdir().unwrap();
        let memory = open(&dir.path().join("cache"), layout, 1 << 20);
        memory.call(block::delayed(1, 100));
        assert_eq!(memory.call(block::delayed(2, 2 << 20)).len(), 2 << 20);
        assert!(!memory.contains(&block::delayed(2, 2 << 20)) && memory.contains(&block::delayed(1, 100)));
        assert_eq!(memory.stats().troubles, 1);
    }
}

#[test]
fn writers_that_are_killed_leave_nothing_that_stays() {
    const BUDGET: u64 = 16 << 20;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    for round in 0..if crate::calls::is_long() { 300 } else { 20 } {
        let mut child = Play::new("store replace store replace store", &root, Layout::Log)
            .command(&[])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(5_000 + round * 7919 % 30_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let memory = open(&root, Layout::Log, BUDGET);
    memory.insert(&value::delayed(1), &value::uncached(1)).unwrap();
    // A file of its own for each large value, and none that belongs to nobody.
    let large = memory.entries().unwrap().iter().filter(|entry| entry.bytes() >= 65_536).count();
    let mut files = 0;
    for shard in fs::read_dir(root.join("blobs")).unwrap() {
        files += fs::read_dir(shard.unwrap().path()).unwrap().count();
    }
    assert_eq!(files, large);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    assert!(disk_usage(&root) <= most(BUDGET));
}

/// The index of many small entries is much larger than that of the few that a budget leaves: the large ones alone exceed it.
#[test]
fn an_index_shrinks_with_its_entries() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    {
        let memory = Memory::builder().dir(&root).layout(Layout::Log).open().unwrap();
        (0..60_000).for_each(|number| drop(memory.call(block::delayed(number, 10))));
    }
    let before = fs::metadata(root.join("index")).unwrap().len();
    let memory = open(&root, Layout::Log, 3 << 20);
    (0..6000).for_each(|number| drop(memory.call(block::delayed(number, 1000))));
    let after = fs::metadata(root.join("index")).unwrap().len();
    assert!(after * 4 <= before, "{before}, {after}");
    assert!(disk_usage(&root) <= most(3 << 20), "{}", disk_usage(&root));
    assert!(memory.stats().entries > 100);
}

/// Files whose times lie in the future, since the clock was ahead once.
#[test]
fn entries_of_a_clock_that_was_ahead_are_removed_as_any() {
    for layout in [Layout::Log, Layout::Files] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("cache");
        Play::new("store", &root, layout).run_well(&mut crate::model::Model::default());
        let future = SystemTime::now() + Duration::from_hours(24 * 365);
        let times = fs::FileTimes::new().set_modified(future).set_accessed(future);
        let mut files = Vec::new();
        for shard in fs::read_dir(root.join("blobs")).unwrap() {
            files.extend(fs::read_dir(shard.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
        }
        for file in &files {
            fs::File::options().write(true).open(file).unwrap().set_times(times).unwrap();
        }
        fs::write(root.join("tmp/left"), "by a killed writer").unwrap();
        fs::File::options().write(true).open(root.join("tmp/left")).unwrap().set_times(times).unwrap();
        let memory = Memory::open(&root).unwrap();
        let reduced = memory.reduce(rememo::Limits::new().age(Duration::from_hours(24 * 3650))).unwrap();
        if layout == Layout::Files {
            assert_eq!(reduced.entries as usize, files.len(), "their age is not known");
        }
        memory.clear().unwrap();
        assert!(files.iter().all(|file| !file.exists()), "{layout:?}");
        assert!(!root.join("tmp/left").exists(), "{layout:?}");
    }
}
