//! What attributes of serde name.

use std::collections::{BTreeMap, HashMap};

/// Writes one number and reads it back, if both are used.
pub mod moved {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        value.wrapping_add(1).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        u64::deserialize(deserializer).map(|value| value.wrapping_sub(1))
    }
}

/// A number as text.
pub mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A text as bytes that are told as bytes.
pub mod bytes {
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(value: &String, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(value.as_bytes())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = String;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
                String::from_utf8(bytes.to_vec()).map_err(E::custom)
            }
        }
        deserializer.deserialize_bytes(Text)
    }
}

/// Pairs as a map, whose order they have.
pub mod as_map {
    use serde::de::{Deserializer, MapAccess, Visitor};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(value: &[(String, u8)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(value.iter().map(|(key, value)| (key, value)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, u8)>, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, u8)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The same, read by way of a map that has another order.
pub mod as_sorted_map {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer};

    pub use super::as_map::serialize;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, u8)>, D::Error> {
        BTreeMap::deserialize(deserializer).map(|map| map.into_iter().collect())
    }
}

/// What may be left out.
pub trait Blank {
    fn is_blank(&self) -> bool;
}

pub fn is_blank<T: Blank>(value: &T) -> bool {
    value.is_blank()
}

macro_rules! blank {
    ($([$($generics:tt)*] $type:ty: $is_blank:expr;)*) => {$(
        impl<$($generics)*> Blank for $type {
            fn is_blank(&self) -> bool {
                let is_blank: fn(&Self) -> bool = $is_blank;
                is_blank(self)
            }
        }
    )*};
}

blank! {
    [] (): |_| true;
    [] bool: |value| !value;
    [] char: |value| *value == '\0';
    [] u8: |value| *value == 0;
    [] u64: |value| *value == 0;
    [] i16: |value| *value == 0;
    [] i128: |value| *value == 0;
    [] f32: |value| value.to_bits() == 0;
    [] f64: |value| value.to_bits() == 0;
    [] String: String::is_empty;
    [T] Option<T>: Option::is_none;
    [T] Vec<T>: Vec::is_empty;
    [K, V] BTreeMap<K, V>: BTreeMap::is_empty;
    [K, V] HashMap<K, V>: HashMap::is_empty;
}
