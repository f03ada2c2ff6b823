//! The bytes of a value, on their way to the store or out of it.
//!
//! # Invariants
//! 1. Bytes of a large value are not copied on their way: [`Bytes`] borrows them from the value, [`Reader`] reads them to where
//!    the value will have them.
//! 2. What was read of a file is a value's only once [`Reader::finish`] has seen the checksum hold, or nothing was read because the
//!    file is trusted: see [`PayloadFile`].
//! 3. How bytes are stored, as they are or [compressed], is nobody's business but the reader's.

mod compressed;
mod file;
mod pieces;
mod reader;
mod stored;

use std::borrow::Cow;
use std::fmt;
use std::io;

pub(crate) use compressed::{COMPRESSED, compress};
pub use compressed::{Compresses, Level};
pub(crate) use file::{HeadOfFile, PayloadFile};
pub(crate) use pieces::Pieces;
pub(crate) use reader::Reader;

use crate::sys::raw::Unfit;

/// Values of so many encoded bytes are large: each is stored in a file of its own, whatever the layout.
pub(crate) const LARGE: usize = 64 * 1024;

/// The encoded bytes of a value that is about to be stored.
#[derive(Clone, Debug)]
pub(crate) enum Bytes<'v> {
    Owned(Vec<u8>),
    /// All in one piece, borrowed from the value.
    Slice(&'v [u8]),
    /// One behind the other; as a rule borrowed from the value.
    Parts(Vec<Cow<'v, [u8]>>),
}

impl<'v> Bytes<'v> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Bytes::Owned(bytes) => bytes.len(),
            Bytes::Slice(bytes) => bytes.len(),
            Bytes::Parts(parts) => parts.iter().map(|part| part.len()).sum(),
        }
    }

    /// Copies all of them behind what is in `to`.
    pub(crate) fn append_to(&self, to: &mut Vec<u8>) {
        match self {
            Bytes::Owned(bytes) => to.extend_from_slice(bytes),
            Bytes::Slice(bytes) => to.extend_from_slice(bytes),
            Bytes::Parts(parts) => parts.iter().for_each(|part| to.extend_from_slice(part)),
        }
    }

    /// All of them, in slices that follow one another.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let (owned, parts) = match self {
            Bytes::Owned(bytes) => (Some(&**bytes), &[][..]),
            Bytes::Slice(bytes) => (Some(*bytes), &[][..]),
            Bytes::Parts(parts) => (None, &**parts),
        };
        owned.into_iter().chain(parts.iter().map(|part| &**part))
    }

    /// These, if they are not borrowed; else as they came.
    pub(crate) fn try_owned(self) -> Result<Bytes<'static>, Bytes<'v>> {
        match self {
            Bytes::Owned(bytes) => Ok(Bytes::Owned(bytes)),
            borrowed @ (Bytes::Slice(_) | Bytes::Parts(_)) => Err(borrowed),
        }
    }

    /// All in one piece; copied, unless it is one of its own.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Slice(_) | Bytes::Parts(_) => self.to_vec(),
        }
    }

    /// A copy of all in one piece.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        self.append_to(&mut all);
        all
    }
}

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::Owned(bytes)
    }
}

/// Where the encoded bytes of a stored value are, and in which encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'e> {
    /// The number of the encoding, with a bit that says whether they are [compressed].
    pub(crate) codec: u8,
    pub(crate) source: ByteSource<'e>,
}

/// Where bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByteSource<'e> {
    /// Read and checked.
    Memory(&'e [u8]),
    /// In a file that is neither read nor checked yet.
    File(&'e PayloadFile),
}

impl<'e> Content<'e> {
    /// The number of the encoding, whether the bytes are compressed or not.
    #[inline]
    pub(crate) fn encoding(&self) -> u8 {
        self.codec & !COMPRESSED
    }

    /// Whether the bytes are stored compressed.
    #[inline]
    pub(crate) fn is_compressed(&self) -> bool {
        self.codec & COMPRESSED != 0
    }

    /// Whether this program can read bytes that are stored in this way.
    pub(crate) fn is_readable(&self) -> bool {
        !self.is_compressed() || compressed::IS_BUILT
    }

    /// All bytes in one piece, checked.
    pub(crate) fn whole(&self) -> Result<Cow<'e, [u8]>, ReadError> {
        match self.source {
            ByteSource::Memory(bytes) if !self.is_compressed() => Ok(bytes.into()),
            _ => {
                let mut reader = Reader::new(self, false)?;
                let length = usize::try_from(reader.remaining()).map_err(|_| Unfit::Memory)?;
                let bytes = reader.vec(length)?;
                reader.finish()?;
                Ok(bytes.into())
            }
        }
    }

    /// Reads all bytes as they are stored and checks them, unless that was done.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        match self.source {
            ByteSource::Memory(_) => Ok(()),
            ByteSource::File(file) => file.check(),
        }
    }
}

/// Why bytes could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// They are not what was stored.
    Damaged(String),
    /// The operating system could not read them.
    Io(io::Error),
    /// There is not enough memory.
    Memory,
    /// They are what was stored, and this program cannot read them.
    Unreadable(String),
}

impl ReadError {
    pub(crate) fn too_short() -> Self {
        ReadError::Damaged("it ends too early".into())
    }

    fn left_over(bytes: u64) -> Self {
        ReadError::Damaged(format!("{bytes} bytes are left over"))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Damaged(how) | ReadError::Unreadable(how) => f.write_str(how),
            ReadError::Io(error) => error.fmt(f),
            ReadError::Memory => f.write_str("there is not enough memory for the value"),
        }
    }
}

impl std::error::Error for ReadError {
    /// `Display` has what is inside.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let ReadError::Io(error) = self { error.source() } else { None }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error)
    }
}

impl From<Unfit> for ReadError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Memory => ReadError::Memory,
            Unfit::Short => ReadError::too_short(),
            Unfit::Invalid => ReadError::Damaged("its bytes are no values of the type".into()),
        }
    }
}
