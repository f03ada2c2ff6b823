//! Totals.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
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
    /// Times that something was wrong with the cache; results were not affected.
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

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    joined: AtomicU64,
    stored: AtomicU64,
    nanos_computed: AtomicU64,
    nanos_saved: AtomicU64,
}

impl Counters {
    pub(crate) fn hit(&self, saved: Duration) {
        self.hits.fetch_add(1, Relaxed);
        self.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    pub(crate) fn joined(&self, saved: Duration) {
        self.joined.fetch_add(1, Relaxed);
        self.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    pub(crate) fn miss(&self, took: Duration) {
        self.misses.fetch_add(1, Relaxed);
        self.nanos_computed.fetch_add(nanos(took), Relaxed);
    }

    pub(crate) fn stored(&self) {
        self.stored.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            joined: self.joined.load(Relaxed),
            stored: self.stored.load(Relaxed),
            seconds_computed: seconds(&self.nanos_computed),
            seconds_saved: seconds(&self.nanos_saved),
            ..Stats::default()
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: &AtomicU64) -> f64 {
    Duration::from_nanos(nanos.load(Relaxed)).as_secs_f64()
}
