//! What the user is told without having asked: through `log`, and where nobody listens there, on the standard error.

use crate::events;
use crate::screen::{self, Stream};

/// Tells the user something that is worth a line.
pub(crate) fn user(message: &str) {
    if log::log_enabled!(target: "rememo", log::Level::Warn) {
        events::warn!("{message}");
    } else {
        screen::write(Stream::Error, format!("rememo: {message}\n").as_bytes());
    }
}
