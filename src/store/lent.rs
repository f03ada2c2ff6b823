//! Entries that are read where they were looked up.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::payload::Content;

/// What comes of having an entry read where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "elsewhere there is no log"))]
pub(crate) enum Lent {
    /// It was read and used. So long its function took.
    Read { compute_nanos: u64 },
    /// There is none.
    Absent,
    /// It could not be used, or the store does not lend it, or not now: [`Store::get`](super::Store::get) tells what there is.
    No,
}

/// A sound entry in memory of the store, which lends it for as long as it is read: what a hit needs of it.
#[derive(Debug)]
pub(crate) struct LentEntry<'e> {
    pub(crate) value: Content<'e>,
    /// When it was stored, in seconds since 1970 and nanoseconds.
    pub(crate) created: (u32, u32),
    /// How long the function took, in nanoseconds.
    pub(crate) compute_nanos: u64,
}

impl LentEntry<'_> {
    /// When it was stored.
    pub(crate) fn created(&self) -> SystemTime {
        let (seconds, nanos) = self.created;
        UNIX_EPOCH + Duration::new(seconds.into(), nanos)
    }
}
