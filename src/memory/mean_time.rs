//! How long the calls of a function take on average, as its entries tell.
//!
//! Progress alone asks: without this, a new process whose batch finds no entry would show no
//! remaining time before its first value, which can be an hour away.
//!
//! Asked only where a batch has no hits, whose entries tell their compute times, and once for each
//! batch. Slots of the index and names of files are hashes, so any thousand entries are a fair
//! sample.

use std::time::Duration;

use super::Memory;
use crate::function::Function;

/// So many entries are looked at: some of the function's are among them, unless it has next to none.
const SAMPLE: usize = 1000;

impl Memory {
    /// The mean compute time of the function's entries, in any state of its code, among some of all entries.
    pub(crate) fn mean_time_of(&self, function: &'static Function) -> Option<Duration> {
        let inner = self.inner.as_ref()?;
        // Trouble here costs a guess, nothing else.
        let ids = inner.records.ids_of(function.name()).ok()?;
        let (mut entries, mut sum) = (0, Duration::ZERO);
        let visit = &mut |id, time| {
            if ids.contains(&id) {
                entries += 1;
                sum += time;
            }
        };
        inner.store.sample(SAMPLE, visit).ok()?;
        sum.checked_div(entries)
    }
}
