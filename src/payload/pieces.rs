//! Bytes in pieces that are given back as they are read: where a large value is read back or compressed, so that its bytes are not
//! kept beside what is made of them.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Deref;

use crate::sys::map::Private;

/// A piece is small beside what a store may take beyond the value.
const PIECE: usize = 1024 * 1024;

/// Bytes that go as they are read.
#[derive(Debug)]
pub(crate) struct Pieces {
    pieces: VecDeque<Piece>,
    /// How much of the first was read.
    read: usize,
}

/// One of them. An allocator may keep what it is given back: glibc does once the program has freed larger
/// things. So a piece is a mapping, where one is to be had.
#[derive(Debug)]
pub(crate) enum Piece {
    Mapped(Private),
    Owned(Vec<u8>),
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Piece::Mapped(bytes) => bytes,
            Piece::Owned(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Pieces {
    /// Takes `bytes` apart from their end on, so that there is never a second copy of more than a piece.
    fn from(mut bytes: Vec<u8>) -> Self {
        let mut pieces = VecDeque::with_capacity(bytes.len() / PIECE + 1);
        while bytes.len() > PIECE {
            let start = bytes.len() - PIECE;
            pieces.push_front(match Private::copy_of(&bytes[start..]) {
                Ok(piece) => Piece::Mapped(piece),
                // There may be a limit on mappings.
                Err(_) => Piece::Owned(bytes[start..].to_vec()),
            });
            bytes.truncate(start);
            bytes.shrink_to_fit();
        }
        pieces.push_front(Piece::Owned(bytes));
        Pieces { pieces, read: 0 }
    }
}

#[cfg(feature = "zstd")]
impl Pieces {
    /// Calls `each` with one piece after the other, and drops it then.
    pub(super) fn try_for_each<E>(self, each: impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        self.pieces.into_iter().try_for_each(each)
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(first) = self.pieces.front() {
            let left = &first[self.read..];
            if !left.is_empty() {
                let count = left.len().min(buffer.len());
                buffer[..count].copy_from_slice(&left[..count]);
                self.read += count;
                return Ok(count);
            }
            self.pieces.pop_front();
            self.read = 0;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_the_bytes_they_were_made_of() {
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..length).map(|i| (i / 7).to_le_bytes()[0]).collect();
            let mut read = Vec::new();
            Pieces::from(bytes.clone()).read_to_end(&mut read).unwrap();
            assert!(read == bytes, "{length} bytes");
        }
    }
}
