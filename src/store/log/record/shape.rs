//! The word in the head of a record that says what it is and how long its parts are.

use std::ops::Range;

use super::{ALIGN, HEAD};
use crate::payload::COMPRESSED;
use crate::store::marker::Marker;

/// How long the payload of the record of a blob is, without a marker and with one.
pub(super) const BLOB_PAYLOADS: [usize; 2] = [2 * size_of::<u64>(), 2 * size_of::<u64>() + Marker::LENGTH];

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::log) enum Kind {
    /// An entry with its value.
    Entry = 0,
    /// An entry whose value is a blob; the payload is the length of that file, and its marker if it has one.
    Blob = 1,
    /// The entry of this key was removed.
    Removal = 2,
    /// All entries of this function at lower addresses were removed.
    Clear = 3,
}

/// What a record is and how long its parts are: what one word of its head says, checked against the limits of the format only.
///
/// Of the word, bits 0–15 are the length of the payload, 16–23 that of the preview, 24–28 the number of the codec, 29–30
/// the kind; bit 31 says that the payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::log) struct Shape {
    pub(super) kind: Kind,
    /// With the bit that says that the payload is compressed.
    pub(super) codec: u8,
    pub(super) payload: u16,
    pub(super) preview: u8,
}

impl Shape {
    /// `None` if it is that of no record.
    #[inline]
    pub(in crate::store::log) fn of_word(word: u32) -> Option<Self> {
        let [low, high, preview, last] = word.to_le_bytes();
        let kind = match last >> 5 & 3 {
            0 => Kind::Entry,
            1 => Kind::Blob,
            2 => Kind::Removal,
            _ => Kind::Clear,
        };
        let payload = u16::from_le_bytes([low, high]);
        let is_possible =
            last & CODECS != 0 && (kind != Kind::Blob || BLOB_PAYLOADS.contains(&payload.into()));
        let codec = last & (CODECS | COMPRESSED);
        is_possible.then_some(Shape { kind, codec, payload, preview })
    }

    /// # Panics
    ///
    /// Panics if the number of the codec does not fit its field.
    pub(super) fn to_word(self) -> u32 {
        let Shape { kind, codec, payload, preview } = self;
        assert!(codec & !COMPRESSED & !CODECS == 0 && codec & CODECS != 0, "codec {codec} has no place here");
        let [low, high] = payload.to_le_bytes();
        u32::from_le_bytes([low, high, preview, codec | (kind as u8) << 5])
    }

    /// Where in the record the payload is.
    #[inline]
    pub(super) fn payload(self) -> Range<usize> {
        HEAD..HEAD + usize::from(self.payload)
    }

    /// Where in the record the preview is.
    #[inline]
    pub(super) fn preview(self) -> Range<usize> {
        let start = self.payload().end;
        start..start + usize::from(self.preview)
    }

    /// How many bytes the whole record takes.
    #[inline]
    pub(in crate::store::log) fn length(self) -> usize {
        record_length([self.payload.into(), self.preview.into()])
    }
}

/// The bits of the number of a codec, but for [`COMPRESSED`].
const CODECS: u8 = 0x1f;

/// How long the record is whose [`SHAPE`](super::SHAPE) is this word; to be checked against what is read then. `None` if it is that of none.
#[inline]
pub(in crate::store::log) fn announced_length(word: u32) -> Option<usize> {
    Shape::of_word(word).map(Shape::length)
}

/// How long a record is whose payload and preview are so long.
#[inline]
pub(super) fn record_length([payload, preview]: [usize; 2]) -> usize {
    // As `next_multiple_of`, which looks for an overflow.
    (HEAD + payload + preview + ALIGN - 1) & !(ALIGN - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_comes_back_from_its_word_and_zeros_are_none() {
        for kind in [Kind::Entry, Kind::Blob, Kind::Removal, Kind::Clear] {
            for (codec, payload, preview) in [(1, 16, 0), (0x9f, 56, 255), (0x82, 0, 7), (31, 65_535, 255)] {
                let shape = Shape { kind, codec, payload, preview };
                let is_possible = kind != Kind::Blob || BLOB_PAYLOADS.contains(&payload.into());
                assert_eq!(Shape::of_word(shape.to_word()), is_possible.then_some(shape));
            }
        }
        assert_eq!((Shape::of_word(0), Shape::of_word(u32::from(COMPRESSED) << 24)), (None, None));
    }
}
