//! Leases between processes: a lock for each key, which the kernel drops with its owner.
//!
//! # Invariants
//! 1. Who holds the lock of a key holds its lease. No time-outs: the lock goes when its holder exits, however it exits, also if a
//!    program that the holder started lives on.
//! 2. A lease takes no descriptor and no file of its own: a recursion may hold thousands.
//! 3. Who waits for long says so, and for whom: a holder may have been stopped (Ctrl-Z).

use std::sync::Arc;

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
}

/// A lease that this thread holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Dropped with the lease, which gives it back.
    _held: imp::Held,
}

impl LeaseFiles {
    /// The leases of a cache directory.
    pub(crate) fn open(dir: &Arc<Dir>) -> Self {
        LeaseFiles { locks: imp::Locks::new(dir) }
    }

    /// The lease of `key`; `None` if another process holds it.
    pub(crate) fn try_acquire(&self, key: &Key) -> Result<Option<Lease>> {
        Ok(self.locks.try_lock(key)?.map(|held| Lease { _held: held }))
    }

    /// The lease of `key`, once its holder has ended. `function` is whose call it is, for people.
    pub(crate) fn acquire(&self, key: &Key, function: &str) -> Result<Lease> {
        let _notice = self.notice(key, function);
        Ok(Lease { _held: self.locks.lock(key)? })
    }

    /// Waits until no other process holds the lease of `key`, without taking it.
    pub(crate) fn wait(&self, key: &Key, function: &str) -> Result<()> {
        let _notice = self.notice(key, function);
        self.locks.wait(key)
    }

    /// Tells of a long wait for a call of `function`.
    fn notice(&self, key: &Key, function: &str) -> Notice {
        let (locks, of, key) = (self.locks.clone(), function.to_owned(), *key);
        Notice::new(move |waited| {
            let holder = locks.holder(&key);
            format!("`{of}` is waited for since {waited:?}: {holder} computes this call of it")
        })
    }
}

#[cfg(test)]
mod tests;
