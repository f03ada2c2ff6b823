//! Compressed entries that are not what was written.

use std::fs;

use rememo::{Memory, MissReason, memo};

use super::{dice, numbers};
use crate::large::damage::regions;
use crate::large::{blob, each_layout};
use crate::support::{TestCache, hit, miss, miss_because};

/// Its compressed bytes are more than a block.
const LONG: usize = 380_000;

#[track_caller]
fn expect_repair(memory: &Memory, expected: &[u64], what: usize) {
    let (value, reason) = miss_because(memory, numbers::delayed(LONG));
    assert!(value == expected, "{what}");
    assert!(matches!(reason, MissReason::Damaged(_)), "{what}: {reason:?}");
    assert!(hit(memory, numbers::delayed(LONG)) == value, "{what}");
}

#[test]
fn a_compressed_blob_flipped_or_cut_off_anywhere_is_a_miss_and_repaired() {
    let expected = dice(LONG);
    for (layout, (_dir, memory)) in each_layout().into_iter().enumerate() {
        miss(&memory, numbers::delayed(LONG));
        let sound = fs::read(blob(&memory)).unwrap();
        assert!(sound.len() < LONG * 4 && sound.len() > (1 << 20) + 2_000, "{} bytes", sound.len());
        let mut places = regions(sound.len());
        places.retain(|place| !(200..1400).contains(place) || place % 9 == 0);
        // In one layout a place is flipped, in the other it is the end.
        for (number, at) in places.into_iter().enumerate() {
            let mut broken = sound.clone();
            if (number + layout) % 2 == 0 {
                broken[at] ^= 0x40;
            } else {
                broken.truncate(at);
            }
            fs::write(blob(&memory), &broken).unwrap();
            expect_repair(&memory, &expected, at);
        }
        for more in [1, 64, 5_000_000] {
            fs::write(blob(&memory), [&sound[..], &vec![0; more]].concat()).unwrap();
            expect_repair(&memory, &expected, more);
        }
    }
}

#[memo(compress)]
fn row(length: usize) -> Vec<u64> {
    vec![7; length]
}

#[test]
fn a_small_compressed_entry_flipped_or_cut_off_anywhere_is_a_miss_and_repaired() {
    let cache = TestCache::files();
    miss(&cache.memory, row::delayed(1000));
    let sound = fs::read(cache.entry_file()).unwrap();
    assert!(sound.len() < 400, "{} bytes", sound.len());
    for at in 0..sound.len() {
        for flip in [0x01, 0x5a, 0x80] {
            let mut broken = sound.clone();
            broken[at] ^= flip;
            expect_small_repair(&cache, &broken);
        }
        expect_small_repair(&cache, &sound[..at]);
    }
    expect_small_repair(&cache, &[&sound[..], &[0]].concat());
}

#[track_caller]
fn expect_small_repair(cache: &TestCache, damaged: &[u8]) {
    fs::write(cache.entry_file(), damaged).unwrap();
    let (value, reason) = miss_because(&cache.memory, row::delayed(1000));
    assert_eq!(value, vec![7; 1000]);
    assert!(matches!(reason, MissReason::Damaged(_)), "{reason:?}");
    assert_eq!(hit(&cache.memory, row::delayed(1000)), vec![7; 1000]);
}

#[test]
fn what_only_looks_at_a_compressed_entry_sees_it_and_its_damage() {
    for (_dir, memory) in each_layout() {
        miss(&memory, numbers::delayed(LONG));
        assert!(memory.contains(&numbers::delayed(LONG)));
        assert!(memory.why(&numbers::delayed(LONG)).is_hit());
        assert_eq!(memory.verify().unwrap().sound, 1);
        let path = blob(&memory);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(!memory.contains(&numbers::delayed(LONG)));
        assert_eq!(memory.lookup(&numbers::delayed(LONG)), None);
        assert!(memory.why(&numbers::delayed(LONG)).to_string().contains("checksum"));
        assert_eq!(memory.verify().unwrap().damaged, [path]);
    }
}
