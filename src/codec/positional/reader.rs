//! How each kind of value that serde knows is read.

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::codec::misfit::{Misfit, misfit};
use crate::codec::source::{Bytes, Input};

/// So many elements that take no bytes, such as `()`, a sequence may have beyond one for each byte
/// that is left.
const EMPTY: usize = 1 << 20;

/// Reads one value.
#[derive(Debug)]
pub(super) struct Reader<'de, 's> {
    source: Input<'de, 's>,
    /// How much deeper things may be in one another.
    depth: usize,
}

impl<'de, 's> Reader<'de, 's> {
    pub(super) fn new(source: Input<'de, 's>, depth: usize) -> Self {
        Reader { source, depth }
    }

    /// Sees that nothing is left over.
    pub(super) fn finish(self) -> Result<(), Misfit> {
        match self.source.left() {
            0 => Ok(()),
            left => misfit(format!("{left} of its bytes are left over")),
        }
    }

    /// Reads something that is in something else.
    #[inline]
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Misfit>) -> Result<T, Misfit> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return misfit("it goes deeper than what was written");
        };
        self.depth = depth;
        let read = read(self)?;
        self.depth += 1;
        Ok(read)
    }

    /// A length, of which no more can be true than there are bytes left.
    fn length(&mut self, beyond: usize) -> Result<usize, Misfit> {
        let length = u64::from_le_bytes(self.source.array()?);
        match usize::try_from(length) {
            Ok(length) if length <= self.source.left().saturating_add(beyond) => Ok(length),
            _ => misfit("it has a length of more than is there"),
        }
    }

    fn bytes(&mut self) -> Result<Bytes<'de>, Misfit> {
        let length = self.length(0)?;
        self.source.bytes(length)
    }

    fn bool(&mut self) -> Result<bool, Misfit> {
        match self.source.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => misfit(format!("{other} where 0 or 1 was expected")),
        }
    }

    /// A sequence or tuple of so many elements.
    fn items<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.inside(|reader| {
            let mut items = Items { reader, left: count };
            let value = visitor.visit_seq(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    /// Fields that have these names. There may be fewer: aliases are among them.
    fn fields<V: Visitor<'de>>(
        &mut self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.inside(|reader| visitor.visit_seq(Items { reader, left: names.len() }))
    }
}

fn text(bytes: &[u8]) -> Result<&str, Misfit> {
    std::str::from_utf8(bytes).or_else(|error| misfit(error.to_string()))
}

/// One method for each kind of number.
macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.$visit(<$type>::from_le_bytes(self.source.array()?))
        }
    )*};
}

/// Methods that cannot be without names.
macro_rules! nameless {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Misfit> {
            misfit(
                "its bytes would have to say what it is, as `untagged`, `tag`, `flatten` and \
                 `serde_json::Value` ask for",
            )
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de, '_> {
    type Error = Misfit;

    numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    nameless! { deserialize_any deserialize_identifier deserialize_ignored_any }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_bool(self.bool()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match char::from_u32(u32::from_le_bytes(self.source.array()?)) {
            Some(char) => visitor.visit_char(char),
            None => misfit("it has a number that is no character"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.bytes()? {
            Bytes::Lent(bytes) => visitor.visit_borrowed_str(text(bytes)?),
            Bytes::Own(bytes) => match String::from_utf8(bytes) {
                Ok(text) => visitor.visit_string(text),
                Err(error) => misfit(error.to_string()),
            },
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.bytes()? {
            Bytes::Lent(bytes) => visitor.visit_borrowed_bytes(bytes),
            Bytes::Own(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.bool()? { self.inside(|reader| visitor.visit_some(reader)) } else { visitor.visit_none() }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.inside(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let length = self.length(EMPTY)?;
        self.items(length, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.items(count, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.items(count, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let length = self.length(EMPTY)?;
        self.inside(|reader| {
            let mut items = Items { reader, left: length };
            let value = visitor.visit_map(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Elements of a sequence, or entries of a map.
#[derive(Debug)]
struct Items<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
    left: usize,
}

impl Items<'_, '_, '_> {
    /// Sees that all were read.
    fn finish(&self) -> Result<(), Misfit> {
        match self.left {
            0 => Ok(()),
            left => misfit(format!("{left} elements are left over")),
        }
    }

    /// Counts one; whether there is one.
    fn count(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        true
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de, '_> {
    type Error = Misfit;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.count() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de, '_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        if self.count() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de, '_> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        let index: U32Deserializer<Misfit> = u32::from_le_bytes(self.source.array()?).into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de, '_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        self.inside(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.items(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.fields(fields, visitor)
    }
}
