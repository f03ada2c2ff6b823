//! Items made of items: sequences, structs and variants, maps.

use serde::Serialize;
use serde::ser;

use super::{APART, EncodeError, Encoder, tag};

/// A sequence or tuple (arrays are tuples to serde). Its elements form runs; from [`APART`] elements on it is
/// hashed apart.
#[derive(Debug)]
pub(crate) struct Sequence<'e> {
    parent: &'e mut Encoder,
    tag: u8,
    count: usize,
    /// Takes the elements where they do not go straight to `parent`: when the sequence is announced as long, or
    /// its length is not announced and shows only at the end.
    own: Option<Encoder>,
}

impl<'e> Sequence<'e> {
    pub(super) fn new(parent: &'e mut Encoder, tag: u8, length: Option<usize>) -> Self {
        let own = match length {
            Some(length) if length < APART => {
                parent.open(tag);
                None
            }
            Some(_) => Some(Encoder::apart()),
            None => Some(Encoder::buffered()),
        };
        Sequence { parent, tag, count: 0, own }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.count += 1;
        let encoder = match &mut self.own {
            Some(own) => own,
            None => &mut *self.parent,
        };
        encoder.in_sequence = true;
        value.serialize(&mut *encoder)?;
        encoder.in_sequence = false;
        if self.count == APART
            && let Some(own) = &mut self.own
        {
            own.hash_from_now_on();
        }
        Ok(())
    }

    fn end(self) {
        match self.own {
            None => self.parent.close(),
            Some(own) if own.is_hashing() => self.parent.digest(self.tag, own.finish()),
            Some(own) => {
                self.parent.open(self.tag);
                self.parent.buffer.extend_from_slice(&own.into_bytes());
                self.parent.close();
            }
        }
    }
}

/// The traits of sequences and of tuples differ in name only.
macro_rules! elements {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Sequence<'_> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                Sequence::end(self);
                Ok(())
            }
        }
    )*};
}

elements! { SerializeSeq SerializeTuple }

/// The fields of a struct or variant, named or not.
#[derive(Debug)]
pub(crate) struct Fields<'e>(&'e mut Encoder);

impl<'e> Fields<'e> {
    pub(super) fn new(encoder: &'e mut Encoder) -> Self {
        Fields(encoder)
    }

    fn named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        self.0.open(tag::FIELD);
        self.0.name(name);
        value.serialize(&mut *self.0)
    }

    /// A field that `skip_serializing_if` left out: without a mark, `{a: 1, b: skipped}` and `{a: skipped, b: 1}`
    /// would differ by name only.
    fn skipped(&mut self, name: &str) {
        self.0.open(tag::SKIPPED_FIELD);
        self.0.name(name);
    }
}

/// The traits of tuple structs and tuple variants, and of structs and struct variants, differ in name only.
macro_rules! unnamed_fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Fields<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.0.close();
                Ok(())
            }
        }
    )*};
}

macro_rules! named_fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Fields<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.named(name, value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), EncodeError> {
                self.skipped(name);
                Ok(())
            }

            fn end(self) -> Result<(), EncodeError> {
                self.0.close();
                Ok(())
            }
        }
    )*};
}

unnamed_fields! { SerializeTupleStruct SerializeTupleVariant }
named_fields! { SerializeStruct SerializeStructVariant }

/// The entries of a map, gathered to be sorted.
#[derive(Debug)]
pub(crate) struct Entries<'e> {
    parent: &'e mut Encoder,
    /// Keys and values, one behind the other, in the order of the map.
    bytes: Encoder,
    /// Where each key and its value end.
    ends: Vec<(usize, usize)>,
    key_end: usize,
}

impl<'e> Entries<'e> {
    pub(super) fn new(parent: &'e mut Encoder) -> Self {
        Entries { parent, bytes: Encoder::buffered(), ends: Vec::new(), key_end: 0 }
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        key.serialize(&mut self.bytes)?;
        self.key_end = self.bytes.buffer.len();
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut self.bytes)?;
        self.ends.push((self.key_end, self.bytes.buffer.len()));
        Ok(())
    }

    fn end(self) -> Result<(), EncodeError> {
        let bytes = self.bytes.into_bytes();
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        let mut entries: Vec<(&[u8], &[u8])> = starts
            .zip(&self.ends)
            .map(|(start, &(key_end, end))| (&bytes[start..key_end], &bytes[key_end..end]))
            .collect();
        entries.sort_unstable();
        self.parent.open(tag::MAP);
        self.parent.length(entries.len());
        for (key, value) in entries {
            self.parent.buffer.extend_from_slice(key);
            self.parent.buffer.extend_from_slice(value);
            self.parent.spill();
        }
        Ok(())
    }
}
