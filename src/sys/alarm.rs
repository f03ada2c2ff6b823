//! That something is going to happen by itself, though every thread waits.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static SET: AtomicUsize = AtomicUsize::new(0);

/// While there is one, threads that wait do not wait for each other alone: somebody is woken by the
/// clock.
#[derive(Debug)]
pub(crate) struct Alarm(());

impl Alarm {
    pub(crate) fn set() -> Self {
        SET.fetch_add(1, SeqCst);
        Alarm(())
    }

    /// Whether none is set.
    #[cfg(target_os = "linux")]
    pub(super) fn is_none_set() -> bool {
        SET.load(SeqCst) == 0
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        SET.fetch_sub(1, SeqCst);
    }
}
