//! Renewing the marker of a blob that was verified in full, so that the next reader need not.

use super::LogStore;
use super::append::weight_of;
use super::control::Weight;
use super::record::{Kind, Unsealed};
use super::upkeep::Upkeep;
use crate::key::Key;
use crate::store::marker::Marker;
use crate::sys::Stamp;

impl LogStore {
    /// Puts the marker of a file of this stamp into the record of `key`: appends a record that differs in it, and moves the slot
    /// there, as a reduction moves what it keeps. What is in the way (another process does upkeep, nothing can be written) leaves
    /// the old one: the next reader verifies again.
    pub(super) fn renew_marker(&self, key: &Key, stamp: &Stamp) {
        let Some(marker) = Marker::of(stamp) else { return };
        let now = self.now();
        let view = self.view.load_full();
        if view.check_writable().is_err() {
            return;
        }
        let Some(_upkeep) = Upkeep::try_lock(self.log.dir()) else { return };
        if !self.is_current(&view) {
            return;
        }
        let Some((slot, from, record)) = self.find(&view, key, now) else { return };
        if record.kind() != Kind::Blob || !record.is_sound(from) || record.marker() == Some(marker) {
            return;
        }
        let mut renewed = Unsealed::with_marker(&record, marker);
        let length = renewed.length();
        let Some(to) = view.control.reserve(length as u64) else { return };
        if self.log.write(to, renewed.seal(to)).is_err() {
            view.control.give_back(to, length as u64);
            return;
        }
        view.control.add_log(length as u64);
        // Unsynced at worst: after a power cut the old record is right, and so is a marker of an earlier start of the machine.
        let _ = self.bring_to_disk(to.segment());
        if view.index.table().change(slot, from, Some(to)) {
            let weight = weight_of(&record);
            view.control.uncount(weight);
            view.control.count(Weight { record: length as u64, ..weight });
        } else {
            // Replaced or removed meanwhile: a rebuild must not find the copy, which has the higher address.
            let _ = self.log.write(to, &[0; 24]);
        }
    }
}
