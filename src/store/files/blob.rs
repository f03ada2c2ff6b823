//! Large values: written from where the value has them, opened without being read.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{FilesStore, entry};
use crate::checksum::Running;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::payload::{LARGE, PayloadFile};
use crate::store::marker::{self, Marker};
use crate::store::{Draft, Entry, Lookup};
use crate::sys::{self, whole_file};

/// What is read of a blob to open it: nearly every header, and the shape of an array behind it.
const FIRST_READ_OF_BLOB: usize = 4096;

/// So much is checked, then written while it is in the caches.
const BLOCK: usize = 256 * 1024;

/// A blob that was stored.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Blob {
    /// The length of its file.
    pub(in crate::store) length: u64,
    pub(in crate::store) marker: Option<Marker>,
}

impl FilesStore {
    /// Stores an entry with a large value.
    pub(in crate::store) fn put_blob(&self, draft: &Draft<'_>) -> Result<Blob> {
        let path = self.path(&draft.key);
        let length = draft.head().len() as u64 + draft.payload.len() as u64;
        let (file, set_back) = whole_file::replace(&self.tmp, &path, |file| {
            reserve(file, length)?;
            write(file, draft)?;
            Ok(marker::set_back(file))
        })?;
        // Renaming has changed the stamp.
        let stamp = file.metadata().ok().and_then(|metadata| {
            let is_set_back = metadata.modified().ok() == set_back && set_back.is_some();
            sys::stamp(&metadata).filter(|_| is_set_back)
        });
        Ok(Blob { length, marker: stamp.as_ref().and_then(Marker::of) })
    }

    /// Opens the entry of `key`, whose value is large. It is trusted if the marker is its.
    pub(in crate::store) fn open_blob(&self, key: &Key, marker: Option<Marker>) -> Result<Lookup> {
        self.open_entry(&self.path(key), key, FIRST_READ_OF_BLOB, marker)
    }

    /// Reads the first bytes of an entry, and a small one whole.
    pub(super) fn open_entry(
        &self,
        path: &Path,
        key: &Key,
        first_read: usize,
        marker: Option<Marker>,
    ) -> Result<Lookup> {
        match self.try_open_entry(path, key, first_read, marker) {
            Ok(entry) => Ok(entry.map_or_else(Lookup::Damaged, Lookup::Found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Lookup::Absent),
            Err(error) => Err(Error::io("read entry", path, error)),
        }
    }

    fn try_open_entry(
        &self,
        path: &Path,
        key: &Key,
        first_read: usize,
        marker: Option<Marker>,
    ) -> io::Result<std::result::Result<Entry, String>> {
        thread_local! {
            static FIRST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let mut file = File::open(path)?;
        // While the thread ends, in a destructor of its own, there is none to be kept.
        let mut first = FIRST.try_with(RefCell::take).unwrap_or_default();
        first.resize(first_read, 0);
        let read = file.read(&mut first)?;
        let is_all = read < first_read;
        let mut bytes = first[..read].to_vec();
        let _ = FIRST.try_with(|kept| kept.replace(first));
        if !is_all && entry::announced_payload(&bytes).is_none() {
            // A header with long texts, or none at all.
            Read::by_ref(&mut file).take(entry::MAX_HEAD as u64).read_to_end(&mut bytes)?;
        }
        match entry::announced_payload(&bytes) {
            Some(payload) if payload >= LARGE as u64 => {
                let metadata = file.metadata()?;
                Ok(self.open_large(file, &metadata, &bytes, key, marker))
            }
            Some(_) => {
                // One system call is enough for most: what is short by a header that says so is
                // whole.
                let rest = entry::announced_length(&bytes) != Some(bytes.len() as u64) || !is_all;
                if rest {
                    file.read_to_end(&mut bytes)?;
                }
                Ok(Entry::open(bytes, key))
            }
            None => Ok(Entry::open(bytes, key)),
        }
    }

    fn open_large(
        &self,
        file: File,
        metadata: &Metadata,
        bytes: &[u8],
        key: &Key,
        marker: Option<Marker>,
    ) -> std::result::Result<Entry, String> {
        let stamp = sys::stamp(metadata);
        let trusted = stamp.is_some_and(|stamp| marker.is_some_and(|marker| marker.is_of(&stamp)));
        let mappable = self.is_mappable();
        Entry::of_file(bytes, key, metadata.len(), |head| {
            PayloadFile::new(file, head, stamp, trusted, mappable)
        })
    }
}

/// Allocates a file, which makes writing it faster, and a full disk an error before anything is written.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match sys::allocate(file, bytes) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            ) =>
        {
            Err(error)
        }
        // Not all file systems can.
        _ => Ok(()),
    }
}

/// Writes header and payload. The header comes last: the checksum in it is known then.
fn write(mut file: &File, draft: &Draft<'_>) -> io::Result<()> {
    let mut head = draft.head();
    let mut checksum = Running::new();
    checksum.update(entry::covered(&head));
    file.seek(SeekFrom::Start(head.len() as u64))?;
    for block in draft.payload.parts().flat_map(|part| part.chunks(BLOCK)) {
        checksum.update(block);
        file.write_all(block)?;
    }
    entry::seal(&mut head, checksum.finish());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head)
}
