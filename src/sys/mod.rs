//! What the rest asks of the operating system; where systems differ, behind equal signatures.

mod alarm;
mod dir;
mod io;
#[expect(unsafe_code, reason = "the one place that lends what is borrowed to threads of a pool")]
pub(crate) mod lend;
#[expect(unsafe_code, reason = "the one place that sees values as bytes and bytes as values")]
pub(crate) mod raw;
mod stat;
mod temporary;
pub(crate) mod trial;
#[expect(unsafe_code, reason = "the one place that sees values as what their types are known to be")]
pub(crate) mod view;

pub(crate) use alarm::Alarm;
pub(crate) use dir::{Access, Dir, Identity};
pub(crate) use io::{read_into, write_at};
pub(crate) use stat::{Stamp, Stat, session};
pub(crate) use temporary::{Temporary, check_writable, is_abandoned, lock_file, prune, replace, sweep};

#[cfg(target_os = "linux")]
mod anonymous;
#[cfg(not(target_os = "linux"))]
#[path = "no_anonymous.rs"]
mod anonymous;
pub(crate) use anonymous::AnonymousFile;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one place that answers a signal")]
mod guard;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::boot_id;
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    FileSystem, advise_large, allocate, at_exit, coarse_millis, file_system, host_name, is_named,
    others_wait, read_at, stat, stat_at, stat_path, thread_time, unshare,
};

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one place that locks ranges of files")]
pub(crate) mod locks;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one place that takes note of the wish to end")]
pub(crate) mod terminate;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one place that touches mapped memory")]
pub(crate) mod map;
#[cfg(not(target_os = "linux"))]
#[path = "no_map.rs"]
pub(crate) mod map;

#[cfg(not(target_os = "linux"))]
mod not_linux;
#[cfg(not(target_os = "linux"))]
use not_linux::boot_id;
#[cfg(not(target_os = "linux"))]
pub(crate) use not_linux::{
    FileSystem, advise_large, allocate, at_exit, file_system, host_name, is_named, others_wait, read_at,
    stat, stat_of, stat_path, thread_time,
};

/// The name of the program's file; empty if it is not known.
pub(crate) fn program_name() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
