//! Values that are stored compressed.

#![cfg(feature = "zstd")]

mod damage;
mod footprint;
mod without;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use rememo::{Array, EntryInfo, Memory, Parallel, Shelved, Source, memo};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

pub use self::footprint::play;
use crate::large::each_layout;
use crate::support::{TestCache, hit, miss};

/// Numbers that shrink to a half at most: of eight bytes three are random.
fn dice(length: usize) -> Vec<u64> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 40
    };
    (0..length).map(|_| next()).collect()
}

/// Numbers that do not shrink.
fn noise(length: usize) -> Vec<u64> {
    dice(length)
        .into_iter()
        .zip(dice(length + 9).split_off(9))
        .map(|(a, b)| (a << 40) ^ (b << 17) ^ (a * b))
        .collect()
}

/// What all entries take.
fn stored(memory: &Memory) -> u64 {
    memory.entries().unwrap().iter().map(EntryInfo::bytes).sum()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Throw {
    number: u64,
    eyes: f64,
}

#[memo(compress)]
fn numbers(length: usize) -> Vec<u64> {
    dice(length)
}

#[memo(compress)]
fn throws(length: usize) -> Vec<Throw> {
    dice(length).into_iter().map(|number| Throw { number, eyes: (number % 6) as f64 }).collect()
}

#[memo(compress)]
fn text(length: usize) -> String {
    dice(length).iter().map(|number| char::from_digit((number % 10) as u32, 10).unwrap()).collect()
}

#[memo(compress = 1)]
fn several(length: usize) -> (Vec<u64>, [u8; 3], Array<f32>, Vec<bool>) {
    let floats: Vec<f32> = dice(length).into_iter().map(|number| (number % 1000) as f32).collect();
    (dice(length), [1, 2, 3], floats.into(), vec![true; length])
}

#[memo(compress)]
fn fallible(length: usize) -> Result<Vec<u64>, String> {
    if length == 7 { Err("seven".into()) } else { Ok(dice(length)) }
}

#[test]
fn compressed_values_come_back_at_every_length() {
    for (_dir, memory) in each_layout() {
        for length in [0, 1, 100, 2_000, 70_000, 300_000] {
            assert!(miss(&memory, numbers::delayed(length)) == hit(&memory, numbers::delayed(length)));
            assert!(miss(&memory, throws::delayed(length)) == hit(&memory, throws::delayed(length)));
            assert!(miss(&memory, text::delayed(2 * length)) == hit(&memory, text::delayed(2 * length)));
            assert!(miss(&memory, several::delayed(length)) == hit(&memory, several::delayed(length)));
            assert!(miss(&memory, fallible::delayed(length)) == hit(&memory, fallible::delayed(length)));
        }
        assert_eq!(memory.stats().troubles, 0);
        for _ in 0..2 {
            miss(&memory, fallible::delayed(7)).unwrap_err();
        }
        memory.clear().unwrap();
        miss(&memory, numbers::delayed(300_000));
        assert!(stored(&memory) < 300_000 * 4, "{} bytes", stored(&memory));
        memory.clear().unwrap();
        miss(&memory, throws::delayed(300_000));
        assert!(stored(&memory) < 300_000 * 8, "{} bytes", stored(&memory));
    }
}

mod forms {
    //! One function, as it is written on three days. Its machine code is not looked at: that of equal functions may differ.
    pub mod plain {
        #[rememo::memo(track = "none", name = "spectrum")]
        pub fn spectrum(length: usize) -> Vec<u64> {
            crate::compressed::dice(length)
        }
    }
    pub mod packed {
        #[rememo::memo(track = "none", name = "spectrum", compress)]
        pub fn spectrum(length: usize) -> Vec<u64> {
            crate::compressed::dice(length)
        }
    }
    pub mod never {
        #[rememo::memo(track = "none", name = "spectrum", compress = false)]
        pub fn spectrum(length: usize) -> Vec<u64> {
            crate::compressed::dice(length)
        }
    }
}

#[test]
fn turning_compression_on_or_off_keeps_the_hits() {
    use forms::{never, packed, plain};
    assert_eq!(plain::spectrum::info().fingerprint(), packed::spectrum::info().fingerprint());
    for (_dir, memory) in each_layout() {
        for length in [2_000, 100_000] {
            let value = miss(&memory, plain::spectrum::delayed(length));
            assert!(hit(&memory, packed::spectrum::delayed(length)) == value);
            let value = miss(&memory, packed::spectrum::delayed(length + 1));
            assert!(hit(&memory, plain::spectrum::delayed(length + 1)) == value);
            assert!(hit(&memory, never::spectrum::delayed(length + 1)) == value);
            // Both at once.
            assert!(hit(&memory, never::spectrum::delayed(length)).len() == length);
        }
        let mut bytes: Vec<u64> = memory.entries().unwrap().iter().map(EntryInfo::bytes).collect();
        bytes.sort_unstable();
        assert!(
            bytes[0] < 8_000 && bytes[1] > 16_000 && bytes[2] < 400_000 && bytes[3] > 800_000,
            "{bytes:?}"
        );
    }
}

#[memo]
fn as_the_memory_says(length: usize) -> Vec<u64> {
    (0..length as u64).map(|i| i * i / 7).collect()
}

#[memo(compress = 1)]
fn weakly(length: usize) -> Vec<u64> {
    as_the_memory_says::uncached(length)
}

#[memo(compress = 19)]
fn strongly(length: usize) -> Vec<u64> {
    as_the_memory_says::uncached(length)
}

#[memo(compress = false)]
fn never(length: usize) -> Vec<u64> {
    as_the_memory_says::uncached(length)
}

/// A memory that compresses at this level.
fn at(level: i32) -> (TempDir, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::builder().dir(dir.path()).compress(level).open().unwrap();
    (dir, memory)
}

#[test]
fn a_memory_states_a_level_and_the_functions_own_goes_first() {
    const LENGTH: usize = 50_000;
    /// Every name of a function has another length, and so has every header.
    const HEADER: u64 = 200;
    let size = |memory: &Memory, run: fn(&Memory)| {
        memory.clear().unwrap();
        run(memory);
        stored(memory)
    };
    let general = |memory: &Memory| drop(miss(memory, as_the_memory_says::delayed(LENGTH)));
    let weak = |memory: &Memory| drop(miss(memory, weakly::delayed(LENGTH)));
    let strong = |memory: &Memory| drop(miss(memory, strongly::delayed(LENGTH)));
    let none = |memory: &Memory| drop(miss(memory, never::delayed(LENGTH)));
    let plain = (LENGTH * 8) as u64;
    let cache = TestCache::new();
    let sizes = [general, weak, strong, none].map(|run| size(&cache.memory, run));
    assert!(sizes[0] >= plain && sizes[3] >= plain, "{sizes:?}");
    assert!(sizes[1] < plain && sizes[2] + HEADER < sizes[1], "{sizes:?}");
    for (level, as_this) in [(1, sizes[1]), (19, sizes[2])] {
        let (_dir, memory) = at(level);
        assert!(size(&memory, general).abs_diff(as_this) < HEADER, "level {level}, {sizes:?}");
        assert!(size(&memory, weak).abs_diff(sizes[1]) < HEADER, "level {level}, {sizes:?}");
        assert!(size(&memory, strong).abs_diff(sizes[2]) < HEADER, "level {level}, {sizes:?}");
        assert!(size(&memory, none) >= plain, "level {level}, {sizes:?}");
    }
}

#[test]
fn a_memory_that_compresses_does_so_for_all_ways_to_store() {
    let (_dir, memory) = at(3);
    let call = as_the_memory_says::delayed(50_000);
    memory.insert(&call, &as_the_memory_says::uncached(50_000)).unwrap();
    assert!(stored(&memory) < 300_000);
    assert!(hit(&memory, call) == as_the_memory_says::uncached(50_000));
    memory.clear().unwrap();
    memory.get_or_compute("squares", &3, || as_the_memory_says::uncached(50_000));
    assert!(stored(&memory) < 300_000);
    memory.clear().unwrap();
    let all =
        || Parallel::new().jobs(2).memory(&memory).run((0..50).map(|i| numbers::delayed(2000 + i))).unwrap();
    let first = all();
    assert!(stored(&memory) < 50 * 2000 * 4);
    assert!(first == all());
    assert_eq!(memory.stats().hits, 51);
}

#[test]
#[should_panic(expected = "`23` is no level of zstd")]
fn a_level_that_there_is_not_is_refused() {
    let _ = Memory::builder().compress(23);
}

/// Names of equal length, so that the entries differ in nothing else.
#[memo(compress)]
fn random(length: usize) -> Vec<u64> {
    noise(length)
}

#[memo]
fn chance(length: usize) -> Vec<u64> {
    noise(length)
}

#[test]
fn what_does_not_shrink_and_what_is_small_is_kept_as_it_is() {
    for (_dir, memory) in each_layout() {
        for length in [2_000, 100_000, 500_000] {
            memory.clear().unwrap();
            miss(&memory, random::delayed(length));
            let compressed = stored(&memory);
            memory.clear().unwrap();
            miss(&memory, chance::delayed(length));
            assert_eq!(compressed, stored(&memory), "{length} numbers");
            assert!(compressed >= 8 * length as u64);
        }
        // 511 numbers and their shape are 4,104 bytes, 509 are 4,088.
        for (length, compressed) in [(509, false), (511, true)] {
            memory.clear().unwrap();
            miss(&memory, numbers::delayed(length));
            assert_eq!(stored(&memory) < 8 * length as u64, compressed, "{length} numbers");
            assert!(hit(&memory, numbers::delayed(length)) == dice(length));
        }
    }
}

mod tables {
    //! One function, as it is written on two days.
    pub mod plain {
        #[rememo::memo(track = "none", name = "table")]
        pub fn table(rows: usize) -> rememo::Array<u64> {
            rememo::Array::new([rows, 100], crate::compressed::dice(rows * 100)).unwrap()
        }
    }
    pub mod packed {
        #[rememo::memo(track = "none", name = "table", compress)]
        pub fn table(rows: usize) -> rememo::Array<u64> {
            rememo::Array::new([rows, 100], crate::compressed::dice(rows * 100)).unwrap()
        }
    }
}

#[memo]
fn total(table: &Array<u64>) -> u64 {
    table.iter().sum()
}

#[test]
fn a_compressed_array_is_read_and_is_the_same_key() {
    use tables::{packed, plain};
    for (_dir, memory) in each_layout() {
        // 8 MB, and few enough bytes for the log.
        for rows in [10_000, 20] {
            let computed = miss(&memory, packed::table::delayed(rows));
            miss(&memory, total::delayed(&computed));
            let read = hit(&memory, packed::table::delayed(rows));
            assert!(read == computed && read.shape() == [rows, 100] && !read.is_mapped());
            assert_eq!(hit(&memory, total::delayed(&read)), computed.iter().sum::<u64>());
            // Stored anew as it is: mapped again, and still the same key.
            let uncompressed = memory.recompute(plain::table::delayed(rows));
            let read = hit(&memory, packed::table::delayed(rows));
            assert_eq!(read.is_mapped(), cfg!(target_os = "linux") && rows > 20);
            assert!(read == uncompressed);
            hit(&memory, total::delayed(&read));
        }
    }
}

#[memo(compress)]
fn slow(length: usize) -> Vec<u64> {
    thread::sleep(Duration::from_millis(100));
    dice(length)
}

#[test]
fn who_waits_for_a_value_that_is_compressed_gets_it() {
    for (_dir, memory) in each_layout() {
        for length in [5_000, 100_000] {
            let barrier = Barrier::new(4);
            let sources: Vec<Source> = thread::scope(|scope| {
                let ask = || {
                    barrier.wait();
                    let outcome = memory.call_info(slow::delayed(length));
                    assert!(outcome.value == dice(length));
                    outcome.source
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(sources.iter().filter(|source| matches!(source, Source::Miss(_))).count(), 1);
        }
        let calls = (0..20).map(|i| slow::delayed(90_000 + i % 2));
        let all = Parallel::new().jobs(2).memory(&memory).run(calls).unwrap();
        assert!((0..).zip(all).all(|(i, value)| value == dice(90_000 + i % 2)));
        assert_eq!((memory.stats().misses, memory.stats().troubles), (4, 0));
    }
}

#[test]
fn a_shelved_compressed_value_comes_back_here_and_through_serde() {
    for (_dir, memory) in each_layout() {
        for length in [3, 2_000, 100_000] {
            let shelved = memory.shelve(numbers::delayed(length)).unwrap();
            assert!(shelved.root().is_some() && shelved.get().unwrap() == dice(length));
            let token = serde_json::to_string(&shelved).unwrap();
            let elsewhere: Shelved<Vec<u64>> = serde_json::from_str(&token).unwrap();
            assert!(elsewhere.get().unwrap() == dice(length));
            let shelved = memory.shelve(throws::delayed(length)).unwrap();
            let token = serde_json::to_string(&shelved).unwrap();
            let elsewhere: Shelved<Vec<Throw>> = serde_json::from_str(&token).unwrap();
            assert!(elsewhere.get().unwrap() == throws::uncached(length));
        }
    }
}
