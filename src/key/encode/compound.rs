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
    own: Option<Box<Encoder>>,
}

impl<'e> Sequence<'e> {
    pub(super) fn new(parent: &'e mut Encoder, tag: u8, length: Option<usize>) -> Self {
        let own = match length {
            Some(length) if length < APART => {
                parent.open(tag);
                None
            }
            _ => Some(Box::new(Encoder::apart())),
        };
        Sequence { parent, tag, own }
    }

    #[inline]
    pub(super) fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let encoder = match &mut self.own {
            Some(own) => &mut **own,
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
            Some(mut own) => self.parent.digest(self.tag, own.finish_apart()),
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

/// A map whose order may matter. One that announces [`APART`] entries, or does not say how many, is hashed apart.
#[derive(Debug)]
pub(crate) struct Entries<'e> {
    parent: &'e mut Encoder,
    /// Takes the entries of a map that is hashed apart; those of others go straight to `parent`.
    own: Option<Box<Encoder>>,
}

impl<'e> Entries<'e> {
    pub(super) fn new(parent: &'e mut Encoder, length: Option<usize>) -> Self {
        let own = match length {
            Some(length) if length < APART => {
                parent.open(tag::MAP);
                None
            }
            _ => Some(Box::new(Encoder::hashing())),
        };
        Entries { parent, own }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let encoder = match &mut self.own {
            Some(own) => &mut **own,
            None => &mut *self.parent,
        };
        value.serialize(&mut *encoder)?;
        encoder.spill();
        Ok(())
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        match self.own {
            None => self.parent.close(),
            Some(mut own) => self.parent.digest(tag::MAP, own.finish()),
        }
        Ok(())
    }
}

/// What has no order: the elements of a hash set, or the entries of a hash map; gathered to be sorted.
#[derive(Debug)]
pub(super) struct Heap<'e> {
    parent: &'e mut Encoder,
    tag: u8,
    /// Items, one behind the other, as they came: of a map a key and its value are two.
    bytes: Box<Encoder>,
    /// Where the key (if it is a map) and all of each element or entry end.
    ends: Vec<(usize, usize)>,
}

impl<'e> Heap<'e> {
    pub(super) fn new(parent: &'e mut Encoder, tag: u8) -> Self {
        Heap { parent, tag, bytes: Box::new(Encoder::buffered()), ends: Vec::new() }
    }

    pub(super) fn item<T: Serialize>(&mut self, item: &T) -> Result<(), EncodeError> {
        item.serialize(&mut *self.bytes)?;
        let end = self.bytes.buffer.len();
        self.ends.push((end, end));
        Ok(())
    }

    pub(super) fn entry<K: Serialize, V: Serialize>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), EncodeError> {
        key.serialize(&mut *self.bytes)?;
        let key_end = self.bytes.buffer.len();
        value.serialize(&mut *self.bytes)?;
        self.ends.push((key_end, self.bytes.buffer.len()));
        Ok(())
    }

    pub(super) fn end(self) {
        let bytes = self.bytes.into_bytes();
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        let mut items: Vec<(&[u8], &[u8])> = starts
            .zip(&self.ends)
            .map(|(start, &(key_end, end))| (&bytes[start..key_end], &bytes[key_end..end]))
            .collect();
        items.sort_unstable();
        if items.len() < APART {
            self.parent.open(self.tag);
            self.parent.length(items.len());
            write(self.parent, &items);
        } else {
            let mut own = Encoder::hashing();
            write(&mut own, &items);
            self.parent.digest(self.tag, own.finish());
        }
    }
}

fn write(encoder: &mut Encoder, items: &[(&[u8], &[u8])]) {
    for (key, value) in items {
        encoder.buffer.append(key);
        encoder.buffer.append(value);
        encoder.spill();
    }
}
