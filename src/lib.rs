//! Remembers on disk what expensive pure functions returned, and runs many calls in parallel, computing only what is not
//! remembered yet.
//!
//! ```
//! use rememo::{Memory, Parallel, memo};
//!
//! #[memo]
//! fn simulate(seed: u64, steps: &[f64]) -> f64 {
//!     steps.iter().fold(seed as f64, |state, step| (state * step).sin()) // minutes, in earnest
//! }
//!
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let memory = Memory::open(dir)?; // any number of threads and processes may share it
//! let steps = [0.1, 0.7];
//!
//! let one = memory.call(simulate::delayed(7, &steps)); // computed and stored
//! let all = Parallel::new() // one thread for each core
//!     .memory(&memory)
//!     .run((0..100).map(|seed| simulate::delayed(seed, &steps)))?; // 99 computed, in input order
//! assert_eq!(all[7], one);
//!
//! let outcome = memory.call_info(simulate::delayed(7, &steps));
//! assert!(outcome.is_hit());
//! assert_eq!(memory.stats().misses, 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to use when
//! - [`#[memo]`](macro@memo) on a function: it keeps its signature and is remembered in the *current memory*; beside it,
//!   `f::delayed(…)` makes a [call](Call) that has not run yet, `f::uncached(…)` runs the body, `f::info()` tells about it.
//! - [`Memory`]: a directory of results. Use it when the same call will come again, tomorrow or in another process. Make it
//!   current for a thread with [`Memory::enter`], for all with [`Memory::make_default`]; else plain calls use `$REMEMO_DIR`
//!   or the user's cache directory.
//! - [`Parallel`]: runs a batch of independent calls, misses only, or one call as a [`Task`] to wait for; on threads, or with
//!   [`Executor::processes`] in worker processes, with [`Executor::slurm`] and [`Executor::launcher`] on a cluster.
//!   [`delayed`] takes plain closures, [`calls!`] calls of several functions. [`Parallel::progress`] shows how far a batch is, [`Parallel::verbose`] which
//!   calls it computes, and [`Parallel::retries`] has what failed tried again.
//! - [`Array`]: numbers with a shape, for large results; a hit maps them and reads nothing.
//! - [`Shelved`]: a token for a large value that stays in the cache. As an argument it costs nothing, however large the value.
//! - [`InputFile`], [`InputDir`]: files that a function reads, in its key by their content. [`Hashed`]: a large argument of many
//!   calls, hashed once.
//! - [`Memory::get_or_compute`]: without the macro, under a name of your own.
//! - [`Memory::why`]: one line on why a call is a hit or a miss; of a miss, which code changed since it was computed.
//! - [`execute`], [`report`]: executors of your own; what is told of functions and of changes in their code.
//!
//! # Features
//! None is on by default.
//! - `ndarray`: views of [`Array`], and arrays of `ndarray` turned into it, without copies.
//! - `zstd`: values that are stored compressed, by `#[memo(compress)]` or [`MemoryBuilder`]; compiles a C library.
//! - `bytemuck`: vectors and arrays of types that are `bytemuck::Pod` are kept as raw bytes, as those of numbers always are.
//! - `progress`: [`Parallel::progress`] shows a bar on a terminal; without, it prints lines there, too. (indicatif)
//!
//! - `cli`: the command `rememo`, which looks into a directory; nothing for a program that uses the library.
//!
//! # Guarantees
//! - *A value that comes back is what this function, with these arguments, returned.* The key is a cryptographic digest of
//!   every argument, of types, and of the state of the code. On x86-64 Linux that is the machine code and data that the function
//!   can run and read in this program; elsewhere, and in programs without symbols, the source that it reaches by name: helpers,
//!   types and their implementations, constants, macros, versions of crates (see [`#[memo]`](macro@memo)). What is read is
//!   believed only after a checksum. A damaged entry is computed again, never returned.
//! - *Computed once.* Threads and processes that ask for the same call at the same time share one computation; a process
//!   that is killed loses what it was running, nothing else. Functions that take less than 0.2 ms share between threads
//!   only.
//! - *Whatever serde can write and read back is kept*: also what only formats that describe themselves can read, such as
//!   `serde_json::Value`, enums with a `tag` or `untagged`, `flatten`, `skip_serializing_if`, skipped variants.
//! - *Never in the way.* Full disk, missing permission, vanished directory, a value that serde refuses: the function is
//!   computed, and the trouble is counted ([`Stats::troubles`]) and logged once, under the target `rememo`.
//!
//! # Not guaranteed
//! - Code that an argument brings along behind `dyn` is not part of the key. Where the source decides alone, nor is code that the
//!   function does not name: types that another crate gives for a type parameter, names that a foreign macro makes up; nor the
//!   compiler's version and flags. For such, there is `version = …`.
//! - Functions must be pure: environment variables, files read, clocks and global state are not part of the key. Pass them
//!   as arguments, files as [`InputFile`].
//! - What serde is not told of cannot be seen: fields that `Serialize` leaves out of an argument are not part of the key, and
//!   `#[serde(skip)]` fields of a value come back as serde makes them up; of variants under `untagged` that serde writes
//!   alike the first comes back. Everything else of a value is compared before it is kept, given to another thread or sent to
//!   another process.
//! - What serde writes and cannot read back is returned and not remembered: a field that only the writer or only the reader
//!   knows, say, or 128-bit numbers under `flatten`, `tag` or `untagged`. It is told once for each function, on the standard
//!   error ([`MemoryBuilder::warnings`]) and to the logger, with the type, the field and what to do; [`Memory::why`] and
//!   [`Stats::not_kept`] show it, and [`MemoryBuilder::strict`] makes it an error. A call whose argument does not arrive as
//!   it was fails in a worker process.
//! - Hash maps and sets of other crates than the standard library inside an argument count in the order that they are in. Where that is
//!   random, the call misses. (A `HashSet` in the type of a parameter is refused, since its name does not tell whose it is.)
//! - Types that share their name with another (two versions of a crate, two blocks of a function), types of crates that
//!   depend on the function's, and types of your own in [`get_or_compute`](Memory::get_or_compute) are told apart by numbers
//!   of the compiler. Their entries are found only by builds with the same compiler, profile and flags.
//! - Nothing is evicted without a budget ([`MemoryBuilder::budget`]): a directory grows until [`Memory::clear`] or
//!   [`Memory::reduce`].
//! - Memoized functions that use rayon inside may come to wait for each other through it. Then one is computed a second time, and a
//!   warning names both; through two processes, or a thread that one of them has started and joins, they would wait for ever.
//! - Sharing one directory between machines over a network file system is not tested.
//! - Formats may change between versions; entries of another version are misses or the directory is refused.

#![cfg_attr(docsrs, feature(doc_cfg))]

// So that the code that `#[memo]` writes finds the library in its own tests too.
#[cfg(test)]
extern crate self as rememo;

mod array;
mod call;
mod checksum;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod code;
mod codec;
mod dump;
mod error;
mod events;
mod function;
mod idle;
mod input;
mod key;
mod lease;
mod lock;
mod memory;
mod notebook;
mod panics;
mod parallel;
mod payload;
mod remote;
pub mod report;
mod screen;
mod sealed;
mod states;
mod store;
mod sys;
mod task_error;
mod tell;
mod usage;
mod wire;
mod worker;

pub use array::{Array, Element};
pub use call::{BoxedCall, Call, FunctionCall, delayed};
pub use codec::Value;
#[cfg(feature = "zstd")]
pub use dump::dump_compressed;
pub use dump::{dump, load};
pub use error::{Error, Result};
pub use input::{InputDir, InputFile};
pub use key::{Hashed, Key, digest};
pub use memory::{
    Entered, Memory, MemoryBuilder, Outcome, Shelved, Source, checkpoint, save, seed, stopping,
};
pub use parallel::{Backoff, Executor, Parallel, Progress, Task, TryRunError, as_completed, init};
/// `#[rememo::main]`: an attribute for `main` that calls [`init`] first.
pub use rememo_macros::main;
/// `#[memo]`: an attribute for functions whose values are to be remembered.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize)]
/// struct Model {
///     slope: f64,
/// }
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Fit {
///     error: f64,
/// }
///
/// impl Model {
///     #[memo(ttl = "7d", ignore(verbose))]
///     fn fit(&self, data: &[f64], verbose: bool) -> Result<Fit, String> {
///         if verbose {
///             println!("fitting {} numbers", data.len());
///         }
///         let error = data.iter().map(|x| (x - self.slope).abs()).sum();
///         if data.is_empty() { Err("no data".into()) } else { Ok(Fit { error }) }
///     }
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let model = Model { slope: 2.0 };
/// let first = memory.call_info(model.fit_delayed(&[1.0, 4.0], true));
/// assert_eq!(first.value, Ok(Fit { error: 3.0 }));
/// assert!(!first.is_hit());
/// assert!(memory.call_info(model.fit_delayed(&[1.0, 4.0], false)).is_hit());
/// assert!(memory.call(model.fit_delayed(&[], false)).is_err());
/// assert!(!memory.contains(&model.fit_delayed(&[], false))); // an `Err` is not kept
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
#[cfg_attr(
    feature = "zstd",
    doc = "
An example of `compress`, which needs the feature `zstd`:

```
# let dir = tempfile::tempdir()?;
use rememo::{Memory, memo};

#[memo(compress = 9)]
fn table(n: u64) -> Vec<u64> {
    (0..n).collect()
}

let memory = Memory::open(dir.path())?;
memory.call(table::delayed(100_000)); // 800,000 bytes
assert!(memory.stats().bytes < 400_000);
assert!(memory.call_info(table::delayed(100_000)).is_hit());
# Ok::<(), Box<dyn std::error::Error>>(())
```
"
)]
/// What follows is the reference.
pub use rememo_macros::memo;
pub use report::miss_reason::MissReason;
pub use report::stats::Stats;
pub use report::why::Why;
pub use store::{Durability, EntryInfo, Layout, Limits, Writer};
pub use task_error::{TaskError, TaskErrorKind};

/// How calls are run: executors of your own, and the types of what is seldom named.
pub mod execute {
    pub use crate::call::{Delayed, Repeatable};
    pub use crate::parallel::{AsCompleted, AsError, RetryIf, RetryRule, Totals, error_kind};
    pub use crate::remote::{Execute, Failure, Job, Reply};
}

/// What the code that `#[memo]` writes needs. No API: it changes with every version.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{FunctionCall, Memo, copies};
    pub use crate::codec::{Codec, DecodeError, raw, select};
    pub use crate::function::{Compress, Definition, Function, Parameters};
    pub use crate::key::{Argument, ArgumentError, Arguments};
    pub use crate::payload::{Compresses, Level, ReadError};
    pub use crate::remote::Remote;
    pub use inventory;

    /// What functions of a program reach.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub mod code {
        pub use crate::code::{Boundary, Loaded, Obstacle, Outside, Part, Piece, Program, Reach, Running};
    }

    /// What it takes to send calls to other processes.
    pub mod remote {
        pub use crate::remote::{
            ArgumentWriter, ErrorText, Receive, ReceiveOwned, Received, Send, Unsent, Whole, WholeCodec, via,
        };
    }

    /// What it takes to run calls that other processes sent.
    pub mod worker {
        pub use crate::worker::{Registered, Request, Served};
    }

    /// Runs a call in the current memory. Never a part of who calls it: what a function calls is in its machine code.
    #[inline(never)]
    pub fn call<A, T>(call: FunctionCall<A, T>) -> T {
        crate::memory::Memory::current().call(call)
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/guide.md")]
struct Guide;

#[cfg(doctest)]
#[doc = include_str!("../docs/joblib.md")]
struct FromJoblib;
