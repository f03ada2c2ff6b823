//! What the user is told without having asked: through `log`, and where nobody listens there, on the standard error.

use crate::events;

/// Tells the user something that is worth a line.
#[expect(clippy::print_stderr, reason = "the one place that speaks to a user who has no logger")]
pub(crate) fn user(message: &str) {
    if log::log_enabled!(target: "rememo", log::Level::Warn) {
        events::warn!("{message}");
    } else {
        eprintln!("rememo: {message}");
    }
}
