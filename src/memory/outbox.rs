//! Computed values on their way to the store: those of a batch whose functions are cheap go out together.
//!
//! # Invariants
//! 1. Whoever asks for a value that waits here gets it: its flight has landed, and ends once it is stored.
//! 2. What is dropped is sent: nothing that was computed is lost to a panic.

use std::sync::Arc;

use super::inner::Inner;
use crate::function::Function;
use crate::lease::Leader;
use crate::store::OwnedDraft;

/// A value to be stored.
#[derive(Debug)]
pub(crate) struct Parcel<'m> {
    pub(super) function: &'static Function,
    pub(super) draft: Arc<OwnedDraft>,
    /// Whose flight ends with the parcel, if it had one.
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(super) leader: Option<Leader<'m>>,
}

/// Values that wait to be stored together.
#[derive(Debug)]
pub(crate) struct Outbox<'m> {
    inner: &'m Inner,
    parcels: Vec<Parcel<'m>>,
}

impl<'m> Outbox<'m> {
    pub(super) fn new(inner: &'m Inner) -> Self {
        Outbox { inner, parcels: Vec::new() }
    }

    pub(super) fn put(&mut self, parcel: Parcel<'m>) {
        self.parcels.push(parcel);
    }

    /// Whether something waits.
    pub(crate) fn has_parcels(&self) -> bool {
        !self.parcels.is_empty()
    }

    /// Stores what waits.
    pub(crate) fn send(&mut self) {
        if !self.parcels.is_empty() {
            self.inner.store_all(&mut self.parcels);
        }
    }
}

impl Drop for Outbox<'_> {
    fn drop(&mut self) {
        self.send();
    }
}
