//! The machine fingerprint on programs that are compiled for the test.
//!
//! The oracle is the program itself: where an edit changes what a function returns, its digest must
//! change. What a run executes and reads is followed under valgrind, where that is installed.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(missing_docs, unreachable_pub, reason = "tests are no interface")]
#![expect(clippy::unwrap_used, reason = "tests, and their helpers")]
#![expect(clippy::cast_possible_truncation, reason = "64-bit programs, and small numbers")]

mod assembly;
mod build;
mod elsewhere;
mod files;
mod fuzz;
mod memoized;
mod oracle;
mod outside;
mod places;
mod program;
mod settings;
mod small;

mod traps;
