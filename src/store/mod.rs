//! Where entries live. A store knows keys and bytes, never types, and decides nothing about expiry.
//!
//! # Invariants
//! 1. An entry is believed only if its key and its checksum match; everything else is a [`Lookup`] with a reason,
//!    never an error and never a wrong value.
//! 2. An entry under its final name is whole, or is seen to be damaged: writers crash anywhere without harm.
//! 3. Storing a key again replaces its entry, so computing again repairs a damaged one.

mod entry;
mod files;
mod info;

use std::fmt;
use std::path::PathBuf;

pub(crate) use entry::{Draft, Entry, Payload};
pub(crate) use files::FilesStore;
pub use info::EntryInfo;

use crate::error::Result;
use crate::key::Key;

/// What a look-up found.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Entry),
    Absent,
    /// Something is there that is not a sound entry of this key: how it is damaged.
    Damaged(String),
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

/// A home of entries, shared by threads and processes.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// Reads the entry of `key`.
    fn get(&self, key: &Key) -> Result<Lookup>;

    /// Whether there is an entry of `key`, sound or not; reads none of it.
    fn holds(&self, key: &Key) -> Result<bool>;

    /// Stores an entry, in place of any that is there.
    fn put(&self, entry: &Draft) -> Result<()>;

    /// Removes the entry of `key`; whether there was one.
    fn remove(&self, key: &Key) -> Result<bool>;

    /// Calls `visit` with every entry whose header can be read, in no particular order. Costs a file read each.
    fn list(&self, visit: &mut dyn FnMut(EntryInfo)) -> Result<()>;

    /// Counts entries and bytes.
    fn stat(&self) -> Result<Extent>;

    /// Fails if nothing could be stored just now, saying why.
    fn check_writable(&self) -> Result<()>;

    /// Reads every entry in full and removes what is damaged or left over.
    fn sweep(&self) -> Result<Swept>;
}
