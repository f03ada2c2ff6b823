//! Locks on some files in `locks/`, where bytes of a file cannot be locked: two keys in a thousand share one.

use std::fs::File;
use std::sync::Arc;

use crate::error::Result;
use crate::key::Key;
use crate::sys::Dir;

/// So many files there are at most; they stay.
const FILES: u32 = 1024;

#[derive(Clone, Debug)]
pub(super) struct Locks {
    dir: Arc<Dir>,
}

/// A lock, held until the file is closed.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
}

impl Locks {
    pub(super) fn new(dir: &Arc<Dir>) -> Self {
        Locks { dir: Arc::clone(dir) }
    }

    /// Locks the file of a key, if nobody else has.
    pub(super) fn try_lock(&self, key: &Key) -> Result<Option<Held>> {
        let name = name(key);
        let (file, _) = self.dir.find_or_create(&name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held { file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(self.dir.error("lock", &name, error)),
        }
    }

    /// Locks the file of a key, waiting for whoever has.
    pub(super) fn lock(&self, key: &Key) -> Result<Held> {
        let name = name(key);
        let (file, _) = self.dir.find_or_create(&name)?;
        file.lock().map_err(|error| self.dir.error("lock", &name, error))?;
        Ok(Held { file })
    }

    /// Waits until nobody has locked the file of a key.
    pub(super) fn wait(&self, key: &Key) -> Result<()> {
        self.lock(key).map(drop)
    }

    /// Who has locked the file of a key: the system does not tell.
    pub(super) fn holder(&self, _key: &Key) -> String {
        "another process".into()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing it unlocks it, too, unless a child has it open.
        let _ = self.file.unlock();
    }
}

fn name(key: &Key) -> String {
    let first = u32::from_le_bytes(std::array::from_fn(|i| key.as_bytes()[i]));
    format!("locks/{:04}", first % FILES)
}
