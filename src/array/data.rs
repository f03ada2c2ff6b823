//! The elements of an array, in memory or in a mapped file, and their digest.
//!
//! The digest is made when an array is stored, and stands in its entry: 40 ms for 100 MB on one
//! thread, more than the rest of storing it. Each later call that takes the array has its key at
//! once.

use std::sync::OnceLock;

use super::element::Element;
use crate::codec::raw::{Elements, Primitive, little_endian};
use crate::key::hashing;

pub(super) struct Data<T> {
    elements: Elements<T>,
    /// blake3 of the little-endian bytes.
    digest: OnceLock<[u8; 32]>,
}

impl<T: Element> Data<T> {
    pub(super) fn new(elements: Elements<T>) -> Self {
        Data { elements, digest: OnceLock::new() }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.elements
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        self.elements.into_vec()
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.elements.is_mapped()
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| hashing::digest(&little_endian::<Primitive, T>(self.as_slice())))
    }

    pub(super) fn set_digest(&self, digest: [u8; 32]) {
        // If it was computed meanwhile, it is the same.
        let _ = self.digest.set(digest);
    }
}
