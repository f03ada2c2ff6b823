//! Where the bytes of a value come from.

use std::io::Read;

use super::misfit::{Misfit, misfit};

/// Where bytes come from, and how many are left.
pub(super) trait ByteInput<'de> {
    fn left(&self) -> usize;

    /// The next bytes, of which there must be so many.
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Misfit>;

    /// The next `count` bytes, of which there are so many; lent, if they can be.
    fn bytes(&mut self, count: usize) -> Result<Bytes<'de>, Misfit>;
}

/// Bytes that were read.
pub(super) enum Bytes<'de> {
    Lent(&'de [u8]),
    Own(Vec<u8>),
}

#[cold]
fn too_short<T>() -> Result<T, Misfit> {
    misfit("its bytes end too early")
}

/// Bytes that values may borrow.
impl<'de> ByteInput<'de> for &'de [u8] {
    fn left(&self) -> usize {
        self.len()
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Misfit> {
        let Some((first, rest)) = self.split_first_chunk() else { return too_short() };
        *self = rest;
        Ok(*first)
    }

    fn bytes(&mut self, count: usize) -> Result<Bytes<'de>, Misfit> {
        let Some((first, rest)) = self.split_at_checked(count) else { return too_short() };
        *self = rest;
        Ok(Bytes::Lent(first))
    }
}

/// Bytes that are copied, never lent.
#[derive(Debug)]
pub(super) struct Copied<'b>(pub(super) &'b [u8]);

impl<'de> ByteInput<'de> for Copied<'_> {
    fn left(&self) -> usize {
        self.0.len()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Misfit> {
        self.0.array()
    }

    fn bytes(&mut self, count: usize) -> Result<Bytes<'de>, Misfit> {
        let Some((first, rest)) = self.0.split_at_checked(count) else { return too_short() };
        self.0 = rest;
        Ok(Bytes::Own(first.to_vec()))
    }
}

/// Bytes that are not in one piece.
#[derive(Debug)]
pub(super) struct Streamed<R> {
    source: R,
    left: usize,
}

impl<R: Read> Streamed<R> {
    /// `source` has `length` bytes.
    pub(super) fn new(source: R, length: usize) -> Self {
        Streamed { source, left: length }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Misfit> {
        let Some(left) = self.left.checked_sub(bytes.len()) else { return too_short() };
        self.left = left;
        self.source.read_exact(bytes).or_else(|error| misfit(error.to_string()))
    }
}

impl<'de, R: Read> ByteInput<'de> for Streamed<R> {
    fn left(&self) -> usize {
        self.left
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Misfit> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, count: usize) -> Result<Bytes<'de>, Misfit> {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes)?;
        Ok(Bytes::Own(bytes))
    }
}
