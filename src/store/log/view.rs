//! The view in use: looked after from time to time, and exchanged when the index grows or the files turn out to be others.
//!
//! # Invariants
//! 1. Who holds a view goes on with it, whatever is put in its place: what it maps stays mapped.
//! 2. A view is exchanged under the mutex `changing`, and only for one that nobody has exchanged since it was seen. Nothing is
//!    waited for under that mutex: whoever does upkeep may be waiting for it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arc_swap::Guard;

use super::open::View;
use super::{LogStore, Now};
use crate::error::Result;
use crate::events;
use crate::lock::lock;
use crate::store::root;

/// Mapped files are looked after this often, in milliseconds: that they are there, whole, and the current ones.
pub(super) const TICK: u64 = 16;

impl LogStore {
    /// Whether the mapped files were looked after a moment ago. (Not if the clock of the machine was set back since.)
    #[inline]
    pub(super) fn is_looked_after(&self, now: Now) -> bool {
        // Looking after thousands of segments costs time of its own.
        let spell = TICK * (1 + self.log.open_segments() as u64 / 256);
        now.millis.wrapping_sub(self.looked_after.load(Relaxed)) < spell
    }

    /// What is mapped, looked after.
    #[inline]
    pub(super) fn view(&self, now: Now) -> Guard<Arc<View>> {
        let view = self.view.load();
        if !view.index.table().is_retired() && self.is_looked_after(now) {
            return view;
        }
        self.look_after(&view, now);
        self.view.load()
    }

    #[cold]
    pub(super) fn look_after(&self, view: &Arc<View>, now: Now) {
        self.looked_after.store(now.millis, Relaxed);
        let is_retired = view.index.table().is_retired();
        // What cannot be looked at is opened anew, which tells why.
        let looked = view.is_current(&self.dir);
        match looked {
            Ok(true) if view.unwritable.is_none() && !is_retired => {}
            Ok(true) if is_retired => self.reload_or_reopen(view),
            _ => self.reopen(view),
        }
        self.forget_before(view.control.first());
    }

    /// Closes the segments before `first`: their room on the disk is free once nobody has them mapped.
    pub(super) fn forget_before(&self, first: u64) {
        self.log.forget_before(first);
        self.take_segments(&self.view.load());
    }

    /// Takes the segments that are open now in place of those of `old`, unless another view is in use by now.
    pub(super) fn take_segments(&self, old: &View) {
        let _changing = lock(&self.changing);
        let (view, opened) = (self.view.load(), self.log.opened());
        if view.is_same(old) && !Arc::ptr_eq(&view.segments, &opened) {
            self.view.store(Arc::new(view.with_segments(opened)));
        }
    }

    /// Opens everything again, unless another thread has done so since `old` was seen.
    pub(super) fn reopen(&self, old: &Arc<View>) {
        let is_late = || !old.is_same(&self.view.load());
        if is_late() || old.unwritable.is_some() && !old.may_try_again() {
            return;
        }
        self.log.forget_all();
        self.writers.forget();
        // Not under the mutex: opening may have to wait for whoever does upkeep, and he may wait for the mutex.
        let view = View::open(&self.dir, &self.log, self.durability, Some(old));
        if self.dir.was_made_again()
            && let Err(error) = root::restore(&self.dir, root::Kind::Log)
        {
            events::warn!(error = &error, "the cache directory is not what it was");
        }
        let _changing = lock(&self.changing);
        if !is_late() {
            self.view.store(Arc::new(view));
        }
    }

    /// Takes the index that is in place now, unless another thread has done so since `old` was seen.
    pub(super) fn reload_index(&self, old: &Arc<View>) -> Result<()> {
        {
            let _changing = lock(&self.changing);
            if !old.is_same(&self.view.load()) {
                return Ok(());
            }
            if let Some(view) = old.with_current_index(&self.dir)? {
                self.view.store(Arc::new(view));
                return Ok(());
            }
        }
        self.reopen(old);
        Ok(())
    }

    pub(super) fn reload_or_reopen(&self, old: &Arc<View>) {
        if self.reload_index(old).is_err() {
            // Opening anew tells why.
            self.reopen(old);
        }
    }

    /// The view in place of `view`, if its index is not in place any more.
    pub(super) fn newer_view(&self, view: &View) -> Result<Option<Arc<View>>> {
        if !view.is_left_behind(&self.dir)? {
            return Ok(None);
        }
        let current = self.view.load_full();
        if current.is_same(view) {
            self.reload_index(&current)?;
        }
        Ok(Some(self.view.load_full()).filter(|newer| !newer.is_same(view)))
    }
}
