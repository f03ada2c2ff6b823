//! Files that appear whole: written under a name that nobody else has, then renamed.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `parts`, one behind the other, to a file in `tmp`, then gives it the name `path`, in place of any file there.
/// Directories that are missing are made. Nothing is left in `tmp` on failure, if that can be helped.
pub(crate) fn write(tmp: &Path, path: &Path, parts: &[&[u8]]) -> Result<()> {
    replace(tmp, path, |mut file| parts.iter().try_for_each(|part| file.write_all(part))).map(drop)
}

/// Makes a file in `tmp`, lets `write` fill it, then gives it the name `path`, in place of any file there. Returns the file, still
/// open, and what `write` does. Nothing is left in `tmp` on failure, if that can be helped.
pub(crate) fn replace<T>(
    tmp: &Path,
    path: &Path,
    write: impl FnOnce(&File) -> io::Result<T>,
) -> Result<(File, T)> {
    let (temporary, file) = create_temporary(tmp)?;
    write(&file)
        .map_err(|error| Error::io("write", &temporary, error))
        .and_then(|written| {
            retry_with_parent(path, || fs::rename(&temporary, path))
                .map_err(|error| Error::io("create", path, error))?;
            Ok((file, written))
        })
        .inspect_err(|_| {
            // The first error is the one worth telling; what is left here is swept later.
            let _ = fs::remove_file(&temporary);
        })
}

/// Makes a file of zeros whose space is allocated, lets `write` fill it, then gives it the name `path`, in place of any file
/// there. Returns what `write` does.
#[cfg(target_os = "linux")]
pub(crate) fn allocated<T>(
    tmp: &Path,
    path: &Path,
    bytes: u64,
    write: impl FnOnce(File) -> io::Result<T>,
) -> Result<T> {
    let (temporary, file) = create_temporary(tmp)?;
    super::allocate(&file, bytes)
        .and_then(|()| write(file))
        .map_err(|error| Error::io("allocate", &temporary, error))
        .and_then(|written| {
            retry_with_parent(path, || fs::rename(&temporary, path))
                .map_err(|error| Error::io("create", path, error))?;
            Ok(written)
        })
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
}

/// Fails if no file could be written in `tmp` just now, saying why.
pub(crate) fn check_writable(tmp: &Path) -> Result<()> {
    let (path, mut file) = create_temporary(tmp)?;
    let written = file.write_all(&[0]).map_err(|error| Error::io("write", &path, error));
    fs::remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
    written
}

/// A new file in `tmp`, under a name that no other thread or process uses.
fn create_temporary(tmp: &Path) -> Result<(PathBuf, File)> {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Random, since process numbers repeat after a restart and between containers.
    let process = PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    let path = tmp.join(format!("{process:016x}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    match retry_with_parent(&path, || OpenOptions::new().read(true).write(true).create_new(true).open(&path))
    {
        Ok(file) => Ok((path, file)),
        Err(error) => Err(Error::io("create", path, error)),
    }
}

/// Runs `operation`; if a directory on the way is missing, makes the parent of `path` and runs it again.
fn retry_with_parent<T>(path: &Path, mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match (operation(), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(parent)?;
            operation()
        }
        (result, _) => result,
    }
}
