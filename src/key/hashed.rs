//! A value that remembers its canonical bytes.
//!
//! It keeps canonical bytes, not a digest of them, so that its key is that of the plain value
//! wherever it stands. It makes them when they are first wanted, so that `new` costs nothing and
//! needs no bound.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::known;

/// A value that is hashed once, however often it is an argument.
///
/// For large arguments of many calls: what the key of a call takes of a value is made when it is first wanted, and kept. Of a
/// slice or vector, a map or a text of 4,096 elements or more that is a digest of 33 bytes; of a struct, its small fields and
/// the digests of the large ones. The key is that of the value itself: `f(&Hashed<Vec<f64>>)` after a change from
/// `f(&Vec<f64>)` is the same call (but for the fingerprint of the changed code).
///
/// As a result it is stored as the value is, and what is read back is hashed anew when it is first an argument.
///
/// The value must not change, as a [`Cell`](std::cell::Cell) in it might: the key would remain.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Hashed, Memory, memo};
///
/// #[memo]
/// fn quantile(samples: &Hashed<Vec<f64>>, q: f64) -> f64 {
///     let mut sorted = samples.to_vec();
///     sorted.sort_by(f64::total_cmp);
///     sorted[(q * (sorted.len() - 1) as f64) as usize]
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let samples = Hashed::new((0..100_000).map(|i| f64::from(i % 777)).collect());
/// for percent in 0..10 {
///     memory.call(quantile::delayed(&samples, f64::from(percent) / 100.0)); // hashed in the first round
/// }
/// assert!(memory.call_info(quantile::delayed(&samples, 0.05)).is_hit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hashed<T> {
    value: T,
    /// `None` if serde cannot serialize the value.
    bytes: OnceLock<Option<Box<[u8]>>>,
}

impl<T> Hashed<T> {
    /// Wraps a value; hashes nothing yet.
    pub const fn new(value: T) -> Self {
        Hashed { value, bytes: OnceLock::new() }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Serialize> Hashed<T> {
    /// The canonical bytes; threads that want them at the same time wait for one.
    fn bytes(&self) -> Option<&[u8]> {
        let make = || known::canonical_bytes(&self.value).ok().map(Vec::into_boxed_slice);
        self.bytes.get_or_init(make).as_deref()
    }
}

impl<T> Deref for Hashed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> AsRef<T> for Hashed<T> {
    fn as_ref(&self) -> &T {
        &self.value
    }
}

impl<T> From<T> for Hashed<T> {
    fn from(value: T) -> Self {
        Hashed::new(value)
    }
}

/// The clone knows what the original does.
impl<T: Clone> Clone for Hashed<T> {
    fn clone(&self) -> Self {
        Hashed { value: self.value.clone(), bytes: self.bytes.clone() }
    }
}

impl<T: PartialEq> PartialEq for Hashed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Hashed<T> {}

impl<T: fmt::Debug> fmt::Debug for Hashed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hashed").field(&self.value).finish()
    }
}

impl<T: Serialize> Serialize for Hashed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        known::bytes(serializer, || self.bytes(), |serializer| self.value.serialize(serializer))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Hashed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Hashed::new)
    }
}
