//! Files that lose bytes, get other bytes, or are cut off: while nobody has them open, and under a program that has.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rememo::{Layout, Memory};

use crate::actor::{Play, value};
use crate::calls::is_long;
use crate::model::{Model, State, copy};

/// Numbers that look random, always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if fs::metadata(&path).unwrap().len() > 0 {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// One thing that happens to a file; what.
fn damage(path: &Path, random: &mut Random) -> String {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    match random.below(4) {
        0 => {
            let cut = random.below(length);
            file.set_len(cut).unwrap();
            format!("cut off at {cut} of {length}")
        }
        1 => {
            let start = random.below(length);
            let zeros = vec![0; random.below(length - start).min(20_000) as usize + 1];
            let zeros = &zeros[..zeros.len().min((length - start) as usize)];
            file.write_all_at(zeros, start).unwrap();
            format!("{} zeros at {start}", zeros.len())
        }
        _ => {
            let (at, bit) = (random.below(length), random.below(8));
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 1 << bit], at).unwrap();
            format!("bit {bit} of byte {at} flipped")
        }
    }
}

/// Values are right or missed; what is stored then is kept, or, where the file of the log's words is the damaged one, at least once
/// everything was opened anew.
#[track_caller]
fn expect_working(memory: &Memory, known: &Model, context: &str) {
    for &number in known.entries.keys() {
        let found = memory.call(value::delayed(number));
        assert!(found == value::uncached(number), "{context}: {number} is wrong");
    }
}

/// What stands in the damaged directory, and in which rounds. In a few, so much that the index has grown; it is nearly all files of
/// large values, and takes ten times as long.
fn forms() -> [(&'static str, Range<u64>); 2] {
    if is_long() {
        [("store", 0..150), ("store grow", 150..300)]
    } else {
        [("store", 0..24), ("store grow", 24..30)]
    }
}

/// Each of them in both layouts.
fn both_with<T: Clone>(all: impl IntoIterator<Item = T>) -> impl Iterator<Item = (Layout, T)> {
    all.into_iter().flat_map(|one| [(Layout::Log, one.clone()), (Layout::Files, one)])
}

#[test]
fn a_file_that_is_damaged_while_nobody_has_it_open_costs_misses_and_no_more() {
    for (layout, (script, rounds)) in both_with(forms()) {
        let dir = tempfile::tempdir().unwrap();
        let template = dir.path().join("template");
        let mut known = Model::default();
        Play::new(&format!("{script} remove"), &template, layout).run_well(&mut known);
        known.entries.retain(|_, state| *state == State::There);
        let root = dir.path().join("cache");
        for round in rounds {
            let mut random = Random(round + 1);
            copy(&template, &root);
            let files = files_below(&root);
            let file = &files[random.below(files.len() as u64) as usize];
            let what = damage(file, &mut random);
            let context = format!("round {round}: {}: {what}", file.display());
            if file.ends_with("format") {
                // Refused, or taken for a new one.
                drop(Memory::open(&root));
            } else {
                let memory = Memory::builder().dir(&root).layout(layout).open().unwrap();
                expect_working(&memory, &known, &context);
                memory.verify().unwrap_or_else(|error| panic!("{context}: {error}"));
                expect_working(&memory, &known, &context);
                drop(memory);
                let all: Model = Model { entries: known.entries.clone(), has_ended: true };
                all.check(&root, &context);
            }
            fs::remove_dir_all(&root).unwrap();
        }
    }
}

#[test]
fn a_file_that_is_damaged_under_a_program_costs_misses_and_no_more() {
    for (layout, (script, rounds)) in both_with(forms()) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("cache");
        let mut known = Model::default();
        Play::new(script, &root, layout).run_well(&mut known);
        let memory = Memory::builder().dir(&root).layout(layout).open().unwrap();
        expect_working(&memory, &known, "before");
        for round in rounds {
            let mut random = Random(round + 1);
            let mut files = files_below(&root);
            files.retain(|file| !file.ends_with("format"));
            let file = &files[random.below(files.len() as u64) as usize];
            let what = damage(file, &mut random);
            let context = format!("live, round {round}: {}: {what}", file.display());
            expect_working(&memory, &known, &context);
            // Whether the files are those that others see is looked at every few milliseconds.
            thread::sleep(Duration::from_millis(40));
            expect_working(&memory, &known, &context);
            if round % 5 == 0 {
                memory.verify().unwrap_or_else(|error| panic!("{context}: {error}"));
            }
        }
        drop(memory);
        let memory = Memory::open(&root).unwrap();
        memory.verify().unwrap();
        expect_working(&memory, &known, "after");
    }
}

/// A backup that is copied over the cache while a program uses it: `cp -r backup/. cache/`.
#[test]
fn a_backup_that_is_copied_over_a_cache_in_use_costs_misses_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (root, backup) = (dir.path().join("cache"), dir.path().join("backup"));
    let mut known = Model::default();
    Play::new("store", &root, Layout::Log).run_well(&mut known);
    copy(&root, &backup);
    let memory = Memory::open(&root).unwrap();
    for round in 0..20 {
        for number in 1000..1400 {
            assert!(memory.call(value::delayed(number)) == value::uncached(number));
        }
        copy(&backup, &root);
        expect_working(&memory, &known, &format!("round {round}"));
        thread::sleep(Duration::from_millis(40));
        known.check_in(&memory, &format!("round {round}"));
    }
}
