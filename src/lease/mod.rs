//! Single flight: the right to compute one key, held by one thread of one process.
//!
//! [`flights`] is the table of keys being computed in this process; waiters take the value from the leader's memory.
//! [`file`] is the lease between processes: a lock, which the kernel drops when its owner dies.
//!
//! # Invariants
//! 1. A leader that panics, or whose process dies, frees its waiters.
//! 2. A thread never waits for itself, nor for a thread that waits for a flight of its own, by however many steps: it
//!    computes instead. (Such waits arise when a thread pool runs one task on the stack of another that waits.)
//! 3. Order: first the flight, then the lease. A lease is held by the leader of the flight alone.
//!
//! Waits inside rayon cannot be seen from outside of it: a thread of a rayon pool that waits for a flight may be running a piece
//! that the flight's leader waits for. Such a thread waits for ten times as long as the function usually takes and a second,
//! then computes alone. Not covered: such a circle before a function has been run to its end in this process, or through two
//! processes.

mod file;
mod flights;
mod notice;

pub(crate) use file::{Acquired, Lease, LeaseFiles};
pub(crate) use flights::{Flights, Joined, Leader, Shared, Wish};
