//! Sees that work to which no thread of its pool comes is done all the same.
//!
//! All threads of a pool may wait for something that is in line for one of them, and nobody knows: a task has started a thread
//! that runs a batch and waits for it; or the thread that a batch is nested in draws an input that waits for the batch's
//! first result. So work that gets in line is looked at after a second. If something of it can be started, nobody works at
//! it, and no thread of the pool has looked for work in that time, a thread is started that stands in for one of the pool. It
//! leaves as soon as another thread works.

use std::collections::VecDeque;
use std::process;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::pool::{Need, Pool, Standing};
use crate::events;
use crate::lock::lock;

/// How long work may find no thread. Shorter, and a second batch on a pool that is busy with long calls would get a
/// thread too many.
const PATIENCE: Duration = Duration::from_secs(1);

/// Work to be looked at.
struct Watched {
    at: Instant,
    pool: Arc<Pool>,
    work: Arc<Standing>,
    /// How often a thread of the pool had looked for work.
    turns: u64,
}

#[derive(Default)]
struct Watch {
    /// In the order in which it is to be looked at, as all of it waits equally long.
    list: VecDeque<Watched>,
    /// The process whose thread looks.
    process: Option<u32>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { list: VecDeque::new(), process: None });
static CHANGED: Condvar = Condvar::new();

/// Has work looked at, unless it is already.
pub(super) fn watch(pool: &Arc<Pool>, work: &Arc<Standing>) {
    if work.is_watched.swap(true, SeqCst) {
        return;
    }
    let mut watch = lock(&WATCH);
    let was_empty = watch.list.is_empty();
    put(&mut watch, Arc::clone(pool), Arc::clone(work));
    let process = process::id();
    if watch.process != Some(process) {
        // Of a forked process the thread is not here, and what it had to look at is no business of this one.
        watch.process = Some(process);
        let started = thread::Builder::new().name("rememo-watch".into()).stack_size(256 * 1024).spawn(look);
        if let Err(error) = started {
            watch.process = None;
            work.is_watched.store(false, SeqCst);
            watch.list.clear();
            drop(watch);
            events::warn!("a pool whose threads all wait for one batch would hang: {error}");
        }
    } else if was_empty {
        drop(watch);
        CHANGED.notify_one();
    }
}

fn put(watch: &mut Watch, pool: Arc<Pool>, work: Arc<Standing>) {
    let turns = pool.turns();
    watch.list.push_back(Watched { at: Instant::now() + PATIENCE, pool, work, turns });
}

/// Looks at the work that is in the list, as long as this process lives.
fn look() {
    let mut watch = lock(&WATCH);
    loop {
        let Some(first) = watch.list.front() else {
            watch = CHANGED.wait(watch).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let left = first.at.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            watch = CHANGED.wait_timeout(watch, left).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        let due = watch.list.pop_front();
        drop(watch);
        let again = due.and_then(look_at);
        watch = lock(&WATCH);
        if let Some((pool, work)) = again {
            put(&mut watch, pool, work);
        }
    }
}

/// Looks at work; gives it back if it is to be looked at again.
fn look_at(Watched { pool, work, turns, .. }: Watched) -> Option<(Arc<Pool>, Arc<Standing>)> {
    // First: who gets in line from now on has it watched again.
    work.is_watched.store(false, SeqCst);
    match work.work().need() {
        Need::Nothing => return None,
        Need::Anyone if pool.turns() == turns => start_stand_in(&pool, &work),
        Need::More | Need::Anyone => {}
    }
    (!work.is_watched.swap(true, SeqCst)).then_some((pool, work))
}

fn start_stand_in(pool: &Arc<Pool>, work: &Arc<Standing>) {
    let (pool, work) = (Arc::clone(pool), Arc::clone(work));
    let name = format!("rememo-{}-more", pool.size());
    let stand_in = move || pool.stand_in(work.work());
    if let Err(error) = thread::Builder::new().name(name).spawn(stand_in) {
        events::warn!("no thread can be started for a batch that gets none of its pool: {error}");
    }
}
