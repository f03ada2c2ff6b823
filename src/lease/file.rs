//! Leases between processes: a file of its own for each key, under an advisory lock.
//!
//! # Invariants
//! 1. Who holds the lock on the file that *has the name* holds the lease. A file is removed only under its lock, so
//!    a lock won on a file that has lost its name is worth nothing, and is tried for again.
//! 2. No time-outs: the kernel drops the lock when its holder exits, however it exits.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::key::Key;
use crate::sys;

/// The leases of one cache directory.
#[derive(Debug)]
pub(crate) struct LeaseFiles {
    dir: PathBuf,
    /// What taking and giving back a lease costs here, in nanoseconds: a running mean, 0 before the first.
    cost: AtomicU64,
}

/// A lease that this thread holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease<'l> {
    leases: &'l LeaseFiles,
    file: File,
    path: PathBuf,
    /// What taking it cost, waiting left out.
    taking: Duration,
}

/// What came of asking for a lease.
#[derive(Debug)]
pub(crate) enum Acquired<'l> {
    /// It is held now; `waited` tells whether another process held it first.
    Held { lease: Lease<'l>, waited: bool },
    /// Another process holds it, and waiting was not wanted.
    Busy,
}

impl LeaseFiles {
    /// The leases in `dir`; sweeps away those whose holders died.
    pub(crate) fn open(dir: PathBuf) -> Self {
        let leases = LeaseFiles { dir, cost: AtomicU64::new(0) };
        leases.sweep();
        leases
    }

    /// Asks for the lease of `key`, waiting for its holder if `wait`. `purpose` stands in the file for people.
    pub(crate) fn acquire(&self, key: &Key, purpose: &str, wait: bool) -> Result<Acquired<'_>> {
        let path = self.dir.join(key.to_string());
        self.lock(&path, purpose, wait).map_err(|error| Error::io("lock", path, error))
    }

    fn lock(&self, path: &Path, purpose: &str, wait: bool) -> io::Result<Acquired<'_>> {
        let mut waited = false;
        loop {
            let started = Instant::now();
            let file = self.open_file(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if !wait => return Ok(Acquired::Busy),
                Err(TryLockError::WouldBlock) => {
                    waited = true;
                    file.lock()?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if sys::is_file_at(&file, path)? {
                let mut lease = Lease { leases: self, file, path: path.to_owned(), taking: Duration::ZERO };
                lease.sign(purpose);
                lease.taking = if waited { Duration::ZERO } else { started.elapsed() };
                return Ok(Acquired::Held { lease, waited });
            }
        }
    }

    /// What a lease costs here, taking and giving back together; zero before the first.
    pub(crate) fn cost(&self) -> Duration {
        Duration::from_nanos(self.cost.load(Ordering::Relaxed))
    }

    fn learn(&self, cost: Duration) {
        let sample = u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX);
        let mean = self.cost.load(Ordering::Relaxed);
        let mean = if mean == 0 { sample } else { mean / 8 * 7 + sample / 8 };
        self.cost.store(mean, Ordering::Relaxed);
    }

    fn open_file(&self, path: &Path) -> io::Result<File> {
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.dir)?;
                open()
            }
            result => result,
        }
    }

    /// Removes the files of holders that died. Failures do not matter: a file without a lock is no lease.
    pub(crate) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
            if file.try_lock().is_ok() && sys::is_file_at(&file, &path).unwrap_or(false) {
                drop(Lease { leases: self, file, path, taking: Duration::ZERO });
            }
        }
    }
}

impl Lease<'_> {
    /// Writes who holds the lease, for people who look; nothing reads it, so failing to write it does not matter.
    fn sign(&mut self, purpose: &str) {
        let text = format!("process {} computes {purpose}\n", std::process::id());
        let _ = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // Still under the lock, which goes with the file handle.
        let started = Instant::now();
        if sys::may_unlink_open_files() {
            let _ = fs::remove_file(&self.path);
        }
        if self.taking > Duration::ZERO {
            self.leases.learn(self.taking + started.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key::from_bytes([3; 32]);

    fn leases() -> (tempfile::TempDir, LeaseFiles) {
        let dir = tempfile::tempdir().unwrap();
        let leases = LeaseFiles::open(dir.path().join("leases"));
        (dir, leases)
    }

    fn held(acquired: Acquired<'_>) -> (Lease<'_>, bool) {
        match acquired {
            Acquired::Held { lease, waited } => (lease, waited),
            Acquired::Busy => panic!("busy"),
        }
    }

    #[test]
    fn a_lease_is_busy_while_held_and_leaves_no_file() {
        let (_dir, leases) = leases();
        assert_eq!(leases.cost(), Duration::ZERO);
        let (lease, waited) = held(leases.acquire(&KEY, "f(1)", false).unwrap());
        assert!(!waited);
        let text = fs::read_to_string(&lease.path).unwrap();
        assert!(text.contains("f(1)") && text.contains(&std::process::id().to_string()), "{text}");
        assert!(matches!(leases.acquire(&KEY, "f(1)", false).unwrap(), Acquired::Busy));
        drop(lease);
        assert_eq!(fs::read_dir(&leases.dir).unwrap().count(), 0);
        assert!(leases.cost() > Duration::ZERO);
        held(leases.acquire(&KEY, "f(1)", false).unwrap());
    }

    #[test]
    fn eight_threads_hold_a_lease_one_at_a_time() {
        use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
        let (_dir, leases) = leases();
        let (inside, total) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let (lease, _) = held(leases.acquire(&KEY, "f(1)", true).unwrap());
                        assert_eq!(inside.fetch_add(1, SeqCst), 0);
                        total.fetch_add(1, SeqCst);
                        inside.fetch_sub(1, SeqCst);
                        drop(lease);
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 1600);
    }

    #[test]
    fn a_sweep_removes_what_the_dead_left_and_nothing_that_is_held() {
        let (_dir, leases) = leases();
        let (lease, _) = held(leases.acquire(&KEY, "f(1)", false).unwrap());
        fs::write(leases.dir.join("left"), "by a process that was killed").unwrap();
        leases.sweep();
        let left: Vec<_> = fs::read_dir(&leases.dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, std::slice::from_ref(&lease.path));
        assert!(matches!(leases.acquire(&KEY, "f(1)", false).unwrap(), Acquired::Busy));
    }
}
