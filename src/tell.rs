//! What the user is told without having asked: on the standard error, and through `log`.
//!
//! Nothing is told there under `REMEMO_QUIET=1`. That nobody reads the standard error any more is no
//! trouble.

use std::env;
use std::sync::OnceLock;

use crate::events;
use crate::screen::{self, Stream};

/// Tells the user something that is worth a line: through `log`, and where nobody listens there, on
/// the standard error.
pub(crate) fn user(message: &str) {
    if log::log_enabled!(target: "rememo", log::Level::Warn) {
        events::warn!("{message}");
    } else {
        line(message);
    }
}

/// Tells the user what should not be missed: through `log`, and on the standard error unless the
/// memory is `quiet`. A logger may write to where nobody looks.
pub(crate) fn warning(message: &str, quiet: bool) {
    events::warn!("{message}");
    beside_the_log(message, quiet);
}

/// Tells the user what the logger was told of, too, unless the memory is `quiet`.
pub(crate) fn beside_the_log(message: &str, quiet: bool) {
    if !quiet {
        line(message);
    }
}

fn line(message: &str) {
    if !is_quiet() {
        screen::write(Stream::Error, format!("rememo: {message}\n").as_bytes());
    }
}

/// Whether `REMEMO_QUIET=1`; read once.
fn is_quiet() -> bool {
    static QUIET: OnceLock<bool> = OnceLock::new();
    *QUIET.get_or_init(|| env::var_os("REMEMO_QUIET").is_some_and(|value| !value.is_empty() && value != "0"))
}
