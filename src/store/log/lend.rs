//! The ordinary hit: a short record, copied to the stack, checked and read there. No memory is taken, and no [`Entry`](super::Entry)
//! is made.
//!
//! Whatever is not ordinary goes the way of [`LogStore::look_up`]: long records, values in files of their own, records that are
//! damaged, moved or of another key, views that are to be looked after. That way tells the reason.

use std::mem::MaybeUninit;

use super::index::{Hash, Note};
use super::{LogStore, Now, View, record};
use crate::key::Key;
use crate::store::{Lent, LentEntry, Lookup};

/// Longer records are read to memory of their own. (A stack has room for this, and a page of it is touched as far as a record is long.)
const ROOM: usize = 2048;

impl LogStore {
    /// See [`Store::lend`](crate::store::Store::lend).
    #[inline]
    pub(super) fn lend_entry(&self, key: &Key, read: &mut dyn FnMut(&LentEntry<'_>) -> bool) -> Lent {
        let (now, view) = (self.now(), self.view.load());
        let table = view.index.table();
        if table.is_retired() || !self.is_looked_after(now) {
            return Lent::No;
        }
        let Some((slot, address)) = table.first(Hash::of(key)) else {
            return self.lent_behind(&view, key, now);
        };
        let mut room = [MaybeUninit::uninit(); ROOM];
        let lent = address.and_then(|address| {
            let (bytes, shape) = view.segments.short_record(address, &mut room)?;
            record::lent(bytes, shape, key, address)
        });
        let Some(entry) = lent else { return Lent::No };
        if Note::is_due(table.note(slot), now.seconds) {
            self.touch(&view, slot, key, now);
        }
        if read(&entry) { Lent::Read { compute_nanos: entry.compute_nanos } } else { Lent::No }
    }

    /// What is lent of a key that `view` lacks: nothing, but it may be in the index after it.
    #[inline(never)]
    fn lent_behind(&self, view: &View, key: &Key, now: Now) -> Lent {
        match self.look_up_behind(view, key, now) {
            Ok(Lookup::Absent) => Lent::Absent,
            _ => Lent::No,
        }
    }
}
