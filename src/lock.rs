//! Locks, whether or not another thread panicked meanwhile.
//!
//! Who uses [`lock`] leaves what the lock protects as it should be at every place that can panic: mostly since nothing of the user's
//! runs under it.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
