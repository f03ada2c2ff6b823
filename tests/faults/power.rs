//! Power cuts: what was promised to be on the disk is there when the file system is mounted again; what was not may be lost, and is
//! never wrong.
//!
//! They need file systems of their own, which `tests/engines/small-disk.sh` cuts off as a power cut does.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rememo::{Array, Durability, Layout, Memory, memo};

use crate::actor::{Play, hear_out};
use crate::calls::is_long;
use crate::engines::Disk;
use crate::model::{Model, State};

#[test]
fn what_was_promised_outlives_a_power_cut_and_nothing_is_wrong() {
    let rounds = if is_long() { 60 } else { 3 };
    for kind in ["ext4", "xfs"] {
        let Some(disk) = Disk::mount(kind, "320m") else { continue };
        for round in 0..rounds {
            for durability in [Durability::Each, Durability::None] {
                let root = disk.path().join(format!("cache-{round}"));
                let layout = if round % 3 == 2 { Layout::Files } else { Layout::Log };
                let script = ["store replace remove call", "store litter call", "store grow verify"];
                let script = script[round % script.len()];
                let play = Play { durability, ..Play::new(script, &root, layout) };
                let context = format!("{kind}, round {round}: {play:?}");
                let child = play.command(&[]).spawn().unwrap();
                thread::sleep(Duration::from_millis(30 + (round as u64 * 7919 + 1) % 400));
                disk.is_now("powercut");
                let mut model = Model::default();
                hear_out(child, &mut model, &context);
                disk.is_now("replug");
                if durability == Durability::None {
                    // Anything may be lost; what is there is right.
                    model.entries.values_mut().for_each(|state| *state = State::Either);
                }
                model.check(&root, &context);
                std::fs::remove_dir_all(&root).unwrap();
            }
        }
    }
}

#[memo(name = "faults::numbers", track = "none")]
fn numbers(seed: u64) -> Array<f64> {
    (0..200_000).map(|i| (seed * 1000 + i) as f64).collect()
}

/// The pages of a file that was not synced are lost with the file system, though the machine was not started anew, and its size and
/// times are what they were.
#[test]
fn an_array_whose_pages_never_reached_the_disk_is_not_believed() {
    for kind in ["ext4", "xfs"] {
        let Some(disk) = Disk::mount(kind, "320m") else { continue };
        for round in 0..if is_long() { 20 } else { 3 } {
            let root = disk.path().join(format!("cache-{round}"));
            {
                let memory = Memory::builder().dir(&root).layout(Layout::Log).open().unwrap();
                (0..8).for_each(|seed| drop(memory.call(numbers::delayed(seed))));
            }
            // Names and sizes reach the journal, the data does not.
            for file in walk(&root) {
                let _ = std::fs::File::open(file).map(|file| rustix::fs::fdatasync(&file));
                if round % 2 == 0 {
                    break;
                }
            }
            disk.is_now("powercut");
            disk.is_now("replug");
            let memory = Memory::builder().dir(&root).layout(Layout::Log).open().unwrap();
            for seed in 0..8 {
                assert!(
                    memory.call(numbers::delayed(seed)) == numbers::uncached(seed),
                    "{kind}, {round}: {seed}"
                );
            }
            drop(memory);
            std::fs::remove_dir_all(&root).unwrap();
        }
    }
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
