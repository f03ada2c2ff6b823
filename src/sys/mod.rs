//! What the rest asks of the operating system; where systems differ, behind equal signatures.

pub(crate) mod whole_file;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{allocate, boot_id, can_share_mappings, coarse_millis};

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one place that touches mapped memory")]
pub(crate) mod map;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{is_file_at, may_unlink_open_files};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{is_file_at, may_unlink_open_files};
