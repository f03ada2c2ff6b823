//! Looking a key up: its slot in the index, the record at the address that the slot tells, its blob.
//!
//! # Invariants
//! 1. Absent is what the index lacks that is in place *afterwards*: what a view lacks is looked for in the one that took its place.
//! 2. A look-up writes nothing but the note of a use, and waits for nobody.

use std::sync::Arc;

use super::address::Address;
use super::index::{Hash, Note};
use super::open::View;
use super::record::Record;
use super::{LogStore, Now};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::Lookup;

/// What is read of a large one to open it: nearly every header, and the shape of an array behind it.
const FIRST_READ_OF_LARGE: usize = 4096;

/// A key may be moved while it is looked for; so often in a row it would be a fault.
const TRIES: usize = 100;

/// A record of an entry that was found; not checked.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) slot: usize,
    pub(super) address: Address,
    pub(super) record: Record,
}

impl LogStore {
    /// The record of `key`, if there is one and it is that of an entry.
    #[inline]
    pub(super) fn find(&self, view: &View, key: &Key) -> Result<Option<Found>> {
        let found = view.index.table().find(Hash::of(key), |slot, address| {
            let record = match self.log.record_among(&view.segments, address) {
                Some(record) => record?,
                None => self.record_in_new_segment(view, address)?,
            };
            let record = record.filter(|record| record.is_of(key));
            Ok::<_, Error>(record.map(|record| Found { slot, address, record }))
        })?;
        Ok(found.filter(|found| found.record.is_entry()))
    }

    /// The record at `address`, in a segment that was not open when the view was made.
    #[cold]
    pub(super) fn record_in_new_segment(&self, view: &View, address: Address) -> Result<Option<Record>> {
        let record = self.log.record(address)?;
        if record.is_some() {
            self.take_segments(view);
        }
        Ok(record)
    }

    /// As [`find`](Self::find), in the index that is in place.
    pub(super) fn find_in_place(&self, key: &Key) -> Result<Option<Found>> {
        let mut view = Arc::clone(&self.view(self.now()));
        for _ in 0..TRIES {
            if let Some(found) = self.find(&view, key)? {
                return Ok(Some(found));
            }
            match self.newer_view(&view)? {
                Some(newer) => view = newer,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Notes that the entry of `key`, in that slot, is used; most uses write nothing.
    #[inline]
    pub(super) fn touch(&self, view: &View, slot: usize, key: &Key, now: Now) {
        if Note::is_due(view.index.table().note(slot), now.seconds) && view.unwritable.is_none() {
            self.note_use(view, slot, key, now);
        }
    }

    pub(super) fn note_use(&self, view: &View, slot: usize, key: &Key, now: Now) {
        let note = |view: &View, slot: usize| {
            let table = view.index.table();
            let word = table.note(slot);
            let used = Note::of_word(word).used(now.seconds, view.control.clock());
            table.set_note(slot, used.in_place_of(word));
        };
        note(view, slot);
        // The copy may have been made before that. What fails costs a note.
        if view.index.table().is_retired()
            && let Ok(Some(view)) = self.newer_view(view)
            && let Ok(Some(found)) = self.find(&view, key)
        {
            note(&view, found.slot);
        }
    }

    pub(super) fn look_up(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        // Handed on as it is: it is large.
        let found = self.look_up_in(view, key, now);
        if !matches!(found, Ok(Lookup::Absent)) {
            return found;
        }
        self.look_up_behind(view, key, now)
    }

    /// What is found of a key that `view` lacks: what an index lacks may be in the one after it.
    pub(super) fn look_up_behind(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        let Some(mut view) = self.newer_view(view)? else { return Ok(Lookup::Absent) };
        for _ in 0..TRIES {
            match self.look_up_in(&view, key, now)? {
                Lookup::Absent => {}
                found => return Ok(found),
            }
            match self.newer_view(&view)? {
                Some(newer) => view = newer,
                None => break,
            }
        }
        Ok(Lookup::Absent)
    }

    #[inline]
    pub(super) fn look_up_in(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        for _ in 0..TRIES {
            let Some(Found { slot, address, record }) = self.find(view, key)? else {
                return Ok(Lookup::Absent);
            };
            if !record.is_sound(address) {
                let how = format!("the checksum of its record at {} does not match", address.0);
                return Ok(Lookup::Damaged(how));
            }
            self.touch(view, slot, key, now);
            let Some(blob) = record.blob() else { return Ok(Lookup::Found(record.into_entry())) };
            match self.blobs.open(&blob.name(key), key, FIRST_READ_OF_LARGE, record.marker())? {
                // It was replaced or evicted a moment ago.
                Lookup::Absent if view.index.table().address(slot) != Some(address) => {}
                found => return Ok(found),
            }
        }
        Ok(Lookup::Absent)
    }
}
