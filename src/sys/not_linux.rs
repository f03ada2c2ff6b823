//! What systems other than Linux do not offer, or not by a call that the standard library has.

use std::fs::{File, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Stamp, Stat};

/// Allocates the first `bytes` of `file`: not here, where it only gets its length.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)
}

/// Says that `bytes` are many and will all be written: to nobody, here.
pub(crate) fn advise_large(_bytes: &mut [MaybeUninit<u8>]) {}

/// The name of this machine: not known.
pub(crate) fn host_name() -> String {
    String::new()
}

/// Has a function called when the process exits: not here.
pub(crate) fn at_exit(_function: extern "C" fn()) {}

/// The time that this thread has used of its processor; zero: it is unknown.
pub(crate) fn thread_time() -> Duration {
    Duration::ZERO
}

/// Whether all other threads of this process wait to be woken by one of its threads: unknown.
pub(crate) fn others_wait(_moments: Duration) -> bool {
    false
}

/// The number of the time since the machine was started; zero: it is unknown.
pub(crate) fn boot_id() -> u64 {
    0
}

/// A file system, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileSystem {
    /// Not known to be one whose files can be mapped.
    Other,
}

/// The kind of the file system that an open file is on: nothing is known of it here.
pub(crate) fn file_system<F>(_file: F) -> io::Result<FileSystem> {
    Ok(FileSystem::Other)
}

/// What is known of an open file.
pub(crate) fn stat(file: &File) -> io::Result<Stat> {
    file.metadata().map(|metadata| stat_of(&metadata))
}

/// What is known of the file at `path`; a symbolic link is followed.
pub(crate) fn stat_path(path: &Path) -> io::Result<Stat> {
    std::fs::metadata(path).map(|metadata| stat_of(&metadata))
}

/// What metadata tells of a file.
pub(crate) fn stat_of(metadata: &Metadata) -> Stat {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Stat {
        stamp: stamp(metadata),
        size: metadata.len(),
        is_file: metadata.is_file(),
        is_dir: metadata.is_dir(),
        modified,
        used: metadata.accessed().map_or(modified, |accessed| accessed.max(modified)),
    }
}

/// Reads into the front of `bytes` from `offset` on, by one system call; returns what was read.
pub(crate) fn read_at<'b>(
    file: &File,
    bytes: &'b mut [MaybeUninit<u8>],
    offset: u64,
) -> io::Result<&'b mut [u8]> {
    // The standard library reads into initialized memory only.
    let mut block = vec![0; bytes.len().min(256 * 1024)];
    #[cfg(unix)]
    let read = std::os::unix::fs::FileExt::read_at(file, &mut block, offset)?;
    #[cfg(windows)]
    let read = std::os::windows::fs::FileExt::seek_read(file, &mut block, offset)?;
    Ok(bytes[..read].write_copy_of_slice(&block[..read]))
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        mount: 0,
    })
}

/// None: the standard library tells neither the number of a file nor when it was changed.
#[cfg(not(unix))]
fn stamp(_metadata: &Metadata) -> Option<Stamp> {
    None
}

/// Whether an open file has a name.
#[cfg(unix)]
pub(crate) fn is_named(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0)
}

/// Open files keep their names.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the signature that all systems share")]
pub(crate) fn is_named(_file: &File) -> io::Result<bool> {
    Ok(true)
}
