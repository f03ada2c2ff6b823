//! The line of a pool: the work that wants a thread, and the threads that serve it by turns.

use std::collections::VecDeque;

use super::lock_family::{LockFamily, Monitor};

/// The work that wants a thread of a pool.
pub(in crate::parallel) struct Line<P: LockFamily, W: Send> {
    state: P::Monitor<LineState<W>>,
    /// The threads of the pool.
    size: usize,
}

struct LineState<W> {
    waiting: VecDeque<W>,
    /// Threads that were called and have not come.
    called: usize,
    /// Threads that serve the line.
    present: usize,
    /// How often a thread has looked at the line.
    turns: u64,
}

/// What a thread is to do that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parallel) enum Arrival {
    /// To serve the line until [`Line::next`] gives nothing.
    Serve,
    /// Nothing.
    Go,
    /// To ask all threads of the pool, each once: one may be idle, and this one cannot serve.
    AskAll,
}

impl<P: LockFamily, W: Send> Line<P, W> {
    pub(in crate::parallel) fn new(size: usize) -> Self {
        let state = LineState { waiting: VecDeque::new(), called: 0, present: 0, turns: 0 };
        Line { state: P::Monitor::new(state), size }
    }

    /// Gets in line; how many threads are to be called for it, who wants so many.
    pub(in crate::parallel) fn join(&self, work: W, wanted: usize) -> usize {
        self.state.with(|state| {
            state.waiting.push_back(work);
            let idle = self.size.saturating_sub(state.called + state.present);
            let call = wanted.min(idle);
            state.called += call;
            call
        })
    }

    /// A thread comes, which was called, or asked with all others. Whether it can serve depends on where it was found.
    pub(in crate::parallel) fn arrive(&self, was_called: bool, can_serve: bool) -> Arrival {
        self.state.with(|state| {
            if was_called {
                state.called -= 1;
            }
            if can_serve {
                state.present += 1;
                return Arrival::Serve;
            }
            let may_be_idle = state.called + state.present < self.size;
            if was_called && may_be_idle && !state.waiting.is_empty() { Arrival::AskAll } else { Arrival::Go }
        })
    }

    /// The first of the line, for a thread that serves; `None`: the line is empty, and the thread serves no longer.
    pub(in crate::parallel) fn next(&self) -> Option<W> {
        self.state.with(|state| {
            state.turns += 1;
            let work = state.waiting.pop_front();
            if work.is_none() {
                state.present -= 1;
            }
            work
        })
    }

    /// Whether any work is in line.
    pub(in crate::parallel) fn is_wanted(&self) -> bool {
        self.state.with(|state| !state.waiting.is_empty())
    }

    /// How often a thread has looked at the line.
    pub(in crate::parallel) fn turns(&self) -> u64 {
        self.state.with(|state| state.turns)
    }
}

impl<P: LockFamily, W: Send> std::fmt::Debug for Line<P, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.state.with(|state| {
            f.debug_struct("Line")
                .field("size", &self.size)
                .field("waiting", &state.waiting.len())
                .field("called", &state.called)
                .field("present", &state.present)
                .finish_non_exhaustive()
        })
    }
}
