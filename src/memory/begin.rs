//! How a miss begins: the flight, the lease, and a second look.

use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::inner::{Computed, Inner};
use super::trouble::{Trouble, chain};
use super::{Memory, MissReason, Source};
use crate::call::Memo;
use crate::error::Error;
use crate::function::Function;
use crate::key::Key;
use crate::lease::{Acquired, Joined, Leader, Lease, Meanwhile, Watcher, Wish};
use crate::store::Payload;

/// The right to compute a key. Dropped without a value, it frees whoever waits.
#[derive(Debug)]
pub(crate) struct Ticket<'m> {
    pub(super) leader: Option<Leader<'m>>,
    pub(super) lease: Option<Lease>,
}

/// What came of asking to compute.
#[derive(Debug)]
pub(crate) enum Begun<'m, T> {
    /// Somebody else has computed it meanwhile.
    Done(Computed<T>),
    /// Somebody else computes it, a thread of this process or another one, and the watcher will be told.
    Busy(Option<ThreadId>),
    /// This thread computes it.
    Leads(Ticket<'m>),
}

/// Functions that take less than this on average run without a lease. A lease itself costs two microseconds. But what is computed under
/// one is stored at once, since other processes wait for it on the disk, and goes to worker processes alone; without, many
/// values are stored by one write, and many calls go in one message.
const WORTH_A_LEASE: Duration = Duration::from_micros(200);

impl Ticket<'_> {
    /// Whether other processes may be waiting for the lease.
    pub(crate) fn has_lease(&self) -> bool {
        self.lease.is_some()
    }
}

impl Inner {
    /// Asks for the right to compute `key`, which missed for a `reason`: if it is to be recomputed, what others computed before does
    /// not count. `meanwhile` is what is done while somebody else computes it.
    pub(super) fn begin<T>(
        &self,
        memory: &Memory,
        key: Key,
        reason: &MissReason,
        memo: &Memo<'_, T>,
        meanwhile: Meanwhile<'_>,
    ) -> Begun<'_, T> {
        let again = *reason == MissReason::Recomputed;
        let leader = loop {
            let wish = Wish { meanwhile, newer: again };
            match self.flights.join(key, wish, memo.function.name(), memo.function.mean_time()) {
                Joined::Leader(leader) => break Some(leader),
                // That value may be older than the wish to compute it again.
                Joined::Landed(_) if again => {}
                Joined::Landed(shared) => match self.take_shared(memo, shared) {
                    Some(computed) => return Begun::Done(computed),
                    None => break None,
                },
                Joined::Alone => break None,
                Joined::Again => {}
                Joined::Busy(leader) => return Begun::Busy(Some(leader)),
            }
        };
        // Who leads no flight holds no lease.
        let left = if let Meanwhile::Leave(leave) = meanwhile { Some(leave) } else { None };
        let mut acquired = leader.as_ref().and_then(|_| self.lease(&key, memo, left.is_none()));
        if let (Some(Acquired::Busy), Some(left)) = (&acquired, left) {
            if watch_lease(memory, key, memo.function, (left.watcher)(key)) {
                leader.into_iter().for_each(Leader::give_up);
                return Begun::Busy(None);
            }
            // There is no thread to watch it, so this one does.
            acquired = self.lease(&key, memo, true);
        }
        let (lease, waited) = match acquired {
            Some(Acquired::Held { lease, waited }) => (Some(lease), waited),
            Some(Acquired::Busy) | None => (None, false),
        };
        // Whoever led the flight or held the lease between the look-up and now has stored the value.
        if !again
            && leader.is_some()
            && let Some(computed) = self.look_again(&key, memo, waited)
        {
            if let (Some(leader), Some(shared)) = (leader, &computed.shared) {
                leader.land(Arc::clone(shared));
            }
            return Begun::Done(computed);
        }
        Begun::Leads(Ticket { leader, lease })
    }

    /// The lease of `key`, unless the function is cheaper than that is worth.
    fn lease<T>(&self, key: &Key, memo: &Memo<'_, T>, wait: bool) -> Option<Acquired> {
        if memo.function.mean_time().is_some_and(|time| time < WORTH_A_LEASE) {
            return None;
        }
        let note = |error: &Error| self.troubles.note(Trouble::Lease, memo.function.name(), &chain(error));
        self.leases.acquire(key, memo.function.name(), wait).inspect_err(note).ok()
    }

    /// Looks for a value that somebody stored since the first look-up.
    fn look_again<T>(&self, key: &Key, memo: &Memo<'_, T>, waited: bool) -> Option<Computed<T>> {
        let entry = self.find(key, memo.function.definition(), memo.function.name()).ok()?;
        let value = self.decode(&entry, memo).ok()?;
        let source = if waited {
            self.counters.joined(entry.compute_time());
            Source::Joined
        } else {
            self.counters.hit(entry.compute_time());
            Source::Hit
        };
        Some(Computed { value, source, shared: Some(Arc::new(entry)) })
    }
}

/// Has a thread of its own wait until the lease of `key` is free, which another process holds, and tell the watcher; whether
/// there is such a thread. It waits in the kernel, and ends with the lease.
fn watch_lease(memory: &Memory, key: Key, function: &'static Function, watcher: Arc<dyn Watcher>) -> bool {
    let memory = memory.clone();
    let watch = move || {
        if let Some(inner) = &memory.inner {
            // Trouble with the lease is met again, and noted, by whoever asks for the key again.
            let _ = inner.leases.wait(&key, function.name());
        }
        watcher.wake();
    };
    thread::Builder::new().name("rememo-lease".into()).stack_size(256 * 1024).spawn(watch).is_ok()
}
