//! What the rest asks of the operating system; where systems differ, behind equal signatures.

pub(crate) mod whole_file;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{is_file_at, may_unlink_open_files};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{is_file_at, may_unlink_open_files};
