//! The table of keys that threads of this process are computing.

mod second_time;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::mem;
use std::process;
use std::sync::atomic::{Ordering::Acquire, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use self::second_time::alone;
use super::hidden::{Doubt, Suspicion};
use super::shared::Shared;
use super::waits::{self, Awaited, Wait};
use crate::error::Result;
use crate::key::{Key, KeyMap};
use crate::lock::lock;
use crate::sys::{Dir, Identity};

/// Keys in flight in this process, for one store.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    /// By a byte of the key, so that threads seldom meet at a lock.
    tables: [Mutex<Table>; TABLES],
}

/// Some of the keys in flight.
#[derive(Debug, Default)]
struct Table {
    flights: KeyMap<Arc<Flight>>,
    /// Flights that have ended, which nobody has seen but their leaders: the next ones need no memory of their own.
    spare: Vec<Arc<Flight>>,
}

/// A flight that this thread leads.
fn start(spare: &mut Vec<Arc<Flight>>, process: u32, function: &'static str) -> Arc<Flight> {
    let leader = this_thread();
    if let Some(mut spare) = spare.pop()
        // Not if its leader has not let go of it yet.
        && let Some(ended) = Arc::get_mut(&mut spare)
    {
        // What came of it was taken out.
        (ended.leader, ended.process, ended.function) = (leader, process, function);
        return spare;
    }
    Arc::new(Flight { leader, process, function, course: Mutex::default(), landed: Condvar::new() })
}

const TABLES: usize = 16;

/// A table keeps so many flights that have ended. A batch leads some hundred flights at a time, whose values are stored together.
const SPARE: usize = 32;

/// The flights of all stores, by directory.
static ALL: Mutex<BTreeMap<Identity, Weak<Flights>>> = Mutex::new(BTreeMap::new());

/// What a thread does while another thread, or another process, computes the key. A caller that
/// must not block, such as a batch, leaves and is woken.
#[derive(Clone, Copy)]
pub(crate) enum Meanwhile<'w> {
    /// It waits.
    Wait,
    /// It does something else, until the watcher is told that the key may be asked for again.
    Leave(Leave<'w>),
    /// It computes the key too, since waiting would never end.
    Alone,
}

/// How a caller that leaves a key to others is told that it may ask again.
#[derive(Clone, Copy)]
pub(crate) struct Leave<'w> {
    /// The work that the call belongs to.
    pub(crate) work: &'w Arc<dyn Awaited>,
    /// Is told when the key may be asked for again: exactly once, from any thread, at any time from now on.
    pub(crate) watcher: &'w dyn Fn(Key) -> Arc<dyn Watcher>,
}

/// A caller that has left a key to others.
pub(crate) trait Watcher: Send + Sync {
    /// The key may be asked for again.
    fn wake(&self);
}

/// The result of asking to compute a key.
#[derive(Debug)]
pub(crate) enum Joined<'f> {
    /// This thread computes.
    Leader(Leader<'f>),
    /// Another thread did; here are the bytes of its value.
    Landed(Shared),
    /// Another thread tried and has nothing to share, or waiting for it would never end: compute alone.
    Alone,
    /// Another thread led the flight and gave it up before it computed anything: ask again.
    Again,
    /// This thread computes, and the watcher will be told.
    Busy(ThreadId),
}

/// One key in flight.
pub(super) struct Flight {
    pub(super) leader: ThreadId,
    /// The process: after a fork the leader is not there any more.
    process: u32,
    /// The function, for people.
    function: &'static str,
    course: Mutex<Course>,
    landed: Condvar,
}

/// How far a flight is, and which callers are told of its end.
#[derive(Default)]
pub(super) struct Course {
    phase: Phase,
    watchers: Vec<Arc<dyn Watcher>>,
    /// Threads that are to wait no longer, since the leader comes to wait for them.
    freed: Vec<ThreadId>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Flying,
    /// Its value is to be had here, and is not in the store yet.
    Landed(Shared),
    /// Its value is in the store; a thread that waited takes it from here.
    Ended(Shared),
    /// It failed, or has a value that cannot be shared.
    Failed,
    GivenUp,
}

impl Course {
    /// Whether who comes has to wait, if the value is to be `newer` than that of a flight of now.
    pub(super) fn is_waited_for(&self, newer: bool) -> bool {
        match self.phase {
            Phase::Flying => true,
            Phase::Landed(_) => newer,
            Phase::Ended(_) | Phase::Failed | Phase::GivenUp => false,
        }
    }
}

/// How far a flight is.
pub(super) fn lock_flight(flight: &Flight) -> MutexGuard<'_, Course> {
    lock(&flight.course)
}

impl Flight {
    /// Makes a thread that waits wait no longer.
    pub(super) fn free(&self, thread: ThreadId) {
        lock(&self.course).freed.push(thread);
        self.landed.notify_all();
    }

    /// How far it has come, if nobody but its leader has seen it, and nobody will: it was just taken out of the table.
    fn take_unseen(self: &Arc<Self>) -> Option<Phase> {
        // The leader and the caller hold one each.
        if Arc::strong_count(self) > 2 {
            return None;
        }
        // Who has let go of it had put its watcher in before.
        fence(Acquire);
        let mut course = lock(&self.course);
        let is_untouched = course.watchers.is_empty() && course.freed.is_empty();
        is_untouched.then(|| mem::take(&mut course.phase))
    }

    /// Changes how far it is; who is to be told of that. Not under the lock: they may ask again at once.
    fn go_on(&self, phase: impl FnOnce(Phase) -> Phase) -> Vec<Arc<dyn Watcher>> {
        let mut course = lock(&self.course);
        course.phase = phase(mem::take(&mut course.phase));
        mem::take(&mut course.watchers)
    }
}

thread_local! {
    /// How many flights this thread leads.
    static LED: Cell<u32> = const { Cell::new(0) };
    /// The number of this thread: the standard library takes the whole thread in hand to tell it.
    static ME: ThreadId = thread::current().id();
}

fn this_thread() -> ThreadId {
    // A thread that ends may have lost it.
    ME.try_with(|me| *me).unwrap_or_else(|_| thread::current().id())
}

/// Whether this thread leads a flight: others may wait for what it computes, so while it waits itself it has to do what nobody
/// else may come to.
pub(crate) fn leads_any() -> bool {
    LED.try_with(Cell::get).is_ok_and(|led| led > 0)
}

/// The duty to end a flight, which is to drop this once the value is stored. Dropped before it has landed, as in a panic, the flight
/// ends with nothing to share.
pub(crate) struct Leader<'f> {
    flights: &'f Flights,
    key: Key,
    flight: Arc<Flight>,
}

impl Flights {
    /// The flights of the store in a directory, one table for all its handles in this process.
    pub(crate) fn of(dir: &Dir) -> Result<Arc<Self>> {
        let identity = dir.identity()?;
        let mut tables = lock(&ALL);
        tables.retain(|_, flights| flights.strong_count() > 0);
        if let Some(flights) = tables.get(&identity).and_then(Weak::upgrade) {
            return Ok(flights);
        }
        let flights = Arc::new(Flights::default());
        tables.insert(identity, Arc::downgrade(&flights));
        Ok(flights)
    }

    fn table(&self, key: &Key) -> MutexGuard<'_, Table> {
        lock(&self.tables[usize::from(key.as_bytes()[31]) % TABLES])
    }

    /// Joins the flight of `key`, or starts it. `function` computes it, and takes `mean_time` on
    /// average. If the value is to be `newer` than that of any flight of now, the flight is only
    /// waited for.
    pub(crate) fn join(
        &self,
        key: Key,
        meanwhile: Meanwhile<'_>,
        newer: bool,
        function: &'static str,
        mean_time: Option<Duration>,
    ) -> Joined<'_> {
        let flight = {
            let mut table = self.table(&key);
            let Table { flights, spare } = &mut *table;
            let process = process::id();
            match flights.entry(key) {
                Entry::Occupied(entry) if entry.get().process == process => Arc::clone(entry.get()),
                entry => {
                    let flight = start(spare, process, function);
                    entry.insert_entry(Arc::clone(&flight));
                    // A thread that ends, whose locals are gone, waits for nothing any more.
                    let _ = LED.try_with(|led| led.set(led.get() + 1));
                    return Joined::Leader(Leader { flights: self, key, flight });
                }
            }
        };
        if !newer && let Phase::Landed(shared) = &lock(&flight.course).phase {
            return Joined::Landed(shared.clone());
        }
        match meanwhile {
            Meanwhile::Alone => alone(&flight, newer),
            Meanwhile::Wait => wait(&flight, newer, mean_time),
            Meanwhile::Leave(leave) => {
                if waits::depends(flight.leader, leave.work) {
                    return alone(&flight, newer);
                }
                let mut course = lock(&flight.course);
                if !course.is_waited_for(newer) {
                    return Joined::Again;
                }
                course.watchers.push((leave.watcher)(key));
                Joined::Busy(flight.leader)
            }
        }
    }
}

/// Waits for a flight.
fn wait(flight: &Arc<Flight>, newer: bool, mean_time: Option<Duration>) -> Joined<'static> {
    let note = || waits::begin(Wait::Flight { flight: Arc::clone(flight), newer });
    let Some(mut waiting) = note() else { return alone(flight, newer) };
    let me = thread::current().id();
    let mut suspicion = Suspicion::of_this_thread(mean_time);
    let mut course = lock(&flight.course);
    loop {
        match &course.phase {
            Phase::Landed(shared) if !newer => return Joined::Landed(shared.clone()),
            Phase::Ended(shared) => return Joined::Landed(shared.clone()),
            Phase::GivenUp => return Joined::Again,
            Phase::Failed => return Joined::Alone,
            Phase::Flying | Phase::Landed(_) => {}
        }
        if course.freed.contains(&me) {
            drop(course);
            return alone(flight, newer);
        }
        let Some(suspicion) = &mut suspicion else {
            course = flight.landed.wait(course).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let waited = flight.landed.wait_timeout(course, suspicion.patience());
        let (waited, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        course = waited;
        if !timed_out.timed_out() || !course.is_waited_for(newer) {
            continue;
        }
        drop(course);
        match suspicion.look(&[flight.leader]) {
            Doubt::None => {}
            Doubt::Quiet => {
                drop(waiting);
                suspicion.help();
                let Some(again) = note() else { return alone(flight, newer) };
                waiting = again;
            }
            Doubt::Circle => {
                drop(waiting);
                return alone(flight, newer);
            }
        }
        course = lock(&flight.course);
    }
}

impl Leader<'_> {
    /// Whether anyone waits just now.
    pub(crate) fn has_waiters(&self) -> bool {
        // The table and this leader hold one each.
        Arc::strong_count(&self.flight) > 2 || !lock(&self.flight.course).watchers.is_empty()
    }

    /// Hands `shared` to whoever waits or comes now, before it is in the store.
    pub(crate) fn land(&self, shared: Shared) {
        let watchers = self.flight.go_on(|_| Phase::Landed(shared));
        self.wake(watchers);
    }

    /// Ends the flight before anything was computed.
    pub(crate) fn give_up(self) {
        lock(&self.flight.course).phase = Phase::GivenUp;
    }

    /// Wakes who waits, and tells the watchers. Who comes to the flight now sees its new state, so a system call is made only
    /// for those who were there before.
    fn wake(&self, watchers: Vec<Arc<dyn Watcher>>) {
        if Arc::strong_count(&self.flight) > 2 {
            self.flight.landed.notify_all();
        }
        for watcher in watchers {
            watcher.wake();
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let _ = LED.try_with(|led| led.set(led.get().saturating_sub(1)));
        // First out of the table, then awake: who comes now looks into the store again.
        // Of a flight that nobody has seen, what came of it goes when the lock is free.
        let mut unseen = None;
        let flight = {
            let mut table = self.flights.table(&self.key);
            match table.flights.entry(self.key) {
                // After a fork another may have taken the place of one whose leader is not there.
                Entry::Occupied(entry) if Arc::ptr_eq(entry.get(), &self.flight) => {
                    let flight = entry.remove();
                    unseen = flight.take_unseen();
                    if unseen.is_some() && table.spare.len() < SPARE {
                        table.spare.push(flight);
                        None
                    } else {
                        Some(flight)
                    }
                }
                _ => None,
            }
        };
        if unseen.is_none() {
            let watchers = self.flight.go_on(|phase| match phase {
                Phase::Flying => Phase::Failed,
                Phase::Landed(shared) => Phase::Ended(shared),
                ended => ended,
            });
            self.wake(watchers);
        }
        drop(flight);
    }
}

impl fmt::Debug for Leader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leader({})", self.key)
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flight(led by {:?})", self.leader)
    }
}

#[cfg(test)]
mod tests;
