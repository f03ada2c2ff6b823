//! The place where the result of a submitted call arrives.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::lock::lock;
use crate::panics::Quiet;
use crate::parallel::bell::Bell;
use crate::task_error::TaskError;

/// What will come of a submitted call.
#[derive(Debug)]
pub(super) struct Promise<T> {
    state: Mutex<PromiseState<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct PromiseState<T> {
    result: Arrival<T>,
    /// How often somebody should have looked whether to work at the call.
    wakes: u64,
    /// Who is told of it.
    watcher: Option<(Arc<Arrivals>, usize)>,
}

#[derive(Debug)]
enum Arrival<T> {
    Awaited,
    Here(Quiet<Result<T, TaskError>>),
    Taken,
}

/// What has become of several calls.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Those that are done, in the order in which they were.
    done: Mutex<VecDeque<usize>>,
    /// Those that may be worked at again.
    woken: Mutex<Vec<usize>>,
    pub(super) bell: Bell,
}

impl Arrivals {
    pub(super) fn next(&self) -> Option<usize> {
        lock(&self.done).pop_front()
    }

    /// One that may be worked at again.
    pub(super) fn woken(&self) -> Option<usize> {
        lock(&self.woken).pop()
    }

    fn add(&self, index: usize) {
        lock(&self.done).push_back(index);
        self.bell.ring();
    }

    fn wake(&self, index: usize) {
        lock(&self.woken).push(index);
        self.bell.ring();
    }
}

impl<T> Promise<T> {
    pub(super) fn awaited() -> Arc<Self> {
        Promise::new(Arrival::Awaited)
    }

    pub(super) fn here(result: Result<T, TaskError>) -> Arc<Self> {
        Promise::new(Arrival::Here(Quiet::new(result)))
    }

    fn new(result: Arrival<T>) -> Arc<Self> {
        let state = Mutex::new(PromiseState { result, wakes: 0, watcher: None });
        Arc::new(Promise { state, changed: Condvar::new() })
    }

    pub(super) fn set(&self, result: Result<T, TaskError>) {
        let mut state = lock(&self.state);
        state.result = Arrival::Here(Quiet::new(result));
        let watcher = state.watcher.take();
        drop(state);
        self.changed.notify_all();
        if let Some((arrivals, index)) = watcher {
            arrivals.add(index);
        }
    }

    pub(super) fn is_here(&self) -> bool {
        !matches!(lock(&self.state).result, Arrival::Awaited)
    }

    /// The result, if it has come.
    ///
    /// # Panics
    ///
    /// Panics if it was taken before.
    pub(super) fn take(&self) -> Option<Result<T, TaskError>> {
        let mut state = lock(&self.state);
        match mem::replace(&mut state.result, Arrival::Taken) {
            Arrival::Here(result) => Some(result.into_inner()),
            Arrival::Awaited => {
                state.result = Arrival::Awaited;
                None
            }
            Arrival::Taken => {
                drop(state);
                panic!("the result of this task was taken before")
            }
        }
    }

    /// Tells `arrivals`, under the number `index`, when it has come.
    pub(super) fn watch(&self, arrivals: &Arc<Arrivals>, index: usize) {
        let mut state = lock(&self.state);
        if let Arrival::Awaited = state.result {
            state.watcher = Some((Arc::clone(arrivals), index));
        } else {
            drop(state);
            arrivals.add(index);
        }
    }

    /// Makes whoever waits look whether to work at the call.
    pub(super) fn wake(&self) {
        let mut state = lock(&self.state);
        state.wakes += 1;
        if let Some((arrivals, index)) = &state.watcher {
            arrivals.wake(*index);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// How often it was woken: to be asked before one looks whether to work at the call.
    pub(super) fn wakes(&self) -> u64 {
        lock(&self.state).wakes
    }

    /// Waits until the result is here, or it was woken more often than `wakes`, or until `deadline`; whether the time was up.
    pub(super) fn wait(&self, wakes: u64, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while matches!(state.result, Arrival::Awaited) && state.wakes == wakes {
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let patience = deadline.saturating_duration_since(Instant::now());
                    if patience.is_zero() {
                        return true;
                    }
                    let waited = self.changed.wait_timeout(state, patience);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        false
    }
}
