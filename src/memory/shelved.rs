//! A value left in the cache, as a small token.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::compute::Keyed;
use super::turn::KeyedCall;
use super::{DECLINED, Memory, memo_and_key};
use crate::call::Call;
use crate::codec::{Codec, DecodeError, Value, decode_any};
use crate::error::{Error, Result};
use crate::function::Function;
use crate::key::Key;
use crate::key::known::{self, StandIn};
use crate::payload::{ByteSource, Content, ReadError};
use crate::store::{self, Lookup};

/// A value left in the cache: small, cheap to clone and to send elsewhere, and read back with [`get`](Self::get).
///
/// It names the cache's directory and the key, so it works in any process that reaches the directory under the same
/// path. Where the value could not be stored (the memory is disabled, the disk is full) it carries the bytes itself.
///
/// As an argument it is in the key by the key of its entry: neither the value nor the directory is looked at, so that a step
/// of a pipeline that takes the token of the step before costs the same whatever the size of the value.
pub struct Shelved<T> {
    function: String,
    key: Key,
    location: Location,
    /// How its function reads values; `None` in a token that came through serde, which reads all that serde can.
    codec: Option<Codec<T>>,
}

#[derive(Clone)]
enum Location {
    /// The directory with the entry.
    Entry(PathBuf),
    /// The encoded value, behind the number of its encoding.
    Inside(Vec<u8>),
}

impl Memory {
    /// Makes sure that the value of `call` is stored, as [`call`](Self::call) does, and returns a token for it instead
    /// of the value.
    ///
    /// # Errors
    ///
    /// Fails if `call` is of a plain closure, no key can be made of its arguments, or the value cannot be encoded, or is
    /// an `Err` that the function does not keep.
    ///
    /// # Panics
    ///
    /// Panics if the function does.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, Shelved, memo};
    ///
    /// #[memo]
    /// fn table(n: u64) -> Vec<u64> {
    ///     (0..n).collect()
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// let shelved: Shelved<Vec<u64>> = memory.shelve(table::delayed(1000))?;
    /// assert_eq!(shelved.get()?.len(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shelve<C: Call>(&self, call: C) -> Result<Shelved<C::Output>> {
        let (memo, key) = memo_and_key(self, &call, "shelve")?;
        let (function, codec) = (memo.call.function, memo.codec);
        let keyed = self.inner.as_deref().map(|inner| Keyed::new(self, inner, &memo, key).call);
        let stored = || {
            let keyed = keyed.filter(KeyedCall::contains)?;
            Some(Location::Entry(keyed.inner.settings.root.clone()))
        };
        let location = if let Some(location) = stored() {
            location
        } else {
            let value = self.outcome_of(call).value;
            stored().map_or_else(|| inside(function, &codec, &value), Ok)?
        };
        Ok(Shelved { function: function.name().to_owned(), key, location, codec: Some(codec) })
    }
}

/// A value that the token carries itself.
fn inside<T>(function: &Function, codec: &Codec<T>, value: &T) -> Result<Location> {
    let encoded =
        codec.encode(value, function.values()).and_then(|encoded| encoded.ok_or_else(|| DECLINED.into()));
    let encoded = encoded.map_err(|error| Error::value("keep", function.name(), error))?;
    Ok(Location::Inside([&[encoded.codec], &*encoded.bytes.into_vec()].concat()))
}

impl<T> Shelved<T> {
    /// The directory that holds the value; `None` if the token carries it itself.
    pub fn root(&self) -> Option<&Path> {
        match &self.location {
            Location::Entry(root) => Some(root),
            Location::Inside(_) => None,
        }
    }

    /// The name of the function whose value it is.
    pub fn function(&self) -> &str {
        &self.function
    }
}

impl<T: Value> Shelved<T> {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be read, or the entry has been removed or damaged since.
    pub fn get(&self) -> Result<T> {
        match &self.location {
            Location::Entry(root) => match store::look_up(root, &self.key)? {
                Lookup::Found(entry) => self.decode(&entry.value()),
                Lookup::Absent => Err(Error::no_entry(&self.function, "it has been removed")),
                Lookup::Damaged(how) => Err(self.damaged(&how)),
            },
            Location::Inside(bytes) => {
                let (&codec, bytes) = bytes.split_first().ok_or_else(|| self.damaged("it is empty"))?;
                self.decode(&Content { codec, source: ByteSource::Memory(bytes) })
            }
        }
    }

    fn decode(&self, content: &Content<'_>) -> Result<T> {
        let decoded = self.codec.map_or_else(|| decode_any(content), |codec| codec.decode(content));
        decoded.map_err(|error| match error {
            DecodeError::Read(ReadError::Damaged(how)) => self.damaged(&how),
            error => Error::value("decode", &self.function, error),
        })
    }

    fn damaged(&self, how: &str) -> Error {
        Error::no_entry(&self.function, format_args!("it is damaged: {how}"))
    }
}

impl<T> Clone for Shelved<T> {
    fn clone(&self) -> Self {
        let (function, location) = (self.function.clone(), self.location.clone());
        Shelved { function, key: self.key, location, codec: self.codec }
    }
}

impl<T> fmt::Debug for Shelved<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Shelved");
        debug.field("function", &self.function).field("key", &self.key);
        match &self.location {
            Location::Entry(root) => debug.field("root", root),
            Location::Inside(bytes) => debug.field("bytes", &bytes.len()),
        };
        debug.finish_non_exhaustive()
    }
}

/// As serde sees a token: function, key, and the directory or the bytes.
type Parts<'a> = (Cow<'a, str>, Cow<'a, str>, Option<Cow<'a, Path>>, Option<Cow<'a, [u8]>>);

/// In a key the key of the entry; anywhere else the whole token.
impl<T> Serialize for Shelved<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = |serializer| {
            let (root, bytes) = match &self.location {
                Location::Entry(root) => (Some(root.as_path().into()), None),
                Location::Inside(bytes) => (None, Some(bytes.into())),
            };
            let parts: Parts<'_> = (self.function.as_str().into(), self.key.to_string().into(), root, bytes);
            parts.serialize(serializer)
        };
        known::stand_in(serializer, StandIn::Entry, || Ok(*self.key.as_bytes()), plain)
    }
}

impl<'de, T> Deserialize<'de> for Shelved<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (function, key, root, bytes): Parts<'_> = Deserialize::deserialize(deserializer)?;
        let location = match (root, bytes) {
            (Some(root), None) => Some(Location::Entry(root.into_owned())),
            (None, Some(bytes)) => Some(Location::Inside(bytes.into_owned())),
            _ => None,
        };
        let (Some(key), Some(location)) = (Key::from_hex(&key), location) else {
            return Err(D::Error::custom("it is no shelved value"));
        };
        Ok(Shelved { function: function.into_owned(), key, location, codec: None })
    }
}
