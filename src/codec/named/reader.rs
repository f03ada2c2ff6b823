//! How each kind of value that serde knows is read.
//!
//! Nearly everything is read as what it is, whatever serde expects; the visitor takes it or does not.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::kind;
use crate::codec::misfit::{Misfit, misfit};
use crate::codec::source::{Bytes, Input};
use crate::key::PrimitiveKind;

/// Reads one value.
#[derive(Debug)]
pub(super) struct Reader<'de, 's> {
    source: Input<'de, 's>,
    /// How much deeper things may be in one another.
    depth: usize,
    /// The kind of what comes next, if it was read.
    kind: Option<u8>,
    /// Names that were met.
    names: Vec<Box<str>>,
}

impl<'de, 's> Reader<'de, 's> {
    pub(super) fn new(source: Input<'de, 's>, depth: usize) -> Self {
        Reader { source, depth, kind: None, names: Vec::new() }
    }

    /// Sees that nothing is left over.
    pub(super) fn finish(self) -> Result<(), Misfit> {
        match self.source.left() {
            0 => Ok(()),
            left => misfit(format!("{left} of its bytes are left over")),
        }
    }

    /// Reads something that is in something else.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Misfit>) -> Result<T, Misfit> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return misfit("it goes deeper than what was written");
        };
        self.depth = depth;
        let read = read(self)?;
        self.depth += 1;
        Ok(read)
    }

    fn byte(&mut self) -> Result<u8, Misfit> {
        self.source.array().map(|[byte]| byte)
    }

    /// The kind of what comes next.
    fn kind(&mut self) -> Result<u8, Misfit> {
        match self.kind.take() {
            Some(kind) => Ok(kind),
            None => self.byte(),
        }
    }

    fn number(&mut self) -> Result<usize, Misfit> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        misfit("it has a length without an end")
    }

    /// A length, of which no more can be true than there are bytes left.
    fn length(&mut self) -> Result<usize, Misfit> {
        match self.number()? {
            length if length <= self.source.left() => Ok(length),
            _ => misfit("it has a length of more than is there"),
        }
    }

    fn bytes(&mut self) -> Result<Bytes<'de>, Misfit> {
        let length = self.length()?;
        self.source.bytes(length)
    }

    /// Takes note of a name, and gives its number.
    fn new_name(&mut self) -> Result<usize, Misfit> {
        let name = match self.bytes()? {
            Bytes::Lent(bytes) => text(bytes)?.into(),
            Bytes::Own(bytes) => text(&bytes)?.into(),
        };
        self.names.push(name);
        Ok(self.names.len() - 1)
    }

    /// The end of a sequence or map whose reader wants no more.
    fn end(&mut self, has_ended: bool) -> Result<(), Misfit> {
        if has_ended || self.kind()? == kind::END { Ok(()) } else { misfit("elements are left over") }
    }

    fn sequence<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misfit> {
        self.inside(|reader| {
            let mut items = Items { reader, has_ended: false };
            let value = visitor.visit_seq(&mut items)?;
            let has_ended = items.has_ended;
            reader.end(has_ended)?;
            Ok(value)
        })
    }

    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misfit> {
        self.inside(|reader| {
            let mut items = Items { reader, has_ended: false };
            let value = visitor.visit_map(&mut items)?;
            let has_ended = items.has_ended;
            reader.end(has_ended)?;
            Ok(value)
        })
    }

    fn numbers<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misfit> {
        let kind = self.byte()?;
        if kind > PrimitiveKind::Char as u8 {
            return misfit("it has numbers of an unknown kind");
        }
        // Each takes a byte at least.
        let left = self.length()?;
        self.inside(|reader| {
            let mut numbers = Alike { reader, kind, left };
            let value = visitor.visit_seq(&mut numbers)?;
            if numbers.left == 0 { Ok(value) } else { misfit("elements are left over") }
        })
    }
}

fn text(bytes: &[u8]) -> Result<&str, Misfit> {
    std::str::from_utf8(bytes).or_else(|error| misfit(error.to_string()))
}

/// Visits a number of each kind.
macro_rules! visit_number {
    ($reader:ident, $visitor:ident, $kind:ident, $other:expr; $($name:ident $visit:ident $type:ty;)*) => {
        match $kind {
            $(
                kind if kind == PrimitiveKind::$name as u8 => {
                    $visitor.$visit(<$type>::from_le_bytes($reader.source.array()?))
                }
            )*
            _ => $other,
        }
    };
}

impl<'de> Reader<'de, '_> {
    fn no_number<V: Visitor<'de>>(&mut self, kind: u8, visitor: V) -> Result<V::Value, Misfit> {
        match kind {
            kind if kind == PrimitiveKind::Bool as u8 => self.bool(visitor),
            kind if kind == PrimitiveKind::Char as u8 => self.char(visitor),
            kind::UNIT => visitor.visit_unit(),
            kind::NONE => visitor.visit_none(),
            kind::SOME => self.inside(|reader| visitor.visit_some(reader)),
            kind::TEXT => match self.bytes()? {
                Bytes::Lent(bytes) => visitor.visit_borrowed_str(text(bytes)?),
                Bytes::Own(bytes) => match String::from_utf8(bytes) {
                    Ok(text) => visitor.visit_string(text),
                    Err(error) => misfit(error.to_string()),
                },
            },
            kind::BYTES => match self.bytes()? {
                Bytes::Lent(bytes) => visitor.visit_borrowed_bytes(bytes),
                Bytes::Own(bytes) => visitor.visit_byte_buf(bytes),
            },
            kind::NEW_NAME | kind::NAME => {
                let number = if kind == kind::NAME { self.number()? } else { self.new_name()? };
                match self.names.get(number) {
                    Some(name) => visitor.visit_str(name),
                    None => misfit("it has the number of no name"),
                }
            }
            kind::SEQUENCE => self.sequence(visitor),
            kind::MAP => self.map(visitor),
            kind::NUMBERS => self.numbers(visitor),
            _ => misfit("it has something of an unknown kind"),
        }
    }

    fn bool<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misfit> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            other => misfit(format!("{other} where 0 or 1 was expected")),
        }
    }

    fn char<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misfit> {
        match char::from_u32(u32::from_le_bytes(self.source.array()?)) {
            Some(char) => visitor.visit_char(char),
            None => misfit("it has a number that is no character"),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de, '_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let kind = self.kind()?;
        visit_number! { self, visitor, kind, self.no_number(kind, visitor);
            I8 visit_i8 i8;
            I16 visit_i16 i16;
            I32 visit_i32 i32;
            I64 visit_i64 i64;
            I128 visit_i128 i128;
            U8 visit_u8 u8;
            U16 visit_u16 u16;
            U32 visit_u32 u32;
            U64 visit_u64 u64;
            U128 visit_u128 u128;
            F32 visit_f32 f32;
            F64 visit_f64 f64;
        }
    }

    /// Whatever is not `None` is `Some`: it is written for itself where it can be taken for nothing else.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.kind()? {
            kind::NONE | kind::UNIT => visitor.visit_none(),
            kind::SOME => self.inside(|reader| visitor.visit_some(reader)),
            kind => {
                self.kind = Some(kind);
                self.inside(|reader| visitor.visit_some(reader))
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.inside(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.kind()? {
            kind::MAP => self.inside(|reader| {
                let value = visitor.visit_enum(Variant { reader, is_unit: false })?;
                reader.end(false)?;
                Ok(value)
            }),
            kind => {
                self.kind = Some(kind);
                visitor.visit_enum(Variant { reader: self, is_unit: true })
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }

    /// See the writer.
    fn is_human_readable(&self) -> bool {
        true
    }
}

/// Elements of a sequence, or entries of a map.
#[derive(Debug)]
struct Items<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
    has_ended: bool,
}

impl<'de> Items<'_, 'de, '_> {
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.has_ended {
            return Ok(None);
        }
        let kind = self.reader.kind()?;
        if kind == kind::END {
            self.has_ended = true;
            return Ok(None);
        }
        self.reader.kind = Some(kind);
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.next(seed)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de, '_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.next(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        seed.deserialize(&mut *self.reader)
    }
}

/// Numbers of one kind.
#[derive(Debug)]
struct Alike<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
    kind: u8,
    left: usize,
}

impl<'de> SeqAccess<'de> for Alike<'_, 'de, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.reader.kind = Some(self.kind);
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A variant: its name, or the entry of a map from its name to its content.
#[derive(Debug)]
struct Variant<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
    is_unit: bool,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de, '_> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        Ok((seed.deserialize(&mut *self.reader)?, self))
    }
}

impl<'de, 's> Variant<'_, 'de, 's> {
    fn content<T>(self, read: impl FnOnce(&mut Reader<'de, 's>) -> Result<T, Misfit>) -> Result<T, Misfit> {
        if self.is_unit { misfit("it is a variant without content") } else { read(self.reader) }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de, '_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        if self.is_unit || self.reader.kind()? == kind::UNIT {
            Ok(())
        } else {
            misfit("it is a variant with content")
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        self.content(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.content(|reader| reader.deserialize_any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.content(|reader| reader.deserialize_any(visitor))
    }
}
