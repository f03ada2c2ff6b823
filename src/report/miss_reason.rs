//! Why a function ran: what the look-up of a call's value saw.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use super::words::{OneLine, Span};
use crate::codec::DecodeError;
use crate::error::chain;
use crate::payload::ReadError;

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
    /// The entry is sound. The function runs to see whether it still returns the same, as
    /// [`MemoryBuilder::verify_hits`](crate::MemoryBuilder::verify_hits) or `REMEMO=verify` asks.
    Verified,
    /// The arguments could not be made into a key: why.
    Unkeyed(String),
    /// The memory is disabled.
    Disabled,
    /// The call is of a plain closure.
    NotMemoized,
}

impl MissReason {
    /// Why a sound entry has no value that can be used.
    pub(crate) fn of_decoding(error: &DecodeError) -> Self {
        match error {
            DecodeError::Read(ReadError::Damaged(how)) => MissReason::Damaged(how.clone()),
            DecodeError::Read(ReadError::Unreadable(how)) => MissReason::Unreadable(how.clone()),
            DecodeError::Read(error) => MissReason::Unavailable(chain(error).to_string()),
            DecodeError::Unreadable(error) => MissReason::Unreadable(chain(&**error).to_string()),
        }
    }
}

impl Display for MissReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Messages of serde and of the user's code come along.
        let mut f = OneLine(f);
        match self {
            MissReason::Absent => f.write_str("not computed before with this code and these arguments"),
            MissReason::Expired { age: Duration::ZERO } => {
                f.write_str("expired: its age is not known, as it is from the future by this machine's clock")
            }
            MissReason::Expired { age } => write!(f, "expired: it is {} old", Span(*age)),
            MissReason::Rejected => f.write_str("turned down by the function's `valid`"),
            MissReason::Damaged(how) => write!(f, "damaged: {how}"),
            MissReason::Unreadable(how) => write!(f, "not readable as a value of the output type: {how}"),
            MissReason::Unavailable(how) => write!(f, "the store could not be read: {how}"),
            MissReason::Recomputed => f.write_str("asked to compute again"),
            MissReason::Verified => f.write_str("kept, and computed again to compare"),
            MissReason::Unkeyed(how) => write!(f, "the arguments could not be made into a key: {how}"),
            MissReason::Disabled => f.write_str("the memory is disabled"),
            MissReason::NotMemoized => f.write_str("a plain closure is never remembered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_whatever_was_said_of_it() {
        let text = MissReason::Unkeyed("no\nkey\r\u{2028}\tat all".into()).to_string();
        assert_eq!(text, "the arguments could not be made into a key: no key   at all");
    }
}
