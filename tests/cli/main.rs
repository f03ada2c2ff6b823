//! The command `rememo`, run as people run it, on directories that the library has filled.

#![allow(missing_docs, unreachable_pub, reason = "tests are no interface")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests have functions of every shape, and small numbers"
)]

mod beside;
mod listing;
mod outside;
mod pruning;
mod report;
mod support;
mod totals;
mod transfer;
mod usage;
mod verifying;
