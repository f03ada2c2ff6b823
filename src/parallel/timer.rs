//! Tells work when its calls that were put off are due.
//!
//! No thread of a pool waits for that: one thread of the process does, for all work, and ends when
//! nothing is put off.

use std::collections::BTreeMap;
use std::mem;
use std::process;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::pool::Standing;
use crate::events;
use crate::lock::lock;
use crate::panics;
use crate::sys::Alarm;

/// More than anybody waits, and less than a clock can tell.
pub(super) const LONGEST: Duration = Duration::from_hours(24 * 365);

struct Timer {
    /// When somebody is to be told, in order; the number tells those of one moment apart.
    waiting: BTreeMap<(Instant, u64), (Arc<Standing>, Alarm)>,
    next: u64,
    /// The process whose thread waits.
    process: Option<u32>,
}

static TIMER: Mutex<Timer> = Mutex::new(Timer { waiting: BTreeMap::new(), next: 0, process: None });
static CHANGED: Condvar = Condvar::new();

/// Has `work` told when the time has come; whether it will be.
pub(super) fn tell_at(due: Instant, work: &Arc<Standing>) -> bool {
    let mut timer = lock(&TIMER);
    let process = process::id();
    if timer.process != Some(process) {
        // What a process had to tell that this one was forked from is not this one's business.
        for (work, _alarm) in mem::take(&mut timer.waiting).into_values() {
            // Its `Drop` might look here.
            mem::forget(work);
        }
        let started = thread::Builder::new().name("rememo-timer".into()).stack_size(256 * 1024).spawn(wait);
        if let Err(error) = started {
            events::warn!(error = &error, "what has failed is tried again at once");
            return false;
        }
        timer.process = Some(process);
    }
    let number = timer.next;
    timer.next += 1;
    timer.waiting.insert((due, number), (Arc::clone(work), Alarm::set()));
    let is_first = timer.waiting.first_key_value().is_some_and(|((_, first), _)| *first == number);
    drop(timer);
    if is_first {
        CHANGED.notify_one();
    }
    true
}

fn wait() {
    let mut timer = lock(&TIMER);
    while let Some(first) = timer.waiting.first_entry() {
        let left = first.key().0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let (work, alarm) = first.remove();
            drop(timer);
            // Nothing of the user's runs here but a `Drop`, if this is the last that holds the
            // work.
            let _ = panics::catch(move || work.work().due());
            drop(alarm);
            timer = lock(&TIMER);
        } else {
            timer = CHANGED.wait_timeout(timer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
    timer.process = None;
}
