//! Values in short, for people: as JSON, up to a limit.
//!
//! # Invariants
//! 1. A large value costs no more than a small one. JSON is written up to the limit, and texts are
//!    cut *before* they are escaped ([`brief`]). Not covered is what a type's own `Serialize` does
//!    before it shows anything.
//! 2. A preview never fails. JSON cannot show every value; the text ends there.

mod brief;

use std::io;
use std::sync::Arc;

use serde::Serialize;

use self::brief::Brief;
use crate::sys::view;

/// Longest preview, in bytes: a line on a screen.
const PREVIEW_BYTES: usize = 160;

/// Values as JSON, one behind the other, up to [`PREVIEW_BYTES`].
#[derive(Debug)]
pub(super) struct Preview {
    bytes: [u8; PREVIEW_BYTES],
    length: usize,
    cut: bool,
}

impl Default for Preview {
    fn default() -> Self {
        Preview { bytes: [0; PREVIEW_BYTES], length: 0, cut: false }
    }
}

impl Preview {
    /// Appends a value.
    pub(super) fn value<V: Serialize + ?Sized>(&mut self, value: &V) {
        if self.cut {
            return;
        }
        if self.length > 0 {
            self.append(b", ");
        }
        self.cut |= serde_json::to_writer(&mut *self, &Brief(value)).is_err();
    }

    /// Appends as much as there is room for; whether that is all.
    fn append(&mut self, bytes: &[u8]) -> bool {
        let room = &mut self.bytes[self.length..];
        let length = bytes.len().min(room.len());
        room[..length].copy_from_slice(&bytes[..length]);
        self.length += length;
        length == bytes.len()
    }

    /// The text, with `…` at its end if it was cut off.
    pub(super) fn finish(&self) -> Arc<str> {
        let bytes = &self.bytes[..self.length];
        if !self.cut
            && let Ok(text) = view::text_of(bytes)
        {
            return text.into();
        }
        let text = String::from_utf8_lossy(bytes);
        if !self.cut {
            return text.into();
        }
        // The limit may have fallen inside a character.
        format!("{}…", text.trim_end_matches('\u{fffd}')).into()
    }
}

/// A value in short, cut off with `…` when long.
pub(crate) fn preview_of<V: Serialize + ?Sized>(value: &V) -> Arc<str> {
    let mut preview = Preview::default();
    preview.value(value);
    preview.finish()
}

/// Fails at the limit, which ends the writing.
impl io::Write for Preview {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.append(bytes) { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
