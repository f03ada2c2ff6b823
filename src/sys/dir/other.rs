//! Directories by path, where the standard library has nothing else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Access;
use crate::sys::{self, FileSystem, Stat};

/// The path without links.
pub(crate) type Identity = PathBuf;

#[derive(Debug)]
pub(super) struct Handle;

impl Handle {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() { Ok(Handle) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    pub(super) fn identity(&self, root: &Path) -> io::Result<Identity> {
        root.canonicalize()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature that all systems share")]
    pub(super) fn file_system(&self) -> io::Result<FileSystem> {
        Ok(FileSystem::Other)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature that all systems share")]
    pub(super) fn space(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }

    /// Makes the directory if it is missing; whether it was.
    pub(super) fn revive(&self, root: &Path) -> io::Result<bool> {
        let is_missing = !root.try_exists()?;
        fs::create_dir_all(root)?;
        Ok(is_missing)
    }

    pub(super) fn file(&self, root: &Path, name: &str, access: Access) -> io::Result<File> {
        let path = root.join(name);
        if fs::symlink_metadata(&path)?.is_symlink() {
            return Err(io::Error::other("it is a symbolic link"));
        }
        OpenOptions::new().read(true).write(access == Access::Write).open(path)
    }

    pub(super) fn create_new(&self, root: &Path, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(root.join(name))
    }

    pub(super) fn rename(&self, root: &Path, from: &str, to: &str) -> io::Result<()> {
        fs::rename(root.join(from), root.join(to))
    }

    pub(super) fn link(&self, root: &Path, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(root.join(from), root.join(to))
    }

    pub(super) fn remove(&self, root: &Path, name: &str) -> io::Result<()> {
        fs::remove_file(root.join(name))
    }

    pub(super) fn stat(&self, root: &Path, name: &str) -> io::Result<Stat> {
        fs::symlink_metadata(root.join(name)).map(|metadata| sys::stat_of(&metadata))
    }

    pub(super) fn names(&self, root: &Path, name: &str) -> io::Result<Vec<String>> {
        let names = fs::read_dir(root.join(name))?;
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    pub(super) fn make(&self, root: &Path, name: &str) -> io::Result<()> {
        fs::create_dir(root.join(name))
    }

    /// Directories cannot be opened everywhere; what is lost is the promise of `Durability`, which is for Linux.
    pub(super) fn sync(&self, root: &Path, name: &str) -> io::Result<()> {
        File::open(root.join(name)).map_or(Ok(()), |directory| directory.sync_all())
    }
}
