//! Without the feature `zstd`: nothing is compressed, and what is compressed cannot be read.
//!
//! `#[memo(compress)]` is a compile error here: somebody who asks for small files and gets large
//! ones would notice when the disk is full. The error comes from a bound, since the macro does not
//! know the features of the library.

use super::Attempt;
use crate::payload::{Bytes, ReadError};
use crate::sys::raw::Unfilled;

/// Whether compressed values can be read.
pub(crate) const IS_BUILT: bool = false;

/// How strongly values are compressed; there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {}

impl Level {
    /// The level of a memoized function: an error of the compiler.
    ///
    /// # Panics
    ///
    /// Always, if it were called.
    pub const fn of_function<L: Compresses>(_: L) -> Self {
        panic!("nothing can be a level")
    }

    pub(crate) fn new(_: i32) -> Option<Self> {
        None
    }

    pub(crate) fn number(self) -> u8 {
        match self {}
    }
}

/// What can be a level: nothing. (A trait, for an error at the option that shows no source of the standard library.)
#[diagnostic::on_unimplemented(
    message = "`compress` needs the feature `zstd` of `rememo`, which is off",
    label = "remove it, or switch the feature on"
)]
pub trait Compresses: Copy {}

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
