//! Files in memory that have no name.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// A file in memory. It is gone when the last process that has it open or mapped has closed it, however those processes end.
#[derive(Debug)]
pub(crate) struct AnonymousFile(File);

impl AnonymousFile {
    /// Makes an empty one; `label` is shown in `/proc`. Programs that are started later do not inherit it.
    pub(crate) fn new(label: &str) -> io::Result<Self> {
        let file = memfd_create(label, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        Ok(AnonymousFile(file.into()))
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// Where other processes of this user find it, as long as this process has it open.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()))
    }

    /// From now on nobody can change it, not even this process.
    pub(crate) fn seal(&self) -> io::Result<()> {
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        Ok(fcntl_add_seals(&self.0, seals)?)
    }
}
