//! Opening a log: its locks, its control words, its index; and what is mended then.
//!
//! # Invariants
//! 1. Everyone who may append holds a shared lock on the control file. Who gets it exclusively is alone, and sets tail, floor and
//!    first segment by the files that are there: a power cut may have left them behind or ahead.
//! 2. Who has locked the control file asks whether it still has its name: another may have been put in its place.
//! 3. Opening always succeeds. Where nothing can be written, what is there is read, and stores fail with the reason.
//!
//! After the machine was started or the file system mounted anew, a directory in which somebody
//! asked for `Durability` rebuilds its index, which reads the log. Pages of the index may be older
//! than what was promised.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::address::Address;
use super::control::{CONTROL, Control};
use super::index::{INDEX, Index};
use super::segments::{Log, Segments};
use super::upkeep::{self, Upkeep};
use crate::error::{Error, Result};
use crate::events;
use crate::store::Durability;
use crate::sys::locks::Lock;
use crate::sys::{Access, Dir};

/// What a process has mapped.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) control: Arc<Control>,
    pub(super) index: Arc<Index>,
    /// The segments that were open when it was made: a hit takes no other pointer that threads exchange. Those of the log are others
    /// once more are open, or some are gone; then a view with those takes its place.
    pub(super) segments: Arc<Segments>,
    /// Why nothing can be stored.
    pub(super) unwritable: Option<Unwritable>,
}

/// Why nothing can be stored, and since when.
#[derive(Clone, Debug)]
pub(super) struct Unwritable {
    error: Error,
    since: Instant,
}

impl Unwritable {
    pub(super) fn new(error: Error) -> Self {
        Unwritable { error, since: Instant::now() }
    }

    /// Whether it is time to try again.
    fn is_over(&self) -> bool {
        let waited_in_vain = self.error.io_error().is_some_and(|error| error.kind() == ErrorKind::TimedOut);
        self.since.elapsed() > if waited_in_vain { LATER } else { AGAIN }
    }
}

/// What cannot be written is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);

/// And after this, if that was since another process was waited for in vain: it costs its time whenever it is tried.
const LATER: Duration = Duration::from_secs(30);

/// Somebody may put another control file in place, or make an index; so often in a row it would be a fault.
const TRIES: usize = 20;

/// So many segments are left out behind the end of a log whose control words were lost: others may still write where those told
/// them to, for some milliseconds.
const MARGIN: u64 = 16;

impl View {
    /// Opens the log. What could not be opened for writing before is `old`, which is used on as long as that is so.
    pub(super) fn open(dir: &Dir, log: &Log, durability: Durability, old: Option<&View>) -> Self {
        let opened = View::open_shared(dir, log).unwrap_or_else(|error| {
            events::debug!(error = &error, "the log in `{}` is only read", dir.path().display());
            let unwritable = Some(Unwritable::new(error));
            match old.filter(|old| old.unwritable.is_some()) {
                Some(old) => View {
                    control: Arc::clone(&old.control),
                    index: Arc::clone(&old.index),
                    segments: log.opened(),
                    unwritable,
                },
                None => View { unwritable, ..View::open_read_only(dir, log) },
            }
        });
        if durability != Durability::None && opened.unwritable.is_none() {
            opened.control.set_durable();
        }
        opened
    }

    fn open_shared(dir: &Dir, log: &Log) -> Result<Self> {
        for _ in 0..TRIES {
            let Some(control) = Control::open(dir, Access::Write)? else {
                Control::create(dir, lost_tail(log)?)?;
                continue;
            };
            let alone = enter(dir, &control)? == Lock::Exclusive;
            if !is_in_place(dir, &control)? {
                continue;
            }
            if !control.is_sound() {
                replace_control(dir, log, &control)?;
                continue;
            }
            let index = Index::open(dir, control.log_id(), Access::Write)?;
            let index = match index {
                Some(index) if !alone => Some(index),
                index => mend(dir, log, &control, index, alone)?,
            };
            let Some(index) = index else { continue };
            control.share().map_err(|error| dir.error("lock", CONTROL, error))?;
            return Ok(View {
                control: Arc::new(control),
                index: Arc::new(index),
                segments: log.opened(),
                unwritable: None,
            });
        }
        Err(dir.error("open", CONTROL, std::io::Error::other("it never held still")))
    }

    /// What can be read where nothing can be written. What cannot be read either is as if it were not there.
    fn open_read_only(dir: &Dir, log: &Log) -> Self {
        let sound = |control: &Control| control.is_sound();
        let control = Control::open(dir, Access::Read).ok().flatten().filter(sound);
        let control = control.unwrap_or_else(Control::nothing);
        let index = Index::open(dir, control.log_id(), Access::Read).ok().flatten();
        let index = index.unwrap_or_else(|| upkeep::rebuild_privately(log, &control));
        View { control: Arc::new(control), index: Arc::new(index), segments: log.opened(), unwritable: None }
    }

    /// This with the index that is in place now; `None` if there is none.
    pub(super) fn with_current_index(&self, dir: &Dir) -> Result<Option<Self>> {
        let access = if self.unwritable.is_none() { Access::Write } else { Access::Read };
        let index = Index::open(dir, self.control.log_id(), access)?;
        Ok(index.map(|index| self.with_index(index)))
    }

    /// This with another index.
    pub(super) fn with_index(&self, index: Index) -> Self {
        View { index: Arc::new(index), ..self.clone() }
    }

    /// Whether both are one, whatever segments were open when they were made.
    pub(super) fn is_same(&self, other: &View) -> bool {
        let since = |view: &View| view.unwritable.as_ref().map(|unwritable| unwritable.since);
        Arc::ptr_eq(&self.control, &other.control)
            && Arc::ptr_eq(&self.index, &other.index)
            && since(self) == since(other)
    }

    /// This with other open segments.
    pub(super) fn with_segments(&self, segments: Arc<Segments>) -> Self {
        View { segments, ..self.clone() }
    }

    /// Whether the mapped files are sound, and those that others open.
    pub(super) fn is_current(&self, dir: &Dir) -> Result<bool> {
        let is_there = |name: &str, is_it: &dyn Fn(&crate::sys::Stat) -> bool| {
            Ok::<_, Error>(dir.stat(name)?.is_some_and(|stat| is_it(&stat)))
        };
        Ok(self.control.is_sound()
            && self.index.is_sound(self.control.log_id())
            && is_there(CONTROL, &|stat| self.control.is_file(stat))?
            // An index that was replaced has lost its name, as it should.
            && (self.index.table().is_retired() || is_there(INDEX, &|stat| self.index.is_file(stat))?))
    }

    /// Whether another index is in place of this one. Nobody may have said so: who copied it may have been killed before
    /// he could.
    pub(super) fn is_left_behind(&self, dir: &Dir) -> Result<bool> {
        let table = self.index.table();
        if table.is_retired() {
            return Ok(true);
        }
        let is_there = || Ok::<_, Error>(dir.stat(INDEX)?.is_some_and(|stat| self.index.is_file(&stat)));
        Ok(table.is_sealed() && !is_there()?)
    }

    /// This, as long as nothing can be stored.
    pub(super) fn blocked_by(&self, error: Error) -> Self {
        View { unwritable: Some(Unwritable::new(error)), ..self.clone() }
    }

    /// Whether it is time to try whether something can be stored again.
    pub(super) fn may_try_again(&self) -> bool {
        self.unwritable.as_ref().is_some_and(Unwritable::is_over)
    }

    /// Fails if nothing can be stored.
    pub(super) fn check_writable(&self) -> Result<()> {
        match &self.unwritable {
            Some(Unwritable { error, .. }) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

/// Fails if the files of a log cannot be read, saying which. (Opening takes them for missing then.)
pub(super) fn check_readable(dir: &Dir, log: &Log) -> Result<()> {
    Control::open(dir, Access::Read)?;
    if let Some((newest, _)) = log.list()?.last() {
        log.bytes(*newest)?;
    }
    Ok(())
}

/// Takes the lock of users, the exclusive one if nobody else has the log open; tells which. Whoever is alone mends it, and is waited
/// for.
fn enter(dir: &Dir, control: &Control) -> Result<Lock> {
    let entered = upkeep::patiently(|| control.enter(), || 0);
    entered.map_err(|error| dir.error("lock", CONTROL, error))
}

fn is_in_place(dir: &Dir, control: &Control) -> Result<bool> {
    control.is_in_place().map_err(|error| dir.error("look at", CONTROL, error))
}

/// Puts a control file in place of one that is none, unless another process was faster.
fn replace_control(dir: &Dir, log: &Log, garbage: &Control) -> Result<()> {
    let upkeep = Upkeep::lock(dir)?;
    if upkeep.is_some() && is_in_place(dir, garbage)? {
        events::warn!("`{}` is damaged and is made anew", dir.at(CONTROL).display());
        Control::replace(dir, lost_tail(log)?)?;
    }
    Ok(())
}

/// Where a log goes on whose control words are lost.
fn lost_tail(log: &Log) -> Result<Address> {
    let end = end(log)?.tail;
    Ok(if end == Address::FIRST { end } else { Address::of_segment(end.segment() + MARGIN) })
}

/// Sees that there is an index, and, for who is alone, that everything is as the files tell; `None` if the control file has gone.
fn mend(dir: &Dir, log: &Log, control: &Control, index: Option<Index>, alone: bool) -> Result<Option<Index>> {
    let Some(upkeep) = Upkeep::lock(dir)? else { return Ok(None) };
    // Another process may have made one before the lock was free.
    let mut index = if alone { index } else { Index::open(dir, control.log_id(), Access::Write)? };
    if alone {
        recover(control, log)?;
        if control.enter_session() && control.is_durable() {
            // Pages of the index may be older than the log.
            index = None;
        }
    }
    let index = match index {
        Some(index) => {
            // Left by a killed process: its lock is held here now.
            index.table().set_sealed(false);
            index
        }
        None => upkeep::rebuild(&upkeep, dir, log, control)?,
    };
    Ok(Some(index))
}

/// Where a log begins and ends by the files that are there.
struct End {
    first: u64,
    tail: Address,
    bytes: u64,
}

fn end(log: &Log) -> Result<End> {
    let segments = log.list()?;
    let bytes = segments.iter().map(|(_, length)| length).sum();
    let (Some((first, _)), Some((last, length))) = (segments.first(), segments.last()) else {
        return Ok(End { first: 0, tail: Address::FIRST, bytes: 0 });
    };
    let tail = Address(Address::of_segment(*last).0 + length.next_multiple_of(8)).max(Address::FIRST);
    Ok(End { first: *first, tail, bytes })
}

/// Sets tail, floor, first segment and size by the files that are there; for who is alone.
fn recover(control: &Control, log: &Log) -> Result<()> {
    let End { first, tail, bytes } = end(log)?;
    control.set_tail(tail);
    control.set_first(first.min(tail.segment()));
    control.set_floor(first.min(tail.segment()));
    control.set_log(bytes);
    control.reset_copies();
    Ok(())
}
