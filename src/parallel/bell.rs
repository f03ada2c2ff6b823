//! Wakes one thread that waits for something to change.

use std::sync::{Condvar, Mutex, PoisonError};

/// A bell that stays rung until somebody has heard it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut rung, true) {
            self.changed.notify_one();
        }
    }

    /// Waits until the bell has rung since the last time.
    pub(super) fn hear(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rung = self.changed.wait_while(rung, |rung| !*rung).unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}
