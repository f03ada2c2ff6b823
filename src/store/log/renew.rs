//! Renewing the marker of a blob that was verified in full, so that the next reader need not.

use super::LogStore;
use super::append::weight_of;
use super::control::Weight;
use super::look_up::Found;
use super::record::Unsealed;
use super::upkeep::Upkeep;
use crate::error::Result;
use crate::key::Key;
use crate::store::marker::Marker;
use crate::sys::Stamp;

impl LogStore {
    /// Puts the marker of a file of this stamp into the record of `key`: appends a record that differs in it, and moves the slot
    /// there, as a reduction moves what it keeps. What is in the way (another process does upkeep, nothing can be written) leaves
    /// the old one: the next process verifies again.
    pub(super) fn renew_marker(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        let Some(marker) = Marker::of(stamp) else { return Ok(()) };
        let view = self.view.load_full();
        view.check_writable()?;
        let Some(_upkeep) = Upkeep::try_lock(&self.dir)? else { return Ok(()) };
        if !self.is_current(&view)? {
            return Ok(());
        }
        let Some(Found { slot, address: from, record }) = self.find(&view, key)? else { return Ok(()) };
        let Some(blob) = record.blob() else { return Ok(()) };
        if !record.is_sound(from) || record.marker() == Some(marker) {
            return Ok(());
        }
        let mut renewed = Unsealed::with_marker(&record, blob, marker);
        let length = renewed.length() as u64;
        let to = view.control.reserve(length).ok_or_else(|| self.out_of_bounds())?;
        // As for the copies of a reduction.
        view.control.announce_copies(to.after(renewed.length()));
        if view.index.table().address(slot) != Some(from) {
            view.control.give_back(to, length);
            return Ok(());
        }
        self.log.write(to, renewed.seal(to)).inspect_err(|_| view.control.give_back(to, length))?;
        view.control.add_log(length);
        if view.control.is_durable() {
            self.log.sync(to.segment())?;
        }
        if view.index.table().change(slot, from, Some(to)) {
            let weight = weight_of(&record);
            view.control.uncount(weight);
            view.control.count(1, Weight { record: length, ..weight });
        }
        Ok(())
    }
}
