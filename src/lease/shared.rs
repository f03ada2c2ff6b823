//! Values that a leader shares before they are in the store.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::payload::{ByteSource, Content};
use crate::store::Payload;

/// What a leader shares: the bytes of its value.
#[derive(Clone, Debug)]
pub(crate) enum Shared {
    One(Arc<dyn Payload + Send + Sync>),
    Packed(Packed),
}

/// The bytes of a value among those of others.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) packet: Arc<Packet>,
    pub(crate) start: usize,
    pub(crate) length: usize,
    pub(crate) codec: u8,
    pub(crate) compute_time: Duration,
}

/// The bytes of several small values. One thread appends, any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Packet(RwLock<Vec<u8>>);

impl Shared {
    pub(crate) fn new(payload: impl Payload + Send + Sync + 'static) -> Self {
        Shared::One(Arc::new(payload))
    }

    /// Reads the bytes; `None` if they are gone.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Content<'_>) -> R) -> Option<R> {
        match self {
            Shared::One(payload) => Some(read(&payload.content()?)),
            Shared::Packed(packed) => {
                // Copied, since a decoder of the user's may wait for the thread that appends.
                let bytes = packed.packet.with(|bytes| bytes[packed.start..][..packed.length].to_vec());
                Some(read(&Content { codec: packed.codec, source: ByteSource::Memory(&bytes) }))
            }
        }
    }

    /// How long the function took to compute the value.
    pub(crate) fn compute_time(&self) -> Duration {
        match self {
            Shared::One(payload) => payload.compute_time(),
            Shared::Packed(packed) => packed.compute_time,
        }
    }
}

impl Packet {
    /// An empty one, with room for as much as is in another.
    pub(crate) fn like(other: &Packet) -> Self {
        Packet(RwLock::new(Vec::with_capacity(other.with(<[u8]>::len))))
    }

    /// Appends what `append` does; where that begins.
    pub(crate) fn append(&self, append: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let start = bytes.len();
        append(&mut bytes);
        start
    }

    /// Does something with all bytes. Nothing can be appended meanwhile.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&[u8]) -> R) -> R {
        act(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn clear(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_value_stays_what_it_is_whatever_is_appended() {
        let packet = Arc::new(Packet::default());
        let values = [&b"first"[..], b"", b"third"];
        let pack = |value: &[u8]| {
            let start = packet.append(|bytes| bytes.extend_from_slice(value));
            let (packet, length) = (Arc::clone(&packet), value.len());
            Shared::Packed(Packed { packet, start, length, codec: 7, compute_time: Duration::from_secs(3) })
        };
        let all = values.map(pack);
        packet.append(|bytes| bytes.extend_from_slice(&[0; 1000]));
        for (shared, value) in all.iter().zip(values) {
            let read = |content: &Content<'_>| (content.codec, content.whole().unwrap().to_vec());
            assert_eq!(shared.read(read), Some((7, value.to_vec())));
            assert_eq!(shared.compute_time(), Duration::from_secs(3));
        }
    }
}
