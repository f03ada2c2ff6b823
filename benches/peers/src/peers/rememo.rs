//! rememo, through its public doors: memoized functions, `Memory` and `Parallel`.

use std::ops::Range;
use std::path::Path;

use rememo::{Layout, Memory, Parallel};

use super::Sharing;
use crate::cache::{Answer, Cache, THREADS, Work};
use crate::work::{LABEL, value, work};

struct Rememo {
    memory: Memory,
    parallel: Parallel,
}

pub(super) fn open_log(dir: &Path, _: Sharing) -> Result<Box<dyn Cache>, String> {
    open(dir, Layout::Log)
}

pub(super) fn open_files(dir: &Path, _: Sharing) -> Result<Box<dyn Cache>, String> {
    open(dir, Layout::Files)
}

fn open(dir: &Path, layout: Layout) -> Result<Box<dyn Cache>, String> {
    let memory = Memory::builder().dir(dir).layout(layout).open().map_err(|error| error.to_string())?;
    assert!(memory.root().is_some(), "REMEMO=off is set: there is nothing to measure");
    let parallel = Parallel::new().jobs(THREADS).memory(&memory);
    Ok(Box::new(Rememo { memory, parallel }))
}

impl Cache for Rememo {
    /// `Memory::call` is `call_info` without saying where the value is from.
    fn call(&self, seed: u64) -> Answer {
        let outcome = self.memory.call_info(value::delayed(seed, LABEL));
        Answer { hit: outcome.is_hit(), value: outcome.value }
    }

    fn batch(&self, seeds: Range<u64>) -> Option<Vec<String>> {
        Some(self.parallel.run(seeds.map(|seed| value::delayed(seed, LABEL))).expect("nothing panics"))
    }

    fn sweep(&self, calls: &[Work]) -> Vec<String> {
        let calls = calls.iter().map(|call| work::delayed(call.seed, LABEL, call.cost));
        self.parallel.run(calls).expect("nothing panics")
    }

    fn clear(&self) {
        self.memory.clear().expect("our own directory");
    }

    fn flush(&self) {}
}

impl Drop for Rememo {
    fn drop(&mut self) {
        assert_eq!(self.memory.stats().troubles, 0, "the cache was out of order");
    }
}
