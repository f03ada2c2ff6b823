//! What differs between operating systems, behind equal signatures.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{is_file_at, may_unlink_open_files};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{is_file_at, may_unlink_open_files};
