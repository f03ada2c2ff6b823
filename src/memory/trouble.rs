//! Trouble with the cache: counted every time, told once for each kind, never in the way.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::events;

/// What went wrong with the cache while the user's function went right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Arguments could not be made into a key.
    Key,
    /// The store could not be read.
    Read,
    /// An entry was damaged.
    Damaged,
    /// A sound entry could not be decoded.
    Decode,
    /// A value could not be encoded.
    Encode,
    /// An entry could not be stored.
    Store,
    /// The lease between processes could not be had.
    Lease,
    /// The readable record of a function could not be written.
    Record,
    /// A checkpoint could not be written, read or removed.
    Checkpoint,
    /// An input changed after the key was made.
    Input,
}

const KINDS: usize = Trouble::Input as usize + 1;

/// Counts by kind.
#[derive(Debug, Default)]
pub(crate) struct Troubles([AtomicU64; KINDS]);

impl Troubles {
    /// Counts trouble with `function`, and logs it if it is the first of its kind.
    pub(crate) fn note(&self, kind: Trouble, function: &str, error: &dyn fmt::Display) {
        if self.0[kind as usize].fetch_add(1, Ordering::Relaxed) == 0 {
            events::warn!(
                "{kind} for `{function}`: {error}; results are not affected, further trouble of this kind is only counted"
            );
        }
    }

    /// Counts trouble of which the user is told in another way.
    pub(crate) fn count(&self, kind: Trouble) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, kind: Trouble) -> u64 {
        self.0[kind as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Key => "no key can be made",
            Trouble::Read => "the store cannot be read",
            Trouble::Damaged => "an entry is damaged",
            Trouble::Decode => "an entry cannot be decoded",
            Trouble::Encode => "the value cannot be encoded",
            Trouble::Store => "the value cannot be stored",
            Trouble::Lease => "other processes cannot be kept from computing the same",
            Trouble::Record => "the function's record cannot be written",
            Trouble::Checkpoint => "a checkpoint cannot be used",
            Trouble::Input => "a value is not kept",
        })
    }
}
