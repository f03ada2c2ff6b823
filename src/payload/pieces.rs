//! Bytes in pieces that are given back as they are read: where a large value is read back or compressed, so that its bytes are not
//! kept beside what is made of them.

use std::collections::VecDeque;
use std::io::{self, Read};

/// A piece is small beside what a store may take beyond the value, and large enough that the allocator gives it back at once, as a
/// rule: glibc keeps pieces of this size once the program has freed larger things.
const PIECE: usize = 1024 * 1024;

/// Bytes that go as they are read.
#[derive(Debug)]
pub(crate) struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    /// How much of the first was read.
    read: usize,
}

impl From<Vec<u8>> for Pieces {
    /// Takes `bytes` apart from their end on, so that there is never a second copy of more than a piece.
    fn from(mut bytes: Vec<u8>) -> Self {
        let mut pieces = VecDeque::with_capacity(bytes.len() / PIECE + 1);
        while bytes.len() > PIECE {
            pieces.push_front(bytes.split_off(bytes.len() - PIECE));
            bytes.shrink_to_fit();
        }
        pieces.push_front(bytes);
        Pieces { pieces, read: 0 }
    }
}

/// Those that were not read, each to be dropped when it has been used.
impl IntoIterator for Pieces {
    type Item = Vec<u8>;
    type IntoIter = std::collections::vec_deque::IntoIter<Vec<u8>>;

    fn into_iter(mut self) -> Self::IntoIter {
        if let Some(first) = self.pieces.front_mut() {
            first.drain(..self.read);
        }
        self.pieces.into_iter()
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
