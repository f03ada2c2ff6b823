//! What the rest asks of the operating system; where systems differ, behind equal signatures.

#[expect(unsafe_code, reason = "the one place that lends what is borrowed to threads of a pool")]
pub(crate) mod lend;
#[expect(unsafe_code, reason = "the one place that sees values as bytes and bytes as values")]
pub(crate) mod raw;
#[expect(unsafe_code, reason = "the one place that sees values as what their types are known to be")]
pub(crate) mod view;
pub(crate) mod whole_file;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    advise_large, allocate, boot_id, can_share_mappings, coarse_millis, read_at, thread_time,
};

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one place that touches mapped memory")]
pub(crate) mod map;
#[cfg(not(target_os = "linux"))]
#[path = "no_map.rs"]
pub(crate) mod map;

#[cfg(not(target_os = "linux"))]
mod not_linux;
#[cfg(not(target_os = "linux"))]
pub(crate) use not_linux::{advise_large, allocate, boot_id, can_share_mappings, read_at, thread_time};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{is_file_at, may_unlink_open_files, stamp};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{is_file_at, may_unlink_open_files, stamp};

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
}
