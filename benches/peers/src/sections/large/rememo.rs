//! rememo: a memoized function that returns a `Vec<f64>`.

use std::path::Path;
use std::time::{Duration, Instant};

use rememo::{Memory, memo};

use super::data::{SEED, prepare, prepared_or_numbers};
use super::stores::Store;

/// The function that is remembered.
#[memo]
fn vector(seed: u64, count: usize) -> Vec<f64> {
    prepared_or_numbers(seed, count)
}

struct InVec(Memory, usize);

pub(super) fn open_vec(dir: &Path, count: usize) -> Box<dyn Store> {
    let memory = open(dir);
    memory.call(vector::delayed(SEED, 1)); // what is done once for a function is outside the timing
    Box::new(InVec(memory, count))
}

/// A memory in the default layout.
pub(in crate::sections) fn open(dir: &Path) -> Memory {
    let memory = Memory::open(dir).expect("a fresh directory");
    assert!(memory.root().is_some(), "REMEMO=off is set: there is nothing to measure");
    memory
}

impl Store for InVec {
    fn store(&mut self, numbers: Vec<f64>) -> Duration {
        prepare(numbers);
        let started = Instant::now();
        let outcome = self.0.call_info(vector::delayed(SEED, self.1));
        let time = started.elapsed();
        assert!(!outcome.is_hit(), "the first call is a miss");
        time
    }

    fn hit(&self, see: &mut dyn FnMut(&[f64])) {
        let outcome = self.0.call_info(vector::delayed(SEED, self.1));
        see(&outcome.value);
        assert!(outcome.is_hit(), "{}", outcome.source);
    }
}
