//! How a call shows its arguments: once for the key, once for people.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::encode::{EncodeError, Encoder};
use super::preview::Preview;
use super::{Identity, Key};

/// Why calls of an instance of a function have no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// A type parameter is a closure: all closures in one function have one name, and their numbers
    /// change with any edit.
    Closure,
    /// Another one in this process has the same identity.
    Twin,
}

/// Takes the arguments of a call one by one. The code that `#[memo]` writes calls [`argument`](Self::argument).
#[derive(Debug)]
pub struct Arguments<'a>(Sink<'a>);

#[derive(Debug)]
enum Sink<'a> {
    Key(&'a mut Encoder),
    /// Of the arguments only those that are `wanted`, in this order; what has been taken leaves the list.
    Some {
        encoder: &'a mut Encoder,
        wanted: &'a [&'a str],
    },
    Preview(&'a mut Preview),
    /// The addresses of what writes the arguments.
    Writers(&'a mut Vec<usize>),
}

/// A value that can be part of a key: all that serde can write. Its own trait for the sake of what
/// the compiler says.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` cannot be an argument of a memoized function",
    label = "`{Self}` must implement `Serialize`, as the key is made of what it writes",
    note = "if the type is yours, derive `serde::Serialize` for it",
    note = "if it is of another crate, switch on that crate's feature for serde; if there is none, wrap the type in a struct \
            of yours that derives `Serialize`, with `#[serde(serialize_with = \"…\")]` at the field",
    note = "arrays of numbers can be passed as slices or `rememo::Array`; what does not change the result can be left out \
            with `#[memo(ignore(…))]`"
)]
pub trait Argument: Serialize {}

impl<T: Serialize + ?Sized> Argument for T {}

/// An argument that cannot be part of a key.
#[derive(Debug)]
pub struct ArgumentError(Unfit);

#[derive(Debug)]
enum Unfit {
    /// Its `Serialize` implementation said so.
    Argument { parameter: &'static str, source: EncodeError },
    /// Nothing tells its function from others.
    Unknown(Unknown),
}

impl ArgumentError {
    /// Nothing tells the instance of the function from others.
    pub(crate) fn unknown(unknown: Unknown) -> Self {
        ArgumentError(Unfit::Unknown(unknown))
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Unfit::Argument { parameter, source } => {
                write!(f, "argument `{parameter}` cannot be serialized: {source}")
            }
            Unfit::Unknown(Unknown::Closure) => f.write_str(
                "a type parameter is a closure, which has no name of its own; pass a type with a name instead",
            ),
            Unfit::Unknown(Unknown::Twin) => f.write_str(
                "two types that the function was called with have one name, which cannot tell them apart; give one another name",
            ),
        }
    }
}

impl std::error::Error for ArgumentError {}

impl Arguments<'_> {
    /// Takes the next argument.
    ///
    /// # Errors
    ///
    /// Fails if the value's `Serialize` implementation fails.
    pub fn argument<V: Argument + ?Sized>(
        &mut self,
        parameter: &'static str,
        value: &V,
    ) -> Result<(), ArgumentError> {
        match &mut self.0 {
            Sink::Key(encoder) => encode(encoder, parameter, value),
            Sink::Some { encoder, wanted } => match wanted.split_first() {
                Some((first, rest)) if *first == parameter => {
                    *wanted = rest;
                    encode(encoder, parameter, value)
                }
                _ => Ok(()),
            },
            Sink::Preview(preview) => {
                preview.value(value);
                Ok(())
            }
            Sink::Writers(writers) => {
                writers.push(encode::<V> as *const () as usize);
                Ok(())
            }
        }
    }
}

fn encode<V: Serialize + ?Sized>(
    encoder: &mut Encoder,
    parameter: &'static str,
    value: &V,
) -> Result<(), ArgumentError> {
    value.serialize(encoder).map_err(|source| ArgumentError(Unfit::Argument { parameter, source }))
}

/// The key of a call whose arguments `show` shows.
#[inline]
pub(crate) fn key(
    identity: &Identity,
    show: impl FnOnce(&mut Arguments<'_>) -> Result<(), ArgumentError>,
) -> Result<Key, ArgumentError> {
    let mut encoder = Encoder::keyed(identity);
    show(&mut Arguments(Sink::Key(&mut encoder)))?;
    Ok(Key::from_bytes(encoder.finish()))
}

/// The addresses of what writes the arguments that `show` shows.
pub(crate) fn writers(show: impl FnOnce(&mut Arguments<'_>) -> Result<(), ArgumentError>) -> Vec<usize> {
    let mut writers = Vec::new();
    // Nothing is written, so nothing fails.
    let _ = show(&mut Arguments(Sink::Writers(&mut writers)));
    writers
}

/// The key that the call would have if only `parameters` were in it. `None` if `show` does not show all of them in this
/// order, or if one cannot be serialized.
pub(crate) fn key_of_some(
    identity: &Identity,
    parameters: &[&str],
    show: impl FnOnce(&mut Arguments<'_>) -> Result<(), ArgumentError>,
) -> Option<Key> {
    let mut encoder = Encoder::keyed(identity);
    let mut arguments = Arguments(Sink::Some { encoder: &mut encoder, wanted: parameters });
    show(&mut arguments).ok()?;
    let all = matches!(arguments.0, Sink::Some { wanted: [], .. });
    all.then(|| Key::from_bytes(encoder.finish()))
}

/// A short text of the arguments that `show` shows, such as `7, {"depth":3}`; cut off with `…` when long.
pub(crate) fn preview(show: impl FnOnce(&mut Arguments<'_>) -> Result<(), ArgumentError>) -> Arc<str> {
    let mut preview = Preview::default();
    // A preview never fails: what cannot be shown is cut off.
    let _ = show(&mut Arguments(Sink::Preview(&mut preview)));
    preview.finish()
}
