//! Keeping a value that was computed: who waits for it gets it, and the store.

use std::sync::Arc;

use super::inner::Inner;
use super::outbox::{Outbox, Parcel};
use super::stored::Stored;
use super::trouble::{Trouble, chain};
use crate::function::Function;
use crate::lease::{Leader, Shared};
use crate::store::{Draft, OwnedDraft};

impl Inner {
    /// Shares the bytes of a value with whoever waits for it, then stores them, or puts them into the outbox.
    pub(super) fn keep<'m>(
        &'m self,
        function: &'static Function,
        draft: OwnedDraft,
        leader: Option<Leader<'m>>,
        outbox: Option<&mut Outbox<'m>>,
        worth_storing: bool,
    ) -> Shared {
        let draft = Arc::new(draft);
        let shared = Arc::clone(&draft) as Shared;
        if let Some(leader) = &leader {
            leader.land(Arc::clone(&shared));
        }
        if worth_storing {
            let parcel = Parcel { function, draft, leader };
            match outbox {
                Some(outbox) => outbox.put(parcel),
                None => self.store(vec![parcel]),
            }
        }
        shared
    }

    /// Stores a large value from where it is, then shares what is stored: whoever waits reads it from there. Only if there is nothing
    /// to be read are its bytes copied, for whoever waits or may come to wait.
    pub(super) fn keep_borrowed(
        &self,
        function: &'static Function,
        draft: &Draft<'_>,
        leader: Option<&Leader<'_>>,
        share: bool,
        worth_storing: bool,
    ) -> Option<Shared> {
        let stored = worth_storing
            && self
                .try_store(function, draft)
                .inspect_err(|error| self.troubles.note(Trouble::Store, function.name(), &chain(error)))
                .is_ok();
        let wanted = share || leader.is_some_and(Leader::has_waiters);
        let shared: Option<Shared> = if stored {
            Some(Arc::new(Stored::new(&self.store, draft.key, draft.compute_time)))
        } else {
            wanted.then(|| Arc::new(draft.to_owned()) as Shared)
        };
        if let (Some(leader), Some(shared)) = (leader, &shared) {
            leader.land(Arc::clone(shared));
        }
        shared
    }
}
