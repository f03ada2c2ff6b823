//! Opening a log: its locks, its control words, its index; and what is mended then.
//!
//! # Invariants
//! 1. Everyone who may append holds a shared lock on `log/users`. Who gets it exclusively is alone, and sets tail, floor and first
//!    segment by the files that are there: a power cut may have left them behind or ahead.
//! 2. Opening always succeeds. Where nothing can be written, what is there is read, and stores fail with the reason.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::address::Address;
use super::control::Control;
use super::index::Index;
use super::segments::{self, Log};
use super::upkeep::{self, Upkeep};
use crate::error::{Error, Result};
use crate::store::Durability;
use crate::sys;

/// What a process has mapped.
#[derive(Debug)]
pub(super) struct View {
    pub(super) control: Arc<Control>,
    pub(super) index: Arc<Index>,
    /// The shared lock on `log/users`; `None` where nothing can be written.
    users: Option<Arc<File>>,
    /// Why nothing can be stored.
    pub(super) unwritable: Option<Unwritable>,
}

/// Why nothing can be stored, and since when.
#[derive(Clone, Debug)]
pub(super) struct Unwritable {
    path: PathBuf,
    kind: ErrorKind,
    since: Instant,
}

/// What cannot be written is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);

impl View {
    pub(super) fn open(root: &Path, log: &Log, durability: Durability) -> Self {
        let opened = View::open_shared(root, log).unwrap_or_else(|error| {
            event!(Debug, "the log in `{}` is only read: {error}", root.display());
            View::open_read_only(root, log, &error)
        });
        if durability != Durability::None && opened.unwritable.is_none() {
            opened.control.set_durable();
        }
        opened
    }

    fn open_shared(root: &Path, log: &Log) -> Result<Self> {
        let (users, alone) = lock_users(log.dir())?;
        if !alone && let Some(view) = View::open_sound(root, log, &users) {
            return Ok(view);
        }
        let upkeep = Upkeep::lock(log.dir())?;
        let control = if let Some(control) = Control::open(log.dir(), true) {
            control
        } else {
            // Others may still write where the lost control words told them to, for a tick: so begin well behind that.
            let end = end(log)?.1;
            let tail = if alone { end } else { Address::of_segment(end.segment() + 16) };
            Control::create(log.dir(), &root.join("tmp"), tail)?
        };
        let mut index = Index::open(root, control.log_id(), true);
        if alone {
            recover(&control, log)?;
            if control.enter_boot(sys::boot_id()) && control.is_durable() {
                // Pages of the index may be older than the log.
                index = None;
            }
        }
        let index = match index {
            Some(index) if !index.table().is_retired() => {
                // A killed one's seal: he held the lock that is held here.
                index.table().set_sealed(false);
                index
            }
            _ => upkeep::rebuild(&upkeep, root, log, &control)?,
        };
        drop(upkeep);
        if alone {
            users.lock_shared().map_err(|error| Error::io("lock", log.dir().join("users"), error))?;
        }
        let (control, index) = (Arc::new(control), Arc::new(index));
        Ok(View { control, index, users: Some(Arc::new(users)), unwritable: None })
    }

    /// The usual case: others have it open, and all is well.
    fn open_sound(root: &Path, log: &Log, users: &File) -> Option<Self> {
        let control = Control::open(log.dir(), true)?;
        let index = Index::open(root, control.log_id(), true).filter(|index| !index.table().is_retired())?;
        let users = users.try_clone().ok()?;
        Some(View {
            control: Arc::new(control),
            index: Arc::new(index),
            users: Some(Arc::new(users)),
            unwritable: None,
        })
    }

    fn open_read_only(root: &Path, log: &Log, error: &Error) -> Self {
        let control = Control::open(log.dir(), false).unwrap_or_else(Control::private);
        let index = Index::open(root, control.log_id(), false)
            .unwrap_or_else(|| upkeep::rebuild_privately(log, &control));
        let unwritable = Unwritable {
            path: error.path().unwrap_or(root).to_owned(),
            kind: error.io_error().map_or(ErrorKind::Other, io::Error::kind),
            since: Instant::now(),
        };
        View { control: Arc::new(control), index: Arc::new(index), users: None, unwritable: Some(unwritable) }
    }

    /// This with the index that is in place now; `None` if there is none.
    pub(super) fn with_current_index(&self, root: &Path) -> Option<Self> {
        let index = Index::open(root, self.control.log_id(), self.unwritable.is_none())?;
        Some(self.with_index(index))
    }

    /// This with another index.
    pub(super) fn with_index(&self, index: Index) -> Self {
        View {
            control: Arc::clone(&self.control),
            index: Arc::new(index),
            users: self.users.clone(),
            unwritable: self.unwritable.clone(),
        }
    }

    /// Whether the mapped files are there, whole and sound.
    pub(super) fn is_current(&self) -> bool {
        self.control.words().is_whole()
            && self.control.is_sound()
            && self.index.is_sound(self.control.log_id())
            // A retired index has lost its name, as it should.
            && (self.index.words().is_whole() || self.index.table().is_retired())
    }

    /// Whether another index is in place of this one. Nobody may have said so: who copied it may have been killed before
    /// he could.
    pub(super) fn is_left_behind(&self) -> bool {
        let table = self.index.table();
        table.is_retired() || table.is_sealed() && !self.index.words().is_whole()
    }

    pub(super) fn may_try_again(&self) -> bool {
        self.unwritable.as_ref().is_some_and(|unwritable| unwritable.since.elapsed() > AGAIN)
    }

    /// Fails if nothing can be stored.
    pub(super) fn check_writable(&self) -> Result<()> {
        match &self.unwritable {
            Some(Unwritable { path, kind, .. }) => Err(Error::io("write to", path, (*kind).into())),
            None => Ok(()),
        }
    }
}

/// Takes the shared lock of all users, or, if nobody else has it, the exclusive one; tells which.
fn lock_users(log: &Path) -> Result<(File, bool)> {
    let path = log.join("users");
    let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let lock = || -> io::Result<(File, bool)> {
        let users = open().or_else(|error| {
            std::fs::create_dir_all(log)?;
            if error.kind() == ErrorKind::NotFound { open() } else { Err(error) }
        })?;
        match users.try_lock() {
            Ok(()) => Ok((users, true)),
            Err(TryLockError::WouldBlock) => {
                users.lock_shared()?;
                Ok((users, false))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    };
    lock().map_err(|error| Error::io("lock", &path, error))
}

/// The first segment, and where the log ends by the files that are there; the bytes in them.
fn end(log: &Log) -> Result<(u64, Address, u64)> {
    let segments = segments::list(log.dir())?;
    let bytes = segments.iter().map(|(_, length)| length).sum();
    let (Some((first, _)), Some((last, length))) = (segments.first(), segments.last()) else {
        return Ok((0, Address::FIRST, 0));
    };
    let end = Address(Address::of_segment(*last).0 + length.next_multiple_of(8)).max(Address::FIRST);
    Ok((*first, end, bytes))
}

/// Sets tail, floor, first segment and size by the files that are there; for who is alone.
fn recover(control: &Control, log: &Log) -> Result<()> {
    let (first, end, bytes) = end(log)?;
    control.set_tail(end);
    control.set_first(first.min(end.segment()));
    control.set_floor(first.min(end.segment()));
    control.set_log(bytes);
    Ok(())
}
