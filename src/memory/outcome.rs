//! The result of a call: its value, and where it is from.

use std::fmt;

use crate::key::Key;
use crate::lease::Shared;
use crate::report::MissReason;

/// The value of a call and where it is from; [`Memory::call_info`](crate::Memory::call_info) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// What the function returned, now or earlier.
    pub value: T,
    /// Where the value is from.
    pub source: Source,
    /// Why the function ran and its value could not be kept, so that it will run again. `None` if nothing
    /// speaks against keeping the value; an `Err`, say, is not kept and could be.
    pub not_kept: Option<String>,
}

impl<T> Outcome<T> {
    pub(crate) fn new(value: T, source: Source) -> Self {
        Outcome { value, source, not_kept: None }
    }

    /// Whether the call's entry was there and sound.
    pub fn is_hit(&self) -> bool {
        self.source == Source::Hit
    }
}

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The call's entry was there and sound.
    Hit,
    /// Another thread or process was computing the call; this is its value.
    Joined,
    /// The function ran, for this reason.
    Miss(MissReason),
}

/// The value of a call, and its bytes if others can have them.
#[derive(Debug)]
pub(crate) struct Computed<T> {
    pub(crate) outcome: Outcome<T>,
    pub(crate) shared: Option<Shared>,
}

/// A call without a usable entry.
#[derive(Clone, Debug)]
pub(crate) struct Miss {
    /// What its value is stored under; `None` if it cannot be stored.
    pub(crate) key: Option<Key>,
    pub(crate) reason: MissReason,
}

impl<T> Computed<T> {
    pub(super) fn new(value: T, source: Source, shared: Option<Shared>) -> Self {
        Computed { outcome: Outcome::new(value, source), shared }
    }
}

impl From<MissReason> for Miss {
    /// A call without a key.
    fn from(reason: MissReason) -> Self {
        Miss { key: None, reason }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Hit => f.write_str("hit"),
            Source::Joined => f.write_str("joined"),
            Source::Miss(reason) => write!(f, "miss: {reason}"),
        }
    }
}
