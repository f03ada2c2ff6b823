//! The locks that the scheduler stands on: the standard library's, or shuttle's in its tests.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// A value behind a lock, that threads wait for to change.
pub(in crate::parallel) trait Monitor<T>: Send + Sync {
    fn new(value: T) -> Self;

    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R;

    /// Looks at the value, and again after each [`notify`](Self::notify), until there is something to be seen or `patience`
    /// has passed.
    fn wait<R>(&self, patience: Option<Duration>, look: impl FnMut(&mut T) -> Option<R>) -> Option<R>;

    /// Wakes one thread that waits.
    fn notify(&self);
}

/// A family of locks.
pub(in crate::parallel) trait LockFamily: 'static {
    type Monitor<T: Send>: Monitor<T>;
    type Thread: Copy + PartialEq + Send;

    /// The thread that asks.
    fn thread() -> Self::Thread;
}

/// The locks of the standard library.
#[derive(Debug)]
pub(in crate::parallel) struct Real;

impl LockFamily for Real {
    type Monitor<T: Send> = RealMonitor<T>;
    type Thread = ThreadId;

    fn thread() -> ThreadId {
        thread::current().id()
    }
}

#[derive(Debug)]
pub(in crate::parallel) struct RealMonitor<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T: Send> Monitor<T> for RealMonitor<T> {
    fn new(value: T) -> Self {
        RealMonitor { value: Mutex::new(value), changed: Condvar::new() }
    }

    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut lock(&self.value))
    }

    fn wait<R>(&self, patience: Option<Duration>, mut look: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        // Longer than a clock can tell is for ever.
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut value = lock(&self.value);
        loop {
            if let Some(seen) = look(&mut value) {
                return Some(seen);
            }
            value = match deadline {
                None => self.changed.wait(value).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.changed.wait_timeout(value, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn notify(&self) {
        self.changed.notify_one();
    }
}
