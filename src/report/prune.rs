//! What a person wants to go from a directory, and what went.

use std::time::Duration;

use crate::store::Limits;
pub use crate::store::PruneReason;

/// What is to go from a directory; see [`Memory::prune`](crate::Memory::prune). Without any limit nothing goes.
#[must_use = "it does nothing until a memory is pruned"]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    pub(crate) limits: Limits,
    pub(crate) age: Option<Duration>,
    pub(crate) stale: Option<Duration>,
    pub(crate) function: Option<String>,
    pub(crate) dry_run: bool,
}

impl Prune {
    /// Nothing.
    pub fn new() -> Self {
        Prune::default()
    }

    /// At most so many bytes of entries stay; those that are worth least go.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.limits = self.limits.bytes(bytes);
        self
    }

    /// At most so many entries stay; those that are worth least go.
    pub fn items(mut self, items: u64) -> Self {
        self.limits = self.limits.items(items);
        self
    }

    /// Entries go that were stored so long ago.
    pub fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Entries go that were not used (or, if never used, stored) for so long; in whole seconds.
    pub fn unused(mut self, unused: Duration) -> Self {
        self.limits = self.limits.age(unused);
        self
    }

    /// Entries of earlier code go: of the states of each function's code all but the one that was used last, if nobody used the
    /// state for so long. A week, say: two branches of a project may take turns in one directory.
    pub fn stale(mut self, unused: Duration) -> Self {
        self.stale = Some(unused);
        self
    }

    /// Only entries of the function of this name go, and count.
    pub fn function(mut self, name: impl Into<String>) -> Self {
        self.function = Some(name.into());
        self
    }

    /// Whether nothing goes, and it is only told what would. Default: no.
    pub fn dry_run(mut self, yes: bool) -> Self {
        self.dry_run = yes;
        self
    }
}

/// What pruning removed and left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Entries removed.
    pub entries: u64,
    /// Bytes of the entries removed.
    pub bytes: u64,
    /// Entries left, of all functions.
    pub kept_entries: u64,
    /// Bytes of the entries left.
    pub kept_bytes: u64,
    /// What was removed, by function and reason.
    pub parts: Vec<PrunedPart>,
    /// States of earlier code whose entries stay, as they were used lately.
    pub spared_states: u64,
}

/// What pruning removed of one function for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunedPart {
    /// The name of the function, or its id if it has no record.
    pub function: String,
    /// Why its entries went.
    pub reason: PruneReason,
    /// Entries removed.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}
