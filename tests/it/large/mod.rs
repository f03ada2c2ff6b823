//! Values that are arrays of numbers: stored from where they are, read to where they go.

pub mod damage;
pub mod footprint;
mod sharing;

use std::sync::Arc;

use rememo::{Layout, Memory, Shelved, memo};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::support::{files_below, hit, miss};

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
