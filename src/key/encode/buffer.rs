//! Bytes on their way to the hasher: on the stack, as those of most calls are, or more of them in memory of their own.

use std::ops::Deref;

/// Room for the arguments of most calls, in bytes.
const ROOM: usize = 256;

/// A growing sequence of bytes, which begins in place.
#[derive(Debug)]
pub(super) struct Buffer {
    first: [u8; ROOM],
    /// Room in place of `first` once that is too small, filled with zeros in advance; empty until then.
    more: Vec<u8>,
    /// How many bytes there are.
    length: usize,
}

impl Buffer {
    #[inline]
    pub(super) fn new() -> Self {
        Buffer { first: [0; ROOM], more: Vec::new(), length: 0 }
    }

    /// Appends bytes of which the compiler knows the number.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        let end = self.length;
        match self.all()[end..].first_chunk_mut() {
            Some(room) => {
                *room = bytes;
                self.length += N;
            }
            None => self.grow_by(&bytes),
        }
    }

    /// Appends a tag, and bytes of which the compiler knows the number.
    #[inline]
    pub(super) fn put_tagged<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        let end = self.length + 1 + N;
        let start = self.length;
        if let Some([first, rest @ ..]) = self.all().get_mut(start..end) {
            *first = tag;
            rest.copy_from_slice(&bytes);
            self.length = end;
        } else {
            self.put([tag]);
            self.put(bytes);
        }
    }

    /// How many bytes there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let end = self.length;
        match self.all()[end..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            None => self.grow_by(bytes),
        }
    }

    /// The bytes, and the room behind them.
    #[inline]
    fn all(&mut self) -> &mut [u8] {
        if self.more.is_empty() { &mut self.first } else { &mut self.more }
    }

    /// Appends bytes for which there is no room.
    #[cold]
    #[inline(never)]
    fn grow_by(&mut self, bytes: &[u8]) {
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
        }
        let end = self.length + bytes.len();
        self.more.resize((2 * end).max(4 * ROOM), 0);
        self.more[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// Replaces two bytes that were appended.
    pub(super) fn set(&mut self, at: usize, bytes: [u8; 2]) {
        let end = self.length;
        self.all()[..end][at..at + 2].copy_from_slice(&bytes);
    }

    /// Forgets all bytes.
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn into_vec(mut self) -> Vec<u8> {
        if self.more.is_empty() {
            return self.first[..self.length].to_vec();
        }
        self.more.truncate(self.length);
        self.more
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if self.more.is_empty() { &self.first[..self.length] } else { &self.more[..self.length] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_all_bytes_wherever_there_is_no_more_room() {
        let mut buffer = Buffer::new();
        for before in [0, 1, ROOM - 2, ROOM - 1, ROOM, ROOM + 1] {
            for behind in [0, 1, 2, ROOM - 4, ROOM, 5 * ROOM] {
                buffer.append(&vec![1; before]);
                buffer.put_tagged(2, [3, 4]);
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
