//! Behaviour of the library as its users see it. One binary: it links once.

#![allow(missing_docs, unreachable_pub, reason = "tests are no interface")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::items_after_statements,
    clippy::missing_panics_doc,
    clippy::multiple_bound_locations,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::trivially_copy_pass_by_ref,
    clippy::unwrap_used,
    reason = "tests have functions of every shape, and small numbers"
)]

mod arguments;
mod array;
mod blind;
mod bodies;
mod builds;
mod codes;
mod compressed;
mod concurrent;
mod damage;
mod differences;
mod dumps;
mod edits;
#[path = "../engines/mod.rs"]
mod engines;
mod environment;
mod errors;
mod frozen;
mod functions;
mod gather;
mod identity;
mod inputs;
mod large;
mod layers;
mod lints;
mod log;
mod memory;
mod mutation;
mod not_kept;
mod order;
mod package;
mod parallel;
mod policy;
mod processes;
mod programs;
mod progress;
mod purity;
mod random;
mod reach;
mod removal;
mod retries;
mod several;
mod states;
mod stream;
mod support;
mod tasks;
mod trouble;
mod unwinding;
mod values;
mod verbose;
mod verify;
mod why;
mod workers;
