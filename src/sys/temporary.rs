//! Files that appear whole: written under a name that nobody else has, then given theirs.
//!
//! # Invariants
//! 1. Whoever writes a temporary file holds a lock on it. So a file without a lock was left by a process that died, and may be
//!    removed at once.
//! 2. Nothing is left of a write that failed, if that can be helped.

use std::cmp::Reverse;
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::{Access, Dir, FileSystem, Stat};
use crate::error::Result;

/// Where temporary files are.
const TMP: &str = "tmp";

/// A file that has no name of its own yet; removed when it is dropped without one.
#[derive(Debug)]
pub(crate) struct Temporary<'d> {
    dir: &'d Dir,
    name: String,
    file: File,
    is_placed: bool,
}

impl<'d> Temporary<'d> {
    /// Makes one, under a name that no other thread or process uses.
    pub(crate) fn create(dir: &'d Dir) -> Result<Self> {
        Temporary::named(dir, &format!("{TMP}/"))
    }

    /// Makes one in a directory that is no cache. What is left of it when its process is killed, nobody sweeps.
    pub(crate) fn create_beside(dir: &'d Dir) -> Result<Self> {
        Temporary::named(dir, ".rememo-")
    }

    fn named(dir: &'d Dir, start: &str) -> Result<Self> {
        loop {
            let name = unused_name(start);
            let Some(file) = dir.create_new(&name)? else { continue };
            if claim(&file).map_err(|error| dir.error("lock", &name, error))? {
                return Ok(Temporary { dir, name, file, is_placed: false });
            }
        }
    }

    /// The name that it has for now.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs an operation on the file; its error names the file.
    pub(crate) fn write<T>(&self, operation: impl FnOnce(&File) -> io::Result<T>) -> Result<T> {
        operation(&self.file).map_err(|error| self.dir.error("write", &self.name, error))
    }

    /// Gives the file the name `name`, in place of any file there. It stays locked until it is dropped.
    pub(crate) fn place(mut self, name: &str) -> Result<File> {
        // Before it has the name: if this fails, as with too few descriptors, nothing was put in place. The handle is shared, and
        // with it the lock.
        let file = self.file.try_clone().map_err(|error| self.dir.error("open", name, error))?;
        self.dir.rename(&self.name, name)?;
        self.is_placed = true;
        Ok(file)
    }

    /// Gives the file the name `name` if nothing has it; whether it was given.
    pub(crate) fn place_new(self, name: &str) -> Result<bool> {
        self.dir.link(&self.name, name)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_placed {
            // What was to be told is told by whoever failed; what stays is swept later.
            let _ = self.dir.remove(&self.name);
        }
    }
}

/// Writes `parts`, one behind the other, to the file `name`, in place of any file there.
pub(crate) fn replace(dir: &Dir, name: &str, parts: &[&[u8]]) -> Result<()> {
    let temporary = Temporary::create(dir)?;
    temporary.write(|file| {
        let mut offset = 0;
        parts.iter().try_for_each(|part| {
            super::write_at(file, part, offset)?;
            offset += part.len() as u64;
            Ok(())
        })
    })?;
    temporary.place(name).map(drop)
}

/// Fails if no file could be written just now, saying why.
pub(crate) fn check_writable(dir: &Dir) -> Result<()> {
    Temporary::create(dir)?.write(|file| super::write_at(file, &[0], 0))
}

/// Removes the files in the directory `below` that were not used for longest, if there are more than `most`.
pub(crate) fn prune(dir: &Dir, below: &str, most: usize) -> Result<()> {
    let mut files = Vec::new();
    for name in dir.names(below)? {
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if let Some(stat) = dir.stat(&name)?.filter(|stat| stat.is_file) {
            files.push((Reverse(stat.used), name));
        }
    }
    if files.len() > most {
        files.sort_unstable();
        for (_, name) in files.drain(most / 4 * 3..) {
            dir.remove(&name)?;
        }
    }
    Ok(())
}

/// Where locks of other machines are not seen for certain, files stay for so long: no write takes it.
const ABANDONED: Duration = Duration::from_hours(1);

/// Removes what processes left that died while they wrote.
pub(crate) fn sweep(dir: &Dir) -> Result<()> {
    for name in dir.names(TMP)? {
        let name = format!("{TMP}/{name}");
        let Some((file, stat)) = dir.find(&name, Access::Read)? else { continue };
        if is_abandoned(&file, &stat) {
            dir.remove(&name)?;
        }
    }
    Ok(())
}

/// Whether the process that has locked a file for as long as it writes has died.
pub(crate) fn is_abandoned(file: &File, stat: &Stat) -> bool {
    // Not known to be a local one: as if it were none.
    let is_local = super::file_system(file).is_ok_and(|kind| kind != FileSystem::Other);
    let age = SystemTime::now().duration_since(stat.used).unwrap_or(ABANDONED);
    if is_local { file.try_lock().is_ok() } else { age >= ABANDONED }
}

/// Whoever holds a lock of [`lock_file`] for longer was stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file that is locked until it is dropped; made if it is missing.
pub(crate) fn lock_file(dir: &Dir, name: &str) -> Result<File> {
    let (file, _) = dir.find_or_create(name)?;
    let started = Instant::now();
    while let Err(error) = file.try_lock() {
        if started.elapsed() > PATIENCE {
            return Err(dir.error("lock", name, error.into()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(file)
}

/// Locks a new file; `false` if somebody who sweeps here took it for one that was left behind.
fn claim(file: &File) -> io::Result<bool> {
    // Elsewhere a lock keeps others from reading the file once it has its name.
    if cfg!(not(unix)) {
        return Ok(true);
    }
    match file.try_lock() {
        Ok(()) => super::is_named(file),
        Err(TryLockError::WouldBlock) => Ok(false),
        // Some network file systems have no locks: age decides there, see `sweep`.
        Err(TryLockError::Error(_)) => Ok(true),
    }
}

fn unused_name(start: &str) -> String {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Random, since process numbers repeat after a restart and between containers.
    let process = PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    format!("{start}{process:016x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Dir) {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::create(&temporary.path().join("dir")).unwrap();
        (temporary, dir)
    }

    #[test]
    fn a_file_appears_whole_and_nothing_else_is_left() {
        let (_temporary, dir) = directory();
        replace(&dir, "a/file", &[b"on", b"", b"e"]).unwrap();
        replace(&dir, "a/file", &[b"two"]).unwrap();
        assert_eq!(std::fs::read(dir.at("a/file")).unwrap(), b"two");
        assert!(Temporary::create(&dir).unwrap().place_new("a/other").unwrap());
        assert!(!Temporary::create(&dir).unwrap().place_new("a/file").unwrap());
        check_writable(&dir).unwrap();
        assert_eq!(dir.names(TMP).unwrap(), Vec::<String>::new());
        assert_eq!(dir.names("a").unwrap().len(), 2);
    }

    #[test]
    fn a_sweep_removes_what_nobody_writes_and_nothing_else() {
        let (_temporary, dir) = directory();
        let under_way = Temporary::create(&dir).unwrap();
        std::fs::write(dir.at("tmp/left"), "by a process that was killed").unwrap();
        sweep(&dir).unwrap();
        assert_eq!(dir.names(TMP).unwrap(), [under_way.name.strip_prefix("tmp/").unwrap()]);
        under_way.place("file").unwrap();
        assert!(dir.stat("file").unwrap().is_some());
    }
}
