//! Values in short, for people: as JSON, up to a limit.
//!
//! # Invariants
//! 1. A large value costs no more than a small one. JSON is written up to the limit, and texts are
//!    cut *before* they are escaped ([`brief`]). Not covered is what a type's own `Serialize` does
//!    before it shows anything.
//! 2. A preview never fails. JSON cannot show every value; the text ends there.

mod brief;

use std::io;

use serde::Serialize;

use self::brief::Brief;

/// Longest preview, in bytes: a line on a screen.
const PREVIEW_BYTES: usize = 160;

/// Values as JSON, one behind the other, up to [`PREVIEW_BYTES`].
#[derive(Debug)]
pub(super) struct Preview {
    text: Vec<u8>,
    cut: bool,
}

impl Default for Preview {
    fn default() -> Self {
        Preview { text: Vec::with_capacity(PREVIEW_BYTES), cut: false }
    }
}

impl Preview {
    /// Appends a value.
    pub(super) fn value<V: Serialize + ?Sized>(&mut self, value: &V) {
        if self.cut {
            return;
        }
        if !self.text.is_empty() {
            self.text.extend_from_slice(b", ");
        }
        self.cut |= serde_json::to_writer(&mut *self, &Brief(value)).is_err();
    }

    /// The text, with `…` at its end if it was cut off.
    pub(super) fn finish(self) -> String {
        let mut text = String::from_utf8(self.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        if self.cut {
            // The limit may have fallen inside a character.
            text.truncate(text.trim_end_matches('\u{fffd}').len());
            text.push('…');
        }
        text
    }
}

/// A value in short, cut off with `…` when long.
pub(crate) fn preview_of<V: Serialize + ?Sized>(value: &V) -> String {
    let mut preview = Preview::default();
    preview.value(value);
    preview.finish()
}

/// Fails at the limit, which ends the writing.
impl io::Write for Preview {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PREVIEW_BYTES.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
