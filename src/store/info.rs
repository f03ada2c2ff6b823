//! What an entry says of itself.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Writer;
use crate::key::{FunctionId, Key};

/// What is known of an entry without reading its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryInfo {
    pub(crate) key: Key,
    pub(crate) function_id: FunctionId,
    /// Empty where the store keeps no names; the memory fills it in then.
    pub(crate) function: String,
    pub(crate) arguments: String,
    pub(crate) created: SystemTime,
    /// `None` where only the entry itself was read.
    pub(crate) last_use: Option<SystemTime>,
    pub(crate) compute_time: Duration,
    pub(crate) bytes: u64,
    pub(crate) writer: Option<Arc<Writer>>,
}

impl EntryInfo {
    /// The key of the call.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The name of the function.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The arguments in short, such as `7, {"depth":3}`; for people, cut off with `…` when long.
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// When the value was stored, by the clock of the machine that stored it.
    pub fn created(&self) -> SystemTime {
        self.created
    }

    /// The time since the value was stored; zero if that lies in the future by this machine's clock.
    pub fn age(&self) -> Duration {
        SystemTime::now().duration_since(self.created).unwrap_or_default()
    }

    /// When the value was last used (or, if never, stored), as far as that is known. With the log layout to some 16 s; with the
    /// files layout by the file system, which may note a use only once a day, or never.
    pub fn last_use(&self) -> Option<SystemTime> {
        self.last_use
    }

    /// How long the function took to compute the value.
    pub fn compute_time(&self) -> Duration {
        self.compute_time
    }

    /// The program that stored the value, and its machine; `None` if that is not known. A copy, as by
    /// [`Memory::import`](crate::Memory::import), has the writer of its original.
    pub fn writer(&self) -> Option<&Writer> {
        self.writer.as_deref()
    }

    /// The size of the entry with its header, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
