//! Arguments that are known from before: what they give the encoder in place of what they would give serde.
//!
//! A type's `Serialize` calls one of these functions. They look whether the serializer is the encoder of keys, by its type:
//! no name or number that goes through serde could be so sure, since every one may come from somebody else as well. To any
//! other serializer (of values, of previews, or around ours) the type says what it always does. So what is written here must
//! be what the encoder would have made of that, or an item that nothing else makes ([`StandIn`]).

use serde::ser::{Error as _, Serialize, Serializer};

pub(crate) use super::encode::{EncodeError, StandIn, canonical_bytes};
use super::encode::{Encoder, PrimitiveKind};
use crate::sys::raw::{self, Bits};
use crate::sys::view;

/// Longest canonical bytes of a primitive: its tag and 16 bytes.
const LONGEST_PRIMITIVE: usize = 17;

/// An item that is nothing but a digest. `digest` may fail, and then there is no key; it is not called for other serializers,
/// which get what `plain` says.
pub(crate) fn stand_in<S: Serializer>(
    serializer: S,
    item: StandIn,
    digest: impl FnOnce() -> Result<[u8; 32], EncodeError>,
    plain: impl FnOnce(S) -> Result<S::Ok, S::Error>,
) -> Result<S::Ok, S::Error> {
    write(
        serializer,
        |encoder| {
            encoder.stand_in(item, digest()?);
            Ok(true)
        },
        plain,
    )
}

/// A slice of numbers, of whose little-endian bytes `digest` is the blake3 digest: the same canonical bytes as those of the
/// slice, without a look at it. A short one is encoded anew, and `digest` not called.
pub(crate) fn numbers<S: Serializer, T: Bits<raw::Primitive> + Serialize>(
    serializer: S,
    numbers: &[T],
    digest: impl FnOnce() -> [u8; 32],
) -> Result<S::Ok, S::Error> {
    write(
        serializer,
        |encoder| {
            let kind = PrimitiveKind::of::<T>();
            Ok(kind.is_some_and(|kind| encoder.known_numbers(kind, numbers.len(), digest)))
        },
        |serializer| numbers.serialize(serializer),
    )
}

/// Anything whose [`canonical_bytes`] are known, and which `plain` serializes. They are not asked for other serializers.
pub(crate) fn bytes<'b, S: Serializer>(
    serializer: S,
    bytes: impl FnOnce() -> Option<&'b [u8]>,
    plain: impl FnOnce(S) -> Result<S::Ok, S::Error>,
) -> Result<S::Ok, S::Error> {
    write(
        serializer,
        |encoder| {
            // A primitive may have to join a run, and is no work.
            let bytes = bytes().filter(|bytes| bytes.len() > LONGEST_PRIMITIVE);
            if let Some(bytes) = bytes {
                encoder.replay(bytes);
            }
            Ok(bytes.is_some())
        },
        plain,
    )
}

/// Lets `known` write the item if the serializer is the encoder of keys; if it is not, or `known` says that it wrote nothing,
/// `plain` serializes it.
fn write<S: Serializer>(
    mut serializer: S,
    known: impl FnOnce(&mut Encoder) -> Result<bool, EncodeError>,
    plain: impl FnOnce(S) -> Result<S::Ok, S::Error>,
) -> Result<S::Ok, S::Error> {
    if let Some(encoder) = view::target_mut::<S, Encoder>(&mut serializer)
        && known(encoder).map_err(S::Error::custom)?
    {
        // An `Ok` of the encoder's, which only a method of the serializer gives, and nothing more.
        encoder.skip_next();
        return serializer.serialize_unit();
    }
    plain(serializer)
}
