//! How each kind of value that serde knows becomes an item.

use std::mem;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::compound::{Entries, Fields, Heap, Sequence};
use super::rows::Rows;
use super::{APART, EncodeError, Encoder, Numbers, PrimitiveKind, has_no_order, tag};

/// One method for each primitive: its kind and its little-endian bytes.
macro_rules! primitives {
    ($($method:ident $type:ty => $kind:ident,)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), EncodeError> {
                self.primitive(PrimitiveKind::$kind, value.to_le_bytes());
                Ok(())
            }
        )*
    };
}

impl<'e> Serializer for &'e mut Encoder {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Sequence<'e>;
    type SerializeTuple = Sequence<'e>;
    type SerializeTupleStruct = Fields<'e>;
    type SerializeTupleVariant = Fields<'e>;
    type SerializeMap = Entries<'e>;
    type SerializeStruct = Fields<'e>;
    type SerializeStructVariant = Fields<'e>;

    primitives! {
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
        self.primitive(PrimitiveKind::Bool, [u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.primitive(PrimitiveKind::Char, u32::from(value).to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.string(tag::TEXT, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.string(tag::BYTES, value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        if mem::take(&mut self.written) {
            return Ok(());
        }
        self.open(tag::UNIT);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.open(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.open(tag::SOME);
        value.serialize(self)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), EncodeError> {
        self.open(tag::UNIT_STRUCT);
        self.name(name);
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.variant(tag::UNIT_VARIANT, name, index, variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.open(tag::NEWTYPE_STRUCT);
        self.name(name);
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.variant(tag::NEWTYPE_VARIANT, name, index, variant);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence<'e>, EncodeError> {
        Ok(Sequence::new(self, tag::SEQUENCE, length))
    }

    /// Slices and vectors come by here, whatever they are nested in. Those of numbers are bytes in memory.
    fn collect_seq<I>(self, items: I) -> Result<(), EncodeError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&items) {
            self.numbers(tag::SEQUENCE, &numbers);
            return Ok(());
        }
        let items = items.into_iter();
        if has_no_order::<I::IntoIter>() {
            let mut heap = Heap::new(self, tag::HASH_SET);
            for item in items {
                heap.item(&item)?;
            }
            heap.end();
            return Ok(());
        }
        let length = exact_length(&items);
        if length.is_some_and(|length| length >= APART)
            && let Some(rows) = Rows::of(&items)
        {
            self.rows(&rows);
            return Ok(());
        }
        let mut sequence = Sequence::new(self, tag::SEQUENCE, length);
        for item in items {
            sequence.element(&item)?;
        }
        sequence.end();
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
            let mut heap = Heap::new(self, tag::HASH_MAP);
            for (key, value) in entries {
                heap.entry(&key, &value)?;
            }
            heap.end();
            return Ok(());
        }
        let mut map = Entries::new(self, exact_length(&entries));
        for (key, value) in entries {
            map.serialize_entry(&key, &value)?;
        }
        map.end()
    }

    fn serialize_tuple(self, length: usize) -> Result<Sequence<'e>, EncodeError> {
        Ok(Sequence::new(self, tag::TUPLE, Some(length)))
    }

    fn serialize_tuple_struct(self, name: &'static str, _length: usize) -> Result<Fields<'e>, EncodeError> {
        self.open(tag::TUPLE_STRUCT);
        self.name(name);
        Ok(Fields::new(self))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Fields<'e>, EncodeError> {
        self.variant(tag::TUPLE_VARIANT, name, index, variant);
        Ok(Fields::new(self))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Entries<'e>, EncodeError> {
        Ok(Entries::new(self, length))
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Fields<'e>, EncodeError> {
        self.open(tag::STRUCT);
        self.name(name);
        Ok(Fields::new(self))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Fields<'e>, EncodeError> {
        self.variant(tag::STRUCT_VARIANT, name, index, variant);
        Ok(Fields::new(self))
    }

    /// Types that have two spellings use the compact one, as in the store.
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// How many items are left, if that is known.
fn exact_length(items: &impl Iterator) -> Option<usize> {
    match items.size_hint() {
        (least, Some(most)) if least == most => Some(least),
        _ => None,
    }
}
