//! Entries that are read where they lie.

use std::io::Write;

use super::*;

/// A log whose clock stands still, so that it is looked after once, by the first look-up.
fn still() -> (tempfile::TempDir, LogStore) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open_log(dir.path(), &options());
    store.clock = || 1_800_000_000_000;
    assert!(matches!(store.get(&key(0)).unwrap(), Lookup::Absent));
    assert_eq!(store.lend(&key(0), &mut |_| panic!("nothing is stored")), Lent::Absent);
    (dir, store)
}

#[test]
fn short_entries_are_lent_and_all_others_found_as_they_always_are() {
    let (_dir, store) = still();
    for length in [0, 1, 100, 1900, 2048, 65_535, 65_536, 300_000, 7] {
        let payload = vec![7; length];
        store.put(&Draft { payload: payload.clone().into(), ..draft(1) }).unwrap();
        // How far the segment is written is seen by that.
        assert!(store.holds(&key(1)).unwrap());
        let mut read = None;
        let lent = store.lend(&key(1), &mut |entry| {
            read = Some(entry.value.whole().unwrap().into_owned());
            true
        });
        if length < 2000 {
            assert!(matches!(lent, Lent::Read { .. }) && read == Some(payload), "{length}: {lent:?}");
        } else {
            assert_eq!((lent, read), (Lent::No, None));
            let Lookup::Found(entry) = store.get(&key(1)).unwrap() else { panic!("{length}") };
            assert_eq!(*entry.value().whole().unwrap(), payload);
        }
    }
    assert_eq!(store.lend(&key(1), &mut |_| false), Lent::No, "it could not be used");
    assert!(store.remove(&key(1)).unwrap());
    assert!(!is_lent(&store, 1) && !get(&store, 1));
    assert!(!is_lent(&store, 2), "never stored");
}

#[test]
fn a_damaged_entry_is_not_lent_and_told_to_be_damaged() {
    let (dir, store) = still();
    store.put(&draft(99)).unwrap();
    assert!(get(&store, 99) && is_lent(&store, 99));
    let path = dir.path().join("log/0000");
    let sound = fs::read(&path).unwrap();
    // But for what is of the record of another key, or of none.
    for byte in [8, 20, 24, 70, 80, 120, 170] {
        let mut broken = sound.clone();
        broken[byte] ^= 0x10;
        fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&broken).unwrap();
        assert!(!is_lent(&store, 99), "{byte}");
        assert_eq!(store.lend(&key(99), &mut |_| true), Lent::No);
        let found = store.get(&key(99)).unwrap();
        assert!(matches!(found, Lookup::Damaged(_) | Lookup::Absent), "{byte}: {found:?}");
    }
    fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&sound).unwrap();
    assert!(is_lent(&store, 99), "it is mended");
}

#[test]
fn what_is_lent_is_noted_as_a_use() {
    let (_dir, store) = still();
    store.put(&draft(5)).unwrap();
    let uses = || {
        let view = store.view.load();
        let (slot, _) = view.index.table().first(Hash::of(&key(5))).unwrap();
        Note::of_word(view.index.table().note(slot)).uses
    };
    assert!(store.holds(&key(5)).unwrap());
    assert_eq!(uses(), 0);
    for _ in 0..3 {
        assert!(is_lent(&store, 5));
        assert_eq!(uses(), 1, "once in a spell");
    }
}
