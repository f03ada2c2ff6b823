//! How each kind of value that serde knows is written.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::kind;
use crate::codec::misfit::Misfit;
use crate::key::{Numbers, PrimitiveKind};

/// What was written.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Names that were met.
    names: Vec<&'static str>,
}

impl Writer {
    pub(super) fn new(expected: usize) -> Self {
        Writer { bytes: Vec::with_capacity(expected), names: Vec::new() }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Seven bits in a byte, the low ones first; the high bit says that more follow.
    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.bytes.push(length.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        self.bytes.push(length.to_le_bytes()[0]);
    }

    fn counted(&mut self, kind: u8, bytes: &[u8]) {
        self.bytes.push(kind);
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn number<const N: usize>(&mut self, kind: PrimitiveKind, bytes: [u8; N]) {
        self.bytes.push(kind as u8);
        self.bytes.extend_from_slice(&bytes);
    }

    /// Few names are met, and each is one text in the program.
    fn name(&mut self, name: &'static str) {
        if let Some(number) = self.names.iter().position(|met| *met == name) {
            self.bytes.push(kind::NAME);
            self.length(number);
        } else {
            self.names.push(name);
            self.counted(kind::NEW_NAME, name.as_bytes());
        }
    }

    /// What has an end.
    fn open(&mut self, kind: u8) -> Open<'_> {
        self.bytes.push(kind);
        Open { writer: self, is_variant: false }
    }

    /// The content of a variant, as a map has it under the variant's name.
    fn open_variant(&mut self, variant: &'static str, kind: u8) -> Open<'_> {
        self.bytes.push(kind::MAP);
        self.name(variant);
        Open { is_variant: true, ..self.open(kind) }
    }
}

/// One method for each kind of number.
macro_rules! numbers {
    ($($method:ident $type:ty: $kind:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<(), Misfit> {
            self.number(PrimitiveKind::$kind, value.to_le_bytes());
            Ok(())
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Misfit;
    type SerializeSeq = Open<'w>;
    type SerializeTuple = Open<'w>;
    type SerializeTupleStruct = Open<'w>;
    type SerializeTupleVariant = Open<'w>;
    type SerializeMap = Open<'w>;
    type SerializeStruct = Open<'w>;
    type SerializeStructVariant = Open<'w>;

    numbers! {
        serialize_i8 i8: I8;
        serialize_i16 i16: I16;
        serialize_i32 i32: I32;
        serialize_i64 i64: I64;
        serialize_i128 i128: I128;
        serialize_u8 u8: U8;
        serialize_u16 u16: U16;
        serialize_u32 u32: U32;
        serialize_u64 u64: U64;
        serialize_u128 u128: U128;
        serialize_f32 f32: F32;
        serialize_f64 f64: F64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Misfit> {
        self.number(PrimitiveKind::Bool, [u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Misfit> {
        self.number(PrimitiveKind::Char, u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Misfit> {
        self.counted(kind::TEXT, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Misfit> {
        self.counted(kind::BYTES, value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Misfit> {
        self.bytes.push(kind::UNIT);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Misfit> {
        self.bytes.push(kind::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Misfit> {
        let at = self.bytes.len();
        value.serialize(&mut *self)?;
        // Of these there are no more than a few bytes behind `at`.
        if let Some(&(kind::UNIT | kind::NONE | kind::SOME)) = self.bytes.get(at) {
            self.bytes.insert(at, kind::SOME);
        }
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Misfit> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Misfit> {
        self.name(variant);
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
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Misfit> {
        let mut content = self.open(kind::MAP);
        content.writer.name(variant);
        SerializeMap::serialize_value(&mut content, value)?;
        SerializeMap::end(content)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'w>, Misfit> {
        Ok(self.open(kind::SEQUENCE))
    }

    fn collect_seq<I>(self, items: I) -> Result<(), Misfit>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&items) {
            self.bytes.extend_from_slice(&[kind::NUMBERS, numbers.kind as u8]);
            self.length(numbers.count);
            self.bytes.extend_from_slice(numbers.bytes);
            return Ok(());
        }
        let mut sequence = self.open(kind::SEQUENCE);
        items.into_iter().try_for_each(|item| sequence.put(&item))?;
        SerializeSeq::end(sequence)
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'w>, Misfit> {
        Ok(self.open(kind::SEQUENCE))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'w>, Misfit> {
        Ok(self.open(kind::SEQUENCE))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w>, Misfit> {
        Ok(self.open_variant(variant, kind::SEQUENCE))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'w>, Misfit> {
        Ok(self.open(kind::MAP))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'w>, Misfit> {
        Ok(self.open(kind::MAP))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w>, Misfit> {
        Ok(self.open_variant(variant, kind::MAP))
    }

    /// As JSON: serde's own buffers say so when they are read, whatever the format says.
    fn is_human_readable(&self) -> bool {
        true
    }
}

/// A sequence or map that goes on to its end.
#[derive(Debug)]
pub(super) struct Open<'w> {
    writer: &'w mut Writer,
    /// Whether it is the content of a variant, so that a map ends behind it.
    is_variant: bool,
}

impl Open<'_> {
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
        value.serialize(&mut *self.writer)
    }

    #[expect(clippy::unnecessary_wraps, reason = "what serde's methods return")]
    fn finish(self) -> Result<(), Misfit> {
        self.writer.bytes.push(kind::END);
        if self.is_variant {
            self.writer.bytes.push(kind::END);
        }
        Ok(())
    }
}

macro_rules! unnamed {
    ($($trait:ident $($method:ident)*;)*) => {$(
        impl $trait for Open<'_> {
            type Ok = ();
            type Error = Misfit;

            $(
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
                    self.put(value)
                }
            )*

            fn end(self) -> Result<(), Misfit> {
                self.finish()
            }
        }
    )*};
}

unnamed! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
    SerializeMap serialize_key serialize_value;
}

macro_rules! named {
    ($($trait:ident)*) => {$(
        impl $trait for Open<'_> {
            type Ok = ();
            type Error = Misfit;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Misfit> {
                self.writer.name(name);
                self.put(value)
            }

            fn end(self) -> Result<(), Misfit> {
                self.finish()
            }
        }
    )*};
}

named! { SerializeStruct SerializeStructVariant }
