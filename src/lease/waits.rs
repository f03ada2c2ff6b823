//! Who waits for whom: the graph in which [`join`](super::Flights::join) and the callers of batches look for circles.
//!
//! Its nodes are the threads that wait, and the work that they wait for: a flight, which one thread leads, or a batch or
//! submitted call, which is done when each of the threads at work at it, and whoever computes what it waits for, is done.
//! A thread that is in the graph has everything beneath on its stack waiting with it, so a way from a thread back to itself
//! is a wait that never ends.
//!
//! An edge is put in by the thread that is about to wait, under one lock with the search for a circle. So of several waits
//! that would close a circle together, the last one sees it.
//!
//! A thread that would close a circle computes instead, and a warning names both calls. Pure
//! functions that end do not need their own value, so a circle comes about only where one call runs
//! on the stack of another: inside rayon.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use super::flights::{Flight, lock_flight};
use crate::lock::lock;

/// Work that threads wait for, other than a flight.
pub(crate) trait Awaited: Send + Sync {
    /// The threads without which it will not be done.
    fn depends_on(&self) -> Vec<ThreadId>;

    /// What of it was left to one of `threads` is to be computed by those at work, as that thread waits for them.
    fn free(&self, threads: &HashSet<ThreadId>);
}

/// What a thread waits for.
pub(super) enum Wait {
    /// A flight to land, or to end if the value is to be `newer`.
    Flight {
        flight: Arc<Flight>,
        newer: bool,
    },
    Work(Arc<dyn Awaited>),
}

/// The wait of a thread.
struct Noted {
    wait: Wait,
    /// The place of the thread in a rayon pool, and how many threads that has.
    place: Option<(usize, usize)>,
}

impl Noted {
    fn of_this_thread(wait: Wait) -> Self {
        let place = rayon::current_thread_index();
        Noted { wait, place: place.map(|place| (place, rayon::current_num_threads())) }
    }
}

type Waits = HashMap<ThreadId, Noted>;

static WAITS: Mutex<Option<Waits>> = Mutex::new(None);

impl Wait {
    /// The threads that it is for; none if it is over, which the one that waits may not have noticed.
    fn threads(&self) -> Vec<ThreadId> {
        match self {
            Wait::Flight { flight, newer } => {
                if lock_flight(flight).is_waited_for(*newer) {
                    vec![flight.leader]
                } else {
                    Vec::new()
                }
            }
            Wait::Work(work) => work.depends_on(),
        }
    }

    fn is_for(&self, work: &Arc<dyn Awaited>) -> bool {
        matches!(self, Wait::Work(other) if std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(work)))
    }
}

/// This thread waits while this lives.
#[derive(Debug)]
pub(crate) struct Waiting(());

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(waits) = &mut *lock(&WAITS) {
            waits.remove(&thread::current().id());
        }
    }
}

/// All threads that `first` wait for, themselves included, through however many others.
fn reached_from(first: Vec<ThreadId>, waits: &Waits) -> HashSet<ThreadId> {
    let (mut reached, mut left) = (HashSet::new(), first);
    while let Some(thread) = left.pop() {
        if reached.insert(thread)
            && let Some(noted) = waits.get(&thread)
        {
            left.extend(noted.wait.threads());
        }
    }
    reached
}

/// Notes that this thread waits; `None` if it would wait for itself, through however many others.
pub(super) fn begin(wait: Wait) -> Option<Waiting> {
    let me = thread::current().id();
    let mut waits = lock(&WAITS);
    let waits = waits.get_or_insert_default();
    if reached_from(wait.threads(), waits).contains(&me) {
        return None;
    }
    waits.insert(me, Noted::of_this_thread(wait));
    Some(Waiting(()))
}

/// Notes that this thread waits for `work`. Whoever waits for this thread, and is waited for by the work, is freed first.
pub(crate) fn wait_for_work(work: &Arc<dyn Awaited>) -> Waiting {
    loop {
        match try_wait_for_work(work) {
            Ok(waiting) => return waiting,
            Err(Circle) => thread::yield_now(),
        }
    }
}

/// The same, once.
///
/// # Errors
///
/// Fails, and notes nothing, if the work depends on threads that wait for this one. Those that wait for a flight wait no
/// longer then, and what was left to one of them is computed where it is wanted: it is to be tried again.
pub(super) fn try_wait_for_work(work: &Arc<dyn Awaited>) -> Result<Waiting, Circle> {
    let me = thread::current().id();
    let mut waits = lock(&WAITS);
    let waits = waits.get_or_insert_default();
    let mut circle = reached_from(work.depends_on(), waits);
    circle.retain(|&thread| reached_from(vec![thread], waits).contains(&me));
    if circle.is_empty() {
        waits.insert(me, Noted::of_this_thread(Wait::Work(Arc::clone(work))));
        return Ok(Waiting(()));
    }
    work.free(&circle);
    for &thread in &circle {
        match waits.get(&thread).map(|noted| &noted.wait) {
            Some(Wait::Flight { flight, .. }) => {
                flight.free(thread);
                waits.remove(&thread);
            }
            Some(Wait::Work(other)) => other.free(&circle),
            None => {}
        }
    }
    Err(Circle)
}

/// Work depends on threads that wait for this one.
#[derive(Debug)]
pub(super) struct Circle;

/// Whether `thread` waits for this thread or for `work`, through however many others: then nothing of `work` may wait for
/// it.
pub(super) fn depends(thread: ThreadId, work: &Arc<dyn Awaited>) -> bool {
    let me = thread::current().id();
    let mut waits = lock(&WAITS);
    let waits = waits.get_or_insert_default();
    let reached = reached_from(vec![thread], waits);
    reached.contains(&me)
        || reached.iter().any(|thread| waits.get(thread).is_some_and(|noted| noted.wait.is_for(work)))
}

/// Threads of rayon's that wait and are seen to: by their place in a pool of so many.
pub(super) fn places_in_rayon(threads: usize) -> Vec<usize> {
    let waits = lock(&WAITS);
    let places = waits.iter().flatten().filter_map(|(_, noted)| noted.place);
    places.filter(|(_, of)| *of == threads).map(|(place, _)| place).collect()
}

/// Whether a thread waits, and is seen to.
#[cfg(test)]
pub(super) fn is_waiting(thread: ThreadId) -> bool {
    lock(&WAITS).as_ref().is_some_and(|waits| waits.contains_key(&thread))
}

/// The threads at the end of what `thread` waits for, through however many others: they wait for nobody that is known.
pub(super) fn ends_of(thread: ThreadId) -> Vec<ThreadId> {
    let mut waits = lock(&WAITS);
    let waits = waits.get_or_insert_default();
    reached_from(vec![thread], waits).into_iter().filter(|thread| !waits.contains_key(thread)).collect()
}
