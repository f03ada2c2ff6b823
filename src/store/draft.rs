//! Entries on their way to the store.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::entry::{covered, seal};
use super::{Author, Payload};
use crate::checksum;
use crate::key::{FunctionId, Key};
use crate::payload::{ByteSource, Bytes, Content};

/// An entry to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'v> {
    pub(crate) key: Key,
    pub(crate) function: FunctionId,
    pub(crate) function_name: &'static str,
    /// The arguments in short, for people.
    pub(crate) arguments: Cow<'v, str>,
    pub(crate) created: SystemTime,
    pub(crate) compute_time: Duration,
    pub(crate) author: Author,
    /// The number of the encoding.
    pub(crate) codec: u8,
    pub(crate) payload: Bytes<'v>,
}

/// A draft that borrows nothing, its payload in one piece.
#[derive(Clone, Debug)]
pub(crate) struct OwnedDraft(Draft<'static>);

impl OwnedDraft {
    pub(crate) fn draft(&self) -> &Draft<'static> {
        &self.0
    }
}

impl Payload for OwnedDraft {
    fn content(&self) -> Option<Content<'_>> {
        let bytes = match &self.0.payload {
            Bytes::Owned(bytes) => bytes,
            Bytes::Slice(_) | Bytes::Parts(_) => unreachable!("made of owned bytes alone"),
        };
        Some(Content { codec: self.0.codec, source: ByteSource::Memory(bytes) })
    }

    fn compute_time(&self) -> Duration {
        self.0.compute_time
    }
}

impl<'v> Draft<'v> {
    /// The draft for itself, if its payload is not borrowed; else as it came.
    pub(crate) fn try_owned(self) -> Result<OwnedDraft, Box<Draft<'v>>> {
        match self.payload.try_owned() {
            Ok(payload) => {
                let arguments = self.arguments.into_owned().into();
                Ok(OwnedDraft(Draft { arguments, payload, ..self }))
            }
            Err(payload) => Err(Box::new(Draft { payload, ..self })),
        }
    }

    /// A copy for itself, payload and all.
    pub(crate) fn to_owned(&self) -> OwnedDraft {
        let Draft { key, function, created, compute_time, codec, .. } = *self;
        let (function_name, arguments) = (self.function_name, self.arguments.to_string().into());
        let (author, payload) = (self.author.clone(), self.payload.to_vec().into());
        OwnedDraft(Draft {
            key,
            function,
            function_name,
            arguments,
            created,
            compute_time,
            author,
            codec,
            payload,
        })
    }

    /// All bytes of the entry, for a small one.
    pub(crate) fn whole(&self) -> Vec<u8> {
        let mut bytes = self.head();
        self.payload.append_to(&mut bytes);
        let checksum = checksum::of(covered(&bytes), 0);
        seal(&mut bytes, checksum);
        bytes
    }
}
