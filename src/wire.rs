//! Bytes on their way from one process to another: numbers little-endian, byte strings behind their length.

/// Appends to a message.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Bytes that come in parts, which are of this length together.
    pub(crate) fn parts<'b>(&mut self, length: usize, parts: impl Iterator<Item = &'b [u8]>) {
        self.number(length as u64);
        self.0.reserve(length);
        parts.for_each(|part| self.0.extend_from_slice(part));
    }

    /// A byte that says whether there is anything, and it.
    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Takes a message apart; `None` where it ends too early or says what cannot be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    #[expect(clippy::option_option, reason = "garbled, nothing, or something")]
    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        writer.byte(7);
        writer.number(u64::MAX);
        writer.bytes(b"text");
        writer.option(Some(5), Writer::number);
        writer.option(None, Writer::number);
        let mut reader = Reader(&writer.0);
        assert_eq!((reader.byte(), reader.number(), reader.text()), (Some(7), Some(u64::MAX), Some("text")));
        assert_eq!(
            (reader.option(Reader::number), reader.option(Reader::number)),
            (Some(Some(5)), Some(None))
        );
        assert!(reader.is_empty());
    }

    #[test]
    fn a_message_that_is_cut_off_or_wrong_is_none() {
        assert_eq!(Reader(&[1, 2]).number(), None);
        assert_eq!(Reader(&[255; 12]).bytes(), None);
        assert_eq!(Reader(&[2]).option(Reader::number), None);
    }
}
