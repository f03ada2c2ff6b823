//! Long sequences, hashed apart in two streams.
//!
//! The *data* are the bytes of all elements that are primitives, one behind the other. The *structure* is the rest: for each run of
//! primitives its kind and count, and all other elements. The digest of the sequence is blake3 over the structure and the digest
//! of the data. Of a slice of numbers the data are its bytes in memory: they are hashed where they lie, by as many threads
//! as are welcome, and whoever knows their digest need not look at them. (One stream with a mark before every 8,192 elements, as it
//! was before, means a copy of everything and a hasher that cannot see more than 64 KiB at a time.)

use super::numbers::Numbers;
use super::{APART, Encoder, PrimitiveKind, SPILL, hashing, tag};

/// The bytes of runs on their way to a hasher.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) buffer: Vec<u8>,
    hasher: Option<Box<blake3::Hasher>>,
}

impl Data {
    /// Hands a full buffer to the hasher.
    pub(super) fn spill(&mut self) {
        if self.buffer.len() >= SPILL {
            hashing::update(&mut self.hasher, None, &self.buffer);
            self.buffer.clear();
        }
    }

    fn digest(self) -> [u8; 32] {
        match self.hasher {
            Some(mut hasher) => hasher.update(&self.buffer).finalize().into(),
            None => hashing::digest(&self.buffer),
        }
    }
}

impl Encoder {
    /// An encoder for the elements of a sequence that is hashed apart: its own bytes are the structure.
    pub(super) fn apart() -> Self {
        Encoder { data: Some(Data::default()), ..Self::hashing() }
    }

    /// The digest of the sequence whose elements were encoded.
    pub(super) fn finish_apart(&mut self) -> [u8; 32] {
        self.end_run();
        let data = self.data.take().unwrap_or_default();
        self.buffer.put(data.digest());
        self.finish()
    }

    /// A sequence of numbers that lie in memory one behind the other.
    pub(super) fn numbers(&mut self, tag: u8, numbers: &Numbers<'_>) {
        let Numbers { kind, count, bytes } = *numbers;
        if count >= APART {
            self.numbers_by_digest(tag, kind, count, hashing::digest(bytes));
            return;
        }
        self.open(tag);
        if count > 0 {
            let [low, high, ..] = count.to_le_bytes();
            self.buffer.put([tag::RUN + kind as u8, low, high]);
            self.buffer.append(bytes);
        }
        self.close();
    }

    /// A long sequence of `count` numbers, of whose bytes `data` is the digest.
    fn numbers_by_digest(&mut self, tag: u8, kind: PrimitiveKind, count: usize, data: [u8; 32]) {
        let mut structure = Encoder::hashing();
        structure.buffer.put([tag::RUN + kind as u8]);
        structure.length(count);
        structure.buffer.put(data);
        self.digest(tag, structure.finish());
        self.spill();
    }

    /// A slice of `count` numbers, of whose bytes `data` is the digest; whether there are so many that it is hashed apart.
    pub(in crate::key) fn known_numbers(
        &mut self,
        kind: PrimitiveKind,
        count: usize,
        data: impl FnOnce() -> [u8; 32],
    ) -> bool {
        let long = count >= APART;
        if long {
            self.numbers_by_digest(tag::SEQUENCE, kind, count, data());
        }
        long
    }
}
