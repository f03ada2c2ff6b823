//! The result of a call: its value, and where it is from.

use std::fmt;
use std::time::Duration;

use crate::codec::DecodeError;
use crate::key::Key;
use crate::lease::Shared;
use crate::payload::ReadError;
use crate::report::Obstacle;

/// The value of a call and where it is from; [`Memory::call_info`](crate::Memory::call_info) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// What the function returned, now or earlier.
    pub value: T,
    /// Where the value is from.
    pub source: Source,
}

impl<T> Outcome<T> {
    pub(crate) fn new(value: T, source: Source) -> Self {
        Outcome { value, source }
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

/// Why a function ran. `Display` is a short sentence for people.
///
/// It tells what the look-up of the value saw; [`Memory::why`](crate::Memory::why) looks further, for the code that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissReason {
    /// There is no entry for these arguments and this code.
    Absent,
    /// The entry is older than the function's `ttl`, or may be.
    Expired {
        /// How old it is; zero if that is not known, since it is from the future by this machine's
        /// clock.
        age: Duration,
    },
    /// The function's `valid` turned the entry down.
    Rejected,
    /// The entry's bytes are not what was written: how.
    Damaged(String),
    /// The entry is sound, but its bytes are no value of the output type: what the decoder said.
    Unreadable(String),
    /// The store could not be read: what the operating system said.
    Unavailable(String),
    /// [`Memory::recompute`](crate::Memory::recompute) asked for it.
    Recomputed,
    /// The arguments could not be made into a key.
    Unkeyed,
    /// The memory is disabled.
    Disabled,
    /// The call is of a plain closure.
    NotMemoized,
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

impl MissReason {
    pub(crate) fn of_decoding(error: &DecodeError) -> Self {
        match error {
            DecodeError::Read(ReadError::Damaged(how)) => MissReason::Damaged(how.clone()),
            DecodeError::Read(ReadError::Unreadable(how)) => MissReason::Unreadable(how.clone()),
            DecodeError::Read(error) => MissReason::Unavailable(error.to_string()),
            DecodeError::Unreadable(error) => MissReason::Unreadable(error.to_string()),
        }
    }
}

impl fmt::Display for MissReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let obstacle = match self {
            MissReason::Absent => {
                return f.write_str("not computed before with this code and these arguments");
            }
            MissReason::Recomputed => return f.write_str("asked to compute again"),
            MissReason::Expired { age } => Obstacle::Expired(*age),
            MissReason::Rejected => Obstacle::Rejected,
            MissReason::Damaged(how) => Obstacle::Damaged(how),
            MissReason::Unreadable(how) => Obstacle::Unreadable(how),
            MissReason::Unavailable(how) => Obstacle::Unavailable(how),
            MissReason::Unkeyed => Obstacle::Unkeyed(None),
            MissReason::Disabled => Obstacle::Disabled,
            MissReason::NotMemoized => Obstacle::NotMemoized,
        };
        obstacle.fmt(f)
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
