//! What only the log can get wrong: damage, growth, killed writers, reductions under way.

#![expect(clippy::cast_possible_truncation, reason = "bytes of test values")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::store::suite::{draft, get, key};
use crate::store::{Layout, open};

fn options() -> Options {
    Options { layout: Layout::Log, ..Options::default() }
}

fn fresh() -> (tempfile::TempDir, Arc<dyn Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &options()).unwrap();
    (dir, store)
}

fn reopen(root: &Path) -> Arc<dyn Store> {
    open(root, &options()).unwrap()
}

/// Whether the entry is there and right; damage is a miss, a wrong value fails.
#[track_caller]
fn right_or_missed(store: &dyn Store, number: u64) -> bool {
    match store.get(&key(number)).unwrap() {
        Lookup::Found(entry) => {
            assert_eq!(*entry.value().whole().unwrap(), draft(number).payload.to_vec(), "{number}");
            true
        }
        Lookup::Absent | Lookup::Damaged(_) => false,
    }
}

#[test]
fn golden_bytes() {
    let (dir, store) = fresh();
    store.put(&Draft { payload: b"value".to_vec().into(), ..draft(7) }).unwrap();
    store.remove(&key(7)).unwrap();
    let log = fs::read(dir.path().join("log/0000")).unwrap();
    let digest = blake3::hash(&log).to_hex();
    assert_eq!((log.len(), &digest[..32]), (192, "8796325c56c01581f7e042f5e7145b5e"));
}

#[test]
fn the_index_grows_again_and_again_while_it_is_used() {
    let (dir, store) = fresh();
    let path = dir.path().join("index");
    let mut sizes = vec![fs::metadata(&path).unwrap().len()];
    let other = reopen(dir.path());
    for number in 0..40_000 {
        store.put(&draft(number)).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        if sizes.last() != Some(&size) {
            sizes.push(size);
            assert!((0..=number).all(|number| get(&*other, number)), "after growth at {number}");
        }
    }
    assert_eq!(sizes.len(), 5, "{sizes:?}");
}

#[test]
fn whatever_becomes_of_the_index_entries_are_back_after_a_rebuild() {
    let (dir, store) = fresh();
    for number in 0..1000 {
        store.put(&draft(number)).unwrap();
    }
    store.remove(&key(3)).unwrap();
    store.clear_functions(&[draft(1).function]).unwrap();
    store.put(&draft(1)).unwrap();
    drop(store);
    let path = dir.path().join("index");
    let sound = fs::read(&path).unwrap();
    let (foreign, other) = fresh();
    other.put(&draft(1)).unwrap();
    let mut damaged: Vec<Option<Vec<u8>>> = vec![
        None,
        Some(vec![0; sound.len()]),
        Some((0..sound.len()).map(|i| (i * 167 + i / 251) as u8).collect()),
        Some(fs::read(foreign.path().join("index")).unwrap()),
        Some([sound.clone(), vec![0; 4096]].concat()),
    ];
    damaged.extend((0..sound.len()).step_by(4096).map(|length| Some(sound[..length].to_vec())));
    for (case, bytes) in damaged.into_iter().enumerate() {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let store = reopen(dir.path());
        for number in 0..1000 {
            let there = number == 1 || number % 3 != 1 && number != 3;
            assert_eq!(get(&*store, number), there, "case {case}: {number}");
        }
        assert_eq!(store.stat().unwrap().entries, 667, "case {case}");
    }
}

#[test]
fn garbage_in_the_slots_costs_misses_until_a_sweep_brings_the_entries_back() {
    let (dir, store) = fresh();
    for number in 0..200 {
        store.put(&draft(number)).unwrap();
    }
    let path = dir.path().join("index");
    let sound = fs::read(&path).unwrap();
    for round in 0..20_u64 {
        let mut bytes = sound.clone();
        for (i, byte) in bytes.iter_mut().enumerate().skip(4096) {
            *byte = (blake3::hash(&(round * 1_000_000 + i as u64).to_le_bytes()).as_bytes())[0];
        }
        // Under an open store: the file is written in place.
        fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&bytes).unwrap();
        for number in 0..200 {
            right_or_missed(&*store, number);
        }
        assert_eq!(store.sweep().unwrap().sound, 200);
        assert!((0..200).all(|number| get(&*store, number)));
        store.put(&draft(1000 + round)).unwrap();
        assert!(get(&*store, 1000 + round));
        store.remove(&key(1000 + round)).unwrap();
    }
}

#[test]
fn every_flipped_byte_of_the_log_is_a_miss_or_the_right_value() {
    let (dir, store) = fresh();
    for number in 0..5 {
        store.put(&draft(number)).unwrap();
    }
    store.remove(&key(2)).unwrap();
    let path = dir.path().join("log/0000");
    let sound = fs::read(&path).unwrap();
    for byte in 8..sound.len() {
        let mut broken = sound.clone();
        broken[byte] ^= 0x41;
        fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&broken).unwrap();
        let found = (0..5).filter(|&number| right_or_missed(&*store, number)).count();
        assert!(found >= 3, "byte {byte}: {found}");
        if byte % 8 == 0 {
            // And what a rebuild makes of it.
            let (elsewhere, store) = fresh();
            drop(store);
            fs::remove_file(elsewhere.path().join("index")).unwrap();
            fs::write(elsewhere.path().join("log/0000"), &broken).unwrap();
            let rebuilt = reopen(elsewhere.path());
            let found = (0..5).filter(|&number| right_or_missed(&*rebuilt, number)).count();
            assert!((3..=5).contains(&found), "byte {byte}: {found}");
        }
    }
}

#[test]
fn a_log_cut_off_at_any_length_has_the_entries_before_the_cut() {
    let (dir, store) = fresh();
    let mut ends = Vec::new();
    let path = dir.path().join("log/0000");
    for number in 0..12 {
        store.put(&draft(number * 17)).unwrap();
        ends.push(fs::metadata(&path).unwrap().len());
    }
    drop(store);
    let sound = fs::read(&path).unwrap();
    for length in (0..sound.len()).step_by(3) {
        fs::write(&path, &sound[..length]).unwrap();
        let store = reopen(dir.path());
        for (number, &end) in ends.iter().enumerate() {
            let there = right_or_missed(&*store, number as u64 * 17);
            assert_eq!(there, end <= length as u64, "{length} bytes, entry {number}");
        }
        store.put(&draft(9999)).unwrap();
        assert!(get(&*store, 9999) && get(&*reopen(dir.path()), 9999));
    }
}

#[test]
fn a_log_cut_off_under_an_open_store_is_a_miss() {
    let (dir, store) = fresh();
    for number in 0..3000 {
        store.put(&draft(number)).unwrap();
    }
    assert!(get(&*store, 2999));
    let path = dir.path().join("log/0000");
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(5000).unwrap();
    thread::sleep(Duration::from_millis(3 * TICK));
    let found = (0..3000).filter(|&number| right_or_missed(&*store, number)).count();
    assert!((10..100).contains(&found), "{found}");
    for number in 0..3000 {
        store.put(&draft(number)).unwrap();
        assert!(get(&*store, number), "{number}");
    }
}

#[test]
fn a_store_whose_directory_was_removed_goes_on_in_a_new_one() {
    let (dir, store) = fresh();
    store.put(&draft(1)).unwrap();
    fs::remove_dir_all(dir.path()).unwrap();
    thread::sleep(Duration::from_millis(3 * TICK));
    assert!(!get(&*store, 1));
    store.put(&draft(2)).unwrap();
    assert!(get(&*store, 2) && !get(&*store, 1));
}

#[test]
fn control_words_that_are_lost_or_garbage_are_made_anew() {
    for garbage in [None, Some(0_u8), Some(0xFF), Some(0x5A)] {
        let (dir, store) = fresh();
        for number in 0..300 {
            store.put(&draft(number)).unwrap();
        }
        drop(store);
        let path = dir.path().join("log/control");
        match garbage {
            None => fs::remove_file(&path).unwrap(),
            Some(byte) => {
                let length = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
                fs::write(&path, vec![byte; length]).unwrap();
            }
        }
        let store = reopen(dir.path());
        assert!((0..300).all(|number| get(&*store, number)), "{garbage:?}");
        (300..600).for_each(|number| store.put(&draft(number)).unwrap());
        assert!((0..600).all(|number| get(&*store, number)), "{garbage:?}");
        assert_eq!(store.stat().unwrap().entries, 600);
    }
}

#[test]
fn a_tail_behind_the_data_or_far_ahead_of_it_is_set_right_by_who_is_alone() {
    for tail in [0, 8, 1000, 1 << 30, u64::MAX] {
        let (dir, store) = fresh();
        (0..300).for_each(|number| store.put(&draft(number)).unwrap());
        drop(store);
        let path = dir.path().join("log/control");
        let mut words = fs::read(&path).unwrap();
        words[64..72].copy_from_slice(&u64::to_ne_bytes(tail));
        fs::write(&path, words).unwrap();
        let store = reopen(dir.path());
        (300..600).for_each(|number| store.put(&draft(number)).unwrap());
        assert!((0..600).all(|number| get(&*store, number)), "{tail}");
        assert!(fs::metadata(dir.path().join("log/0000")).unwrap().len() > 600 * 100, "{tail}");
    }
}

#[test]
fn a_budget_is_kept_while_entries_of_mixed_sizes_are_stored() {
    const BUDGET: u64 = 24 << 20;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Options { budget: Some(BUDGET), ..options() }).unwrap();
    let mut most = 0;
    for number in 0..30_000_u64 {
        let length = match number % 100 {
            0 => 100_000,
            n if n < 10 => 8_000,
            _ => 300,
        };
        store.put(&Draft { payload: vec![1; length].into(), ..draft(number) }).unwrap();
        if number % 500 == 0 {
            most = most.max(on_disk(dir.path()));
        }
    }
    assert!(most <= BUDGET / 10 * 11, "{most}");
    assert!(on_disk(dir.path()) >= BUDGET / 10 * 7, "it evicts no more than it must");
    let mut listed = 0;
    store.list(&mut |_| listed += 1).unwrap();
    assert_eq!(store.stat().unwrap().entries, listed);
    // And what is left is found after a rebuild, too.
    drop(store);
    fs::remove_file(dir.path().join("index")).unwrap();
    assert_eq!(reopen(dir.path()).stat().unwrap().entries, listed);
}

#[test]
fn what_was_used_just_now_stays_whatever_the_limits() {
    let (_dir, store) = fresh();
    (0..100).for_each(|number| store.put(&draft(number)).unwrap());
    assert!(get(&*store, 5));
    let reduced = store.reduce(&Limits::new().bytes(0)).unwrap();
    assert_eq!((reduced.entries, reduced.kept_entries), (99, 1));
    assert!((0..100).all(|number| get(&*store, number) == (number == 5)));
}

#[test]
fn what_was_replaced_a_hundred_times_does_not_fill_the_disk() {
    let (dir, store) = fresh();
    for round in (0..=249).cycle().take(1500) {
        for number in 0..10 {
            let payload = vec![round; 10_000].into();
            store.put(&Draft { payload, ..draft(number) }).unwrap();
        }
    }
    assert!(on_disk(dir.path()) < 40 << 20, "{}", on_disk(dir.path()));
    assert_eq!(store.stat().unwrap().entries, 10);
}

/// Opening needs the lock of the upkeep, and the upkeep the current index: neither may wait for the other. (They did.)
#[test]
fn files_that_vanish_again_and_again_under_threads_that_store_and_sweep_stop_nobody() {
    let (dir, store) = fresh();
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for first in [0, 1_000_000] {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                let mut number = first;
                while !done.load(Relaxed) {
                    // The files may go at any moment, so a store may fail, and what was stored may be missed.
                    let _ = store.put(&draft(number));
                    right_or_missed(&**store, number);
                    number += 1;
                    if number % 50 == 0 {
                        let _ = store.sweep();
                    }
                    if number % 70 == 0 {
                        let _ = store.clear_functions(&[draft(number).function]);
                    }
                }
            });
        }
        for round in 0..60 {
            thread::sleep(Duration::from_millis(5));
            let victim = if round % 3 == 0 { "log/control" } else { "index" };
            let _ = fs::remove_file(dir.path().join(victim));
        }
        done.store(true, Relaxed);
    });
    thread::sleep(Duration::from_millis(3 * TICK));
    for number in 5_000_000..5_000_500 {
        store.put(&draft(number)).unwrap();
        assert!(get(&*store, number), "{number}");
    }
}

fn on_disk(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(
            |path: PathBuf| {
                if path.is_dir() { on_disk(&path) } else { fs::metadata(path).map_or(0, |file| file.len()) }
            },
        )
        .sum()
}

/// Starts this binary again, for the test [`writer`].
fn start_writer(root: &Path, first: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "store::log::tests::writer", "--nocapture"])
        .env("REMEMO_TEST_STORE", root)
        .env("REMEMO_TEST_FIRST", first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the other process of other tests, started by them"]
fn writer() {
    let Some(root) = env::var_os("REMEMO_TEST_STORE") else { return };
    let first: u64 = env::var("REMEMO_TEST_FIRST").unwrap().parse().unwrap();
    let store = reopen(Path::new(&root));
    let mut out = std::io::stdout();
    for number in first..first + 100_000 {
        store.put(&draft(number)).unwrap();
        // Acknowledged: a line of its own, at once.
        writeln!(out, "stored {number}").unwrap();
        if number % 40 == 0 {
            store.sweep().unwrap();
        }
    }
}

#[test]
fn killed_writers_lose_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    // A bystander, so that the writers are never alone in the directory; and rounds without one.
    let mut bystander = None;
    let mut acknowledged = Vec::new();
    for round in 0..60_u64 {
        bystander = if round % 3 == 0 { None } else { bystander.or_else(|| Some(reopen(dir.path()))) };
        let mut writers: Vec<_> =
            (0..2).map(|n| start_writer(dir.path(), (2 * round + n) * 1_000_000)).collect();
        thread::sleep(Duration::from_micros(8_000 + round * 397 % 12_000));
        for writer in &mut writers {
            writer.kill().unwrap();
        }
        for mut writer in writers {
            writer.wait().unwrap();
            let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
            let number = |line: String| line.strip_prefix("stored ")?.parse::<u64>().ok();
            acknowledged.extend(lines.filter_map(|line| number(line.unwrap())));
        }
        if let Some(store) = &bystander {
            assert!(acknowledged.iter().all(|&number| get(&**store, number)), "round {round}");
        }
        let store = reopen(dir.path());
        assert!(acknowledged.iter().all(|&number| get(&*store, number)), "round {round}");
        store.put(&draft(u64::MAX - round)).unwrap();
        assert!(get(&*store, u64::MAX - round));
    }
    assert!(acknowledged.len() > 500, "{}", acknowledged.len());
    bystander = None;
    drop(bystander);
    fs::remove_file(dir.path().join("index")).unwrap();
    let store = reopen(dir.path());
    assert!(acknowledged.iter().all(|&number| get(&*store, number)), "after a rebuild");
}
