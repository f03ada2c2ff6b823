//! Takes note of SIGTERM: the wish that this process ends, from a scheduler whose time for it is over. SIGKILL follows.

use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static WISHED: AtomicBool = AtomicBool::new(false);

/// From now on SIGTERM does not end this process: it is noted.
pub(crate) fn note() {
    // SAFETY: all zeros is a `sigaction` without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = on_signal as *const () as usize;
    // A call of the system that it interrupts goes on.
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler is a function of the right kind, and does nothing but to set an atomic, which a handler may. If it
    // cannot be set, the signal does what it did.
    unsafe { libc::sigaction(libc::SIGTERM, &raw const action, ptr::null_mut()) };
}

extern "C" fn on_signal(_: libc::c_int) {
    WISHED.store(true, SeqCst);
}

/// Whether SIGTERM has come since [`note`].
pub(crate) fn is_wished() -> bool {
    WISHED.load(SeqCst)
}
