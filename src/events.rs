//! Events, for the program's logger: under the target `rememo`, and never in the way.
//!
//! A logger is the program's own code. One that panics loses its message, and nothing else.

/// Tells the logger at a level, if it listens.
macro_rules! event {
    ($level:ident, $($argument:tt)+) => {
        // Most programs look at few levels, or have no logger at all: that costs one comparison.
        if log::Level::$level <= log::max_level() {
            let tell = || log::log!(target: "rememo", log::Level::$level, $($argument)+);
            let _ = $crate::panics::catch(tell);
        }
    };
}

macro_rules! warn_event {
    ($($argument:tt)+) => { $crate::events::event!(Warn, $($argument)+) };
}

macro_rules! debug_event {
    ($($argument:tt)+) => { $crate::events::event!(Debug, $($argument)+) };
}

macro_rules! trace_event {
    ($($argument:tt)+) => { $crate::events::event!(Trace, $($argument)+) };
}

pub(crate) use {debug_event as debug, event, trace_event as trace, warn_event as warn};
