//! Bytes on their way to the hasher: on the stack, as those of most calls are, or more of them in memory of their own.

use std::ops::Deref;

/// Room for the arguments of most calls, in bytes.
const ROOM: usize = 256;

/// A growing sequence of bytes, of which the first are kept in place.
#[derive(Debug)]
pub(super) struct Buffer {
    /// All of the bytes, unless there are `more`.
    first: [u8; ROOM],
    /// How many of `first` are bytes; [`ROOM`] if there are `more`, so that one comparison tells whether others fit.
    length: usize,
    /// All of the bytes once they do not fit; empty until then.
    more: Vec<u8>,
}

impl Buffer {
    #[inline]
    pub(super) fn new() -> Self {
        Buffer { first: [0; ROOM], length: 0, more: Vec::new() }
    }

    /// Appends bytes of which the compiler knows the number.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        match self.first[self.length..].first_chunk_mut() {
            Some(room) => {
                *room = bytes;
                self.length += N;
            }
            None => self.put_more(&bytes),
        }
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        match self.first[self.length..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            None => self.put_more(bytes),
        }
    }

    #[inline(never)]
    fn put_more(&mut self, bytes: &[u8]) {
        if self.more.is_empty() {
            self.more.reserve(4 * ROOM);
            self.more.extend_from_slice(&self.first[..self.length]);
            self.length = ROOM;
        }
        self.more.extend_from_slice(bytes);
    }

    /// Replaces two bytes that were appended.
    pub(super) fn set(&mut self, at: usize, bytes: [u8; 2]) {
        let all = if self.more.is_empty() { &mut self.first[..self.length] } else { &mut self.more[..] };
        all[at..at + 2].copy_from_slice(&bytes);
    }

    /// Forgets all bytes.
    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.more.clear();
    }

    pub(super) fn into_vec(self) -> Vec<u8> {
        if self.more.is_empty() { self.first[..self.length].to_vec() } else { self.more }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if self.more.is_empty() { &self.first[..self.length] } else { &self.more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_all_bytes_wherever_there_is_no_more_room() {
        let mut buffer = Buffer::new();
        for before in [0, 1, ROOM - 2, ROOM - 1, ROOM, ROOM + 1] {
            for behind in [0, 1, 2, ROOM, 5 * ROOM] {
                buffer.append(&vec![1; before]);
                buffer.put([2, 3, 4]);
                buffer.append(&vec![5; behind]);
                buffer.set(before + 1, [6, 7]);
                let expected = [vec![1; before], vec![2, 6, 7], vec![5; behind]].concat();
                assert_eq!(*buffer, *expected, "{before} and {behind}");
                buffer.clear();
                assert!(buffer.is_empty());
            }
            buffer.append(&vec![8; before]);
            assert_eq!(std::mem::replace(&mut buffer, Buffer::new()).into_vec(), vec![8; before]);
        }
    }
}
