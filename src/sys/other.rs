use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use super::Stamp;

/// Whether `path` still names the file that `file` is open on: always, since open files are not removed here.
pub(crate) fn is_file_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Whether a file can be removed while it is open and locked.
pub(crate) const fn may_unlink_open_files() -> bool {
    false
}

/// The stamp of a file: none, since the standard library tells neither its number nor when it was changed.
pub(crate) fn stamp(_metadata: &Metadata) -> Option<Stamp> {
    None
}
