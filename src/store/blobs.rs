//! Entries in files of their own, below `blobs/`: those with large values, and in the files layout all.
//!
//! # Invariants
//! 1. A file under its name is whole: it was written under another, then renamed. (After a power cut it may be empty or cut off all
//!    the same; the checksum sees that.)
//! 2. Whoever writes a file holds a lock on it until the file is published: until then nobody takes it for one that belongs to no
//!    record.
//! 3. Trust in bytes that were not read is told by a [marker], or was won in this process, which holds the directory
//!    open so that its file system stays mounted.
//!
//! In the log layout the name of a file has a random number, which its record repeats. So
//! replacing, evicting, clearing and storing again cannot take each other's files. A counter in the
//! control words says that a file is on its way. A process that is alone and finds the counter
//! above zero looks for files that belong to no record.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use super::entry::{self, MAX_HEAD};
use super::marker::{self, Marker};
use super::{Draft, Entry, Lookup};
use crate::checksum::Running;
use crate::error::Result;
use crate::key::Key;
use crate::lock::lock;
use crate::payload::{LARGE, PayloadFile, ReadError};
use crate::sys::{self, Access, Dir, FileSystem, Stamp, Stat, Temporary};

/// What is read at first of an entry that may be small, in bytes: more than most have.
pub(super) const FIRST_READ: usize = 32 * 1024;

/// So much is checked, then written while it is in the caches.
const BLOCK: usize = 256 * 1024;

/// Files that this process found sound are remembered up to so many; then those known are forgotten.
const KNOWN: usize = 64 * 1024;

/// The directory of files.
#[derive(Debug)]
pub(super) struct Blobs {
    dir: Arc<Dir>,
    /// Whether files here can be mapped; looked up when it is first wanted.
    mappable: OnceLock<bool>,
    /// The stamps under which files were found sound by this process.
    sound: Mutex<HashMap<Key, Stamp>>,
}

/// A file that was written, locked until this is dropped.
#[derive(Debug)]
pub(super) struct Blob {
    /// Its length.
    pub(super) length: u64,
    #[cfg(target_os = "linux")]
    pub(super) marker: Option<Marker>,
    /// With its lock.
    _file: File,
}

impl Blobs {
    pub(super) fn new(dir: &Arc<Dir>) -> Self {
        Blobs { dir: Arc::clone(dir), mappable: OnceLock::new(), sound: Mutex::default() }
    }

    /// Writes an entry to the file `name`, in place of any there. If it is to be `durable`, it is on the disk when this returns.
    pub(super) fn put(&self, name: &str, draft: &Draft<'_>, durable: bool) -> Result<Blob> {
        let temporary = Temporary::create(&self.dir)?;
        let (length, set_back) = temporary.write(|file| {
            let written = write(file, draft);
            if durable {
                file.sync_all()?;
            }
            written
        })?;
        let file = temporary.place(name)?;
        if durable {
            self.sync_name(name)?;
        }
        // Renaming has changed the stamp. Without one there is no marker, and readers check the content.
        let stamp = sys::stat(&file).ok().and_then(|stat| stat.stamp);
        let stamp = stamp.filter(|stamp| Some(stamp.modified) == set_back);
        if let Some(stamp) = &stamp {
            self.mark_verified(&draft.key, stamp);
        }
        Ok(Blob {
            length,
            #[cfg(target_os = "linux")]
            marker: stamp.as_ref().and_then(Marker::of),
            _file: file,
        })
    }

    /// Writes an entry to the file `name` of a directory that is no cache, in place of any there.
    pub(super) fn put_beside(&self, name: &str, draft: &Draft<'_>) -> Result<()> {
        let temporary = Temporary::create_beside(&self.dir)?;
        temporary.write(|file| write(file, draft))?;
        temporary.place(name).map(drop)
    }

    /// Opens the entry of `key` in the file `name`, of which `first_read` bytes are read at once. A large one is trusted if the
    /// marker is its.
    pub(super) fn open(
        &self,
        name: &str,
        key: &Key,
        first_read: usize,
        marker: Option<Marker>,
    ) -> Result<Lookup> {
        self.open_for(Access::Read, name, key, first_read, marker)
    }

    fn open_for(
        &self,
        access: Access,
        name: &str,
        key: &Key,
        first_read: usize,
        marker: Option<Marker>,
    ) -> Result<Lookup> {
        let Some((file, stat)) = self.dir.find(name, access)? else { return Ok(Lookup::Absent) };
        let opened = self.read(file, &stat, key, first_read, marker);
        let opened = opened.map_err(|error| self.dir.error("read entry", name, error))?;
        Ok(opened.map_or_else(Lookup::Damaged, Lookup::Found))
    }

    /// Reads the entry of `key` in the file `name` in full. That is no use of it.
    pub(super) fn check(&self, name: &str, key: &Key) -> Result<Lookup> {
        let read = self.open_for(Access::Look, name, key, FIRST_READ, None)?.check();
        read.map_err(|error| match error {
            ReadError::Io(error) => self.dir.error("read entry", name, error),
            error => self.dir.error("read entry", name, io::Error::other(error)),
        })
    }

    /// Takes note that the file of `key` was found sound under this stamp.
    pub(super) fn mark_verified(&self, key: &Key, stamp: &Stamp) {
        let mut sound = lock(&self.sound);
        if sound.len() >= KNOWN {
            sound.clear();
        }
        sound.insert(*key, *stamp);
    }

    /// The names of all files.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for shard in self.shards()? {
            names.extend(self.names_in(&shard)?);
        }
        Ok(names)
    }

    /// The directories that hold the files.
    pub(super) fn shards(&self) -> Result<Vec<String>> {
        let shards = self.dir.names(BLOBS)?;
        Ok(shards.into_iter().map(|shard| format!("{BLOBS}/{shard}")).collect())
    }

    /// The names of the files in one of them.
    pub(super) fn names_in(&self, shard: &str) -> Result<Vec<String>> {
        let names = self.dir.names(shard)?;
        Ok(names.into_iter().map(|file| format!("{shard}/{file}")).collect())
    }

    /// Waits until a file that was placed, and its name, are on the disk.
    pub(super) fn sync(&self, name: &str) -> Result<()> {
        let Some((file, _)) = self.dir.find(name, Access::Read)? else { return Ok(()) };
        file.sync_all().map_err(|error| self.dir.error("sync", name, error))?;
        self.sync_name(name)
    }

    /// Waits until the name of a file is on the disk.
    pub(super) fn sync_name(&self, name: &str) -> Result<()> {
        let shard = name.rsplit_once('/').map_or(BLOBS, |(shard, _)| shard);
        [shard, BLOBS, ""].into_iter().try_for_each(|directory| self.dir.sync(directory))
    }

    /// Reads the first bytes of an entry, and a small one whole.
    fn read(
        &self,
        file: File,
        stat: &Stat,
        key: &Key,
        first_read: usize,
        marker: Option<Marker>,
    ) -> io::Result<std::result::Result<Entry, String>> {
        let mut bytes = first_bytes(&file, stat, first_read)?;
        if entry::announced_payload(&bytes).is_none() && (bytes.len() as u64) < stat.size {
            // A header with long texts, or none at all.
            read_on(&file, &mut bytes, MAX_HEAD as u64)?;
        }
        match entry::announced_payload(&bytes) {
            Some(payload) if payload >= LARGE as u64 => Ok(self.open_large(file, stat, &bytes, key, marker)),
            // What its header says of its length is checked against all there is, and one byte more.
            announced => {
                let most = announced.map_or(MAX_HEAD as u64, |payload| payload + MAX_HEAD as u64);
                read_on(&file, &mut bytes, stat.size.min(most))?;
                Ok(Entry::open(bytes, key))
            }
        }
    }

    fn open_large(
        &self,
        file: File,
        stat: &Stat,
        bytes: &[u8],
        key: &Key,
        marker: Option<Marker>,
    ) -> std::result::Result<Entry, String> {
        let is_trusted = stat.stamp.is_some_and(|stamp| {
            marker.is_some_and(|marker| marker.is_of(&stamp)) || lock(&self.sound).get(key) == Some(&stamp)
        });
        let is_mappable = self.is_mappable(&file);
        Entry::of_file(bytes, key, stat.size, |head| {
            PayloadFile::new(file, head, stat.stamp, is_trusted, is_mappable)
        })
    }

    /// Whether values may be taken from mappings of files here: the file system is a local one.
    fn is_mappable(&self, file: &File) -> bool {
        // Not known to be one: then values are read.
        let is_local = || sys::file_system(file).is_ok_and(|kind| kind != FileSystem::Other);
        *self.mappable.get_or_init(is_local)
    }
}

/// What the log layout alone asks for: there a record says which file is wanted.
#[cfg(target_os = "linux")]
impl Blobs {
    /// Removes a file of which `is_wanted` says that no record tells, unless its writer is about to publish it; whether it is gone.
    pub(super) fn remove_orphan(&self, name: &str, is_wanted: impl Fn() -> Result<bool>) -> Result<bool> {
        let Some((file, _)) = self.dir.find(name, Access::Read)? else { return Ok(true) };
        match file.try_lock() {
            // The lock was free, so its writer has published it by now, or never will.
            Ok(()) if !is_wanted()? => self.dir.remove(name).map(|_| true),
            Ok(()) | Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(self.dir.error("lock", name, error)),
        }
    }
}

/// The directory of all files, below the root.
pub(super) const BLOBS: &str = "blobs";

/// The first bytes of a file.
fn first_bytes(file: &File, stat: &Stat, most: usize) -> io::Result<Vec<u8>> {
    thread_local! {
        /// Not filled with zeros for each file.
        static FIRST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let length = usize::try_from(stat.size).unwrap_or(usize::MAX).min(most);
    let read = |first: &mut Vec<u8>| {
        first.resize(first.len().max(length), 0);
        let count = read_full(file, &mut first[..length], 0)?;
        Ok(first[..count].to_vec())
    };
    // A thread that is ending has no memory of its own any more.
    FIRST.try_with(|first| read(&mut first.borrow_mut())).unwrap_or_else(|_| read(&mut Vec::new()))
}

/// Reads on behind `bytes`, which are the first of the file, until there are `most`.
fn read_on(file: &File, bytes: &mut Vec<u8>, most: u64) -> io::Result<()> {
    let (start, most) = (bytes.len(), usize::try_from(most).unwrap_or(usize::MAX));
    if start < most {
        bytes.resize(most, 0);
        let count = read_full(file, &mut bytes[start..], start as u64)?;
        bytes.truncate(start + count);
    }
    Ok(())
}

/// Reads until `bytes` are full or the file ends; returns how many were read.
fn read_full(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match sys::read_into(file, &mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Allocates a file, which makes writing it faster, and a full disk an error before anything is written.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match sys::allocate(file, bytes) {
        // Not all file systems can.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        result => result,
    }
}

/// Writes an entry; returns its length, and the time that its file was set back to.
fn write(file: &File, draft: &Draft<'_>) -> io::Result<(u64, Option<i128>)> {
    if draft.payload.len() < LARGE { write_small(file, draft) } else { write_large(file, draft) }
}

/// Writes a small entry by one system call; returns its length.
fn write_small(file: &File, draft: &Draft<'_>) -> io::Result<(u64, Option<i128>)> {
    let bytes = draft.whole();
    sys::write_at(file, &bytes, 0)?;
    Ok((bytes.len() as u64, None))
}

/// Writes a large one without copying it; returns its length, and the time that its file was set back to. The header comes last: the
/// checksum in it is known then.
fn write_large(file: &File, draft: &Draft<'_>) -> io::Result<(u64, Option<i128>)> {
    let mut head = draft.head();
    let length = head.len() as u64 + draft.payload.len() as u64;
    reserve(file, length)?;
    let mut checksum = Running::new();
    checksum.update(entry::covered(&head));
    let mut offset = head.len() as u64;
    for block in draft.payload.parts().flat_map(|part| part.chunks(BLOCK)) {
        checksum.update(block);
        sys::write_at(file, block, offset)?;
        offset += block.len() as u64;
    }
    entry::seal(&mut head, checksum.finish());
    sys::write_at(file, &head, 0)?;
    Ok((length, marker::set_back(file)))
}
