//! Calls on their way to another process of the same program, and what comes back.
//!
//! A call travels as a [`Job`]: the id of its function, its key, and its arguments. A [`Reply`]
//! comes back, the value's bytes or the news that they are stored; or a [`Failure`]. An [`Execute`]
//! carries jobs and replies between the processes; [`worker`](crate::worker) runs the jobs.
//!
//! # Invariants
//! 1. What arrives is read with as much distrust as what is on the disk: no bytes make a program
//!    panic.
//! 2. An argument means at its end what it meant at its start, or the job is refused.

mod arguments;
mod execute;
mod job;
mod lent;
pub(crate) mod reply;
mod shelf;

use std::fmt;

pub(crate) use arguments::{Argument, unpack};
pub use arguments::{ArgumentWriter, Receive, ReceiveOwned, Received, Send, Unsent};
pub use execute::Execute;
#[cfg(target_os = "linux")]
pub(crate) use execute::run_through;
pub use job::Job;
pub(crate) use job::{Lead, MemorySettings, Route};
#[cfg(target_os = "linux")]
pub(crate) use job::{read_memory, write_memory};
pub(crate) use reply::{Again, ReplyValue};
pub use reply::{Failure, Reply};
pub(crate) use shelf::SHELF;

use crate::codec::{CodecError, DecodeError, Encoded, Habit, Value};
use crate::payload::Content;

/// How calls of a function leave the process. No API: written by the macro of this very version.
pub struct Remote<A, T>(Result<Travel<A, T>, &'static str>);

/// What a call needs to leave the process.
pub(crate) struct Travel<A, T> {
    /// Sends the arguments.
    pub(crate) send: fn(&A, &mut ArgumentWriter) -> Result<(), Unsent>,
    /// How values travel that are not stored.
    pub(crate) whole: Option<WholeCodec<T>>,
    /// The text of a value that is an error.
    pub(crate) error_text: fn(&T) -> Option<String>,
}

impl<A, T> Remote<A, T> {
    /// Calls that cannot leave, for this reason.
    #[doc(hidden)]
    pub fn stays(reason: &'static str) -> Self {
        Remote(Err(reason))
    }

    /// Calls that can.
    #[doc(hidden)]
    pub fn travels(
        send: fn(&A, &mut ArgumentWriter) -> Result<(), Unsent>,
        whole: Option<WholeCodec<T>>,
        error_text: fn(&T) -> Option<String>,
    ) -> Self {
        Remote(Ok(Travel { send, whole, error_text }))
    }

    pub(crate) fn travel(self) -> Result<Travel<A, T>, &'static str> {
        self.0
    }
}

impl<A, T> fmt::Debug for Remote<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.0.as_ref().map(|_| ())).finish()
    }
}

/// How a whole value travels, be it one that its function keeps or not.
pub struct WholeCodec<T> {
    pub(crate) encode: fn(&T, &Habit) -> Result<Encoded<'static>, CodecError>,
    pub(crate) decode: fn(&Content<'_>) -> Result<T, DecodeError>,
}

impl<T> fmt::Debug for WholeCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WholeCodec(..)")
    }
}

/// Stands for the output type while it is asked whether its values can travel whole.
pub struct Whole<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Whole<T> {
    /// A value to call `whole` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        Whole(std::marker::PhantomData)
    }
}

impl<T> fmt::Debug for Whole<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whole(..)")
    }
}

/// Stands for the output type while it is asked for the text of an error.
pub struct ErrorText<T>(std::marker::PhantomData<fn() -> T>);

impl<T> ErrorText<T> {
    /// A value to call `error_text` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        ErrorText(std::marker::PhantomData)
    }
}

impl<T> fmt::Debug for ErrorText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorText(..)")
    }
}

/// The traits among which types choose, in pairs: `(&&Thing::<T>::new()).method()` takes the one for `&Thing` if its bounds hold,
/// else the one for `Thing` (see [`select`](crate::codec::select)).
pub mod via {
    use std::fmt::{Debug, Display};

    use super::{ErrorText, Value, Whole, WholeCodec};
    use crate::codec::{encode, of_serde};

    pub use super::arguments::via::*;

    /// A `Result` whose errors can be shown to people.
    pub trait ErrorTextViaDisplay<T> {
        /// How an error is shown.
        fn error_text(&self) -> fn(&T) -> Option<String>;
    }

    impl<T, E: Display> ErrorTextViaDisplay<Result<T, E>> for &&ErrorText<Result<T, E>> {
        fn error_text(&self) -> fn(&Result<T, E>) -> Option<String> {
            // With what lies behind it, where the type shows that so.
            |value| value.as_ref().err().map(|error| format!("{error:#}"))
        }
    }

    /// A `Result` whose errors can be shown to programmers.
    pub trait ErrorTextViaDebug<T> {
        /// How an error is shown.
        fn error_text(&self) -> fn(&T) -> Option<String>;
    }

    impl<T, E: Debug> ErrorTextViaDebug<Result<T, E>> for &ErrorText<Result<T, E>> {
        fn error_text(&self) -> fn(&Result<T, E>) -> Option<String> {
            |value| value.as_ref().err().map(|error| format!("{error:?}"))
        }
    }

    /// All others.
    pub trait ErrorTextViaNothing<T> {
        /// That there is none.
        fn error_text(&self) -> fn(&T) -> Option<String>;
    }

    impl<T> ErrorTextViaNothing<T> for ErrorText<T> {
        fn error_text(&self) -> fn(&T) -> Option<String> {
            |_| None
        }
    }

    /// Outputs that serde can write and read.
    pub trait WholeViaSerde<T> {
        /// How they travel whole.
        fn whole(&self) -> Option<WholeCodec<T>>;
    }

    impl<T: Value> WholeViaSerde<T> for &Whole<T> {
        fn whole(&self) -> Option<WholeCodec<T>> {
            Some(WholeCodec { encode: |value, habit| encode::<T>(value, habit), decode: of_serde })
        }
    }

    /// All others.
    pub trait WholeViaNothing<T> {
        /// `None`.
        fn whole(&self) -> Option<WholeCodec<T>>;
    }

    impl<T> WholeViaNothing<T> for Whole<T> {
        fn whole(&self) -> Option<WholeCodec<T>> {
            None
        }
    }
}
