//! Without the feature `zstd`: nothing is compressed, and what is compressed cannot be read.

use super::Attempt;
use crate::payload::{Bytes, ReadError};
use crate::sys::raw::Unfilled;

/// Whether compressed values can be read.
pub(crate) const IS_BUILT: bool = false;

/// How strongly values are compressed; there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {}

impl Level {
    /// The level of a memoized function: an error of the compiler, since records of functions are static.
    ///
    /// # Panics
    ///
    /// Always.
    pub const fn of_function(_: i32) -> Self {
        panic!("`compress` needs the feature `zstd` of `rememo`, which is off")
    }

    pub(crate) fn new(_: i32) -> Option<Self> {
        None
    }

    pub(crate) fn number(self) -> u8 {
        match self {}
    }
}

pub(crate) fn compress(_: Bytes<'_>, level: Level) -> std::io::Result<Attempt<'_>> {
    match level {}
}

/// There is none.
pub(super) enum Decoder {}

impl Decoder {
    pub(super) fn new() -> Result<Self, ReadError> {
        Err(ReadError::Unreadable("its value is compressed with zstd: build with the feature `zstd`".into()))
    }

    pub(super) fn decode(&mut self, _: &[u8], _: &mut Unfilled<'_>) -> Result<usize, ReadError> {
        match *self {}
    }
}
