//! What the clones of a memory share, and how values get into its store.

use std::mem;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Memory;

use super::earlier::EarlierStates;
use super::not_kept::NotKept;
use super::outbox::Parcel;
use super::trouble::{Trouble, Troubles};
use super::turn::KeyedCall;
use super::verification::Verification;
use crate::codec::{Codec, CodecError, DecodeError, Encoded};
use crate::error::{Result, chain};
use crate::events;
use crate::function::{Compress, Function};
use crate::key::Key;
use crate::lease::{Flights, LeaseFiles, Packet, Shared};
use crate::payload::Level;
use crate::remote::MemorySettings;
use crate::report::Records;
use crate::states::States;
use crate::store::{self, Author, Draft, Store};
use crate::sys::Dir;
use crate::usage::{Counters, NumberedSession};

/// A store with what its users in this process share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(super) settings: Arc<MemorySettings>,
    pub(super) dir: Arc<Dir>,
    pub(super) store: Arc<dyn Store>,
    pub(super) records: Records,
    pub(super) states: States,
    pub(super) earlier: EarlierStates,
    pub(super) leases: LeaseFiles,
    pub(super) session: NumberedSession,
    pub(super) troubles: Troubles,
    pub(super) not_kept: NotKept,
    pub(super) manners: Manners,
    pub(super) verification: Verification,
    pub(super) flights: Arc<Flights>,
}

/// What a memory does about values that cannot be kept, calls that are not there, and hits.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct Manners {
    /// Says nothing of them on the standard error.
    pub(super) is_quiet: bool,
    /// Takes them for errors.
    pub(super) is_strict: bool,
    /// Refuses calls that would be computed.
    pub(super) is_frozen: bool,
    /// Computes this share of the hits again, to compare.
    pub(super) verified: f64,
    /// Is part of another process's run.
    pub(super) is_worker: bool,
}

impl Memory {
    /// A memory with these settings, which are those of all processes that have it, and manners of this one.
    pub(crate) fn with_settings(settings: Arc<MemorySettings>, manners: Manners) -> Result<Memory> {
        let (dir, store) = store::open(&settings.root, &settings.options)?;
        // Who stores does not wait for a value that is not stored.
        let flights = if settings.options.read_only { Arc::default() } else { Flights::of(&dir)? };
        // What is refused is not computed again.
        let verified = if manners.is_frozen { 0.0 } else { manners.verified };
        let session = NumberedSession::new(&dir, !settings.options.read_only, !manners.is_worker);
        let inner = Inner {
            settings,
            store,
            records: Records::new(&dir),
            states: States::new(&dir),
            earlier: EarlierStates::default(),
            leases: LeaseFiles::open(&dir),
            session,
            troubles: Troubles::default(),
            not_kept: NotKept::default(),
            manners,
            verification: Verification::new(verified),
            flights,
            dir,
        };
        Ok(Memory { inner: Some(Arc::new(inner)) })
    }
}

impl Inner {
    /// Whether nothing is stored, as the user wants it.
    pub(super) fn is_read_only(&self) -> bool {
        self.settings.options.read_only
    }

    /// How values of a function are compressed: as it says, else as the memory does.
    pub(super) fn level(&self, function: &Function) -> Option<Level> {
        match function.definition().compress {
            Compress::AsMemory => self.settings.compress,
            Compress::Never => None,
            Compress::At(level) => Some(level),
        }
    }

    /// Stores one value; whether it could be stored. Trouble is noted.
    pub(super) fn store(&self, function: &'static Function, draft: &Draft<'_>) -> bool {
        let stored = self.try_store(function, draft);
        stored.inspect_err(|error| self.troubles.note(Trouble::Store, function.name(), &chain(error))).is_ok()
    }

    /// Stores one value.
    pub(super) fn try_store(&self, function: &'static Function, draft: &Draft<'_>) -> Result<()> {
        self.store.put(draft)?;
        self.stored(function, &draft.key);
        Ok(())
    }

    /// Stores values by one write, and ends the flight of each, which empties the list. Trouble is noted.
    pub(super) fn store_all(&self, parcels: &mut Vec<Parcel<'_>>, packet: &Packet) {
        let results = packet.with(|bytes| {
            let drafts: Vec<Draft<'_>> = parcels.iter().map(|parcel| parcel.draft(bytes)).collect();
            self.store.put_all(&drafts)
        });
        let mut recorded: Option<&'static Function> = None;
        let room = Vec::with_capacity(parcels.len());
        let sent = mem::replace(parcels, room);
        for (parcel, result) in sent.iter().zip(results) {
            match result {
                Ok(()) => {
                    self.count_stored(parcel.function, &parcel.key);
                    if !recorded.is_some_and(|function| ptr::eq(function, parcel.function)) {
                        self.record(parcel.function);
                        recorded = Some(parcel.function);
                    }
                }
                Err(error) => self.troubles.note(Trouble::Store, parcel.function.name(), &chain(&error)),
            }
        }
    }

    /// Counts a stored value, and makes sure that its function has a record.
    pub(super) fn stored(&self, function: &'static Function, key: &Key) {
        self.count_stored(function, key);
        self.record(function);
    }

    fn count_stored(&self, function: &'static Function, key: &Key) {
        function.count(&self.session, Counters::stored);
        events::trace!("stored: `{}` {key}", function.name());
    }

    /// Makes sure that a function has a record.
    fn record(&self, function: &'static Function) {
        if let Err(error) = self.records.write(function, self.store.generation()) {
            self.troubles.note(Trouble::Record, function.name(), &chain(&error));
        }
    }

    /// The value whose bytes another thread shared; counts as joined.
    pub(super) fn join<T>(
        &self,
        function: &'static Function,
        codec: &Codec<T>,
        shared: &Shared,
    ) -> Option<T> {
        let decoded = shared.read(|content| codec.decode(content))?;
        self.joined(function, shared, decoded.as_ref().err());
        decoded.ok()
    }

    fn joined(&self, function: &'static Function, shared: &Shared, error: Option<&DecodeError>) {
        if let Some(error) = error {
            self.troubles.note(Trouble::Decode, function.name(), &chain(error));
        } else {
            let time = shared.compute_time();
            function.count(&self.session, |counters| counters.joined(time));
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.session.close();
    }
}

impl KeyedCall<'_> {
    /// An entry with an encoded value.
    pub(super) fn draft<'v>(&self, encoded: Encoded<'v>, arguments: &'v str, took: Duration) -> Draft<'v> {
        let Encoded { codec, bytes } = encoded;
        Draft {
            key: self.key,
            function: self.function.id(),
            function_name: self.function.name(),
            arguments: arguments.into(),
            created: SystemTime::now(),
            compute_time: took,
            author: Author::This,
            codec,
            payload: bytes,
        }
    }
}

/// The bytes of a value, compressed at `level` if that is worth it; `None` if the function does not
/// keep such a value.
pub(super) fn encode<'v, T>(
    codec: &Codec<T>,
    value: &'v T,
    function: &Function,
    level: Option<Level>,
) -> Result<Option<Encoded<'v>>, CodecError> {
    let encoded = codec.encode(value, function.values())?;
    match level {
        Some(level) => encoded.map(|encoded| encoded.compress(level)).transpose(),
        None => Ok(encoded),
    }
}

#[cfg(test)]
#[cfg(feature = "zstd")]
mod tests;
