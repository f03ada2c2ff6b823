//! The entry of a value that was stored a moment ago, for the threads that waited for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::key::Key;
use crate::payload::Content;
use crate::store::{Entry, Lookup, Payload, Store};

/// The entry of a key, looked up when a thread wants the value. Most have no thread that waits, and
/// a look-up counts as a use.
#[derive(Debug)]
pub(super) struct LazyEntry {
    store: Arc<dyn Store>,
    key: Key,
    compute_time: Duration,
    entry: OnceLock<Option<Entry>>,
}

impl LazyEntry {
    pub(super) fn new(store: &Arc<dyn Store>, key: Key, compute_time: Duration) -> Self {
        LazyEntry { store: Arc::clone(store), key, compute_time, entry: OnceLock::new() }
    }
}

impl Payload for LazyEntry {
    fn content(&self) -> Option<Content<'_>> {
        let look_up = || match self.store.get(&self.key) {
            Ok(Lookup::Found(entry)) => Some(entry),
            _ => None,
        };
        self.entry.get_or_init(look_up).as_ref()?.content()
    }

    fn compute_time(&self) -> Duration {
        self.compute_time
    }
}
