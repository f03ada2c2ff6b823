//! Where entries live. A store knows keys and bytes, never types, and decides nothing about expiry.
//!
//! # Invariants
//! 1. An entry is believed only if its key and its checksum match; everything else is a [`Lookup`] with a reason,
//!    never an error and never a wrong value.
//! 2. An entry under its final name is whole, or is seen to be damaged: writers crash anywhere without harm.
//! 3. Storing a key again replaces its entry, so computing again repairs a damaged one.

mod blobs;
mod draft;
mod entry;
mod files;
mod info;
mod lent;
mod limits;
#[cfg(target_os = "linux")]
mod log;
mod marker;
mod options;
mod root;
mod selection;
pub(crate) mod single;
#[cfg(test)]
mod suite;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

pub(crate) use draft::{Draft, OwnedDraft};
#[cfg(feature = "cli")]
pub(crate) use entry::read_info;
pub(crate) use entry::{Entry, Payload};
pub use info::EntryInfo;
pub(crate) use lent::{Lent, LentEntry};
pub use limits::{Limits, Reduced};
pub(crate) use options::Options;
pub use options::{Durability, Layout};
pub use selection::PruneReason;
pub(crate) use selection::{Facts, Selected, Selection, Verdict};
pub(crate) use writer::Author;
pub use writer::Writer;

use crate::error::{Error, Result};
use crate::key::{FunctionId, Key};
use crate::lock::lock;
use crate::payload::ReadError;
use crate::sys::{Dir, Stamp};

use self::files::FilesStore;

/// What a look-up found.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Entry),
    Absent,
    /// Something is there that is not a sound entry of this key: how it is damaged.
    Damaged(String),
}

impl Lookup {
    /// How long the value took to compute, if there is one.
    pub(crate) fn compute_time(&self) -> Option<Duration> {
        match self {
            Lookup::Found(entry) => Some(entry.compute_time()),
            Lookup::Absent | Lookup::Damaged(_) => None,
        }
    }

    /// This, once all of the entry was read and checked; fails if it could not be read.
    fn check(self) -> Result<Self, ReadError> {
        match self {
            Lookup::Found(entry) => match entry.value().check() {
                Ok(()) => Ok(Lookup::Found(entry)),
                Err(ReadError::Damaged(how)) => Ok(Lookup::Damaged(how)),
                Err(error) => Err(error),
            },
            other => Ok(other),
        }
    }
}

/// What a sweep found and removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) sound: u64,
    pub(crate) damaged: Vec<PathBuf>,
}

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// Stores that are open in this process, for tokens that know nothing but a directory.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<dyn Store>>> = Mutex::new(BTreeMap::new());

/// Opens the store in the directory `path`, making what is missing, unless it is only to be read; returns it with its
/// directory. See [`root`] for what makes a directory acceptable.
pub(crate) fn open(path: &Path, options: &Options) -> Result<(Arc<Dir>, Arc<dyn Store>)> {
    let (dir, kind) = if options.read_only {
        let (dir, kind) = root::find(path)?.ok_or_else(|| root::is_none(path))?;
        (dir.read_only(), kind)
    } else {
        root::prepare(path, options.layout)?
    };
    let dir = Arc::new(dir);
    let store = open_kind(&dir, kind, options)?;
    if options.read_only {
        return Ok((dir, store));
    }
    let mut open = lock(&OPEN);
    open.retain(|_, store| store.strong_count() > 0);
    open.insert(path.to_owned(), Arc::downgrade(&store));
    Ok((dir, store))
}

/// Reads the entry of `key` in the directory `path`; there is none if that is no cache.
pub(crate) fn look_up(path: &Path, key: &Key) -> Result<Lookup> {
    let open = lock(&OPEN).get(path).and_then(Weak::upgrade);
    if let Some(store) = open {
        return store.get(key);
    }
    match root::find(path)? {
        Some((dir, kind)) => open_kind(&Arc::new(dir), kind, &Options::default())?.get(key),
        None => Ok(Lookup::Absent),
    }
}

#[cfg_attr(
    target_os = "linux",
    expect(clippy::unnecessary_wraps, reason = "elsewhere one layout is missing")
)]
fn open_kind(dir: &Arc<Dir>, kind: root::Kind, options: &Options) -> Result<Arc<dyn Store>> {
    match kind {
        #[cfg(target_os = "linux")]
        root::Kind::Log => Ok(Arc::new(log::LogStore::open(dir, options))),
        #[cfg(not(target_os = "linux"))]
        root::Kind::Log => Err(Error::directory(dir.path(), "the log layout needs Linux")),
        root::Kind::Files => Ok(Arc::new(FilesStore::open(dir, options))),
    }
}

/// Fails if a value alone takes more than the budget, and would be the first to go.
fn fits_budget(root: &Path, draft: &Draft<'_>, budget: Option<u64>) -> Result<()> {
    let length = draft.payload.len() as u64;
    match budget {
        Some(budget) if length > budget => {
            let fault = format!("its value has {length} bytes, more than the budget of {budget}");
            Err(Error::io("store an entry in", root, io::Error::new(ErrorKind::StorageFull, fault)))
        }
        _ => Ok(()),
    }
}

/// A home of entries, shared by threads and processes.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// Reads the entry of `key`.
    fn get(&self, key: &Key) -> Result<Lookup>;

    /// Has the entry of `key` read where it lies, if it is sound and short; `read` tells whether it could be used.
    fn lend(&self, _key: &Key, _read: &mut dyn FnMut(&LentEntry<'_>) -> bool) -> Lent {
        Lent::No
    }

    /// Takes note that these keys are looked up next, so that the processor waits for several of them at a time.
    fn read_ahead(&self, _keys: &[Key]) {}

    /// The entries of several keys, in order.
    fn get_all(&self, keys: &[Key]) -> Vec<Result<Lookup>> {
        self.read_ahead(keys);
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// What an entry of this store says of itself, and the name of its function.
    fn info(&self, entry: &Entry, function: &str) -> EntryInfo {
        entry.info(function)
    }

    /// Whether there is still no entry of `key`, which was just looked up, where that shows without a look at any; else it is to be
    /// looked up again.
    fn lacks(&self, _key: &Key) -> bool {
        false
    }

    /// Whether there is an entry of `key`, sound or not; reads none of it.
    fn holds(&self, key: &Key) -> Result<bool>;

    /// Stores entries, in place of those that are there, and together as far as the store can; the
    /// result of each.
    fn put_all(&self, entries: &[Draft<'_>]) -> Vec<Result<()>>;

    /// Stores one entry.
    fn put(&self, entry: &Draft<'_>) -> Result<()>;

    /// Takes note that the file of the entry of `key` was found sound when it had this stamp.
    fn mark_verified(&self, _key: &Key, _stamp: &Stamp) {}

    /// A number that is another one whenever entries may have been cleared away since; `None` if the store cannot tell.
    fn generation(&self) -> Option<u64> {
        None
    }

    /// Removes the entry of `key`; whether there was one.
    fn remove(&self, key: &Key) -> Result<bool>;

    /// Removes every entry.
    fn clear(&self) -> Result<()>;

    /// Removes every entry of these functions.
    fn clear_functions(&self, functions: &[FunctionId]) -> Result<()>;

    /// Calls `visit` with every entry whose header can be read, in no particular order, until it wants no more. Costs a file
    /// read each, and no memory that grows with their number.
    fn scan(&self, visit: &mut dyn FnMut(EntryInfo) -> ControlFlow<()>) -> Result<()>;

    /// Calls `visit` with every entry whose header can be read, in no particular order.
    fn list(&self, visit: &mut dyn FnMut(EntryInfo)) -> Result<()> {
        self.scan(&mut |info| {
            visit(info);
            ControlFlow::Continue(())
        })
    }

    /// Calls `visit` with function and compute time of at most so many entries, picked without regard to what they are.
    fn sample(&self, most: usize, visit: &mut dyn FnMut(FunctionId, Duration)) -> Result<()>;

    /// Counts entries and bytes.
    fn stat(&self) -> Result<Extent>;

    /// Counts entries and bytes of each function that has some.
    fn functions(&self) -> Result<Vec<(FunctionId, Extent)>>;

    /// Removes what is to go, or only counts it.
    fn select(&self, selection: &Selection<'_>) -> Result<Selected>;

    /// Removes what is worth least until the limits hold.
    fn reduce(&self, limits: &Limits) -> Result<Reduced> {
        Ok(self.select(&Selection::of(*limits))?.reduced)
    }

    /// Fails if nothing could be stored just now, saying why.
    fn check_writable(&self) -> Result<()>;

    /// Fails if what is there cannot be read, saying what.
    fn check_readable(&self) -> Result<()>;

    /// Reads every entry in full, and removes nothing.
    fn check(&self) -> Result<Swept>;

    /// Reads every entry in full and removes what is damaged or left over.
    fn sweep(&self) -> Result<Swept>;

    /// The layout of the directory.
    fn layout(&self) -> Layout;
}
