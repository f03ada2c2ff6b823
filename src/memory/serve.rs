//! Values of calls that other processes sent, on their way into the store.

use std::borrow::Cow;
use std::time::Duration;

use super::turn::KeyedCall;
use super::{Memory, inner};
use crate::codec::{Codec, Encoded};
use crate::function::Function;
use crate::key::Key;
use crate::payload::{Bytes, LARGE};

impl Memory {
    /// A call of `function` under the key that its sender has made; `None` if this memory is disabled.
    pub(crate) fn keyed_by_sender(&self, function: &'static Function, key: Key) -> Option<KeyedCall<'_>> {
        self.inner.as_deref().map(|inner| KeyedCall { memory: self, inner, key, function })
    }

    /// The bytes of a value as they are stored here; `None` if its function does not keep it, or it
    /// cannot be encoded.
    pub(crate) fn encode<'v, T>(
        &self,
        function: &Function,
        codec: &Codec<T>,
        value: &'v T,
    ) -> Option<Encoded<'v>> {
        let level = self.inner.as_ref().and_then(|inner| inner.level(function));
        inner::encode(codec, value, function, level).ok().flatten()
    }
}

impl KeyedCall<'_> {
    /// Stores a value that was computed for another process, if it is large or `all` are to be
    /// stored; whether it is in the store now. Trouble is not noted: the value goes back with the
    /// reply.
    pub(crate) fn store_for_sender(
        &self,
        encoded: &Encoded<'_>,
        arguments: &str,
        took: Duration,
        all: bool,
    ) -> bool {
        let is_worth_storing = took >= self.function.definition().min_cost;
        if !is_worth_storing || !(all || encoded.bytes.len() >= LARGE) {
            return false;
        }
        // Lent, not copied: a value that cannot be stored goes back from where it is.
        let bytes = Bytes::Parts(encoded.bytes.parts().map(Cow::Borrowed).collect());
        let lent = Encoded { codec: encoded.codec, bytes };
        self.inner.try_store(self.function, &self.draft(lent, arguments, took)).is_ok()
    }
}
