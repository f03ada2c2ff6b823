//! Keys: what makes two calls the same call.
//!
//! A [`Key`] is blake3, keyed by the identity of the function ([`identity`]), over the canonical bytes
//! ([`encode`]) of every argument that is not ignored. The encoding, with test vectors, is specified in
//! `docs/format.md`; it never changes without its version.
//!
//! # Invariants
//! 1. Nothing here touches the disk, and nothing is cloned to make a key. (Arguments that stand for files do, in
//!    [`input`](crate::input).)
//! 2. Two different argument lists of one function have different canonical bytes: every item is tagged and
//!    self-delimiting.
//! 3. Equal values in borrowed and owned spelling (`&str` and `String`, `&[f64]` and `Vec<f64>`) have equal bytes; so has a value
//!    whose bytes are [`known`] from before ([`Hashed`]).
//!
//! # What is part of a key, and what is not
//! | input | part of the key | where |
//! | --- | --- | --- |
//! | the function's name, or its `name = "…"` | yes | identity |
//! | type and const parameters, output type | yes, by name; where that may mean another type, by the compiler's number, too | identity |
//! | the package | where `track` leaves code out | identity |
//! | the function's code, and all that it reaches | yes, by fingerprint | identity |
//! | `cfg` predicates in that code | yes, evaluated where it is compiled | fingerprint |
//! | `version = …`, names of the parameters in the key | yes | identity |
//! | arguments | yes, unless under `ignore(…)` | canonical bytes |
//! | files and directories, as [`InputFile`](crate::InputFile) and [`InputDir`](crate::InputDir) | their content, not their path | canonical bytes |
//! | values left in the cache, as [`Shelved`](crate::Shelved) | the key of their entry | canonical bytes |
//! | environment, other files read at run time, global state | no: pass them as arguments | |
//! | `ttl`, `valid`, `min_cost`, `cache_err` | no: they decide about an entry, not which entry it is | |

mod arguments;
mod digest;
mod encode;
mod hashed;
pub(crate) mod hashing;
mod identity;
pub(crate) mod known;
mod preview;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

pub use arguments::{Argument, ArgumentError, Arguments};
pub(crate) use arguments::{Unknown, key, key_of_some, preview, writers};
pub use digest::digest;
pub(crate) use encode::{EncodeError, Numbers, PrimitiveKind, has_no_order};
pub use hashed::Hashed;
pub(crate) use identity::{FunctionId, Identity, IdentityParts, fingerprint_with_cfg};
pub(crate) use preview::preview_of;

/// The address of one call's entry: 32 bytes of blake3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Key(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that 64 hexadecimal digits spell, as `Display` shows it.
    ///
    /// # Examples
    ///
    /// ```
    /// let key = rememo::digest(&7);
    /// assert_eq!(rememo::Key::from_hex(&key.to_string()), Some(key));
    /// assert_eq!(rememo::Key::from_hex("c0ffee"), None);
    /// ```
    pub fn from_hex(digits: &str) -> Option<Self> {
        blake3::Hash::from_hex(digits).ok().map(|hash| Key(*hash.as_bytes()))
    }
}

/// A map by keys, which are digests and need no hashing.
pub(crate) type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<FirstBytes>>;

/// A map by ids of functions, likewise.
pub(crate) type FunctionMap<V> = HashMap<FunctionId, V, BuildHasherDefault<FirstBytes>>;

/// Takes the first eight bytes for the hash.
#[derive(Debug, Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length of an array, which is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}
