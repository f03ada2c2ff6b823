//! Publishing: records that were written get into the index and into the totals.
//!
//! Records of one write are published one after the other. Whether any was passed over is looked for behind the last one; then
//! each of them is published once more, and written again if need be.

use std::io;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

use super::address::Address;
use super::append::weight_of;
use super::control::{CONTROL, Control, Weight};
use super::index::{Hash, INDEX, Note, Published};
use super::open::View;
use super::{LogStore, Now, record};
use crate::error::Result;
use crate::events;
use crate::key::{FunctionId, Key};

/// Publishing again is needed when others were faster, or cleared; so often in a row it would be a fault.
const TRIES: usize = 100;

/// A record on its way.
pub(super) struct Staged {
    pub(super) key: Key,
    /// Where its bytes are among those of its group.
    pub(super) bytes: Range<usize>,
    pub(super) weight: Weight,
    /// The number of its file, if it has one.
    pub(super) blob: Option<u64>,
    /// Whether it is a removal, not an entry.
    pub(super) removes: bool,
    /// What came of publishing it first; it is in the totals then.
    pub(super) published: Option<Published>,
}

/// What others had done when records were written.
#[derive(Clone, Copy)]
struct Seen {
    /// Where the first of them is.
    address: Address,
    /// How often entries had been cleared.
    clears: u64,
}

impl LogStore {
    /// Writes records one behind the other, all of which are in `bytes`, and publishes each.
    pub(super) fn publish_all(&self, group: &mut [Staged], bytes: &mut [u8]) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut view = self.view(now);
        let more = group.iter().filter(|staged| !staged.removes).count();
        if view.index.table().should_grow_for(more as u64) {
            self.try_grow(&view);
            view = self.view(now);
        }
        let mut replaced = Vec::new();
        self.publish_group(&view, group, bytes, now, &mut replaced)?;
        // Others may have put another control file in place meanwhile, and gone through the log before these were in it.
        if !self.is_in_place(&view)? {
            self.reopen(&view);
            self.publish_group(&self.view(now), group, bytes, now, &mut replaced)?;
        }
        // Not before: killed on the way, this process would leave a record in an index, and not its file.
        for name in replaced {
            self.remove_unsettled(&self.view.load(), &name)?;
        }
        Ok(())
    }

    /// As [`publish_all`](Self::publish_all), beginning in this view; `replaced` gets the files of records that were replaced.
    ///
    /// What may have passed records over is looked for once, behind the last of them. As a rule there is nothing.
    fn publish_group(
        &self,
        view: &Arc<View>,
        group: &mut [Staged],
        bytes: &mut [u8],
        now: Now,
        replaced: &mut Vec<String>,
    ) -> Result<()> {
        let seen = self.append(view, group, bytes)?;
        let mut counted = Counted::new(&view.control);
        let note = stored_note(view, now);
        for staged in &mut *group {
            let address = seen.address.after(staged.bytes.start);
            staged.published = None;
            self.publish_at(view, staged, address, note, &mut counted, replaced)?;
        }
        drop(counted);
        let is_disturbed = view.is_disturbed() || view.may_have_passed_over(seen);
        for staged in &*group {
            if is_disturbed || matches!(staged.published, None | Some(Published::Newer)) {
                let address = seen.address.after(staged.bytes.start);
                let bytes = &mut bytes[staged.bytes.clone()];
                self.publish(view, staged, bytes, Seen { address, ..seen }, now, replaced)?;
            }
        }
        Ok(())
    }

    /// Writes records one behind the other; returns the address of the first, and what others had done before.
    fn append(&self, view: &View, group: &[Staged], bytes: &mut [u8]) -> Result<Seen> {
        view.check_writable()?;
        let control = &view.control;
        let clears = control.clears();
        let length = bytes.len() as u64;
        let address = control.reserve(length).ok_or_else(|| self.out_of_bounds())?;
        for staged in group {
            record::seal(&mut bytes[staged.bytes.clone()], address.after(staged.bytes.start));
        }
        self.log.write(address, bytes).inspect_err(|_| control.give_back(address, length))?;
        control.add_log(length);
        self.bring_to_disk(address.segment())?;
        Ok(Seen { address, clears })
    }

    /// Publishes a record that was written, writing it again as long as it may have been passed over. `bytes` are its own.
    fn publish(
        &self,
        view: &Arc<View>,
        staged: &Staged,
        bytes: &mut [u8],
        mut seen: Seen,
        now: Now,
        replaced: &mut Vec<String>,
    ) -> Result<()> {
        let mut alone = Staged { bytes: 0..bytes.len(), ..*staged };
        for attempt in 0..TRIES {
            let newer;
            let view = if attempt == 0 {
                view
            } else {
                newer = self.view(now);
                alone.published = None;
                seen = self.append(&newer, slice::from_ref(&alone), bytes)?;
                &newer
            };
            let published = self.publish_in_place(view, &mut alone, seen.address, now, replaced)?;
            if published != Published::Newer && !view.may_have_passed_over(seen) {
                return Ok(());
            }
        }
        Err(self.dir.error("publish an entry in", INDEX, io::Error::other("others were always faster")))
    }

    /// Publishes a record in the index that is in place, beginning with that of `view`.
    fn publish_in_place(
        &self,
        view: &Arc<View>,
        staged: &mut Staged,
        address: Address,
        now: Now,
        replaced: &mut Vec<String>,
    ) -> Result<Published> {
        for attempt in 0..TRIES {
            let newer;
            let view = if attempt == 0 {
                view
            } else {
                newer = self.view(now);
                newer.check_writable()?;
                &newer
            };
            let (note, mut counted) = (stored_note(view, now), Counted::new(&view.control));
            let published = self.publish_at(view, staged, address, note, &mut counted, replaced)?;
            drop(counted);
            if view.index.table().is_sealed() {
                // A copy is being made, which may lack the record.
                self.await_index(view)?;
            } else if view.index.is_lost() {
                // What was published may be lost with a page of the index.
                self.reopen(view);
            } else if published == Published::Full {
                self.grow(view)?;
            } else {
                return Ok(published);
            }
        }
        Err(self.dir.error("publish an entry in", INDEX, io::Error::other("the index never held still")))
    }

    /// Publishes a record in the index of `view`, and brings the totals in line with that, unless it was published before.
    fn publish_at(
        &self,
        view: &View,
        staged: &mut Staged,
        address: Address,
        note: u64,
        counted: &mut Counted<'_>,
        replaced: &mut Vec<String>,
    ) -> Result<Published> {
        let is_same = |other| self.log.is_of(other, &staged.key);
        let published = view.index.table().publish(Hash::of(&staged.key), address, note, is_same)?;
        if staged.published.is_some() || published == Published::Full {
            return Ok(published);
        }
        staged.published = Some(published);
        if matches!(published, Published::Inserted | Published::Replaced(_)) && !staged.removes {
            counted.add(staged.weight);
        }
        if let Published::Replaced(old) = published
            && let Some(old) = self.log.entry(old)?
        {
            // It may be of this very group.
            counted.settle();
            view.control.uncount(weight_of(&old));
            // A record that was written again has the file of the one before.
            if let Some(blob) = old.blob().filter(|blob| Some(blob.number) != staged.blob) {
                // It is under way from here on.
                view.control.unsettle();
                replaced.push(blob.name(&staged.key));
            }
        }
        Ok(published)
    }

    /// Makes the index of `view` larger. It is not needed yet: on a full disk the old one serves on.
    fn try_grow(&self, view: &Arc<View>) {
        if let Err(error) = self.grow(view) {
            events::debug!(error = &error, "the index does not grow");
        }
    }

    /// Whether others open the control file that is mapped here.
    fn is_in_place(&self, view: &View) -> Result<bool> {
        view.control.is_in_place().map_err(|error| self.dir.error("look at", CONTROL, error))
    }
}

impl View {
    /// Whether what was just published in the index may be lost: a copy of it is being made, or a page of it is gone.
    fn is_disturbed(&self) -> bool {
        self.index.table().is_sealed() || self.index.is_lost()
    }

    /// Whether a record may have been passed over that was published after it was written.
    fn may_have_passed_over(&self, seen: Seen) -> bool {
        self.control.floor() > seen.address.segment()
            || self.control.copies() > seen.address
            || self.control.clears() != seen.clears
    }
}

/// The first note of an entry.
fn stored_note(view: &View, now: Now) -> u64 {
    Note::stored(now.seconds, view.control.clock()).to_word()
}

/// Entries that are added to the totals together. Those of one function cost no more than one of them.
struct Counted<'c> {
    control: &'c Control,
    /// How many of a function there are, and what they weigh together.
    entries: u64,
    weight: Weight,
}

impl<'c> Counted<'c> {
    fn new(control: &'c Control) -> Self {
        let weight = Weight { function: FunctionId([0; 8]), record: 0, blob: 0 };
        Counted { control, entries: 0, weight }
    }

    fn add(&mut self, weight: Weight) {
        if self.weight.function != weight.function {
            self.settle();
        }
        self.entries += 1;
        let (record, blob) = (self.weight.record + weight.record, self.weight.blob + weight.blob);
        self.weight = Weight { function: weight.function, record, blob };
    }

    /// Adds them to the totals.
    fn settle(&mut self) {
        if self.entries > 0 {
            self.control.count(self.entries, self.weight);
        }
        (self.entries, self.weight.record, self.weight.blob) = (0, 0, 0);
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.settle();
    }
}
