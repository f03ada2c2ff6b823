//! The elements of an array, in memory or in a mapped file, and their digest.

use std::sync::OnceLock;

use super::element::Element;
use crate::codec::raw::{Primitive, little_endian};
use crate::key::hashing;
use crate::sys::map::Mapped;

pub(super) struct Data<T> {
    place: Place<T>,
    /// blake3 of the little-endian bytes.
    digest: OnceLock<[u8; 32]>,
}

enum Place<T> {
    Memory(Vec<T>),
    /// `count` elements from `start` on, which are there and aligned.
    Mapped {
        mapped: Mapped,
        start: usize,
        count: usize,
    },
}

impl<T: Element> Data<T> {
    pub(super) fn of_vec(items: Vec<T>) -> Self {
        Data { place: Place::Memory(items), digest: OnceLock::new() }
    }

    /// `None` if the elements are not there, or not aligned.
    pub(super) fn of_mapped(mapped: Mapped, start: usize, count: usize) -> Option<Self> {
        mapped.slice::<Primitive, T>(start, count)?;
        Some(Data { place: Place::Mapped { mapped, start, count }, digest: OnceLock::new() })
    }

    pub(super) fn as_slice(&self) -> &[T] {
        match &self.place {
            Place::Memory(items) => items,
            Place::Mapped { mapped, start, count } => {
                mapped.slice::<Primitive, T>(*start, *count).expect("seen when the array was made")
            }
        }
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        if let Place::Memory(items) = self.place { items } else { self.as_slice().to_vec() }
    }

    pub(super) fn is_mapped(&self) -> bool {
        matches!(self.place, Place::Mapped { .. })
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| hashing::digest(&little_endian::<Primitive, T>(self.as_slice())))
    }

    pub(super) fn set_digest(&self, digest: [u8; 32]) {
        // If it was computed meanwhile, it is the same.
        let _ = self.digest.set(digest);
    }
}
