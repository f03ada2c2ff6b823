//! What is measured: [`Cache`], a store with the function in front of it; [`KeyValue`], all that a peer has to bring for that.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::work::{self, Key, LABEL};

/// Threads wherever there are several, rememo's own included.
pub(crate) const THREADS: usize = 2;
/// Entries that a peer stores in one transaction when it is given many.
const TRANSACTION: usize = 1000;
/// Calls of a sweep that a thread takes at once.
const SWEEP_CHUNK: usize = 16;

/// What came of a call.
pub(crate) struct Answer {
    pub(crate) value: String,
    pub(crate) hit: bool,
}

/// A call of [`work::work`].
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) seed: u64,
    pub(crate) cost: Duration,
}

/// The function of [`work`] remembered in some store.
pub(crate) trait Cache: Send + Sync {
    /// The value for `seed`: looked up, else computed and stored.
    fn call(&self, seed: u64) -> Answer;

    /// The values for many seeds, in order, the best way the store has for many; `None` if that is one by one.
    fn batch(&self, seeds: Range<u64>) -> Option<Vec<String>>;

    /// The values of calls that may take long, in order, on [`THREADS`] threads.
    fn sweep(&self, calls: &[Work]) -> Vec<String>;

    /// Forgets everything.
    fn clear(&self);

    /// Makes what is stored visible to a process that opens the store later, where that is not so anyway.
    fn flush(&self);
}

/// A peer: keys to texts. Threads share it.
pub(crate) trait KeyValue: Send + Sync {
    /// Whether [`store_all`](Self::store_all) is more than a loop.
    const TRANSACTIONS: bool = false;

    fn get(&self, key: &Key) -> Option<String>;

    fn store(&self, key: &Key, value: &str);

    fn store_all(&self, entries: &[(Key, String)]) {
        for (key, value) in entries {
            self.store(key, value);
        }
    }

    fn clear(&self);

    fn flush(&self) {}
}

/// A peer with the function in front of it, in the simplest way: nothing is shared between those who compute.
pub(crate) struct Memoized<S>(pub(crate) S);

impl<S: KeyValue> Memoized<S> {
    fn look_up_or(&self, seed: u64, compute: impl FnOnce() -> String) -> Answer {
        let key = work::key(seed, LABEL);
        if let Some(value) = self.0.get(&key) {
            return Answer { value, hit: true };
        }
        let value = compute();
        self.0.store(&key, &value);
        Answer { value, hit: false }
    }
}

impl<S: KeyValue> Cache for Memoized<S> {
    fn call(&self, seed: u64) -> Answer {
        self.look_up_or(seed, || work::value::uncached(seed, LABEL))
    }

    /// In windows: all are looked up, what is missing is computed and stored in one transaction.
    fn batch(&self, seeds: Range<u64>) -> Option<Vec<String>> {
        if !S::TRANSACTIONS {
            return None;
        }
        let mut values = Vec::new();
        let mut missing = Vec::with_capacity(TRANSACTION);
        for start in seeds.clone().step_by(TRANSACTION) {
            missing.clear();
            for seed in start..seeds.end.min(start + TRANSACTION as u64) {
                let key = work::key(seed, LABEL);
                values.push(self.0.get(&key).unwrap_or_else(|| {
                    let value = work::value::uncached(seed, LABEL);
                    missing.push((key, value.clone()));
                    value
                }));
            }
            self.0.store_all(&missing);
        }
        Some(values)
    }

    /// Threads that take the next few calls from a common counter.
    fn sweep(&self, calls: &[Work]) -> Vec<String> {
        shared_out(calls, |call| {
            self.look_up_or(call.seed, || work::work::uncached(call.seed, LABEL, call.cost)).value
        })
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// What `run` returns for each call, in order, on [`THREADS`] threads.
pub(crate) fn shared_out(calls: &[Work], run: impl Fn(Work) -> String + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let chunks = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let start = next.fetch_add(SWEEP_CHUNK, Relaxed);
                    if start >= calls.len() {
                        break;
                    }
                    let end = calls.len().min(start + SWEEP_CHUNK);
                    let values: Vec<String> = calls[start..end].iter().map(|call| run(*call)).collect();
                    chunks.lock().expect("no thread panics").push((start, values));
                }
            });
        }
    });
    let mut chunks = chunks.into_inner().expect("no thread has panicked");
    chunks.sort_unstable_by_key(|(start, _)| *start);
    chunks.into_iter().flat_map(|(_, values)| values).collect()
}
