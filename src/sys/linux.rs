//! What only Linux is asked for, by the log layout and for large values.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statfs};
use rustix::io::pread;
use rustix::mm::{Advice, madvise};
use rustix::time::{ClockId, clock_gettime};

use crate::checksum;

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

/// The time that this thread has used of its processor.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// The number that the kernel gave to the time since the machine was started; zero if it is unknown.
pub(crate) fn boot_id() -> u64 {
    static BOOT_ID: OnceLock<u64> = OnceLock::new();
    let read = || std::fs::read("/proc/sys/kernel/random/boot_id").map_or(0, |id| checksum::word(&id));
    *BOOT_ID.get_or_init(read)
}

/// Reads into the front of `bytes` from `offset` on, by one system call; returns what was read.
pub(crate) fn read_at<'b>(
    file: &File,
    bytes: &'b mut [MaybeUninit<u8>],
    offset: u64,
) -> io::Result<&'b mut [u8]> {
    Ok(pread(file, bytes, offset)?.0)
}

/// Memory from this size on is advised to be of huge pages: taking it page by page costs as much as copying into it. Less is
/// reused by the allocator as a rule.
const LARGE: usize = 4 << 20;

/// Asks for huge pages if `bytes` are many, all of which will be written.
#[expect(unsafe_code, reason = "advice on memory")]
pub(crate) fn advise_large(bytes: &mut [MaybeUninit<u8>]) {
    if bytes.len() < LARGE {
        return;
    }
    let page = rustix::param::page_size();
    let skipped = bytes.as_ptr().align_offset(page);
    let whole = bytes.len().saturating_sub(skipped) / page * page;
    if let Some(pages) = bytes.get_mut(skipped..skipped + whole) {
        // SAFETY: The pages are within memory that is borrowed here, and this advice changes neither what is in it nor what may
        // be done with it.
        let advised = unsafe { madvise(pages.as_mut_ptr().cast(), pages.len(), Advice::LinuxHugepage) };
        // Where there are no huge pages, small ones serve.
        let _ = advised;
    }
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
