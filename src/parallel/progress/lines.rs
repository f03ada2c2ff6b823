//! Progress as plain lines on the standard error: for logs, pipes and continuous integration.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::{Progress, Totals};
use crate::screen::{self, Stream};

/// A batch that takes less has its last line only.
const FIRST: Duration = Duration::from_secs(1);
/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(5);

/// Prints a line now and then, and one at the end.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// How many lines were due by the time of the last one.
    printed: AtomicU64,
}

impl Progress for Lines {
    fn update(&self, totals: &Totals) {
        let due = totals.elapsed.checked_sub(FIRST).map_or(0, |time| time.as_secs() / INTERVAL.as_secs() + 1);
        if totals.finished || due > self.printed.load(Relaxed) {
            self.printed.store(due, Relaxed);
            screen::write(Stream::Error, format!("{totals}\n").as_bytes());
        }
    }
}
