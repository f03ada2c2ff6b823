//! Files that are damaged, cut off, exchanged or garbage: a miss at worst, and mended.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use super::*;

/// A directory whose store has 1000 entries, of which some were removed; see [`expect_all`].
fn thousand() -> tempfile::TempDir {
    let (dir, store) = fresh();
    for number in 0..1000 {
        store.put(&draft(number)).unwrap();
    }
    store.remove(&key(3)).unwrap();
    store.clear_functions(&[draft(1).function]).unwrap();
    store.put(&draft(1)).unwrap();
    dir
}

#[track_caller]
fn expect_all(store: &dyn Store, case: &str) {
    for number in 0..1000 {
        let there = number == 1 || number % 3 != 1 && number != 3;
        assert_eq!(get(store, number), there, "{case}: {number}");
    }
}

/// What may become of an index: nothing, zeros, random bytes, that of another directory, longer, cut off at any page and in
/// the middle of each.
fn damaged(sound: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let (foreign, other) = fresh();
    other.put(&draft(1)).unwrap();
    let mut random = Vec::new();
    let mut hash = blake3::Hasher::new().finalize_xof();
    random.resize(sound.len(), 0);
    hash.fill(&mut random);
    let mut damaged: Vec<(String, Option<Vec<u8>>)> = vec![
        ("deleted".into(), None),
        ("zeros".into(), Some(vec![0; sound.len()])),
        ("random".into(), Some(random.clone())),
        ("random slots".into(), Some([&sound[..64], &[0; 4032], &random[4096..]].concat())),
        ("foreign".into(), Some(fs::read(foreign.path().join("index")).unwrap())),
        ("longer".into(), Some([sound, &[0; 4096]].concat())),
    ];
    let lengths = (0..sound.len()).step_by(2048);
    damaged.extend(lengths.map(|length| (format!("{length} bytes"), Some(sound[..length].to_vec()))));
    damaged
}

#[test]
fn whatever_becomes_of_the_index_entries_are_back_after_a_rebuild() {
    let dir = thousand();
    let path = dir.path().join("index");
    let sound = fs::read(&path).unwrap();
    for (case, bytes) in damaged(&sound) {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let store = reopen(dir.path());
        if case == "random slots" {
            // It looks like an index: nobody can tell before a sweep.
            for number in 0..1000 {
                right_or_missed(&*store, number);
            }
            store.sweep().unwrap();
        }
        expect_all(&*store, &case);
        assert_eq!(store.stat().unwrap().entries, 667, "{case}");
    }
}

/// Another file in its place, or other bytes in it: not one that is cut off in place, which may end those who have it mapped.
#[test]
fn whatever_becomes_of_an_index_in_use_entries_are_back_after_a_moment() {
    let dir = thousand();
    let path = dir.path().join("index");
    let other = start_again("store::log::tests::damage::user", dir.path(), &[]);
    let stores = [reopen(dir.path()), reopen(dir.path())];
    for in_place in [false, true] {
        let sound = fs::read(&path).unwrap();
        for (case, bytes) in damaged(&sound) {
            let whole = bytes.as_ref().is_some_and(|bytes| bytes.len() >= sound.len());
            match bytes {
                Some(bytes) if in_place && whole => {
                    File::options().write(true).open(&path).unwrap().write_all(&bytes).unwrap();
                }
                _ if in_place => continue,
                Some(bytes) => {
                    fs::write(dir.path().join("tmp/other"), bytes).unwrap();
                    fs::rename(dir.path().join("tmp/other"), &path).unwrap();
                }
                None => fs::remove_file(&path).unwrap(),
            }
            for store in &stores {
                for number in 0..1000 {
                    right_or_missed(&**store, number);
                }
            }
            thread::sleep(Duration::from_millis(3 * TICK));
            if case == "random slots" {
                stores[0].sweep().unwrap();
            }
            for store in &stores {
                expect_all(&**store, &case);
            }
        }
    }
    fs::write(dir.path().join("tmp/done"), "").unwrap();
    let output = other.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "the other process of another test, started by it"]
fn user() {
    let Some(root) = env::var_os("REMEMO_TEST_STORE").map(PathBuf::from) else { return };
    let store = reopen(&root);
    while !root.join("tmp/done").exists() {
        for number in 0..1000 {
            right_or_missed(&*store, number);
        }
    }
    thread::sleep(Duration::from_millis(3 * TICK));
    expect_all(&*store, "in another process");
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
    let (elsewhere, _) = fresh();
    for byte in 8..sound.len() {
        let mut broken = sound.clone();
        broken[byte] ^= 0x41;
        fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&broken).unwrap();
        let found = (0..5).filter(|&number| right_or_missed(&*store, number)).count();
        assert!(found >= 3, "byte {byte}: {found}");
        // And what a rebuild makes of it.
        fs::write(elsewhere.path().join("log/0000"), &broken).unwrap();
        fs::remove_file(elsewhere.path().join("index")).unwrap();
        let rebuilt = reopen(elsewhere.path());
        let found = (0..5).filter(|&number| right_or_missed(&*rebuilt, number)).count();
        assert!((3..=5).contains(&found), "byte {byte}, rebuilt: {found}");
    }
}

#[test]
fn a_log_cut_off_at_any_length_has_the_entries_before_the_cut() {
    let (dir, store) = fresh();
    let mut ends = Vec::new();
    let path = dir.path().join("log/0000");
    for number in 0..6 {
        store.put(&draft(number * 17)).unwrap();
        ends.push(fs::metadata(&path).unwrap().len());
    }
    drop(store);
    let sound = fs::read(&path).unwrap();
    for length in 0..=sound.len() {
        fs::write(&path, &sound[..length]).unwrap();
        let mut store = reopen(dir.path());
        if length % 2 == 0 {
            // Both ways: with the index that knows what is cut off, and with one that is made anew.
            drop(store);
            fs::remove_file(dir.path().join("index")).unwrap();
            store = reopen(dir.path());
        }
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

/// A segment of the same name that is another file: its length says nothing of the one that is mapped, and to read behind the end of that
/// is a signal. (It was one.)
#[test]
fn a_segment_in_place_of_another_is_not_taken_for_that() {
    let (dir, store) = fresh();
    store.put(&draft(0)).unwrap();
    assert!(get(&*store, 0));
    let path = dir.path().join("log/0000");
    let copy = dir.path().join("tmp/copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    let other = reopen(dir.path());
    for number in 1..200 {
        other.put(&draft(number)).unwrap();
        assert!(get(&*other, number));
        right_or_missed(&*store, number);
    }
    assert!(get(&*reopen(dir.path()), 199));
}
