//! Events, told to the program's logger under the target `rememo`.

/// Tells an event: `event!(Warn, "…")`. A logger that panics costs the event, nothing else.
macro_rules! event {
    ($level:ident, $($message:tt)+) => {
        // Most programs look at few levels, or have no logger at all: that costs one comparison.
        if log::Level::$level <= log::max_level() {
            let tell = || log::log!(target: "rememo", log::Level::$level, $($message)+);
            let _ = $crate::panics::catch(tell);
        }
    };
}
