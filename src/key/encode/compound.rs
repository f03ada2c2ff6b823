//! Items made of items: sequences, structs and variants, maps.

use serde::Serialize;
use serde::ser;

use super::{APART, EncodeError, Encoder, tag};

/// A sequence or tuple (arrays are tuples to serde). Its elements form runs; one that announces [`APART`] elements, or does
/// not say how many, is hashed apart.
#[derive(Debug)]
pub(crate) struct Sequence<'e> {
    parent: &'e mut Encoder,
    tag: u8,
    /// Takes the elements of a sequence that is hashed apart; those of others go straight to `parent`.
    own: Option<Encoder>,
}

impl<'e> Sequence<'e> {
    pub(super) fn new(parent: &'e mut Encoder, tag: u8, length: Option<usize>) -> Self {
        let own = match length {
            Some(length) if length < APART => {
                parent.open(tag);
                None
            }
            _ => Some(Encoder::apart()),
        };
        Sequence { parent, tag, own }
    }

    #[inline]
    pub(super) fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let encoder = match &mut self.own {
            Some(own) => own,
            None => &mut *self.parent,
        };
        encoder.in_sequence = true;
        value.serialize(&mut *encoder)?;
        encoder.in_sequence = false;
        Ok(())
    }

    pub(super) fn end(self) {
        match self.own {
            None => self.parent.close(),
            Some(own) => self.parent.digest(self.tag, own.finish_apart()),
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
        if entries.len() < APART {
            self.parent.open(tag::MAP);
            self.parent.length(entries.len());
            write(self.parent, &entries);
        } else {
            let mut own = Encoder::hashing();
            write(&mut own, &entries);
            self.parent.digest(tag::MAP, own.finish());
        }
        Ok(())
    }
}

fn write(encoder: &mut Encoder, entries: &[(&[u8], &[u8])]) {
    for (key, value) in entries {
        encoder.buffer.extend_from_slice(key);
        encoder.buffer.extend_from_slice(value);
        encoder.spill();
    }
}
