//! rememo: a memoized function that returns an `Array<f64>`, which a hit maps.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rememo::{Array, Memory, memo};

use super::data::{SEED, prepare, prepared_or_numbers};
use super::rememo::open;
use super::stores::Store;

/// As `vector`, but as an array, which copies nothing.
#[memo]
fn array(seed: u64, count: usize) -> Array<f64> {
    prepared_or_numbers(seed, count).into()
}

struct InArray {
    memory: Memory,
    count: usize,
    /// The directory, if the array's file is to be touched before each hit.
    touched: Option<PathBuf>,
}

pub(super) fn open_array(dir: &Path, count: usize) -> Box<dyn Store> {
    Box::new(InArray { memory: open_used(dir), count, touched: None })
}

/// What a hit costs when the checksum of the file has to be verified.
pub(super) fn open_touched(dir: &Path, count: usize) -> Box<dyn Store> {
    Box::new(InArray { memory: open_used(dir), count, touched: Some(dir.to_owned()) })
}

/// What is done once for a function is outside the timing.
fn open_used(dir: &Path) -> Memory {
    let memory = open(dir);
    memory.call(array::delayed(SEED, 1));
    memory
}

impl Store for InArray {
    fn store(&mut self, numbers: Vec<f64>) -> Duration {
        prepare(numbers);
        let started = Instant::now();
        let outcome = self.memory.call_info(array::delayed(SEED, self.count));
        let time = started.elapsed();
        assert!(!outcome.is_hit(), "the first call is a miss");
        time
    }

    fn before_hit(&mut self) {
        if let Some(dir) = &self.touched {
            let (_, largest) = largest_file(dir).expect("the file of the array");
            let file = File::options().write(true).open(largest).expect("our own file");
            file.set_modified(SystemTime::now()).expect("our own file");
        }
    }

    fn hit(&self, see: &mut dyn FnMut(&[f64])) {
        let outcome = self.memory.call_info(array::delayed(SEED, self.count));
        see(&outcome.value);
        assert!(outcome.is_hit(), "{}", outcome.source);
        assert!(outcome.value.is_mapped(), "a large array is mapped");
    }
}

/// The largest file in or below the directory, and its size.
fn largest_file(dir: &Path) -> Option<(u64, PathBuf)> {
    let entries =
        fs::read_dir(dir).expect("our own directory").map(|entry| entry.expect("our own directory"));
    let files = entries.filter_map(|entry| {
        let metadata = entry.metadata().expect("our own file");
        if metadata.is_dir() { largest_file(&entry.path()) } else { Some((metadata.len(), entry.path())) }
    });
    files.max()
}
