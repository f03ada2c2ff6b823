//! Directories by descriptor.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustix::fs::{AtFlags, Mode, OFlags, fstat, linkat, mkdirat, openat, renameat, unlinkat};

use super::Access;
use crate::sys::{self, FileSystem, Stat};

/// Device and inode.
pub(crate) type Identity = (u64, u64);

#[derive(Debug)]
pub(super) struct Handle {
    /// Exchanged when the directory was removed and is made again.
    directory: ArcSwap<OwnedFd>,
}

/// What every file is opened with: a link is not followed, a FIFO not waited for.
const SAFE: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Handle {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Handle { directory: ArcSwap::from_pointee(rustix::fs::open(path, DIRECTORY, Mode::empty())?) })
    }

    pub(super) fn identity(&self, _: &Path) -> io::Result<Identity> {
        let stat = fstat(&**self.directory.load())?;
        Ok((stat.st_dev, stat.st_ino))
    }

    pub(super) fn file_system(&self) -> io::Result<FileSystem> {
        sys::file_system(&**self.directory.load())
    }

    pub(super) fn space(&self) -> io::Result<Option<u64>> {
        let stat = rustix::fs::fstatvfs(&**self.directory.load())?;
        Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
    }

    /// Opens the directory that has the path now, which is made if it is missing, if the open one was removed; whether it was.
    pub(super) fn revive(&self, path: &Path) -> io::Result<bool> {
        let removed = self.directory.load_full();
        if fstat(&*removed)?.st_nlink > 0 {
            return Ok(false);
        }
        std::fs::create_dir_all(path)?;
        let directory = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
        // Unless another thread was faster.
        self.directory.compare_and_swap(&removed, Arc::new(directory));
        Ok(true)
    }

    pub(super) fn file(&self, _: &Path, name: &str, access: Access) -> io::Result<File> {
        let directory = self.directory.load();
        let open = |access| openat(&**directory, name, access | SAFE, Mode::empty());
        let file = match access {
            Access::Read => open(OFlags::RDONLY),
            // Not of files of somebody else.
            Access::Look => match open(OFlags::RDONLY | OFlags::NOATIME) {
                Err(rustix::io::Errno::PERM) => open(OFlags::RDONLY),
                file => file,
            },
            Access::Write => open(OFlags::RDWR),
        };
        file.map(File::from).map_err(|error| match error {
            rustix::io::Errno::LOOP => io::Error::other("it is a symbolic link"),
            error => error.into(),
        })
    }

    pub(super) fn create_new(&self, _: &Path, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | SAFE;
        Ok(openat(&**self.directory.load(), name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    pub(super) fn rename(&self, _: &Path, from: &str, to: &str) -> io::Result<()> {
        let directory = self.directory.load();
        Ok(renameat(&**directory, from, &**directory, to)?)
    }

    pub(super) fn link(&self, _: &Path, from: &str, to: &str) -> io::Result<()> {
        let directory = self.directory.load();
        Ok(linkat(&**directory, from, &**directory, to, AtFlags::empty())?)
    }

    pub(super) fn remove(&self, _: &Path, name: &str) -> io::Result<()> {
        Ok(unlinkat(&**self.directory.load(), name, AtFlags::empty())?)
    }

    pub(super) fn stat(&self, _: &Path, name: &str) -> io::Result<Stat> {
        sys::stat_at((**self.directory.load()).as_fd(), name)
    }

    pub(super) fn names(&self, _: &Path, name: &str) -> io::Result<Vec<String>> {
        let list = rustix::fs::Dir::new(self.directory(name)?)?;
        let mut names = Vec::new();
        for entry in list {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    pub(super) fn make(&self, _: &Path, name: &str) -> io::Result<()> {
        Ok(mkdirat(&**self.directory.load(), name, Mode::from_raw_mode(0o777))?)
    }

    pub(super) fn sync(&self, _: &Path, name: &str) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.directory(name)?)?)
    }

    fn directory(&self, name: &str) -> io::Result<OwnedFd> {
        let name = if name.is_empty() { "." } else { name };
        Ok(openat(&**self.directory.load(), name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?)
    }
}
