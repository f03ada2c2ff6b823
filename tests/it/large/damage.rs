//! Blobs that are not as they were written.

use std::fs;

use rememo::{Memory, MissReason, memo};

use super::{blob, each_layout};
use crate::support::{hit, miss, miss_because};

/// Places in the file of an entry, one in each of its regions.
pub fn regions(length: usize) -> Vec<usize> {
    let header = [0, 7, 8, 23, 24, 55, 56, 71, 72, 80, 88, 91, 96, 98, 100, 101, 104, 110, 150];
    let payload = [length / 2, length - 1_048_576, length - 70_000, length - 65, length - 1];
    (160..1500).step_by(149).chain(header).chain(payload).collect()
}

#[memo]
fn series(length: usize) -> Vec<u64> {
    (0..length as u64).collect()
}

const LONG: usize = 150_000;

#[test]
fn a_blob_flipped_anywhere_is_a_miss_and_repaired() {
    for (_dir, memory) in each_layout() {
        miss(&memory, series::delayed(LONG));
        let sound = fs::read(blob(&memory)).unwrap();
        for at in regions(sound.len()) {
            let mut broken = sound.clone();
            broken[at] ^= 0x40;
            fs::write(blob(&memory), &broken).unwrap();
            expect_repair(&memory, at);
        }
    }
}

#[test]
fn a_blob_of_another_length_is_a_miss_and_repaired() {
    for (_dir, memory) in each_layout() {
        miss(&memory, series::delayed(LONG));
        let sound = fs::read(blob(&memory)).unwrap();
        for length in regions(sound.len()) {
            fs::write(blob(&memory), &sound[..length]).unwrap();
            expect_repair(&memory, length);
        }
        for more in [1, 64, 5_000_000] {
            fs::write(blob(&memory), [&sound[..], &vec![0; more]].concat()).unwrap();
            expect_repair(&memory, more);
        }
    }
}

#[track_caller]
fn expect_repair(memory: &Memory, what: usize) {
    let (value, reason) = miss_because(memory, series::delayed(LONG));
    assert!(value == series::uncached(LONG), "{what}");
    assert!(matches!(reason, MissReason::Damaged(_)), "{what}: {reason:?}");
    assert!(hit(memory, series::delayed(LONG)) == value, "{what}");
}

#[test]
fn what_only_looks_at_a_damaged_blob_sees_the_damage() {
    for (_dir, memory) in each_layout() {
        miss(&memory, series::delayed(LONG));
        assert!(memory.contains(&series::delayed(LONG)));
        let path = blob(&memory);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(!memory.contains(&series::delayed(LONG)));
        assert_eq!(memory.lookup(&series::delayed(LONG)), None);
        assert!(memory.why(&series::delayed(LONG)).to_string().contains("checksum"));
        assert_eq!(memory.verify().unwrap().damaged, [path]);
        miss(&memory, series::delayed(LONG));
        assert_eq!(memory.verify().unwrap().damaged.len(), 0);
    }
}
