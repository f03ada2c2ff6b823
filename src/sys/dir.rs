//! A directory that is held open, and the one way in which the library touches files below it.
//!
//! # Invariants
//! 1. What is missing is `None` or `false`, and every other failure is an error that names the operation and the path. So no
//!    failed system call is ever taken for absence.
//! 2. On Linux, names are looked up below the open directory. A directory that was moved keeps its files, and whatever was made
//!    under its old path is another directory.
//! 3. Files are opened without following a symbolic link and without waiting, and are regular files: a link, a FIFO or a
//!    device in place of a file is an error.
//! 4. A directory that was removed is made again under its path by the next operation that creates something.
//!
//! 5. Below a directory that was opened to be read, nothing is written: all operations that would fail as on a file system
//!    that is mounted so.
//!
//! Names are relative, with `/` between their parts.
//!
//! Why (1): with `ok()` and `else { continue }`, two descriptors too few once emptied the index.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{FileSystem, Stat};
use crate::error::{Error, Result};

#[cfg(target_os = "linux")]
#[path = "dir/linux.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "dir/other.rs"]
mod imp;

pub(crate) use imp::Identity;

/// A directory, open.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
    handle: imp::Handle,
    made_again: AtomicBool,
    is_read_only: bool,
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// To read it, as far as possible without a note that it was read: looking is no use.
    Look,
    Write,
}

impl Dir {
    /// Opens the directory `path`, and makes it if it is missing.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| Error::io("create directory", path, error))?;
        Dir::open(path)?.ok_or_else(|| Error::io("open", path, ErrorKind::NotFound.into()))
    }

    /// Opens the directory `path`; `None` if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let handle = found(imp::Handle::open(path)).map_err(|error| Error::io("open", path, error))?;
        let made_again = AtomicBool::new(false);
        Ok(handle.map(|handle| Dir { path: path.to_owned(), handle, made_again, is_read_only: false }))
    }

    /// This, to be read alone.
    pub(crate) fn read_only(self) -> Self {
        Dir { is_read_only: true, ..self }
    }

    fn check_access(&self) -> io::Result<()> {
        if self.is_read_only { Err(ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(()) }
    }

    /// The path under which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name below it, for messages.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.path.clone() } else { self.path.join(name) }
    }

    /// What tells this directory from all others.
    pub(crate) fn identity(&self) -> Result<Identity> {
        self.handle.identity(&self.path).map_err(|error| self.error("look at", "", error))
    }

    /// Whether the directory was removed and made again since this was asked last.
    pub(crate) fn was_made_again(&self) -> bool {
        // Looked at before it is changed: it hardly ever happens, and is asked often.
        self.made_again.load(Relaxed) && self.made_again.swap(false, Relaxed)
    }

    /// The kind of the file system that the directory is on.
    pub(crate) fn file_system(&self) -> Result<FileSystem> {
        self.handle.file_system().map_err(|error| self.error("look at the file system of", "", error))
    }

    /// How many bytes the file system has left for this user; `None` where the system does not tell.
    pub(crate) fn space(&self) -> Result<Option<u64>> {
        self.handle.space().map_err(|error| self.error("look at the file system of", "", error))
    }

    /// Opens a file; `None` if it is missing.
    pub(crate) fn find(&self, name: &str, access: Access) -> Result<Option<(File, Stat)>> {
        let open = || {
            if access == Access::Write {
                self.check_access()?;
            }
            regular(self.handle.file(&self.path, name, access)?)
        };
        found(open()).map_err(|error| self.error("open", name, error))
    }

    /// What is in a file, but no more than `most` bytes; `None` if it is missing.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Option<(Vec<u8>, Stat)>> {
        let Some((file, stat)) = self.find(name, Access::Read)? else { return Ok(None) };
        // With room for all of it, and one byte more: then two system calls read it, of which the second finds the end.
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size.min(most)).unwrap_or_default() + 1);
        file.take(most).read_to_end(&mut bytes).map_err(|error| self.error("read", name, error))?;
        Ok(Some((bytes, stat)))
    }

    /// Opens a file for reading and writing, and makes it if it is missing.
    pub(crate) fn find_or_create(&self, name: &str) -> Result<(File, Stat)> {
        loop {
            if let Some(found) = self.find(name, Access::Write)? {
                return Ok(found);
            }
            if let Some(made) = self.create_new(name)? {
                let stat = super::stat(&made).map_err(|error| self.error("look at", name, error))?;
                return Ok((made, stat));
            }
        }
    }

    /// Makes a file, open for reading and writing; `None` if there is one of this name.
    pub(crate) fn create_new(&self, name: &str) -> Result<Option<File>> {
        let made = self.creating(name, || self.handle.create_new(&self.path, name));
        unless_there(made).map_err(|error| self.error("create", name, error))
    }

    /// Gives a file the name `to`, in place of any file there.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.creating(to, || self.handle.rename(&self.path, from, to))
            .map_err(|error| self.error("create", to, error))
    }

    /// Gives a file the name `to` beside its own; `false` if that name is taken.
    pub(crate) fn link(&self, from: &str, to: &str) -> Result<bool> {
        let linked = unless_there(self.creating(to, || self.handle.link(&self.path, from, to)));
        linked.map(|linked| linked.is_some()).map_err(|error| self.error("create", to, error))
    }

    /// Removes a file; whether it was there.
    pub(crate) fn remove(&self, name: &str) -> Result<bool> {
        let removed = found(self.check_access().and_then(|()| self.handle.remove(&self.path, name)));
        removed.map(|removed| removed.is_some()).map_err(|error| self.error("remove", name, error))
    }

    /// Looks at a file, not through a symbolic link; `None` if it is missing.
    pub(crate) fn stat(&self, name: &str) -> Result<Option<Stat>> {
        found(self.handle.stat(&self.path, name)).map_err(|error| self.error("look at", name, error))
    }

    /// The names of what is in the directory `name`, in no particular order; none if it is missing.
    pub(crate) fn names(&self, name: &str) -> Result<Vec<String>> {
        let names = found(self.handle.names(&self.path, name));
        names.map(Option::unwrap_or_default).map_err(|error| self.error("list", name, error))
    }

    /// Makes a directory and those on the way to it, unless they are there.
    pub(crate) fn make(&self, name: &str) -> Result<()> {
        self.make_all(name).map_err(|error| self.error("create directory", name, error))
    }

    /// Waits until the names in the directory `name` are on the disk.
    pub(crate) fn sync(&self, name: &str) -> Result<()> {
        self.handle.sync(&self.path, name).map_err(|error| self.error("sync", name, error))
    }

    /// An error of an operation on a name below it.
    pub(crate) fn error(&self, action: &'static str, name: &str, error: io::Error) -> Error {
        Error::io(action, self.at(name), error)
    }

    /// Runs an operation that creates `name`. If a directory on the way is missing, makes it and runs the operation again.
    fn creating<T>(&self, name: &str, operation: impl Fn() -> io::Result<T>) -> io::Result<T> {
        self.check_access()?;
        match operation() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_all(parent(name))?;
                operation()
            }
            result => result,
        }
    }

    fn make_all(&self, name: &str) -> io::Result<()> {
        self.check_access()?;
        if name.is_empty() {
            // The directory itself is gone, or nothing is missing.
            let revived = self.handle.revive(&self.path).map_err(|error| match error.kind() {
                // Not that the name is taken which is to be made.
                ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
                _ => error,
            });
            if revived? {
                self.made_again.store(true, Relaxed);
            }
            return Ok(());
        }
        match self.handle.make(&self.path, name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_all(parent(name))?;
                unless_there(self.handle.make(&self.path, name)).map(drop)
            }
            result => result,
        }
    }
}

/// `None` for what is missing.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// `None` if there is something of the name already.
fn unless_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        result => result.map(Some),
    }
}

fn regular(file: File) -> io::Result<(File, Stat)> {
    let stat = super::stat(&file)?;
    if stat.is_file { Ok((file, stat)) } else { Err(io::Error::other("it is not a regular file")) }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests;
