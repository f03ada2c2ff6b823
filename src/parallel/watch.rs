//! Sees that work to which no thread of its pool comes is done all the same.
//!
//! All threads of a pool may wait for something that is in line for one of them, and nobody knows: a task has started a thread
//! that runs a batch and waits for it; or the thread that a batch is nested in draws an input that waits for the batch's
//! first result. So work that gets in line is looked at after a second. If something of it can be started, nobody works at
//! it, and no thread of the pool has looked for work in that time, a thread is started that stands in for one of the pool. It
//! leaves as soon as another thread works. Before, it is looked at once: if by then all other threads of the process wait
//! for each other, as Linux tells, there is nothing that a second would bring.

use std::collections::VecDeque;
use std::mem;
use std::process;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::pool::{Need, Pool, Standing};
use crate::events;
use crate::lock::lock;
use crate::sys;

/// How long work may find no thread. Shorter, and a second batch on a pool that is busy with long calls would get a
/// thread too many.
const PATIENCE: Duration = Duration::from_secs(1);

/// When work is looked at first.
const SOON: Duration = Duration::from_millis(20);

/// Work to be looked at.
struct Watched {
    at: Instant,
    pool: Arc<Pool>,
    work: Arc<Standing>,
    /// How often a thread of the pool had looked for work.
    turns: u64,
    /// Whether it has been looked at before.
    again: bool,
}

impl Watched {
    fn new(pool: Arc<Pool>, work: Arc<Standing>, again: bool) -> Self {
        let wait = if again { PATIENCE } else { SOON };
        Watched { at: Instant::now() + wait, turns: pool.turns(), pool, work, again }
    }
}

#[derive(Default)]
struct Watch {
    /// To be looked at for the first time. In each list all wait equally long, so it is in order.
    soon: VecDeque<Watched>,
    later: VecDeque<Watched>,
    /// The process whose thread looks.
    process: Option<u32>,
}

impl Watch {
    /// The list with the work that is to be looked at first, and when.
    fn next(&mut self) -> Option<(&mut VecDeque<Watched>, Instant)> {
        let at = |list: &VecDeque<Watched>| list.front().map(|first| first.at);
        let next = at(&self.soon).into_iter().chain(at(&self.later)).min()?;
        let list = if at(&self.soon) == Some(next) { &mut self.soon } else { &mut self.later };
        Some((list, next))
    }
}

static WATCH: Mutex<Watch> =
    Mutex::new(Watch { soon: VecDeque::new(), later: VecDeque::new(), process: None });
static CHANGED: Condvar = Condvar::new();

/// Has work looked at, unless it is already.
pub(super) fn watch(pool: &Arc<Pool>, work: &Arc<Standing>) {
    if work.is_watched.swap(true, SeqCst) {
        return;
    }
    let mut watch = lock(&WATCH);
    let was_empty = watch.soon.is_empty();
    watch.soon.push_back(Watched::new(Arc::clone(pool), Arc::clone(work), false));
    let process = process::id();
    if watch.process != Some(process) {
        // Of a forked process the thread is not here, and what it had to look at is no business of this one.
        watch.process = Some(process);
        let started = thread::Builder::new().name("rememo-watch".into()).stack_size(256 * 1024).spawn(look);
        if let Err(error) = started {
            *watch = Watch::default();
            work.is_watched.store(false, SeqCst);
            drop(watch);
            events::warn!(error = &error, "a pool whose threads all wait for one batch would hang");
        }
    } else if was_empty {
        drop(watch);
        CHANGED.notify_one();
    }
}

/// Looks at the work that is in the lists, until there has been none for a while.
fn look() {
    let mut others = Others::default();
    let mut watch = lock(&WATCH);
    loop {
        let Some((list, at)) = watch.next() else {
            let (waited, ended) =
                CHANGED.wait_timeout(watch, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            watch = waited;
            if ended.timed_out() && watch.next().is_none() {
                watch.process = None;
                return;
            }
            continue;
        };
        let left = at.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            watch = CHANGED.wait_timeout(watch, left).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        let due = list.pop_front();
        drop(watch);
        let again = due.and_then(|due| look_at(due, &mut others));
        watch = lock(&WATCH);
        watch.later.extend(again);
    }
}

/// Whether all other threads wait, which is not asked for each of thousands of works.
#[derive(Default)]
struct Others {
    asked: Option<Instant>,
    wait: bool,
}

impl Others {
    /// What was seen within the last while; that they wait is told once.
    fn wait(&mut self) -> bool {
        if self.asked.is_none_or(|asked| asked.elapsed() > SOON / 2) {
            let wait = sys::others_wait(SOON / 2);
            *self = Others { asked: Some(Instant::now()), wait };
        }
        mem::take(&mut self.wait)
    }
}

/// Looks at work; gives it back if it is to be looked at again.
fn look_at(Watched { pool, work, turns, again, .. }: Watched, others: &mut Others) -> Option<Watched> {
    // First: who gets in line from now on has it watched again.
    work.is_watched.store(false, SeqCst);
    match work.work().need() {
        Need::Nothing => return None,
        Need::Anyone if pool.turns() == turns && (again || others.wait()) => start_stand_in(&pool, &work),
        Need::More | Need::Anyone => {}
    }
    (!work.is_watched.swap(true, SeqCst)).then(|| Watched::new(pool, work, true))
}

fn start_stand_in(pool: &Arc<Pool>, work: &Arc<Standing>) {
    let (pool, work) = (Arc::clone(pool), Arc::clone(work));
    let name = format!("rememo-{}-more", pool.size());
    let stand_in = move || pool.stand_in(work.work());
    if let Err(error) = thread::Builder::new().name(name).spawn(stand_in) {
        events::warn!(error = &error, "no thread can be started for a batch that gets none of its pool");
    }
}
