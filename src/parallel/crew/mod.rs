//! The scheduler: how threads and work meet. Batches, streams and submitted calls all stand on it.
//!
//! Each piece of work (a batch, a stream, the calls that were submitted to one memory) has a [`Crew`]: what is left to do,
//! the threads that work at it, and its *caller*, who waits for it. Each pool has a [`Line`]: the work that wants a thread,
//! first come, first served. A thread that is called serves one piece of work after the other, a turn each, until the line
//! is empty. Whoever changes the state of a crew does it through the crew, which works out under its lock who is concerned,
//! and tells them when the lock is free. So nothing can change and nobody be told.
//!
//! # States of a thread of the pool
//!
//! | state | how it comes about | how it ends |
//! | --- | --- | --- |
//! | idle | the line was empty, seen under the lock of the line | it is *called* |
//! | called | `Line::join` found fewer threads called or present than there are | it comes: `Line::arrive` |
//! | present | it has come | the line is empty: `Line::next`, under its lock |
//! | at work at a crew | `Crew::enter` found something to take | nothing to take: `Crew::step`, under its lock; or its turn is over: `Crew::leave` |
//! | caller at work | a task of the pool runs a batch inside, or waits for a task, and takes from it as any thread | as above |
//! | caller waiting | nothing to take, others are at work: `Crew::wait` | its wish is met: rung |
//! | turned away | it came to a thread that waits inside a task (in the user's own rayon code) | at once |
//!
//! # Transitions
//!
//! | event | who sees it | what follows |
//! | --- | --- | --- |
//! | a call is drawn, missed, tried again, or is no longer computed elsewhere | whoever causes it, in `Crew::change` | a caller that waits for work is rung; for the rest the crew gets in line |
//! | a crew is in line | `Line::join` | as many idle threads as are wanted are called |
//! | a thread takes the first of the line | `Crew::enter`, under the crew's lock | what is left for others brings the crew to the end of the line |
//! | a turn is over (10 ms) and another crew is in line | the thread, between two calls | it leaves; its crew, if it wants threads still, goes to the end of the line |
//! | a thread leaves, a result comes, the last call is done | `Crew::step`, `Crew::leave` | the caller is rung if its wish is met |
//! | a thread that was called is turned away | `Line::arrive` | if a thread may be idle, all threads are asked, each once |
//! | nobody comes for a second, and no turn has ended in the pool | [`watch`](super::watch) | a thread is started that stands in until others come |
//!
//! # Invariants
//! 1. A crew that has something to take, and fewer threads than it may have, is in line, or the caller is rung for it.
//! 2. If the line is not empty, a thread is called, or every thread that could be called is present and will look at the
//!    line after its turn.
//! 3. A caller that waits is rung by the first change that meets its wish: the wish is looked at with every change, under
//!    the same lock.
//! 4. Whether threads work at a crew is counted under its lock, in the same step in which they take or find nothing: no
//!    work can be put in between the two.
//! 5. No lock is held while another is taken, nor while anything of the user's runs.
//!
//! The code is generic over locks, so that shuttle explores this very code (the tests below).

mod line;
mod lock_family;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

pub(super) use line::{Arrival, Line};
pub(super) use lock_family::{LockFamily, Monitor, Real};

/// What is left to do of a piece of work.
pub(super) trait Queue: Send {
    /// How many threads could take something now.
    fn startable(&self) -> usize;
}

/// The threads at one piece of work, what is left of it, and its caller.
pub(super) struct Crew<P: LockFamily, Q: Queue> {
    state: P::Monitor<CrewState<P, Q>>,
    /// Gets the work in line, when so many threads are wanted. Not set: there is no pool, and the caller does it all.
    call: OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
}

struct CrewState<P: LockFamily, Q> {
    queue: Q,
    at_work: Vec<P::Thread>,
    /// Most threads at work at a time.
    most: usize,
    /// Whether the work is in line.
    in_line: bool,
    /// What the caller waits for.
    wish: Option<Wish<Q>>,
}

/// What a caller waits for.
pub(super) struct Wish<Q> {
    /// Asked with every change.
    pub(super) is_met: fn(&Q, Load) -> bool,
    /// Whether the caller is going to take something when it is rung, so that one thread less is wanted.
    pub(super) works: bool,
}

// Not derived: that would ask for as much of `Q`.
impl<Q> Clone for Wish<Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q> Copy for Wish<Q> {}

/// How many threads work, and how many may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) at_work: usize,
    pub(super) most: usize,
}

impl Load {
    /// Whether one more thread may come.
    pub(super) fn has_room(self) -> bool {
        self.at_work < self.most
    }
}

/// Who is to be told of a change.
#[must_use]
struct Signals {
    ring: bool,
    /// How many threads are wanted.
    call: usize,
}

impl<P: LockFamily, Q: Queue> CrewState<P, Q> {
    fn load(&self) -> Load {
        Load { at_work: self.at_work.len(), most: self.most }
    }

    /// Who is concerned, now that something has changed.
    fn signals(&mut self) -> Signals {
        let load = self.load();
        let met = self.wish.take_if(|wish| (wish.is_met)(&self.queue, load));
        let room = self.most.saturating_sub(self.at_work.len());
        let for_the_caller = usize::from(met.as_ref().is_some_and(|wish| wish.works));
        let wanted = self.queue.startable().min(room).saturating_sub(for_the_caller);
        let call = if self.in_line { 0 } else { wanted };
        self.in_line |= call > 0;
        Signals { ring: met.is_some(), call }
    }

    fn leave(&mut self) {
        let thread = P::thread();
        if let Some(place) = self.at_work.iter().position(|&other| other == thread) {
            self.at_work.swap_remove(place);
        }
    }
}

impl<P: LockFamily, Q: Queue> Crew<P, Q> {
    /// At most `most` threads are to work at a time.
    pub(super) fn new(queue: Q, most: usize) -> Self {
        let state = CrewState { queue, at_work: Vec::new(), most, in_line: false, wish: None };
        Crew { state: P::Monitor::new(state), call: OnceLock::new() }
    }

    /// Says how threads are called; to be done before there is anything to do.
    pub(super) fn called_by(&self, call: impl Fn(usize) + Send + Sync + 'static) {
        let _ = self.call.set(Box::new(call));
    }

    /// Changes what is to be done.
    pub(super) fn change<R>(&self, act: impl FnOnce(&mut Q) -> R) -> R {
        self.signalling(|state| act(&mut state.queue))
    }

    /// Looks at what is to be done, and changes nothing.
    pub(super) fn look<R>(&self, act: impl FnOnce(&Q, Load) -> R) -> R {
        self.state.with(|state| act(&state.queue, state.load()))
    }

    /// Who works.
    pub(super) fn threads(&self) -> Vec<P::Thread> {
        self.state.with(|state| state.at_work.clone())
    }

    /// Whether the work is in line, or should be.
    pub(super) fn is_in_line(&self) -> bool {
        self.state.with(|state| state.in_line)
    }

    /// Begins to work with what `take` finds; `None` if that is nothing, or enough threads work. `from_line`: the work was
    /// the first of the line, and is not in it any more.
    pub(super) fn enter<T>(&self, from_line: bool, take: impl FnOnce(&mut Q) -> Option<T>) -> Option<T> {
        self.signalling(|state| {
            if from_line {
                state.in_line = false;
            }
            if !state.load().has_room() {
                return None;
            }
            let taken = take(&mut state.queue)?;
            state.at_work.push(P::thread());
            Some(taken)
        })
    }

    /// Goes on with what `take` finds. If that is nothing, this thread has left.
    pub(super) fn step<T>(&self, take: impl FnOnce(&mut Q) -> Option<T>) -> Option<T> {
        self.signalling(|state| {
            let taken = take(&mut state.queue);
            if taken.is_none() {
                state.leave();
            }
            taken
        })
    }

    /// Stops working, though there may be something to take.
    pub(super) fn leave(&self, act: impl FnOnce(&mut Q)) {
        self.signalling(|state| {
            act(&mut state.queue);
            state.leave();
        });
    }

    /// Waits until the wish of the caller is met, but no longer than `patience`; whether it is. One thread at a time is
    /// the caller.
    pub(super) fn wait(&self, wish: Wish<Q>, patience: Option<Duration>) -> bool {
        let mut wish = Some(wish);
        let rung = self.state.wait(patience, |state| match wish.take() {
            Some(wish) if (wish.is_met)(&state.queue, state.load()) => Some(()),
            Some(wish) => {
                state.wish = Some(wish);
                None
            }
            None => state.wish.is_none().then_some(()),
        });
        if rung.is_none() {
            self.state.with(|state| state.wish = None);
        }
        rung.is_some()
    }

    fn signalling<R>(&self, act: impl FnOnce(&mut CrewState<P, Q>) -> R) -> R {
        let (result, signals) = self.state.with(|state| {
            let result = act(state);
            (result, state.signals())
        });
        if signals.ring {
            self.state.notify();
        }
        if signals.call > 0
            && let Some(call) = self.call.get()
        {
            call(signals.call);
        }
        result
    }
}

impl<P: LockFamily, Q: Queue> fmt::Debug for Crew<P, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (startable, load) = self.look(|queue, load| (queue.startable(), load));
        f.debug_struct("Crew").field("startable", &startable).field("load", &load).finish_non_exhaustive()
    }
}
