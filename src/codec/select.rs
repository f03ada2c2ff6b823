//! Picks the codec of a memoized function from its concrete output type, at compile time.
//!
//! The code that `#[memo]` writes says `(&Select::<Output>::new()).codec()`. Method resolution tries a receiver
//! `&Select<_>` before `&&Select<_>`, so that [`ViaResult`] wins for every `Result`, under whichever alias, and
//! [`ViaValue`] takes the rest (the technique is David Tolnay's "autoref-based specialization"). The bounds stand on the
//! methods, not on the impls: a missing one is an error that names the type, not a method that does not exist.
//! In generic code the output may be a `Result` that cannot be seen as one; the codec of values looks then itself.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::{Codec, CodecError, Encoded, Value, decode, encode, measure};

/// Stands for the output type while the codec is picked.
pub struct Select<T>(PhantomData<fn() -> T>);

impl<T> Select<T> {
    /// A value to call `codec` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        Select(PhantomData)
    }

    /// The codec under `cache_err`: every value is kept, `Err` too.
    pub fn whole(&self) -> Codec<T>
    where
        T: Value + Fallible,
    {
        Codec { encode: |value, bytes| encode(value, bytes, read_back::<T>).map(|()| Encoded::Whole), decode }
    }
}

impl<T> fmt::Debug for Select<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Select<{}>", std::any::type_name::<T>())
    }
}

/// A `Result`, under whichever alias.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`, so there is no `Err` to keep",
    label = "not a `Result`",
    note = "remove `cache_err`"
)]
pub trait Fallible {}

impl<T, E> Fallible for Result<T, E> {}

/// Outputs that are a `Result`: only `Ok` is kept, so the error's type needs no serde.
pub trait ViaResult<T, E> {
    /// The codec that declines `Err`.
    fn codec(&self) -> Codec<Result<T, E>>
    where
        T: Value;
}

impl<T, E> ViaResult<T, E> for Select<Result<T, E>> {
    fn codec(&self) -> Codec<Result<T, E>>
    where
        T: Value,
    {
        Codec {
            encode: |value, bytes| match value {
                Ok(value) => {
                    let read_back = |bytes: &[u8]| {
                        let Ok(value) = decode::<Result<T, Never>>(bytes)?;
                        measure(&Ok::<&T, Never>(&value))
                    };
                    encode(&Ok::<&T, Never>(value), bytes, read_back).map(|()| Encoded::Whole)
                }
                Err(_) => Ok(Encoded::Declined),
            },
            decode: |bytes| {
                let Ok(value) = decode::<Result<T, Never>>(bytes)?;
                Ok(Ok(value))
            },
        }
    }
}

/// All other outputs.
pub trait ViaValue<T> {
    /// The codec of everything that serde can write and read.
    fn codec(&self) -> Codec<T>
    where
        T: Value;
}

impl<T> ViaValue<T> for &Select<T> {
    fn codec(&self) -> Codec<T>
    where
        T: Value,
    {
        value_codec()
    }
}

/// The codec where the output type is not known to the macro: keeps every value, but declines an `Err`.
pub(crate) fn value_codec<T: Value>() -> Codec<T> {
    Codec { encode: encode_unless_err, decode }
}

/// Reads a value back and measures it.
fn read_back<T: Value>(bytes: &[u8]) -> Result<usize, CodecError> {
    measure(&decode::<T>(bytes)?)
}

fn encode_unless_err<T: Value>(value: &T, bytes: &mut Vec<u8>) -> Result<Encoded, CodecError> {
    let start = bytes.len();
    encode(value, bytes, read_back::<T>)?;
    let is_err = std::any::type_name::<T>().starts_with("core::result::Result<")
        && bytes[start..].starts_with(&1u32.to_le_bytes());
    Ok(if is_err { Encoded::Declined } else { Encoded::Whole })
}

/// The error of a stored `Result`: there is none. (`std::convert::Infallible` has no serde implementation.)
enum Never {}

impl Serialize for Never {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("an `Err` is never stored"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has no serde implementation.
    #[derive(Debug, PartialEq)]
    struct Failure;

    type Alias<T> = Result<T, Failure>;

    fn round_trip<T>(codec: Codec<T>, value: &T) -> (Encoded, Option<T>) {
        let mut bytes = Vec::new();
        let encoded = codec.encode(value, &mut bytes).unwrap();
        (encoded, codec.decode(&bytes).ok())
    }

    #[test]
    fn ok_is_kept_and_err_declined_even_under_an_alias() {
        let codec = Select::<Alias<u8>>::new().codec();
        assert_eq!(round_trip(codec, &Ok(3)), (Encoded::Whole, Some(Ok(3))));
        assert_eq!(round_trip(codec, &Err(Failure)), (Encoded::Declined, None));
    }

    #[test]
    fn other_types_are_kept_whole() {
        let codec = (&Select::<Option<u8>>::new()).codec();
        assert_eq!(round_trip(codec, &None), (Encoded::Whole, Some(None)));
    }

    #[test]
    fn generic_code_declines_err_too_but_not_what_only_begins_like_one() {
        fn generic<T: Value>() -> Codec<T> {
            (&Select::<T>::new()).codec()
        }
        assert_eq!(round_trip(generic::<Result<u8, String>>(), &Ok(1)).0, Encoded::Whole);
        assert_eq!(round_trip(generic::<Result<u8, String>>(), &Err("no".into())).0, Encoded::Declined);
        assert_eq!(round_trip(generic::<(u32, u8)>(), &(1, 2)).0, Encoded::Whole);
    }

    #[test]
    fn whole_keeps_err() {
        let codec = Select::<Result<u8, String>>::new().whole();
        assert_eq!(round_trip(codec, &Err("no".into())), (Encoded::Whole, Some(Err("no".into()))));
    }

    #[test]
    fn both_codecs_of_a_result_read_each_others_ok() {
        let mut bytes = Vec::new();
        Select::<Alias<u8>>::new().codec().encode(&Ok(7), &mut bytes).unwrap();
        let codec = Select::<Result<u8, String>>::new().whole();
        assert_eq!(codec.decode(&bytes).unwrap(), Ok(7));
    }
}
