//! Values that are arrays of numbers: stored from where they are, read to where they go.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use rememo::{Layout, Memory, MissReason, Parallel, Shelved, Source, memo};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::processes::start;
use crate::support::{TestCache, files_below, hit, miss, miss_because};

/// A memory of each layout.
pub fn each_layout() -> Vec<(TempDir, Memory)> {
    [Layout::Files, Layout::Log]
        .into_iter()
        .filter(|&layout| layout == Layout::Files || cfg!(target_os = "linux"))
        .map(|layout| {
            let dir = tempfile::tempdir().unwrap();
            let memory = Memory::builder().dir(dir.path().join("cache")).layout(layout).open().unwrap();
            (dir, memory)
        })
        .collect()
}

/// The only blob of a memory.
#[track_caller]
pub fn blob(memory: &Memory) -> std::path::PathBuf {
    let files = files_below(&memory.root().unwrap().join("blobs"));
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

macro_rules! every_number {
    ($($name:ident: $type:ty = $make:expr;)*) => {
        $(
            #[memo]
            fn $name(length: usize) -> Vec<$type> {
                let make: fn(usize) -> $type = $make;
                (0..length).map(make).collect()
            }
        )*

        #[test]
        fn vectors_of_every_number_come_back_at_every_size() {
            for (_dir, memory) in each_layout() {
                for length in [0, 1, 7, 5_000, 40_000] {
                    $(
                        let value = miss(&memory, $name::delayed(length));
                        assert!(value == $name::uncached(length));
                        assert!(hit(&memory, $name::delayed(length)) == value, stringify!($type));
                    )*
                }
            }
        }
    };
}

every_number! {
    bools: bool = |i| i % 3 == 0;
    chars: char = |i| char::from_u32(i as u32 * 21 % 0xd800).unwrap();
    i8s: i8 = |i| (i as u8).cast_signed();
    i16s: i16 = |i| (i as u16).cast_signed();
    i32s: i32 = |i| i32::MIN + (i as u32).cast_signed();
    i64s: i64 = |i| i64::MAX - (i as u64).cast_signed();
    i128s: i128 = |i| i128::MIN + (i as u128).cast_signed();
    isizes: isize = |i| -i.cast_signed();
    u8s: u8 = |i| i as u8;
    u16s: u16 = |i| i as u16;
    u32s: u32 = |i| u32::MAX - i as u32;
    u64s: u64 = |i| u64::MAX - i as u64;
    u128s: u128 = |i| u128::MAX - i as u128;
    usizes: usize = |i| i;
    f32s: f32 = |i| (i as f32).sqrt();
    f64s: f64 = |i| (i as f64).sqrt();
}

#[memo]
fn boxed(length: usize) -> Box<[u16]> {
    vec![7; length].into()
}

#[memo]
fn shared(length: usize) -> Arc<[u64]> {
    vec![7; length].into()
}

#[memo]
fn text(length: usize) -> String {
    "é".repeat(length)
}

#[memo]
fn fixed(seed: u64) -> [u64; 64] {
    [seed; 64]
}

type Several = (Vec<f64>, [u8; 3], String, Vec<bool>);

#[memo]
fn several(length: usize) -> Several {
    (vec![0.5; length], [1, 2, 3], "x".repeat(length), vec![true; length])
}

#[memo]
fn fallible(length: usize) -> Result<Vec<f64>, String> {
    if length == 0 { Err("nothing".into()) } else { Ok(vec![0.5; length]) }
}

#[test]
fn all_forms_of_arrays_come_back() {
    for (_dir, memory) in each_layout() {
        for length in [0, 1, 100_000] {
            assert_eq!(miss(&memory, boxed::delayed(length)), hit(&memory, boxed::delayed(length)));
            assert_eq!(miss(&memory, shared::delayed(length)), hit(&memory, shared::delayed(length)));
            assert_eq!(miss(&memory, text::delayed(length)), hit(&memory, text::delayed(length)));
            assert_eq!(miss(&memory, several::delayed(length)), hit(&memory, several::delayed(length)));
        }
        assert_eq!(miss(&memory, fixed::delayed(7)), hit(&memory, fixed::delayed(7)));
    }
}

#[test]
fn of_a_result_of_an_array_only_ok_is_kept() {
    for (_dir, memory) in each_layout() {
        for length in [3, 100_000] {
            miss(&memory, fallible::delayed(length)).unwrap();
            assert_eq!(hit(&memory, fallible::delayed(length)), Ok(vec![0.5; length]));
        }
        for _ in 0..2 {
            miss(&memory, fallible::delayed(0)).unwrap_err();
        }
    }
}

#[memo]
fn not_numbers(length: usize) -> Vec<f64> {
    (0..length as u64).map(|i| f64::from_bits(0x7ff0_0000_0000_0001 + i)).collect()
}

#[test]
fn not_a_number_keeps_its_payload() {
    for (_dir, memory) in each_layout() {
        for length in [3, 100_000] {
            miss(&memory, not_numbers::delayed(length));
            let back = hit(&memory, not_numbers::delayed(length));
            assert!((0..).zip(&back).all(|(i, number)| number.to_bits() == 0x7ff0_0000_0000_0001 + i));
        }
    }
}

/// Places in the file of an entry, one in each of its regions.
pub fn regions(length: usize) -> Vec<usize> {
    let header = [0, 7, 8, 23, 24, 55, 56, 71, 72, 80, 88, 91, 96, 98, 100, 101, 104, 110, 150];
    let payload = [length / 2, length - 1_048_576, length - 70_000, length - 65, length - 1];
    (160..1500).step_by(37).chain(header).chain(payload).collect()
}

#[memo]
fn series(length: usize) -> Vec<u64> {
    (0..length as u64).collect()
}

const LONG: usize = 400_000;

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

mod forms {
    //! One function, as it is written on three days.
    pub mod doubles {
        #[rememo::memo(name = "spectrum", track = "none")]
        pub fn spectrum(length: usize) -> Vec<f64> {
            vec![1.0; length]
        }
    }
    pub mod floats {
        #[rememo::memo(name = "spectrum", track = "none")]
        pub fn spectrum(length: usize) -> Vec<f32> {
            vec![1.0; length]
        }
    }
    pub mod arrays {
        #[rememo::memo(name = "spectrum", track = "none")]
        pub fn spectrum(length: usize) -> rememo::Array<f64> {
            vec![1.0; length].into()
        }
    }
}

#[test]
fn a_change_of_the_output_type_is_a_miss() {
    for (_dir, memory) in each_layout() {
        for length in [3, 100_000] {
            miss(&memory, forms::doubles::spectrum::delayed(length));
            miss(&memory, forms::floats::spectrum::delayed(length));
            miss(&memory, forms::arrays::spectrum::delayed(length));
            hit(&memory, forms::doubles::spectrum::delayed(length));
            hit(&memory, forms::floats::spectrum::delayed(length));
            hit(&memory, forms::arrays::spectrum::delayed(length));
        }
    }
}

#[memo]
fn generic<T: Serialize + for<'de> Deserialize<'de> + Clone>(item: T, length: usize) -> Vec<T> {
    vec![item; length]
}

/// Generic code goes through serde. (That neither reads the other's entries, also under one key, `src/codec/select.rs` tests.)
#[test]
fn generic_code_and_code_of_one_type_have_their_own_entries() {
    for (_dir, memory) in each_layout() {
        for length in [3, 100_000] {
            assert_eq!(miss(&memory, generic::delayed(1.5f64, length)), vec![1.5; length]);
            assert_eq!(hit(&memory, generic::delayed(1.5f64, length)), vec![1.5; length]);
            let named = || memory.get_or_compute("by name", &length, || vec![2.5f64; length]);
            assert_eq!(named(), named());
        }
        assert_eq!(memory.stats().misses, 4);
        assert_eq!(memory.stats().hits, 4);
    }
}

#[memo]
fn slow(length: usize) -> Vec<u64> {
    thread::sleep(Duration::from_millis(100));
    vec![3; length]
}

#[test]
fn threads_that_wait_for_a_large_value_read_what_is_stored() {
    for (_dir, memory) in each_layout() {
        let barrier = Barrier::new(4);
        let sources: Vec<Source> = thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                let outcome = memory.call_info(slow::delayed(100_000));
                assert!(outcome.value == vec![3; 100_000]);
                outcome.source
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(sources.iter().filter(|source| matches!(source, Source::Miss(_))).count(), 1);
        assert_eq!(memory.stats().troubles, 0);
    }
}

#[test]
fn duplicates_in_a_batch_share_a_large_value_also_if_it_cannot_be_stored() {
    for (dir, memory) in each_layout() {
        let all = Parallel::new().jobs(2).memory(&memory).run((0..20).map(|i| slow::delayed(90_000 + i % 2)));
        assert!((0..).zip(all.unwrap()).all(|(i, value)| value == vec![3; 90_000 + i % 2]));
        assert_eq!(memory.stats().misses, 2);
        memory.clear().unwrap();
        // No blob can be stored where there is a file in place of the directory.
        fs::remove_dir_all(dir.path().join("cache/blobs")).unwrap();
        fs::write(dir.path().join("cache/blobs"), "in the way").unwrap();
        let all = Parallel::new().jobs(2).memory(&memory).run((0..20).map(|i| slow::delayed(90_000 + i % 2)));
        assert!((0..).zip(all.unwrap()).all(|(i, value)| value == vec![3; 90_000 + i % 2]));
        assert_eq!(memory.stats().misses, 4, "computed once each");
    }
}

#[memo(min_cost = "1h")]
fn cheap(length: usize) -> Vec<u64> {
    vec![length as u64; length]
}

#[test]
fn duplicates_share_a_large_value_that_is_not_worth_storing() {
    let cache = TestCache::new();
    let all = Parallel::new().jobs(2).memory(&cache.memory).run((0..20).map(|_| cheap::delayed(90_000)));
    assert!(all.unwrap().iter().all(|value| *value == vec![90_000; 90_000]));
    assert_eq!(cache.memory.stats().entries, 0);
}

#[test]
fn a_shelved_array_comes_back_here_and_through_serde() {
    for memory in each_layout().iter().map(|(_, memory)| memory).chain([&Memory::disabled()]) {
        for length in [3, 100_000] {
            let shelved = memory.shelve(several::delayed(length)).unwrap();
            assert!(shelved.get().unwrap() == several::uncached(length));
            let token = serde_json::to_string(&shelved).unwrap();
            let elsewhere: Shelved<Several> = serde_json::from_str(&token).unwrap();
            assert!(elsewhere.get().unwrap() == several::uncached(length));
            let letters = memory.shelve(chars::delayed(length)).unwrap();
            let elsewhere: Shelved<Vec<char>> =
                serde_json::from_str(&serde_json::to_string(&letters).unwrap()).unwrap();
            assert!(elsewhere.get().unwrap() == chars::uncached(length));
        }
    }
}

#[memo]
fn plain(length: usize) -> Vec<u64> {
    (0..length as u64).collect()
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Sample {
    time: u64,
    height: f64,
}

#[memo]
fn samples(length: usize) -> Vec<Sample> {
    (0..length as u64).map(|time| Sample { time, height: 0.5 }).collect()
}

/// What the other process of the test of memory does.
pub fn play(role: &str, cache: &Path) {
    const BYTES: usize = 96 << 20;
    /// What storing and reading may take beside the value and as much again, in KiB.
    const SLACK: u64 = 32 << 10;
    let memory = Memory::open(cache).unwrap();
    let before = peak();
    match role {
        "raw" => drop(memory.call(plain::delayed(BYTES / 8))),
        "serde" => drop(memory.call(samples::delayed(BYTES / 16))),
        role => panic!("no such role: {role}"),
    }
    let used = peak() - before;
    let stored = env::var("REMEMO_TEST_STORED").is_ok();
    assert_eq!(memory.stats().hits, u64::from(stored), "{:?}", memory.stats());
    assert_eq!(memory.stats().troubles, 0);
    let value = BYTES as u64 / 1024;
    println!("{role}, stored {stored}: {used} KiB for a value of {value} KiB");
    assert!(used <= 2 * value + SLACK, "{role}: {used} KiB for a value of {value} KiB");
    if role == "raw" {
        assert!(used <= value + SLACK, "{role}: {used} KiB for a value of {value} KiB, which needs no copy");
    }
}

/// The most memory that this process has had at once, in KiB.
#[cfg(target_os = "linux")]
pub fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
pub fn peak() -> u64 {
    0
}

#[test]
fn storing_and_reading_take_at_most_the_value_twice_and_32_mib() {
    for role in ["raw", "serde"] {
        let cache = TestCache::new();
        let start = || {
            let mut command = start(&format!("large {role}"), &cache.root());
            command.stdout(std::process::Stdio::inherit());
            command
        };
        assert!(start().status().unwrap().success(), "storing, {role}");
        assert!(start().env("REMEMO_TEST_STORED", "1").status().unwrap().success(), "reading, {role}");
    }
}

/// More elements and bytes than 32 bits count.
#[test]
#[ignore = "takes 5 GB of memory and of disk"]
fn an_array_of_more_than_4_gib_comes_back() {
    #[memo]
    fn huge(length: usize) -> rememo::Array<u8> {
        let mut bytes = vec![0; length];
        bytes[length - 1] = 7;
        bytes.into()
    }
    let cache = TestCache::new();
    const LENGTH: usize = (4 << 30) + 5;
    miss(&cache.memory, huge::delayed(LENGTH));
    let huge = hit(&cache.memory, huge::delayed(LENGTH));
    assert_eq!((huge.shape(), huge[LENGTH - 1], huge.is_mapped()), (&[LENGTH][..], 7, true));
}
