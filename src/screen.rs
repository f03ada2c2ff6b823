//! What the library writes for people: whole lines, also beside a bar that is drawn over.
//!
//! All that it writes goes through here. A bar is taken away for as long as something is written,
//! and drawn again below it.

use std::io::{self, Write};

#[cfg(feature = "progress")]
use std::sync::LazyLock;

#[cfg(feature = "progress")]
use indicatif::{MultiProgress, ProgressBar};

/// Where something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// Writes lines, in one go so that those of several threads stay whole. That nobody reads them is
/// no trouble.
pub(crate) fn write(to: Stream, lines: &[u8]) {
    around(|| {
        let _ = match to {
            Stream::Output => {
                let mut output = io::stdout().lock();
                output.write_all(lines).and_then(|()| output.flush())
            }
            Stream::Error => io::stderr().lock().write_all(lines),
        };
    });
}

/// The bars of all batches that show one.
#[cfg(feature = "progress")]
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Shows a bar below those that are shown.
#[cfg(feature = "progress")]
pub(crate) fn show(bar: &ProgressBar) {
    BARS.add(bar.clone());
}

/// Takes a bar away.
#[cfg(feature = "progress")]
pub(crate) fn hide(bar: &ProgressBar) {
    bar.finish_and_clear();
    BARS.remove(bar);
}

#[cfg(feature = "progress")]
fn around(write: impl FnOnce()) {
    BARS.suspend(write);
}

#[cfg(not(feature = "progress"))]
fn around(write: impl FnOnce()) {
    write();
}
