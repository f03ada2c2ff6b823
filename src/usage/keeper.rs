//! The thread that writes what was counted, and the end of the process.
//!
//! It is started with the first call of a memory, and ends a second after the last memory is closed: each cell of a notebook is a
//! library of its own, with this one in it, and their threads would add up.

use std::panic;
use std::process;
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::Session;
use crate::lock::lock;
use crate::sys;

/// What was counted is written this often: who is killed loses as much.
const PAUSE: Duration = Duration::from_secs(1);

struct Kept {
    sessions: Vec<Weak<Session>>,
    /// The process whose thread writes.
    process: Option<u32>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { sessions: Vec::new(), process: None });

/// Writes what a session counts from now on, until it is dropped.
pub(super) fn keep(session: &Arc<Session>) {
    static AT_EXIT: Once = Once::new();
    // A memory that is the default one, or in a static, is never closed.
    AT_EXIT.call_once(|| sys::at_exit(close_all));
    let mut kept = lock(&KEPT);
    kept.sessions.push(Arc::downgrade(session));
    let process = process::id();
    if kept.process != Some(process) {
        // It does nothing but write small files.
        let started = thread::Builder::new().name("rememo-count".into()).stack_size(256 * 1024).spawn(write);
        // Without it, what was counted is written at the end.
        kept.process = started.is_ok().then_some(process);
    }
}

/// Waits at a condition that nobody signals: of a thread that sleeps it is not known that nothing of the program's depends on it
/// ([`crate::sys::others_wait`]).
fn write() {
    static PASSED: Condvar = Condvar::new();
    loop {
        let (mut kept, _) = PASSED.wait_timeout(lock(&KEPT), PAUSE).unwrap_or_else(PoisonError::into_inner);
        kept.sessions.retain(|session| session.strong_count() > 0);
        if kept.sessions.is_empty() {
            kept.process = None;
            return;
        }
        let sessions: Vec<_> = kept.sessions.iter().filter_map(Weak::upgrade).collect();
        drop(kept);
        for session in sessions {
            session.write();
        }
    }
}

/// Closes what is open when the process exits.
extern "C" fn close_all() {
    // To unwind from here would abort the process.
    let _ = panic::catch_unwind(|| {
        for _ in 0..100 {
            if let Ok(kept) = KEPT.try_lock() {
                let sessions: Vec<_> = kept.sessions.iter().filter_map(Weak::upgrade).collect();
                drop(kept);
                for session in sessions {
                    session.close_at_exit();
                }
                return;
            }
            // Other threads go on meanwhile, or never again.
            thread::sleep(Duration::from_millis(1));
        }
    });
}
