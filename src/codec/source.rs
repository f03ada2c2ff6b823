//! Where the bytes of a value come from.

use std::{fmt, io};

use super::misfit::{Misfit, misfit};

/// Where bytes come from. One type for all kinds, so that what serde has for a type of the user's is compiled once for each
/// encoding.
pub(super) enum Input<'de, 's> {
    /// Bytes that values may borrow.
    Lent(&'de [u8]),
    /// Bytes that are copied, never lent.
    Copied(&'s [u8]),
    /// Bytes that are not in one piece: what fills a slice with the next ones, and how many there are.
    Streamed(&'s mut ReadExact<'s>, usize),
}

/// Fills a slice with the next bytes.
type ReadExact<'r> = dyn FnMut(&mut [u8]) -> io::Result<()> + 'r;

/// Bytes that were read.
pub(super) enum Bytes<'de> {
    Lent(&'de [u8]),
    Own(Vec<u8>),
}

#[expect(clippy::match_same_arms, reason = "references to references of two lifetimes are of two types")]
impl<'de> Input<'de, '_> {
    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        match self {
            Input::Lent(bytes) | Input::Copied(bytes) => bytes.len(),
            Input::Streamed(_, left) => *left,
        }
    }

    /// The next bytes, of which there must be so many.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Misfit> {
        match self {
            Input::Lent(bytes) => split_array(bytes),
            Input::Copied(bytes) => split_array(bytes),
            Input::Streamed(read_exact, left) => {
                let mut bytes = [0; N];
                fill(read_exact, left, &mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// The next `count` bytes, of which there must be so many; lent, if they can be.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Bytes<'de>, Misfit> {
        match self {
            Input::Lent(bytes) => split(bytes, count).map(Bytes::Lent),
            Input::Copied(bytes) => split(bytes, count).map(|bytes| Bytes::Own(bytes.to_vec())),
            Input::Streamed(_, left) if count > *left => too_short(),
            Input::Streamed(read_exact, left) => {
                let mut bytes = vec![0; count];
                fill(read_exact, left, &mut bytes)?;
                Ok(Bytes::Own(bytes))
            }
        }
    }
}

/// Fills `to` with the next bytes, of which so many are left.
fn fill(read_exact: &mut ReadExact<'_>, left: &mut usize, to: &mut [u8]) -> Result<(), Misfit> {
    let Some(rest) = left.checked_sub(to.len()) else { return too_short() };
    *left = rest;
    read_exact(to).or_else(|error| misfit(error.to_string()))
}

#[inline]
fn split_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Misfit> {
    let Some((first, rest)) = bytes.split_first_chunk() else { return too_short() };
    *bytes = rest;
    Ok(*first)
}

fn split<'b>(bytes: &mut &'b [u8], count: usize) -> Result<&'b [u8], Misfit> {
    let Some((first, rest)) = bytes.split_at_checked(count) else { return too_short() };
    *bytes = rest;
    Ok(first)
}

#[cold]
fn too_short<T>() -> Result<T, Misfit> {
    misfit("its bytes end too early")
}

impl fmt::Debug for Input<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({} bytes)", self.left())
    }
}
