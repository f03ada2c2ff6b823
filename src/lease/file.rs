//! Leases between processes: a lock for each key, which the kernel drops with its owner.
//!
//! # Invariants
//! 1. Who holds the lock of a key holds its lease. No time-outs: the lock goes when its holder exits, however it exits, also if a
//!    program that the holder started lives on.
//! 2. A lease takes no descriptor and no file of its own: a recursion may hold thousands.
//! 3. Who waits for long says so, and for whom: a holder may have been stopped (Ctrl-Z).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::notice::Notice;
use crate::error::Result;
use crate::key::Key;
use crate::sys::Dir;

#[cfg(target_os = "linux")]
#[path = "file/linux.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "file/other.rs"]
mod imp;

/// The leases of one cache directory.
#[derive(Debug)]
pub(crate) struct LeaseFiles {
    locks: imp::Locks,
    /// What taking and giving back a lease costs here, in nanoseconds: a running mean, 0 before the first.
    cost: AtomicU64,
}

/// A lease that this thread holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease<'l> {
    leases: &'l LeaseFiles,
    held: Option<imp::Held>,
    /// What taking it cost; zero if it was waited for.
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
    /// The leases of a cache directory.
    pub(crate) fn open(dir: &Arc<Dir>) -> Self {
        LeaseFiles { locks: imp::Locks::new(dir), cost: AtomicU64::new(0) }
    }

    /// Asks for the lease of `key`, waiting for its holder if `wait`. `function` is whose call it is, for people.
    pub(crate) fn acquire(&self, key: &Key, function: &str, wait: bool) -> Result<Acquired<'_>> {
        let started = Instant::now();
        if let Some(held) = self.locks.try_lock(key)? {
            let lease = Lease { leases: self, held: Some(held), taking: started.elapsed() };
            return Ok(Acquired::Held { lease, waited: false });
        }
        if !wait {
            return Ok(Acquired::Busy);
        }
        let locks = self.locks.clone();
        let (of, key) = (function.to_owned(), *key);
        let _notice = Notice::new(move |waited| {
            let holder = locks.holder(&key);
            format!("`{of}` is waited for since {waited:?}: {holder} computes this call of it")
        });
        let held = Some(self.locks.lock(&key)?);
        let lease = Lease { leases: self, held, taking: Duration::ZERO };
        Ok(Acquired::Held { lease, waited: true })
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
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let started = Instant::now();
        drop(self.held.take());
        if self.taking > Duration::ZERO {
            self.leases.learn(self.taking + started.elapsed());
        }
    }
}

#[cfg(test)]
mod tests;
