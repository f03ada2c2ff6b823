//! Single flight: the right to compute one key, held by one thread of one process.
//!
//! [`flights`] is the table of keys being computed in this process; waiters take the value from the leader's memory.
//! [`file`] is the lease between processes: a locked file, whose lock the kernel drops when its owner dies.
//!
//! # Invariants
//! 1. Nobody waits for ever: a leader that panics, or whose process dies, frees its waiters.
//! 2. A thread never waits for itself, nor for a thread that waits for it, by however many steps: it computes instead.
//!    (Such waits arise when a thread pool runs one task on the stack of another that waits.)
//! 3. Order: first the flight, then the lease. A lease is held by the leader of the flight alone.
//!
//! Not covered: a circle of waits through two processes and three or more levels of memoized functions, each of which
//! also starts rayon tasks of its own that call memoized functions.

mod file;
mod flights;

pub(crate) use file::{Acquired, LeaseFiles};
pub(crate) use flights::{Flights, Joined, Leader, Shared};
