//! Computed values on their way to the store: those of a batch whose functions are cheap go out together.
//!
//! The bytes of all values that wait lie in one [`Packet`], one behind the other, so that none needs memory of its own.
//!
//! # Invariants
//! 1. Whoever asks for a value that waits here gets it: its flight has landed, and ends once it is stored.
//! 2. What is dropped is sent: nothing that was computed is lost to a panic.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::inner::Inner;
use crate::function::Function;
use crate::key::Key;
use crate::lease::{Leader, Packed, Packet, Shared};
use crate::payload::Bytes;
use crate::store::{Author, Draft};
use crate::sys::view;

/// What waits took so long to compute at most, and a killed process loses no more than that: what took longer is stored before the
/// next function runs.
const PATIENCE: Duration = Duration::from_micros(200);

/// A value to be stored. Its bytes are in the packet, and behind them the preview of its arguments.
#[derive(Debug)]
pub(crate) struct Parcel<'m> {
    pub(super) function: &'static Function,
    pub(super) key: Key,
    created: SystemTime,
    compute_time: Duration,
    author: Author,
    codec: u8,
    /// Where its bytes begin.
    start: usize,
    payload: usize,
    arguments: usize,
    /// Whose flight ends with the parcel, if it had one.
    #[expect(dead_code, reason = "it is there to be dropped")]
    leader: Option<Leader<'m>>,
}

impl Parcel<'_> {
    /// The entry, of which these are the bytes of the packet.
    pub(super) fn draft<'b>(&self, bytes: &'b [u8]) -> Draft<'b> {
        let (payload, behind) = bytes[self.start..].split_at(self.payload);
        Draft {
            key: self.key,
            function: self.function.id(),
            function_name: self.function.name(),
            arguments: view::text_of(&behind[..self.arguments]).unwrap_or_default().into(),
            created: self.created,
            compute_time: self.compute_time,
            author: self.author.clone(),
            codec: self.codec,
            payload: Bytes::Slice(payload),
        }
    }
}

/// Values that wait to be stored together.
#[derive(Debug)]
pub(crate) struct Outbox<'m> {
    inner: &'m Inner,
    parcels: Vec<Parcel<'m>>,
    packet: Arc<Packet>,
    /// When the last one was done.
    computed: Option<Instant>,
    /// When a value is done then or later, they are sent.
    due: Option<Instant>,
}

impl<'m> Outbox<'m> {
    pub(super) fn new(inner: &'m Inner) -> Self {
        Outbox { inner, parcels: Vec::new(), packet: Arc::default(), computed: None, due: None }
    }

    /// Takes a small value in, and lands its flight with it; its bytes.
    pub(super) fn put(
        &mut self,
        function: &'static Function,
        draft: &Draft<'_>,
        leader: Option<Leader<'m>>,
    ) -> Shared {
        let &Draft { key, created, compute_time, codec, .. } = draft;
        let payload = draft.payload.len();
        let start = self.packet.append(|bytes| {
            draft.payload.append_to(bytes);
            bytes.extend_from_slice(draft.arguments.as_bytes());
        });
        let packet = Arc::clone(&self.packet);
        let shared = Shared::Packed(Packed { packet, start, length: payload, codec, compute_time });
        if let Some(leader) = &leader {
            leader.land(shared.clone());
        }
        let (author, arguments) = (draft.author.clone(), draft.arguments.len());
        self.parcels.push(Parcel {
            function,
            key,
            created,
            compute_time,
            author,
            codec,
            start,
            payload,
            arguments,
            leader,
        });
        shared
    }

    /// Takes note of how long the function of a value ran, and when it was done.
    pub(super) fn computed(&mut self, took: Duration, time: Instant) {
        self.computed = Some(time);
        if self.due.is_none() {
            self.due = time.checked_add(PATIENCE.saturating_sub(took));
        }
    }

    /// Whether what waits took long enough.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| self.computed.is_some_and(|time| time >= due))
    }

    /// Stores what waits.
    pub(crate) fn send(&mut self) {
        self.due = None;
        if self.parcels.is_empty() {
            return;
        }
        self.inner.store_all(&mut self.parcels, &self.packet);
        match Arc::get_mut(&mut self.packet) {
            Some(packet) => packet.clear(),
            // Its bytes are for those who share a value.
            None => self.packet = Arc::new(Packet::like(&self.packet)),
        }
    }
}

impl Drop for Outbox<'_> {
    fn drop(&mut self) {
        self.send();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    #[test]
    fn what_took_long_is_sent_before_the_next_function_runs_and_quick_ones_together() {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::open(dir.path()).unwrap();
        let mut outbox = memory.outbox().unwrap();
        let start = Instant::now();
        assert!(!outbox.is_due());
        for (took, done, is_due) in [(1, 1, false), (1, 199, false), (1, 200, true)] {
            outbox.computed(Duration::from_micros(took), start + Duration::from_micros(done));
            assert_eq!(outbox.is_due(), is_due, "{done}");
        }
        outbox.send();
        assert!(!outbox.is_due());
        outbox.computed(PATIENCE, start);
        assert!(outbox.is_due());
    }
}
