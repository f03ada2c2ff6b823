//! Totals.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Totals of a memory; [`Memory::stats`](crate::Memory::stats) returns them.
///
/// `entries` and `bytes` are of the whole store, whoever filled it. All others count what this memory (with its clones)
/// has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls whose entry was there and sound.
    pub hits: u64,
    /// Calls that ran their function.
    pub misses: u64,
    /// Calls that took the value of another thread, process or duplicate that was computing it.
    pub joined: u64,
    /// Values stored.
    pub stored: u64,
    /// Values that could not be kept, so that their functions will run again: neither encoding brings them back.
    pub not_kept: u64,
    /// Times that something was wrong with the cache, values that could not be kept among them; results were not affected.
    pub troubles: u64,
    /// Seconds that the functions ran, summed over threads.
    pub seconds_computed: f64,
    /// Seconds that the functions took when the values of the hits and of the joined calls were computed.
    pub seconds_saved: f64,
    /// Entries in the store.
    pub entries: u64,
    /// Bytes of the entries in the store, headers included.
    pub bytes: u64,
}

/// What [`Memory::verify`](crate::Memory::verify) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Entries whose checksum holds.
    pub sound: u64,
    /// Files that were damaged entries or none at all; they have been removed.
    pub damaged: Vec<PathBuf>,
}

/// The counters behind [`Stats`], in as many parts as threads seldom exceed: two that count in one place wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Counters([Part; PARTS]);

const PARTS: usize = 16;

/// What some of the threads have counted; in cache lines of its own (two, since processors fetch them in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
    hits: AtomicU64,
    misses: AtomicU64,
    joined: AtomicU64,
    stored: AtomicU64,
    nanos_computed: AtomicU64,
    nanos_saved: AtomicU64,
}

impl Counters {
    #[inline]
    pub(crate) fn hit(&self, saved: Duration) {
        let part = self.part();
        part.hits.fetch_add(1, Relaxed);
        part.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    pub(crate) fn joined(&self, saved: Duration) {
        let part = self.part();
        part.joined.fetch_add(1, Relaxed);
        part.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    pub(crate) fn miss(&self, took: Duration) {
        let part = self.part();
        part.misses.fetch_add(1, Relaxed);
        part.nanos_computed.fetch_add(nanos(took), Relaxed);
    }

    pub(crate) fn stored(&self) {
        self.part().stored.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        let sum = |count: fn(&Part) -> &AtomicU64| self.0.iter().map(|part| count(part).load(Relaxed)).sum();
        Stats {
            hits: sum(|part| &part.hits),
            misses: sum(|part| &part.misses),
            joined: sum(|part| &part.joined),
            stored: sum(|part| &part.stored),
            seconds_computed: seconds(sum(|part| &part.nanos_computed)),
            seconds_saved: seconds(sum(|part| &part.nanos_saved)),
            ..Stats::default()
        }
    }

    /// The part that this thread counts in.
    #[inline]
    fn part(&self) -> &Part {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = NEXT.fetch_add(1, Relaxed) % PARTS;
        }
        // A thread that is ending, in a destructor of its own, has no place any more.
        &self.0[PLACE.try_with(|&place| place).unwrap_or(0)]
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}
