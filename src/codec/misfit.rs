//! Why a value is not written or read, in words for people.

use std::fmt;

use serde::{de, ser};

/// Why a value is not written or read, in words for people.
///
/// Boxed twice to be one word wide: the result of every element passes through a register.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "one word, see above")]
pub(super) struct Misfit(Box<String>);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl ser::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Misfit(Box::new(message.to_string()))
    }
}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ser::Error::custom(message)
    }
}

/// An error of our own.
#[cold]
pub(super) fn misfit<T>(message: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit(Box::new(message.into())))
}
