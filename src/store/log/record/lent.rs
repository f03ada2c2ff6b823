//! The entry in a record that is read where it lies.

use super::{HEAD, Kind, Shape, at, is_sound, times};
use crate::key::Key;
use crate::payload::{ByteSource, Content};
use crate::store::LentEntry;
use crate::store::log::address::Address;

/// The entry in these bytes, which have this `shape`, if they are a sound record that was written to `address`, of an entry of `key`
/// with its value. Says nothing of others: [`Record`](super::Record) tells what they are.
#[inline]
pub(in crate::store::log) fn lent<'r>(
    bytes: &'r [u8],
    shape: Shape,
    key: &Key,
    address: Address,
) -> Option<LentEntry<'r>> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    if shape.kind != Kind::Entry || head[at::KEY] != *key.as_bytes() || !is_sound(bytes, address) {
        return None;
    }
    let times = times(head);
    Some(LentEntry {
        value: Content {
            codec: shape.codec,
            source: ByteSource::Memory(rest.get(..usize::from(shape.payload))?),
        },
        created: times.created_parts(),
        compute_nanos: times.took_nanos(),
    })
}
