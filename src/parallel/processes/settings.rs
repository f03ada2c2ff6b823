//! What tells one kind of worker from another.

use std::path::PathBuf;
use std::time::Duration;

/// How workers are started and used. Those of equal settings serve each other's batches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    /// Bytes of data that each may have.
    pub(super) memory_limit: Option<u64>,
    /// Jobs after which a worker is replaced.
    pub(super) max_tasks: Option<usize>,
    /// Whether what they write passes through.
    pub(super) pass_output: bool,
    /// How long one may have nothing to do.
    pub(super) idle_timeout: Duration,
    /// The program, if not this one.
    pub(super) program: Option<PathBuf>,
    /// Cores that each may use.
    pub(super) threads: usize,
    /// Where they are started.
    pub(super) directory: PathBuf,
}
