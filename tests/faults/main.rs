//! Faults on purpose: failing system calls, few descriptors, limits, kills at every step, power cuts, damaged files, processes that
//! open a new directory together. The oracle is a model in memory; it counts what came back wrong, what was acknowledged and is
//! lost, who died, who hung.
//!
//! Each test starts this very binary again as the [actor], which works on a cache and says what it has done. Bounded by default,
//! so that `cargo test` stays short; with `REMEMO_TEST_LONG=1` every step of everything is tried. Some need root, strace or small
//! file systems, and say so where they are skipped. `docs/reliability.md` has the counts of a long run.

#![cfg(target_os = "linux")]
#![allow(missing_docs, unreachable_pub, reason = "tests are no interface")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests have functions of every shape, and small numbers"
)]

#[allow(unsafe_code, reason = "a call that maps memory, to be counted")]
mod actor;
mod calls;
mod creation;
mod damage;
#[path = "../engines/mod.rs"]
mod engines;
mod limits;
mod model;
mod places;
mod power;
mod room;
mod stopped;
