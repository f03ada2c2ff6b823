//! Where files are not mapped: nothing can be made of what is here.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::ops::Deref;

use super::raw::Bits;

/// A whole file, mapped for reading.
#[derive(Debug)]
pub(crate) struct Mapped(Infallible);

impl Mapped {
    pub(crate) fn map(_file: &File, _bytes: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn slice<W, T: Bits<W>>(&self, _start: usize, _count: usize) -> Option<&[T]> {
        match self.0 {}
    }
}

/// Bytes in pages of their own.
#[derive(Debug)]
pub(crate) struct Private(Infallible);

impl Private {
    pub(crate) fn copy_of(_bytes: &[u8]) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Deref for Private {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self.0 {}
    }
}
