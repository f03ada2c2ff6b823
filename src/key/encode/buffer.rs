//! Bytes on their way to the hasher: on the stack, as those of most calls are, or more of them in memory of their own.

use std::ops::Deref;

/// Room for the arguments of most calls, in bytes.
const ROOM: usize = 256;

/// A growing sequence of bytes, which begins in place.
#[derive(Debug)]
pub(super) struct Buffer {
    /// All of the bytes, unless some lie in `more`.
    first: [u8; ROOM],
    /// How many of `first` are bytes; [`ROOM`] if they lie in `more`, so that one comparison tells whether others fit.
    here: usize,
    /// All of the bytes once they do not fit, and room behind them.
    more: Vec<u8>,
    /// How many of `more` are bytes; none as long as they lie in `first`.
    there: usize,
}

impl Buffer {
    #[inline]
    pub(super) fn new() -> Self {
        Buffer { first: [0; ROOM], here: 0, more: Vec::new(), there: 0 }
    }

    /// Appends bytes of which the compiler knows the number.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some(room) = self.first[self.here..].first_chunk_mut() {
            *room = bytes;
            self.here += N;
        } else if self.there > 0
            && let Some(room) = self.more[self.there..].first_chunk_mut()
        {
            *room = bytes;
            self.there += N;
        } else {
            self.grow_by(&bytes);
        }
    }

    /// Appends a tag, and bytes of which the compiler knows the number.
    #[inline]
    pub(super) fn put_tagged<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        let end = self.here + 1 + N;
        if let Some([first, rest @ ..]) = self.first.get_mut(self.here..end) {
            *first = tag;
            rest.copy_from_slice(&bytes);
            self.here = end;
        } else {
            self.put([tag]);
            self.put(bytes);
        }
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if let Some(room) = self.first[self.here..].get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.here += bytes.len();
        } else if self.there > 0
            && let Some(room) = self.more[self.there..].get_mut(..bytes.len())
        {
            room.copy_from_slice(bytes);
            self.there += bytes.len();
        } else {
            self.grow_by(bytes);
        }
    }

    /// Appends bytes for which there is no room.
    #[cold]
    #[inline(never)]
    fn grow_by(&mut self, bytes: &[u8]) {
        let all = self.len() + bytes.len();
        if self.more.len() < all {
            self.more.resize((2 * all).max(4 * ROOM), 0);
        }
        if self.there == 0 {
            self.more[..self.here].copy_from_slice(&self.first[..self.here]);
            (self.there, self.here) = (self.here, ROOM);
        }
        self.more[self.there..all].copy_from_slice(bytes);
        self.there = all;
    }

    /// How many bytes do not lie on the stack, once they are too many for that.
    #[inline]
    pub(super) fn length_apart(&self) -> usize {
        self.there
    }

    /// Replaces two bytes that were appended.
    pub(super) fn set(&mut self, at: usize, bytes: [u8; 2]) {
        let all = if self.there == 0 { &mut self.first[..self.here] } else { &mut self.more[..self.there] };
        all[at..at + 2].copy_from_slice(&bytes);
    }

    /// Forgets all bytes.
    pub(super) fn clear(&mut self) {
        (self.here, self.there) = (0, 0);
    }

    pub(super) fn into_vec(mut self) -> Vec<u8> {
        if self.there == 0 {
            return self.first[..self.here].to_vec();
        }
        self.more.truncate(self.there);
        self.more
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if self.there == 0 { &self.first[..self.here] } else { &self.more[..self.there] }
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
