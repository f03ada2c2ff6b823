//! One entry in a file that is not found by its key: one that a user names, in no cache, or a checkpoint.
//! The format is that of the files layout.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blobs::{Blobs, FIRST_READ};
use super::entry::{MAX_HEAD, read_info};
use super::{Draft, Entry, Lookup};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::sys::Dir;

/// Writes an entry to the file `path`, in place of any there. It appears whole.
pub(crate) fn write(path: &Path, draft: &Draft<'_>) -> Result<()> {
    let (dir, name) = parts(path)?;
    let dir = open(&dir)?;
    Blobs::new(&dir).put_beside(&name, draft)
}

/// Reads the entry of `key` in the file `path`.
pub(crate) fn read(path: &Path, key: &Key) -> Result<Entry> {
    let (dir, name) = parts(path)?;
    let dir = open(&dir)?;
    let unusable = |how: String| Error::file(path, how);
    match Blobs::new(&dir).open(&name, key, FIRST_READ, None)? {
        Lookup::Found(entry) => Ok(entry),
        Lookup::Absent => Err(Error::io("open", path, ErrorKind::NotFound.into())),
        Lookup::Damaged(how) => {
            let head = dir.read(&name, MAX_HEAD as u64)?;
            let info = head.and_then(|(head, _)| read_info(&head)).filter(|info| info.key != *key);
            Err(unusable(
                info.map_or(how, |info| format!("it holds a value of another type, `{}`", info.function)),
            ))
        }
    }
}

/// Writes an entry to the file `name` below a cache directory, in place of any there.
pub(crate) fn put(dir: &Arc<Dir>, name: &str, draft: &Draft<'_>) -> Result<()> {
    Blobs::new(dir).put(name, draft, false).map(drop)
}

/// The entry of `key` in the file `name` below a cache directory.
pub(crate) fn get(dir: &Arc<Dir>, name: &str, key: &Key) -> Result<Lookup> {
    Blobs::new(dir).open(name, key, FIRST_READ, None)
}

/// The directory of a file, open, and its name there.
#[cfg(feature = "cli")]
pub(crate) fn parent(path: &Path) -> Result<(Arc<Dir>, String)> {
    let (dir, name) = parts(path)?;
    Ok((open(&dir)?, name))
}

/// The directory of a file, and its name there.
fn parts(path: &Path) -> Result<(PathBuf, String)> {
    let name = path.file_name().and_then(OsStr::to_str);
    let name = name.ok_or_else(|| Error::file(path, "its name is none of a file, or not Unicode"))?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((dir.to_owned(), name.to_owned()))
}

fn open(path: &Path) -> Result<Arc<Dir>> {
    let dir = Dir::open(path)?.ok_or_else(|| Error::io("open", path, ErrorKind::NotFound.into()))?;
    Ok(Arc::new(dir))
}
