//! How often functions were called, what that cost and what it saved: in this process, and in all that have used a directory.
//!
//! # The way of a count
//! 1. A call adds to the [`Counters`] of its function in this memory: of a hit nine instructions, no system call, no lock. Those of
//!    the memory that counts a function first stand in its [`Slot`].
//! 2. A thread ([`keeper`]) writes what a memory has counted to a file of its own below `sessions/`, once a second while it
//!    changes. Who is killed loses the last second.
//! 3. When the memory is closed, or the process exits, its counts are added to `totals`, by function, and to its line in
//!    `runs`; then the file below `sessions/` goes. Whoever does that does it for killed processes, too: their files are there
//!    and nobody holds a lock on them.
//! 4. Whoever reads adds up `totals` and the files of the sessions that are not in them yet.
//!
//! # Invariants
//! 1. A count is in the sum once. `totals` names the sessions that are in it whose files may still be there.
//! 2. Trouble here costs counts, nothing else; it is no trouble of the cache. Nothing is written where nothing may be, and a
//!    directory that was removed is not made again for it.
//! 3. A child after `fork` counts for itself alone: what it counts is not written.
//!
//! Tried and dropped: counting in a mapped file (no second would be lost, but threads that count in one place wait for each
//! other, and a row for each thread and function takes megabytes).

mod counters;
mod keeper;
mod ledger;
mod session;
mod text;

use std::time::{Duration, SystemTime};

pub(crate) use counters::{Counters, Slot, nanos};
pub(crate) use session::NumberedSession;
use session::Session;

/// How often a function was called, by all programs that have used a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Calls whose entry was there and sound.
    pub hits: u64,
    /// Calls that ran the function.
    pub misses: u64,
    /// Calls that took the value of another thread, process or duplicate that was computing it.
    pub joined: u64,
    /// How long the function ran, summed over threads.
    pub computed: Duration,
    /// How long the function took when the values of the hits and of the joined calls were computed.
    pub saved: Duration,
    /// When it was called last, to a second; `None` if never.
    pub last_use: Option<SystemTime>,
}

impl Usage {
    /// Adds what was counted elsewhere.
    pub(crate) fn add(&mut self, other: &Usage) {
        self.hits = self.hits.saturating_add(other.hits);
        self.misses = self.misses.saturating_add(other.misses);
        self.joined = self.joined.saturating_add(other.joined);
        self.computed = self.computed.saturating_add(other.computed);
        self.saved = self.saved.saturating_add(other.saved);
        self.last_use = self.last_use.max(other.last_use);
    }

    /// The sum of several.
    pub(crate) fn sum<'u>(all: impl IntoIterator<Item = &'u Usage>) -> Self {
        let mut sum = Usage::default();
        for usage in all {
            sum.add(usage);
        }
        sum
    }

    fn is_nothing(&self) -> bool {
        self.hits == 0 && self.misses == 0 && self.joined == 0
    }
}

/// What one process did with a directory; [`Memory::runs`](crate::Memory::runs) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// When it opened the directory, to a second.
    pub started: SystemTime,
    /// When it was heard of last: when it closed the directory, or when what it had counted was written.
    pub last: SystemTime,
    /// The name of the program's file.
    pub program: String,
    /// The name of the machine; empty where that is not known.
    pub host: String,
    /// What it counted, of all functions.
    pub usage: Usage,
    /// How it ended.
    pub ending: Ending,
    /// Tells it from all others.
    pub(crate) number: u64,
}

/// How a [`Run`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It has not.
    Running,
    /// It closed the directory, or exited.
    Ended,
    /// It was killed, or aborted: nothing of it was heard again.
    Killed,
}
