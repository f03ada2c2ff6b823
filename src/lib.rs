//! Remembers on disk what expensive pure functions returned, and runs many calls in parallel, computing only what is not
//! remembered yet.

// So that the code that `#[memo]` writes finds the library in its own tests too.
extern crate self as rememo;

mod call;
mod codec;
mod error;
mod function;
mod key;
mod lease;
mod memory;
mod parallel;
mod report;
mod store;
mod sys;

pub use call::{Call, Delayed, FunctionCall, delayed};
pub use codec::Value;
pub use error::{Error, Result};
pub use function::{Fingerprint, FunctionInfo};
pub use key::Key;
pub use memory::{Entered, Memory, MemoryBuilder, MissReason, Outcome, Shelved, Source};
pub use parallel::{Parallel, TaskError};
pub use rememo_macros::memo;
pub use report::{FunctionRecord, Stats, Verified};
pub use store::EntryInfo;

/// What the code that `#[memo]` writes needs. No API: it changes with every version.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{FunctionCall, Memo};
    pub use crate::codec::{Codec, select};
    pub use crate::function::{Definition, Function};
    pub use crate::key::{ArgumentError, Arguments};

    /// Runs a call in the current memory.
    pub fn call<A, T>(call: FunctionCall<A, T>) -> T {
        crate::memory::Memory::current().call(call)
    }

    /// The compiler's name of a function, with its type and const parameters.
    pub fn type_name_of<F>(_: &F) -> &'static str {
        std::any::type_name::<F>()
    }
}
