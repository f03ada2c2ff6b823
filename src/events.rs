//! Events, for the program's logger: under the target `rememo`, and never in the way.
//!
//! A logger is the program's own code. One that panics loses its message, and nothing else. An event
//! that is about an error begins with `error = …`, and shows it with all of its causes.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Lets a logger panic.
pub(crate) fn tell(log: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(log)) {
        // To drop it may panic, too.
        mem::forget(payload);
    }
}

/// Tells the logger at a level, if it listens.
macro_rules! event {
    ($level:ident, error = $error:expr, $text:literal $($argument:tt)*) => {
        $crate::events::event!(
            $level,
            "{}: {}",
            format_args!($text $($argument)*),
            $crate::error::chain($error)
        )
    };
    ($level:ident, $($argument:tt)+) => {
        // Most programs look at few levels, or have no logger at all: that costs one comparison.
        if log::Level::$level <= log::max_level() {
            $crate::events::tell(|| log::log!(target: "rememo", log::Level::$level, $($argument)+));
        }
    };
}

macro_rules! error_event {
    ($($argument:tt)+) => { $crate::events::event!(Error, $($argument)+) };
}

macro_rules! warn_event {
    ($($argument:tt)+) => { $crate::events::event!(Warn, $($argument)+) };
}

macro_rules! info_event {
    ($($argument:tt)+) => { $crate::events::event!(Info, $($argument)+) };
}

macro_rules! debug_event {
    ($($argument:tt)+) => { $crate::events::event!(Debug, $($argument)+) };
}

macro_rules! trace_event {
    ($($argument:tt)+) => { $crate::events::event!(Trace, $($argument)+) };
}

pub(crate) use {
    debug_event as debug, error_event as error, event, info_event as info, trace_event as trace,
    warn_event as warn,
};
