//! Single flight: the right to compute one key, held by one thread of one process.
//!
//! [`flights`] is the table of keys being computed in this process; waiters take the value from the leader's memory.
//! [`mod@file`] is the lease between processes: a lock, which the kernel drops when its owner dies.
//!
//! # Invariants
//! 1. A leader that panics, or whose process dies, frees its waiters.
//! 2. A thread never waits for itself, nor for a thread that waits for a flight of its own, by however many steps: it
//!    computes instead. (Such waits arise when a thread pool runs one task on the stack of another that waits.)
//! 3. Order: first the flight, then the lease. A lease is held by the leader of the flight alone.
//!
//! [`waits`] knows who waits for whom. Waits inside rayon cannot be seen from outside of it; [`hidden`] says what is done
//! about them. Not covered: a circle through two processes.
//!
//! Computed once holds for calls that go on at the same time. A call that fails is run again by
//! others that wait for it, outside of its batch.

mod file;
mod flights;
mod hidden;
mod notice;
mod shared;
mod waits;

pub(crate) use file::{Lease, LeaseFiles};
pub(crate) use flights::{Flights, Joined, Leader, Leave, Meanwhile, Watcher, leads_any};
pub(crate) use hidden::{Doubt, Suspicion, note_own_thread};
pub(crate) use shared::{Packed, Packet, Shared};
pub(crate) use waits::{Awaited, Waiting, wait_for_work};
