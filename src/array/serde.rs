//! Arrays as parts of other values, and as arguments: shape and data.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Array, Element};
use crate::key::known;

const FIELDS: &[&str] = &["shape", "data"];

/// A struct of `shape` and `data`, element by element. In a key the digest of the data stands for it, which an array that was read back
/// knows.
impl<T: Element + Serialize> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_struct("Array", FIELDS.len())?;
        array.serialize_field(FIELDS[0], self.shape())?;
        array.serialize_field(FIELDS[1], &Numbers(self))?;
        array.end()
    }
}

/// The data of an array.
struct Numbers<'a, T>(&'a Array<T>);

impl<T: Element + Serialize> Serialize for Numbers<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        known::numbers(serializer, self.0.as_slice(), || *self.0.digest())
    }
}

impl<'de, T: Element + Deserialize<'de>> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Array", FIELDS, Parts(PhantomData))
    }
}

struct Parts<T>(PhantomData<fn() -> T>);

impl<'de, T: Element + Deserialize<'de>> Visitor<'de> for Parts<T> {
    type Value = Array<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shape and the data of an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Array<T>, A::Error> {
        let missing = || A::Error::invalid_length(0, &self);
        let shape: Vec<usize> = parts.next_element()?.ok_or_else(missing)?;
        let data = parts.next_element()?.ok_or_else(missing)?;
        Array::new(shape, data).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Array<T>, A::Error> {
        let (mut shape, mut data) = (None::<Vec<usize>>, None);
        while let Some(field) = fields.next_key::<String>()? {
            match &*field {
                "shape" => shape = Some(fields.next_value()?),
                "data" => data = Some(fields.next_value()?),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        let missing = |name| move || A::Error::missing_field(name);
        let shape = shape.ok_or_else(missing("shape"))?;
        Array::new(shape, data.ok_or_else(missing("data"))?).map_err(A::Error::custom)
    }
}
