//! Totals.

use std::path::PathBuf;

use crate::usage::Usage;

/// Totals of a memory; [`Memory::stats`](crate::Memory::stats) returns them.
///
/// `entries` and `bytes` are of the whole store, whoever filled it, and `all_runs` is of all programs that have used the
/// directory. All others count what this memory (with its clones) has done since it was opened.
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
    /// Hits that were computed again, to compare: see [`MemoryBuilder::verify_hits`](crate::MemoryBuilder::verify_hits). They count as misses.
    pub verified: u64,
    /// Those of them that returned something else than what was kept.
    pub mismatches: u64,
    /// Seconds that the functions ran, summed over threads.
    pub seconds_computed: f64,
    /// Seconds that the functions took when the values of the hits and of the joined calls were computed.
    pub seconds_saved: f64,
    /// Entries in the store.
    pub entries: u64,
    /// Bytes of the entries in the store, headers included.
    pub bytes: u64,
    /// What all programs have counted that have used the directory, this memory included; of those that run or were killed, all but
    /// the last second.
    pub all_runs: Usage,
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
