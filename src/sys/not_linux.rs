//! What systems other than Linux do not offer, or not by a call that the standard library has.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

/// Allocates the first `bytes` of `file`: not here, where it only gets its length.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)
}

/// Says that `bytes` are many and will all be written: to nobody, here.
pub(crate) fn advise_large(_bytes: &mut [MaybeUninit<u8>]) {}

/// The time that this thread has used of its processor; zero: it is unknown.
pub(crate) fn thread_time() -> Duration {
    Duration::ZERO
}

/// The number of the time since the machine was started; zero: it is unknown.
pub(crate) fn boot_id() -> u64 {
    0
}

/// Whether files below `path` can be mapped: not here.
pub(crate) fn can_share_mappings(_path: &Path) -> io::Result<bool> {
    Ok(false)
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
