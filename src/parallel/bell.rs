//! Wakes one thread that waits for something to change.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::lock::lock;

/// A bell that stays rung until somebody has heard it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        let mut rung = lock(&self.rung);
        let was_rung = std::mem::replace(&mut *rung, true);
        // Not under the lock, which the thread that wakes up takes first.
        drop(rung);
        if !was_rung {
            self.changed.notify_one();
        }
    }

    /// Waits until the bell has rung since the last time, but no longer than `patience`; whether it has rung.
    /// [`Duration::MAX`] is for ever.
    pub(super) fn hear(&self, patience: Duration) -> bool {
        let rung = lock(&self.rung);
        let waited = self.changed.wait_timeout_while(rung, patience, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rung)
    }
}
