//! What a system tells of a file.

use std::time::SystemTime;

use super::boot_id;

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    /// `None` where the system has none.
    pub(crate) stamp: Option<Stamp>,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) is_file: bool,
    pub(crate) is_dir: bool,
    pub(crate) modified: SystemTime,
    /// When it was last read or written, as far as the file system tells: many note a read once a day.
    pub(crate) used: SystemTime,
}

/// What tells one state of a file from another, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// When its content was changed, in nanoseconds since 1970; anybody may set it to any time.
    pub(crate) modified: i128,
    /// When anything of it was changed, in nanoseconds since 1970, by the clock of the system alone.
    pub(crate) changed: i128,
    /// The number of the mount through which it was seen, which no other mount gets while the machine runs; zero if it is not
    /// known. (Linux tells it from 6.8 on.)
    pub(crate) mount: u64,
}

/// A digest of what holds as long as the machine runs and a file system is mounted: what was written meanwhile is in the page cache
/// or on the disk. `None` where that cannot be told.
pub(crate) fn session(mount: u64) -> Option<u64> {
    let boot = boot_id();
    let digest = || crate::checksum::word(&[boot.to_le_bytes(), mount.to_le_bytes()].concat());
    (boot != 0 && mount != 0).then(digest)
}
