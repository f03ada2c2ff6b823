//! A text that is all of a value: its bytes, and nothing else.

use super::super::{DecodeError, Encoded, TEXT, expect_codec};
use crate::payload::{ByteSource, Bytes, Content};
use crate::sys::view;

/// The bytes of a text, borrowed.
pub(super) fn encode(text: &str) -> Encoded<'_> {
    Encoded { codec: TEXT, bytes: Bytes::Slice(text.as_bytes()) }
}

/// Reads a text.
pub(super) fn decode(content: &Content<'_>) -> Result<String, DecodeError> {
    if let (TEXT, ByteSource::Memory(payload)) = (content.codec, content.source)
        && let Ok(text) = view::text_of(payload)
    {
        return Ok(text.to_owned());
    }
    decode_slowly(content)
}

/// Reads a text that is in a file, compressed, or none.
#[cold]
fn decode_slowly(content: &Content<'_>) -> Result<String, DecodeError> {
    expect_codec(content, [TEXT])?;
    String::from_utf8(content.whole()?.into_owned())
        .map_err(|error| DecodeError::Unreadable(error.to_string().into()))
}
