//! How a miss begins: the flight, the lease, and a second look.

use std::sync::Arc;
use std::time::Duration;

use super::inner::{Computed, Inner};
use super::trouble::{Trouble, chain};
use super::{MissReason, Source};
use crate::call::Memo;
use crate::error::Error;
use crate::key::Key;
use crate::lease::{Acquired, Joined, Leader, Lease, Wish};
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
    /// Somebody else computes it, and waiting was not wanted.
    Busy,
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
    /// not count. With `wait`, who computes it now is waited for.
    pub(super) fn begin<T>(
        &self,
        key: Key,
        reason: &MissReason,
        memo: &Memo<'_, T>,
        wait: bool,
    ) -> Begun<'_, T> {
        let again = *reason == MissReason::Recomputed;
        let leader = loop {
            match self.flights.join(key, Wish { wait, newer: again }, memo.function.mean_time()) {
                Joined::Leader(leader) => break Some(leader),
                // That value may be older than the wish to compute it again.
                Joined::Landed(_) if again => {}
                Joined::Landed(shared) => match self.take_shared(memo, shared) {
                    Some(computed) => return Begun::Done(computed),
                    None => break None,
                },
                Joined::Alone => break None,
                Joined::Again => {}
                Joined::Busy => return Begun::Busy,
            }
        };
        // Who leads no flight holds no lease.
        let acquired = leader.as_ref().and_then(|_| self.lease(&key, memo, wait));
        let (lease, waited) = match acquired {
            Some(Acquired::Busy) => {
                leader.into_iter().for_each(Leader::give_up);
                return Begun::Busy;
            }
            Some(Acquired::Held { lease, waited }) => (Some(lease), waited),
            None => (None, false),
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
