//! How each kind of value that serde knows is told.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Meaning, Tag};
use crate::key::{EncodeError, Numbers, PrimitiveKind, has_no_order};

/// One method for each kind of number.
macro_rules! numbers {
    ($($method:ident $type:ty => $kind:ident,)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), EncodeError> {
                self.scalar(PrimitiveKind::$kind, value.to_le_bytes());
                Ok(())
            }
        )*
    };
}

/// What has items in an order, or fields.
#[derive(Debug)]
pub(crate) struct Items<'m>(&'m mut Meaning);

impl<'m> Meaning {
    fn open(&'m mut self, tag: Tag) -> Items<'m> {
        self.tag(tag);
        self.enter();
        Items(self)
    }

    fn open_named(&'m mut self, tag: Tag, name: &str) -> Items<'m> {
        self.named(tag, name);
        self.enter();
        Items(self)
    }

    fn open_variant(&'m mut self, tag: Tag, name: &str, index: u32, variant: &str) -> Items<'m> {
        self.variant(tag, name, index, variant);
        self.enter();
        Items(self)
    }
}

impl<'m> Serializer for &'m mut Meaning {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'m>;
    type SerializeTuple = Items<'m>;
    type SerializeTupleStruct = Items<'m>;
    type SerializeTupleVariant = Items<'m>;
    type SerializeMap = Items<'m>;
    type SerializeStruct = Items<'m>;
    type SerializeStructVariant = Items<'m>;

    numbers! {
        serialize_i8 i8 => I8,
        serialize_i16 i16 => I16,
        serialize_i32 i32 => I32,
        serialize_i64 i64 => I64,
        serialize_i128 i128 => I128,
        serialize_u8 u8 => U8,
        serialize_u16 u16 => U16,
        serialize_u32 u32 => U32,
        serialize_u64 u64 => U64,
        serialize_u128 u128 => U128,
        serialize_f32 f32 => F32,
        serialize_f64 f64 => F64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.scalar(PrimitiveKind::Bool, [u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.scalar(PrimitiveKind::Char, u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.string(Tag::Text, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.string(Tag::Bytes, value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.tag(Tag::Unit);
        self.spill();
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.tag(Tag::None);
        self.spill();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.tag(Tag::Some);
        self.inside(value)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), EncodeError> {
        self.named(Tag::UnitStruct, name);
        self.spill();
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.variant(Tag::UnitVariant, name, index, variant);
        self.spill();
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.named(Tag::NewtypeStruct, name);
        self.inside(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.variant(Tag::NewtypeVariant, name, index, variant);
        self.inside(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'m>, EncodeError> {
        Ok(self.open(Tag::Sequence))
    }

    /// Slices, vectors and hash sets come by here.
    fn collect_seq<I>(self, items: I) -> Result<(), EncodeError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&items) {
            self.numbers(&numbers);
            return Ok(());
        }
        let mut items = items.into_iter();
        if has_no_order::<I::IntoIter>() {
            return self.bag(items, |item, meaning| item.serialize(meaning));
        }
        let mut sequence = self.open(Tag::Sequence);
        items.try_for_each(|item| sequence.item(&item))?;
        sequence.close();
        Ok(())
    }

    /// Maps of the standard library come by here.
    fn collect_map<K, V, I>(self, entries: I) -> Result<(), EncodeError>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        let entries = entries.into_iter();
        if has_no_order::<I::IntoIter>() {
            return self.bag(entries, |(key, value), meaning| {
                key.serialize(&mut *meaning)?;
                value.serialize(meaning)
            });
        }
        let mut map = self.open(Tag::Map);
        for (key, value) in entries {
            map.item(&key)?;
            map.item(&value)?;
        }
        map.close();
        Ok(())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'m>, EncodeError> {
        Ok(self.open(Tag::Tuple))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Items<'m>, EncodeError> {
        Ok(self.open_named(Tag::TupleStruct, name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'m>, EncodeError> {
        Ok(self.open_variant(Tag::TupleVariant, name, index, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'m>, EncodeError> {
        Ok(self.open(Tag::Map))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Items<'m>, EncodeError> {
        Ok(self.open_named(Tag::Struct, name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'m>, EncodeError> {
        Ok(self.open_variant(Tag::StructVariant, name, index, variant))
    }

    /// As in the store.
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut *self.0)
    }

    fn close(self) {
        self.0.leave();
        self.0.tag(Tag::End);
        self.0.spill();
    }
}

/// Items without names: the traits differ in name only.
macro_rules! unnamed {
    ($($trait:ident $method:ident;)*) => {$(
        impl $trait for Items<'_> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.item(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close();
                Ok(())
            }
        }
    )*};
}

unnamed! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// Fields with names.
macro_rules! named {
    ($($trait:ident)*) => {$(
        impl $trait for Items<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.0.named(Tag::Field, name);
                self.item(value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), EncodeError> {
                self.0.named(Tag::SkippedField, name);
                self.0.skipped.get_or_insert(name);
                Ok(())
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close();
                Ok(())
            }
        }
    )*};
}

named! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close();
        Ok(())
    }
}
