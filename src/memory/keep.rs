//! Keeping a value that was computed: it is encoded, who waits for it gets it, and the store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::inner::Inner;
use super::outbox::{Outbox, Parcel};
use super::stored::Stored;
use super::trouble::{Trouble, chain};
use crate::call::Subject;
use crate::codec::{CodecError, Encoded};
use crate::error::{Error, Result};
use crate::function::{Compress, Function};
use crate::key::Key;
use crate::lease::{Leader, Shared};
use crate::payload::Level;
use crate::store::{Draft, OwnedDraft};

impl Inner {
    /// Encodes a value for the store, or only for who waits for it; `None` if it is declined or cannot be encoded.
    pub(super) fn draft<'v, T>(
        &self,
        key: Key,
        subject: &Subject<T>,
        value: &'v T,
        took: Duration,
        to_be_stored: bool,
    ) -> Option<Draft<'v>> {
        let level = if to_be_stored { self.level(subject.function) } else { None };
        try_draft(key, subject, value, took, level).unwrap_or_else(|error| {
            self.troubles.note(Trouble::Encode, subject.function.name(), &chain(&error));
            None
        })
    }

    /// How values of a function are compressed: as it says, else as the memory does.
    pub(super) fn level(&self, function: &Function) -> Option<Level> {
        match function.definition().compress {
            Compress::AsMemory => self.settings.compress,
            Compress::Never => None,
            Compress::At(level) => Some(level),
        }
    }

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

/// The bytes of a value, compressed at `level` where that is worth it; `None` if the function does not keep such a value.
pub(super) fn encode<'v, T>(
    subject: &Subject<T>,
    value: &'v T,
    level: Option<Level>,
) -> Result<Option<Encoded<'v>>, CodecError> {
    let compress = |encoded: Encoded<'v>| match level {
        Some(level) => encoded.compress(level),
        None => Ok(encoded),
    };
    subject.encode(value).and_then(|encoded| encoded.map(compress).transpose())
}

/// An entry with `value`; see [`encode`].
pub(super) fn try_draft<'v, T>(
    key: Key,
    subject: &Subject<T>,
    value: &'v T,
    compute_time: Duration,
    level: Option<Level>,
) -> Result<Option<Draft<'v>>> {
    let encoded = encode(subject, value, level);
    let encoded = encoded.map_err(|error| Error::value("encode", subject.function.name(), error))?;
    Ok(encoded.map(|encoded| draft_of(key, subject, encoded, compute_time)))
}

/// The entry of an encoded value.
pub(super) fn draft_of<'v, T>(
    key: Key,
    subject: &Subject<T>,
    Encoded { codec, bytes }: Encoded<'v>,
    compute_time: Duration,
) -> Draft<'v> {
    Draft {
        key,
        function: subject.function.id(),
        function_name: subject.function.name(),
        arguments: subject.arguments.clone(),
        created: SystemTime::now(),
        compute_time,
        codec,
        payload: bytes,
    }
}

#[cfg(test)]
mod tests;
