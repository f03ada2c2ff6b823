//! What only Linux is asked for, by the log layout and for large values.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, CWD, FallocateFlags, FileType, StatxFlags, StatxTimestamp, fallocate, fstat, fstatfs, statx,
};
use rustix::io::pread;
use rustix::mm::{Advice, madvise};
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};

use super::{Alarm, Stamp, Stat};
use crate::checksum;

/// Allocates the first `bytes` of `file`: a later write to them needs no space. What is there stays, the rest reads as zeros.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    super::io::may_grow_to(bytes)?;
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Gives the first `bytes` of `file` blocks of their own, where a copy of the file shares them.
pub(crate) fn unshare(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        match fallocate(file, FallocateFlags::UNSHARE_RANGE, 0, bytes) {
            Err(rustix::io::Errno::INTR) => {}
            // File systems whose files share no blocks do not know the operation.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INVAL) => return Ok(()),
            result => return Ok(result?),
        }
    }
}

impl Stat {
    /// Whether it is of the same file as `other`; always, where the system does not tell files apart.
    pub(crate) fn is_same_file(&self, other: &Stat) -> bool {
        match (self.stamp, other.stamp) {
            (Some(one), Some(other)) => (one.device, one.inode) == (other.device, other.inode),
            _ => true,
        }
    }
}

/// Milliseconds since 1970 by a clock that is cheap to read and advances every few milliseconds.
#[inline]
pub(crate) fn coarse_millis() -> u64 {
    let time = clock_gettime(ClockId::RealtimeCoarse);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds * 1000 + u64::try_from(time.tv_nsec).unwrap_or_default() / 1_000_000
}

/// The name of this machine; empty if it is not known.
pub(crate) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Has a function called when the process exits: when `main` returns, or somebody calls `exit`; not when it is killed or aborts.
#[expect(unsafe_code, reason = "a call of the C library")]
pub(crate) fn at_exit(function: extern "C" fn()) {
    // SAFETY: The function is one for the life of the process, takes nothing, and does not unwind.
    let noted = unsafe { libc::atexit(function) };
    // If there is no room for it, it is not called, as where the process is killed.
    let _ = noted;
}

/// The time that this thread has used of its processor.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Whether all other threads of this process wait to be woken by one of its threads, as far as is known: at one moment of the
/// next few. On a busy machine one that is about to wait may have to wait for a processor first.
pub(crate) fn others_wait(moments: Duration) -> bool {
    let me = gettid().as_raw_nonzero().get();
    let end = Instant::now() + moments;
    // The kernel does not tell who waits for the clock, too.
    let all_wait = || {
        Alarm::is_none_set()
            && tasks().is_ok_and(|tasks| tasks.iter().all(|&task| task == me || waits_for_a_thread(task)))
    };
    loop {
        if all_wait() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The kernel's numbers for all threads of this process.
fn tasks() -> io::Result<Vec<i32>> {
    let names = std::fs::read_dir("/proc/self/task")?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Whether a thread of this process waits to be woken by another: at a lock, a condition, a channel. One that computes, sleeps,
/// reads or writes does not; nor does one of which that is not known.
fn waits_for_a_thread(task: i32) -> bool {
    // The kernel's documentation, filesystems/proc: the number of the system call that the thread is in, then its arguments.
    let call = std::fs::read_to_string(format!("/proc/self/task/{task}/syscall")).unwrap_or_default();
    let number = call.split_whitespace().next().and_then(|number| number.parse().ok());
    number == Some(libc::SYS_futex)
}

/// The number that the kernel gave to the time since the machine was started; zero if it is unknown.
pub(crate) fn boot_id() -> u64 {
    static BOOT_ID: OnceLock<u64> = OnceLock::new();
    // Without it nothing is believed that depends on it.
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

/// What is known of an open file.
pub(crate) fn stat(file: &File) -> io::Result<Stat> {
    stat_with(file.as_fd(), "", AtFlags::EMPTY_PATH)
}

/// Whether an open file has a name.
pub(crate) fn is_named(file: &File) -> io::Result<bool> {
    Ok(fstat(file)?.st_nlink > 0)
}

/// What is known of the file `name` in a directory; a symbolic link is not followed.
pub(crate) fn stat_at(directory: BorrowedFd<'_>, name: &str) -> io::Result<Stat> {
    stat_with(directory, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// What is known of the file at `path`; a symbolic link is followed.
pub(crate) fn stat_path(path: &Path) -> io::Result<Stat> {
    stat_with(CWD, path, AtFlags::empty())
}

/// `STATX_MNT_ID_UNIQUE`: the number of the mount, which is never given again. Since Linux 6.8; older ones ignore it.
const UNIQUE_MOUNT: StatxFlags = StatxFlags::from_bits_retain(0x4000);

fn stat_with(directory: BorrowedFd<'_>, path: impl rustix::path::Arg, flags: AtFlags) -> io::Result<Stat> {
    let stat = statx(directory, path, flags, StatxFlags::BASIC_STATS | UNIQUE_MOUNT)?;
    let knows_mount = stat.stx_mask & UNIQUE_MOUNT.bits() != 0;
    let device = u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor);
    let kind = FileType::from_raw_mode(stat.stx_mode.into());
    let (modified, changed) = (nanos(&stat.stx_mtime), nanos(&stat.stx_ctime));
    let stamp = Stamp {
        device,
        inode: stat.stx_ino,
        size: stat.stx_size,
        modified,
        changed,
        mount: if knows_mount { stat.stx_mnt_id } else { 0 },
    };
    Ok(Stat {
        stamp: Some(stamp),
        size: stat.stx_size,
        is_file: kind == FileType::RegularFile,
        is_dir: kind == FileType::Directory,
        modified: time(modified),
        used: time(modified.max(nanos(&stat.stx_atime))),
    })
}

fn nanos(time: &StatxTimestamp) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn time(nanos: i128) -> SystemTime {
    let since = u64::try_from(nanos).map_or(Duration::ZERO, Duration::from_nanos);
    UNIX_EPOCH + since
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

/// A file system, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileSystem {
    /// Processes can share mapped memory, and allocated space is never moved.
    Local,
    /// Lies over others: a local one, as a rule. A file is copied when it is first opened for writing; whoever opened it
    /// before goes on reading the original.
    Overlay,
    /// Not known to be one of those.
    Other,
}

/// The kind of the file system that an open file or directory is on.
///
/// The numbers are `f_type` of statfs(2). File systems that are not named here are taken for unfit: network and user-space
/// ones (NFS, SMB, FUSE, 9p, Ceph, Lustre …) do not keep mappings of two machines together, and those that write a block
/// to a new place each time (btrfs, zfs, bcachefs) can run out of space under a mapping, which raises a signal.
pub(crate) fn file_system(file: impl AsFd) -> io::Result<FileSystem> {
    const EXT: u64 = 0xEF53;
    const XFS: u64 = 0x5846_5342;
    const F2FS: u64 = 0xF2F5_2010;
    const TMPFS: u64 = 0x0102_1994;
    const OVERLAY: u64 = 0x794C_7630;
    let kind = fstatfs(file)?.f_type;
    // The width of the field differs between architectures; the numbers have 32 bits.
    let is = |known: u64| i128::from(kind) & 0xFFFF_FFFF == i128::from(known);
    Ok(match () {
        () if [EXT, XFS, F2FS, TMPFS].into_iter().any(is) => FileSystem::Local,
        () if is(OVERLAY) => FileSystem::Overlay,
        () => FileSystem::Other,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// The number of a thread that does `f`, and whether it comes to wait for another.
    fn comes_to_wait(f: impl FnOnce() + Send + 'static) -> bool {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            tell.send(gettid().as_raw_nonzero().get()).unwrap();
            f();
        });
        let task = told.recv().unwrap();
        assert!(tasks().unwrap().contains(&task));
        (0..200).any(|_| {
            thread::sleep(Duration::from_millis(1));
            waits_for_a_thread(task)
        })
    }

    #[test]
    fn a_thread_that_waits_for_another_is_told_from_one_that_does_something() {
        let (tell, told) = mpsc::channel::<()>();
        assert!(comes_to_wait(move || told.recv().unwrap_or_default()));
        assert!(!comes_to_wait(|| thread::sleep(Duration::from_secs(5))), "sleeps");
        let (reader, writer) = io::pipe().unwrap();
        assert!(!comes_to_wait(move || drop(io::read_to_string(reader))), "reads");
        assert!(!waits_for_a_thread(gettid().as_raw_nonzero().get()), "runs");
        assert!(!others_wait(Duration::from_millis(5)), "one of them sleeps");
        drop((tell, writer));
    }
}
