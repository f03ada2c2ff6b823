//! How each kind of value that serde knows is written.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::codec::misfit::Misfit;
use crate::key::Numbers;

/// What was written.
#[derive(Debug)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(expected: usize) -> Self {
        Writer(Vec::with_capacity(expected))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    #[inline]
    fn number<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend_from_slice(&bytes);
    }

    fn length(&mut self, length: usize) {
        self.number((length as u64).to_le_bytes());
    }

    fn counted(&mut self) -> Counted<'_> {
        let at = self.0.len();
        self.length(0);
        Counted { writer: self, at, count: 0 }
    }

    fn variant(&mut self, index: u32) -> Fields<'_> {
        self.number(index.to_le_bytes());
        Fields(self)
    }
}

/// One method for each kind of number.
macro_rules! numbers {
    ($($method:ident $type:ty;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Misfit> {
            self.number(value.to_le_bytes());
            Ok(())
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Misfit;
    type SerializeSeq = Counted<'w>;
    type SerializeTuple = Fields<'w>;
    type SerializeTupleStruct = Fields<'w>;
    type SerializeTupleVariant = Fields<'w>;
    type SerializeMap = Counted<'w>;
    type SerializeStruct = Fields<'w>;
    type SerializeStructVariant = Fields<'w>;

    numbers! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Misfit> {
        self.number([u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Misfit> {
        self.number(u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Misfit> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Misfit> {
        self.length(value.len());
        self.0.extend_from_slice(value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Misfit> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Misfit> {
        self.number([0]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Misfit> {
        self.number([1]);
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Misfit> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Misfit> {
        self.variant(index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Misfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Misfit> {
        value.serialize(self.variant(index).0)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Counted<'w>, Misfit> {
        Ok(self.counted())
    }

    /// Slices and vectors come by here. Those of numbers are copied as they lie in memory.
    fn collect_seq<I>(self, items: I) -> Result<(), Misfit>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&items) {
            self.length(numbers.count);
            self.0.extend_from_slice(numbers.bytes);
            return Ok(());
        }
        let mut sequence = self.counted();
        items.into_iter().try_for_each(|item| sequence.serialize_element(&item))?;
        SerializeSeq::end(sequence)
    }

    fn serialize_tuple(self, _: usize) -> Result<Fields<'w>, Misfit> {
        Ok(Fields(self))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Fields<'w>, Misfit> {
        Ok(Fields(self))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'w>, Misfit> {
        Ok(self.variant(index))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Counted<'w>, Misfit> {
        Ok(self.counted())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'w>, Misfit> {
        Ok(Fields(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'w>, Misfit> {
        Ok(self.variant(index))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A sequence or map, whose length stands before its items and is known after them.
#[derive(Debug)]
pub(super) struct Counted<'w> {
    writer: &'w mut Writer,
    /// Where the length goes.
    at: usize,
    count: u64,
}

impl Counted<'_> {
    fn finish(self) {
        self.writer.0[self.at..self.at + 8].copy_from_slice(&self.count.to_le_bytes());
    }
}

impl SerializeSeq for Counted<'_> {
    type Ok = ();
    type Error = Misfit;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
        self.count += 1;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Misfit> {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Counted<'_> {
    type Ok = ();
    type Error = Misfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Misfit> {
        self.count += 1;
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Misfit> {
        self.finish();
        Ok(())
    }
}

/// Items whose number the reader knows. Fields that serde skips are not written.
#[derive(Debug)]
pub(super) struct Fields<'w>(&'w mut Writer);

macro_rules! unnamed {
    ($($trait:ident $method:ident;)*) => {$(
        impl $trait for Fields<'_> {
            type Ok = ();
            type Error = Misfit;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<(), Misfit> {
                Ok(())
            }
        }
    )*};
}

unnamed! {
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! named {
    ($($trait:ident)*) => {$(
        impl $trait for Fields<'_> {
            type Ok = ();
            type Error = Misfit;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), Misfit> {
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<(), Misfit> {
                Ok(())
            }
        }
    )*};
}

named! { SerializeStruct SerializeStructVariant }
