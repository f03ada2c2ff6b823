//! Values in files of their own.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::thread;

use rememo::{Array, dump, load};
use serde::{Deserialize, Serialize};

use crate::support::{TestCache, files_below};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Model {
    name: String,
    weights: Vec<f64>,
    #[serde(flatten)]
    more: HashMap<String, u32>,
}

fn model() -> Model {
    Model { name: "wine".into(), weights: vec![0.5, f64::NAN], more: HashMap::from([("depth".into(), 7)]) }
}

mod later {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    pub struct Model {
        pub name: String,
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug + Serialize + serde::de::DeserializeOwned + 'static>(path: &Path, why: &str) {
    let error = load::<T>(path).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    assert!(error.path().is_some_and(|named| named == path), "{error:?}");
}

#[test]
fn a_value_comes_back_from_its_file() {
    let cache = TestCache::new();
    let path = cache.beside("value");
    dump(&path, &model()).unwrap();
    let read: Model = load(&path).unwrap();
    assert_eq!((read.name, read.more, read.weights[0]), (model().name, model().more, 0.5));
    assert!(read.weights[1].is_nan());
    for length in [0, 1, 7_000, 300_000] {
        let numbers: Vec<f32> = (0..length).map(|x| x as f32).collect();
        dump(&path, &numbers).unwrap();
        assert_eq!(load::<Vec<f32>>(&path).unwrap(), numbers);
        dump(&path, &Array::from(numbers.clone())).unwrap();
        assert_eq!(*load::<Array<f32>>(&path).unwrap(), *numbers);
    }
    let text = "é".repeat(100_000);
    dump(&path, &text).unwrap();
    assert_eq!(load::<String>(&path).unwrap(), text);
    // One file in place of the other, and nothing beside it.
    assert_eq!(
        files_below(path.parent().unwrap()).iter().filter(|file| !file.starts_with(cache.root())).count(),
        1
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_large_array_is_mapped_and_outlives_its_file() {
    let cache = TestCache::new();
    let path = cache.beside("array");
    let numbers: Vec<u64> = (0..1_000_000).collect();
    dump(&path, &Array::from(numbers.clone())).unwrap();
    let array: Array<u64> = load(&path).unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(maps.contains(path.to_str().unwrap()), "it is mapped");
    dump(&path, &Array::from(vec![1_u64])).unwrap();
    assert_eq!(*array, *numbers);
    fs::remove_file(&path).unwrap();
    assert_eq!(*array, *numbers);
}

#[test]
fn what_a_file_does_not_hold_is_an_error() {
    let cache = TestCache::new();
    let path = cache.beside("value");
    refused::<u64>(&path, "cannot open");
    dump(&path, &model()).unwrap();
    refused::<u64>(&path, "it holds a value of another type, `it::dumps::Model`");
    refused::<Vec<f64>>(&path, "another type");
    refused::<later::Model>(&path, "another type");
    fs::write(&path, "a text").unwrap();
    refused::<Model>(&path, "too few for a header");
    let missing = cache.beside("missing").join("value");
    assert!(dump(&missing, &1_u64).is_err());
    assert!(!missing.parent().unwrap().exists());
    assert!(dump(cache.root(), &1_u64).is_err(), "it is a directory");
}

#[test]
fn damage_anywhere_is_seen() {
    let cache = TestCache::new();
    let path = cache.beside("value");
    for bytes in [100, 100_000] {
        dump(&path, &vec![7_u8; bytes]).unwrap();
        let sound = fs::read(&path).unwrap();
        for at in (0..sound.len()).step_by(1 + sound.len() / 300) {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(load::<Vec<u8>>(&path).is_err(), "{at}");
            fs::write(&path, &sound[..at]).unwrap();
            assert!(load::<Vec<u8>>(&path).is_err(), "{at}");
        }
    }
}

/// Readers find one value or the other, whole.
#[test]
fn a_file_that_is_replaced_is_whole_at_all_times() {
    let cache = TestCache::new();
    let path = cache.beside("value");
    dump(&path, &vec![0_u64; 20_000]).unwrap();
    thread::scope(|scope| {
        for writer in 1..3_u64 {
            let path = &path;
            scope.spawn(move || (0..100).for_each(|_| dump(path, &vec![writer; 20_000]).unwrap()));
        }
        for _ in 0..300 {
            let read: Vec<u64> = load(&path).unwrap();
            assert!(read.len() == 20_000 && read.iter().all(|x| *x == read[0]));
        }
    });
}
