//! The table of keys that threads of this process are computing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::error::Result;
use crate::key::{Key, KeyMap};
use crate::lock::lock;
use crate::store::Payload;
use crate::sys::{Dir, Identity};

/// What a leader shares: the bytes of its value.
pub(crate) type Shared = Arc<dyn Payload + Send + Sync>;

/// Keys in flight in this process, for one store.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    /// By a byte of the key, so that threads seldom meet at a lock.
    tables: [Mutex<KeyMap<Arc<Flight>>>; TABLES],
}

const TABLES: usize = 16;

/// What is wanted of a key that another thread computes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// To wait until the flight has landed, or has ended if the value is to be `newer`.
    pub(crate) wait: bool,
    /// A value that is newer than that of any flight of now.
    pub(crate) newer: bool,
}

/// What came of asking to compute a key.
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
    /// Another thread computes, and waiting was not wanted.
    Busy,
}

/// One key in flight.
struct Flight {
    leader: ThreadId,
    state: Mutex<State>,
    landed: Condvar,
}

enum State {
    Flying,
    /// Its value is to be had here, and is not in the store yet.
    Landed(Shared),
    /// Its value is in the store; a thread that waited takes it from here.
    Ended(Shared),
    /// It failed, or has a value that cannot be shared.
    Failed,
    GivenUp,
}

impl State {
    /// Whether who comes has to wait, if the value is to be `newer` than that of a flight of now.
    fn is_waited_for(&self, newer: bool) -> bool {
        match self {
            State::Flying => true,
            State::Landed(_) => newer,
            State::Ended(_) | State::Failed | State::GivenUp => false,
        }
    }
}

/// The duty to end a flight, which is to drop this once the value is stored. Dropped before it has landed, as in a panic, the flight
/// ends with nothing to share.
pub(crate) struct Leader<'f> {
    flights: &'f Flights,
    key: Key,
    flight: Arc<Flight>,
}

/// Which thread waits for which, over all stores of the process: what [`Flights::join`] must not close to a circle.
static WAITS: Mutex<Option<HashMap<ThreadId, Wait>>> = Mutex::new(None);

/// A wait for a flight to land, or to end if the value is to be `newer`.
struct Wait {
    flight: Arc<Flight>,
    newer: bool,
}

impl Wait {
    /// Whether it goes on: the thread may not have noticed yet that it is over.
    fn goes_on(&self) -> bool {
        lock(&self.flight.state).is_waited_for(self.newer)
    }
}

impl Flights {
    /// The flights of the store in a directory, one table for all its handles in this process.
    pub(crate) fn of(dir: &Dir) -> Result<Arc<Self>> {
        static TABLES: Mutex<BTreeMap<Identity, Weak<Flights>>> = Mutex::new(BTreeMap::new());
        let identity = dir.identity()?;
        let mut tables = lock(&TABLES);
        tables.retain(|_, flights| flights.strong_count() > 0);
        if let Some(flights) = tables.get(&identity).and_then(Weak::upgrade) {
            return Ok(flights);
        }
        let flights = Arc::new(Flights::default());
        tables.insert(identity, Arc::downgrade(&flights));
        Ok(flights)
    }

    fn table(&self, key: &Key) -> MutexGuard<'_, KeyMap<Arc<Flight>>> {
        lock(&self.tables[usize::from(key.as_bytes()[31]) % TABLES])
    }

    /// Joins the flight of `key`, or starts it. `usual` is how long the function takes on average.
    pub(crate) fn join(&self, key: Key, wish: Wish, usual: Option<Duration>) -> Joined<'_> {
        let Wish { newer, wait } = wish;
        let flight = {
            let mut flights = self.table(&key);
            let Some(flight) = flights.get(&key) else {
                let flight = Arc::new(Flight {
                    leader: thread::current().id(),
                    state: Mutex::new(State::Flying),
                    landed: Condvar::new(),
                });
                flights.insert(key, Arc::clone(&flight));
                return Joined::Leader(Leader { flights: self, key, flight });
            };
            Arc::clone(flight)
        };
        if !newer && let State::Landed(shared) = &*lock(&flight.state) {
            return Joined::Landed(Arc::clone(shared));
        }
        let Some(_waiting) = Waiting::begin(&flight, newer) else { return Joined::Alone };
        if !wait {
            return Joined::Busy;
        }
        let patience = patience(usual);
        let under_way = |state: &mut State| state.is_waited_for(newer);
        let result = flight.landed.wait_timeout_while(lock(&flight.state), patience, under_way);
        let (state, _) = result.unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Landed(shared) | State::Ended(shared) => Joined::Landed(Arc::clone(shared)),
            State::GivenUp => Joined::Again,
            State::Failed | State::Flying => Joined::Alone,
        }
    }
}

impl Leader<'_> {
    /// Whether anyone waits just now.
    pub(crate) fn has_waiters(&self) -> bool {
        // The table and this leader hold one each.
        Arc::strong_count(&self.flight) > 2
    }

    /// Hands `shared` to whoever waits or comes now, before it is in the store.
    pub(crate) fn land(&self, shared: Shared) {
        *lock(&self.flight.state) = State::Landed(shared);
        self.wake();
    }

    /// Ends the flight before anything was computed.
    pub(crate) fn give_up(self) {
        *lock(&self.flight.state) = State::GivenUp;
    }

    /// Wakes who waits. Who comes to the flight now sees its new state, so a system call is made only for those who were there
    /// before.
    fn wake(&self) {
        if self.has_waiters() {
            self.flight.landed.notify_all();
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.state);
        *state = match mem::replace(&mut *state, State::Failed) {
            State::Flying => State::Failed,
            State::Landed(shared) => State::Ended(shared),
            ended => ended,
        };
        drop(state);
        // First out of the table, then awake: who comes now looks into the store again.
        let flight = self.flights.table(&self.key).remove(&self.key);
        self.wake();
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

/// This thread waits for another while this lives.
struct Waiting;

impl Waiting {
    /// Notes that this thread waits for `flight`; `None` if its leader is this thread or waits for it, through however many
    /// others.
    fn begin(flight: &Arc<Flight>, newer: bool) -> Option<Self> {
        let me = thread::current().id();
        let mut waits = lock(&WAITS);
        let waits = waits.get_or_insert_default();
        let wait = Wait { flight: Arc::clone(flight), newer };
        // Seen under the lock: who leads the flight cannot have begun to wait for this thread since.
        let mut next = wait.goes_on().then_some(flight.leader);
        while let Some(thread) = next {
            if thread == me {
                return None;
            }
            next = waits.get(&thread).filter(|wait| wait.goes_on()).map(|wait| wait.flight.leader);
        }
        waits.insert(me, wait);
        Some(Waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(waits) = &mut *lock(&WAITS) {
            waits.remove(&thread::current().id());
        }
    }
}

/// How long a thread waits for a leader.
///
/// A thread of a rayon pool may run a piece of the leader's own work, on top of a stack that the leader waits for; then it would
/// wait for ever, and nobody can see that from outside of rayon. So it loses patience when the function takes far longer than
/// it used to, and computes alone. All others wait for as long as it takes.
fn patience(usual: Option<Duration>) -> Duration {
    match usual {
        Some(usual) if rayon::current_thread_index().is_some() => 10 * usual + Duration::from_secs(1),
        _ => Duration::MAX,
    }
}

#[cfg(test)]
mod tests;
