//! What only Linux is asked for, by the log layout.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate, statfs};
use rustix::time::{ClockId, clock_gettime};

/// Allocates the first `bytes` of `file`, which read as zeros then: a later write to them needs no space.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::empty(), 0, bytes)?)
}

/// Milliseconds since 1970 by a clock that is cheap to read and advances every few milliseconds.
pub(crate) fn coarse_millis() -> u64 {
    let time = clock_gettime(ClockId::RealtimeCoarse);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds * 1000 + u64::try_from(time.tv_nsec).unwrap_or_default() / 1_000_000
}

/// The number that the kernel gave to the time since the machine was started.
pub(crate) fn boot_id() -> u64 {
    std::fs::read("/proc/sys/kernel/random/boot_id").map_or(0, |id| xxhash_rust::xxh3::xxh3_64(&id))
}

/// Whether processes can share mapped memory below `path`, and allocated space there is never moved.
///
/// The numbers are `f_type` of statfs(2). File systems that are not named here are taken for unfit: network and user-space
/// ones (NFS, SMB, FUSE, 9p, Ceph, Lustre …) do not keep mappings of two machines together, and those that write a block
/// to a new place each time (btrfs, zfs, bcachefs) can run out of space under a mapping, which raises a signal.
pub(crate) fn can_share_mappings(path: &Path) -> io::Result<bool> {
    const EXT: u64 = 0xEF53;
    const XFS: u64 = 0x5846_5342;
    const F2FS: u64 = 0xF2F5_2010;
    const TMPFS: u64 = 0x0102_1994;
    /// Lies over another local one, as a rule.
    const OVERLAY: u64 = 0x794C_7630;
    let kind = statfs(path)?.f_type;
    // The width of the field differs between architectures; the numbers have 32 bits.
    Ok([EXT, XFS, F2FS, TMPFS, OVERLAY]
        .iter()
        .any(|known| i128::from(kind) & 0xFFFF_FFFF == i128::from(*known)))
}
