//! Picks the codec of a memoized function from its concrete output type, at compile time.
//!
//! The code that `#[memo]` writes says `(&&&&&&&&Select::<Output>::new()).codec()`. Method resolution
//! takes one reference off at a time, so that of the implementations that apply the one for the most
//! references wins (the technique is David Tolnay's "autoref-based specialization"):
//!
//! | references | outputs | encoding |
//! | ---: | --- | --- |
//! | 7 | `Result` of what follows | raw bytes or text, only `Ok` |
//! | 6 | arrays of numbers, texts, tuples of them | raw bytes; of a text alone, text |
//! | 5, 4 | the same with elements that are `bytemuck::Pod` | raw bytes |
//! | 3 | `Result` of what follows | serde, only `Ok`, not read back |
//! | 2 | types that are [`Symmetric`] | serde, not read back |
//! | 1 | every other `Result`, under whichever alias | serde, only `Ok` |
//! | 0 | all others | serde |
//!
//! Of the last two the bounds stand on the methods, not on the impls: a missing one is an error that names the type, not a
//! method that does not exist. In generic code the output may be an array or a `Result` that cannot be seen as one; it goes
//! through serde, whose codec looks itself for an `Err`.
//!
//! A choice by type, and not by spelling, sees `io::Result<T>` and a user's own alias as the
//! `Result`s that they are. The `E` of one that keeps only `Ok` needs no serde.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

#[cfg(all(feature = "bytemuck", target_endian = "little"))]
use super::raw::Pod;
use super::raw::{self, Primitive, Raw};
pub use super::symmetric::Symmetric;
use super::{
    Codec, CodecError, DecodeError, Encoded, Habit, NAMED, POSITIONAL, Value, decode_borrowed, differ,
    encode, expect_codec, is_result, named, of_serde, symmetric, write_value,
};
use crate::payload::Content;

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
        Codec {
            encode: |value, habit| encode::<T>(value, habit).map(Some),
            decode: of_serde,
            differ: differ::shown,
        }
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

/// Outputs that are nothing but arrays of numbers, or a `Result` of such.
pub trait ViaRaw<T> {
    /// The codec of raw bytes, which declines `Err`.
    fn codec(&self) -> Codec<T>;
}

/// The references that stand for a `Result` of arrays, for arrays, and for how their elements are known.
macro_rules! via_raw {
    ($($(#[$attribute:meta])* $known:ty: $result:ty, $value:ty;)*) => {$(
        $(#[$attribute])*
        impl<T: Raw<$known>, E> ViaRaw<Result<T, E>> for $result {
            fn codec(&self) -> Codec<Result<T, E>> {
                Codec {
                    encode: |value, _| value.as_ref().ok().map(raw::encode::<$known, T>).transpose(),
                    decode: |content| raw::decode::<$known, T>(content).map(Ok),
                    differ: |before, now| differ::ok(before, now, raw::differ::<$known, T>),
                }
            }
        }

        $(#[$attribute])*
        impl<T: Raw<$known>> ViaRaw<T> for $value {
            fn codec(&self) -> Codec<T> {
                Codec {
                    encode: |value, _| raw::encode::<$known, T>(value).map(Some),
                    decode: raw::decode::<$known, T>,
                    differ: raw::differ::<$known, T>,
                }
            }
        }
    )*};
}

via_raw! {
    Primitive: &&&&&&&Select<Result<T, E>>, &&&&&&Select<T>;
    #[cfg(all(feature = "bytemuck", target_endian = "little"))]
    Pod: &&&&&Select<Result<T, E>>, &&&&Select<T>;
}

/// Outputs whose reader is known to read what their writer wrote, or a `Result` of such.
pub trait ViaSymmetric<T> {
    /// The codec that reads nothing back, and declines `Err`.
    fn codec(&self) -> Codec<T>;
}

impl<T: Value + Symmetric, E> ViaSymmetric<Result<T, E>> for &&&Select<Result<T, E>> {
    fn codec(&self) -> Codec<Result<T, E>> {
        Codec {
            encode: |value, _| value.as_ref().ok().map(|value| as_it_is(&ok(value))).transpose(),
            decode: |content| ok_of(of_positional(content)),
            differ: |before, now| differ::ok(before, now, differ::shown),
        }
    }
}

impl<T: Value + Symmetric> ViaSymmetric<T> for &&Select<T> {
    fn codec(&self) -> Codec<T> {
        Codec { encode: |value, _| as_it_is(value).map(Some), decode: of_positional, differ: differ::shown }
    }
}

/// Outputs that are a `Result`: only `Ok` is kept, so the error's type needs no serde.
pub trait ViaResult<T, E> {
    /// The codec that declines `Err`.
    fn codec(&self) -> Codec<Result<T, E>>
    where
        T: Value;
}

impl<T, E> ViaResult<T, E> for &Select<Result<T, E>> {
    fn codec(&self) -> Codec<Result<T, E>>
    where
        T: Value,
    {
        Codec {
            encode: |value, habit| {
                let value = value.as_ref().ok();
                value.map(|value| encode::<Result<T, Never>>(&ok(value), habit)).transpose()
            },
            decode: |content| ok_of(of_serde(content)),
            differ: |before, now| differ::ok(before, now, differ::shown),
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

impl<T> ViaValue<T> for Select<T> {
    fn codec(&self) -> Codec<T>
    where
        T: Value,
    {
        value_codec()
    }
}

/// The codec where the output type is not known to the macro: keeps every value, but declines an `Err`.
pub(crate) fn value_codec<T: Value>() -> Codec<T> {
    Codec { encode: encode_unless_err, decode: of_serde, differ: differ::shown }
}

/// The bytes of a value that need not be read back.
fn as_it_is(value: &impl Serialize) -> Result<Encoded<'static>, CodecError> {
    Ok(Encoded { codec: POSITIONAL, bytes: write_value(value)?.into() })
}

fn of_positional<T: DeserializeOwned>(content: &Content<'_>) -> Result<T, DecodeError> {
    expect_codec(content, [POSITIONAL])?;
    decode_borrowed(POSITIONAL, &content.whole()?).map_err(DecodeError::Unreadable)
}

/// A value as the `Result` that is stored.
#[expect(clippy::unnecessary_wraps, reason = "a `Result` is what is wanted")]
fn ok<T>(value: &T) -> Result<&T, Never> {
    Ok(value)
}

/// A `Result` that was stored.
fn ok_of<T, E>(stored: Result<Result<T, Never>, DecodeError>) -> Result<Result<T, E>, DecodeError> {
    let Ok(value) = stored?;
    Ok(Ok(value))
}

fn encode_unless_err<'v, T: Value>(value: &'v T, habit: &Habit) -> Result<Option<Encoded<'v>>, CodecError> {
    let encoded = if symmetric::is_common::<T>() { as_it_is(value)? } else { encode::<T>(value, habit)? };
    Ok((!(is_result::<T>() && begins_like_err(&encoded))).then_some(encoded))
}

fn begins_like_err(encoded: &Encoded<'_>) -> bool {
    let bytes = encoded.bytes.parts().next().unwrap_or_default();
    match encoded.codec {
        NAMED => named::is_variant(bytes, "Err"),
        _ => bytes.starts_with(&1u32.to_le_bytes()),
    }
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
    use crate::codec::{RAW, TEXT};
    use crate::payload::ByteSource;

    /// As the code that `#[memo]` writes picks.
    macro_rules! pick {
        ($type:ty) => {{
            #[allow(unused_imports, reason = "the type decides")]
            use super::{ViaRaw as _, ViaResult as _, ViaSymmetric as _, ViaValue as _};
            (&&&&&&&&Select::<$type>::new()).codec()
        }};
    }

    /// Has no serde implementation.
    #[derive(Debug, PartialEq)]
    struct Failure;

    type Alias<T> = Result<T, Failure>;

    /// The number of the encoding, and the value that comes back; `None` if it is declined.
    fn round_trip<T>(codec: Codec<T>, value: &T) -> Option<(u8, T)> {
        let Encoded { codec: number, bytes } = codec.encode(value, &Habit::new()).unwrap()?;
        let bytes = bytes.to_vec();
        let content = Content { codec: number, source: ByteSource::Memory(&bytes) };
        Some((number, codec.decode(&content).unwrap()))
    }

    #[test]
    fn ok_is_kept_and_err_declined_even_under_an_alias() {
        assert_eq!(round_trip(pick!(Alias<u8>), &Ok(3)), Some((POSITIONAL, Ok(3))));
        assert_eq!(round_trip(pick!(Alias<u8>), &Err(Failure)), None);
        assert_eq!(round_trip(pick!(Alias<Vec<u8>>), &Ok(vec![3])), Some((RAW, Ok(vec![3]))));
        assert_eq!(round_trip(pick!(Alias<Vec<u8>>), &Err(Failure)), None);
    }

    #[test]
    fn other_types_are_kept_whole() {
        assert_eq!(round_trip(pick!(Option<u8>), &None), Some((POSITIONAL, None)));
        assert_eq!(round_trip(pick!(Option<Vec<f64>>), &None), Some((POSITIONAL, None)));
    }

    #[test]
    fn arrays_of_numbers_texts_and_tuples_of_them_are_raw() {
        assert_eq!(round_trip(pick!(Vec<f64>), &vec![0.5]).unwrap().0, RAW);
        assert_eq!(round_trip(pick!(String), &"é".to_owned()).unwrap(), (TEXT, "é".to_owned()));
        assert_eq!(round_trip(pick!(Alias<Box<str>>), &Ok("é".into())), Some((TEXT, Ok("é".into()))));
        assert_eq!(round_trip(pick!((String, [u8; 1])), &("é".to_owned(), [1])).unwrap().0, RAW);
        assert_eq!(round_trip(pick!((Vec<u8>, [f32; 2])), &(vec![1], [2.0; 2])).unwrap().0, RAW);
        assert_eq!(round_trip(pick!((Vec<u8>, f32)), &(vec![1], 2.0)).unwrap().0, POSITIONAL);
        assert_eq!(round_trip(pick!(Vec<String>), &vec![]).unwrap().0, POSITIONAL);
        assert_eq!(round_trip(pick!(f64), &0.5).unwrap().0, POSITIONAL);
    }

    #[test]
    fn generic_code_goes_through_serde_and_declines_err_too_but_not_what_only_begins_like_one() {
        fn generic<T: Value>() -> Codec<T> {
            pick!(T)
        }
        assert_eq!(round_trip(generic::<Result<u8, String>>(), &Ok(1)).unwrap().0, POSITIONAL);
        assert_eq!(round_trip(generic::<Result<u8, String>>(), &Err("no".into())), None);
        assert_eq!(round_trip(generic::<(u32, u8)>(), &(1, 2)).unwrap().0, POSITIONAL);
        assert_eq!(round_trip(generic::<Vec<f64>>(), &vec![0.5]).unwrap().0, POSITIONAL);
    }

    #[test]
    fn whole_keeps_err() {
        let codec = Select::<Result<u8, String>>::new().whole();
        assert_eq!(round_trip(codec, &Err("no".into())), Some((POSITIONAL, Err("no".into()))));
    }

    #[test]
    fn both_codecs_of_a_result_read_each_others_ok() {
        let bytes = pick!(Alias<u8>).encode(&Ok(7), &Habit::new()).unwrap().unwrap().bytes.to_vec();
        let codec = Select::<Result<u8, String>>::new().whole();
        let content = Content { codec: POSITIONAL, source: ByteSource::Memory(&bytes) };
        assert_eq!(codec.decode(&content).unwrap(), Ok(7));
    }

    #[test]
    fn an_entry_of_the_other_encoding_is_unreadable() {
        fn generic<T: Value>() -> Codec<T> {
            pick!(T)
        }
        let value = vec![1.5f64; 3];
        for (writer, reader) in [(pick!(Vec<f64>), generic()), (generic(), pick!(Vec<f64>))] {
            let Encoded { codec, bytes } = writer.encode(&value, &Habit::new()).unwrap().unwrap();
            let bytes = bytes.to_vec();
            let error = reader.decode(&Content { codec, source: ByteSource::Memory(&bytes) }).unwrap_err();
            assert!(matches!(error, DecodeError::Unreadable(_)), "{error}");
        }
    }
}
