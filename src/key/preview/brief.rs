//! Cuts texts and byte strings before a serializer sees them.
//!
//! `serde_json` looks through a whole text for characters to escape before it writes any of it: 64 MiB
//! would be read to show 160 bytes. [`Brief`] passes everything on to the serializer beneath, but of
//! texts and byte strings only the beginning.

use std::fmt::{self, Display, Write};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::PREVIEW_BYTES;

/// So much of a text is passed on: more than a preview takes, even if the cut falls inside a
/// character. So the preview is cut, too, and says so.
const TEXT_BYTES: usize = PREVIEW_BYTES + 4;

/// A value, serializer or compound serializer that cuts texts.
#[derive(Debug)]
pub(super) struct Brief<T>(pub(super) T);

impl<T: Serialize + ?Sized> Serialize for Brief<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Brief(serializer))
    }
}

/// The beginning of a text.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES)]
}

/// Takes the beginning of what is displayed, and fails when it is full, which ends the displaying.
struct Beginning(String);

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(cut(text));
        if self.0.len() < TEXT_BYTES { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Methods that only pass on.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            fn $method(self, $($argument: $type),*) -> Result<S::Ok, S::Error> {
                self.0.$method($($argument),*)
            }
        )*
    };
}

/// Methods that open a compound, whose texts are cut in turn.
macro_rules! open {
    ($($method:ident($($argument:ident: $type:ty),*) -> $compound:ident;)*) => {
        $(
            fn $method(self, $($argument: $type),*) -> Result<Self::$compound, S::Error> {
                self.0.$method($($argument),*).map(Brief)
            }
        )*
    };
}

impl<S: Serializer> Serializer for Brief<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Brief<S::SerializeSeq>;
    type SerializeTuple = Brief<S::SerializeTuple>;
    type SerializeTupleStruct = Brief<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Brief<S::SerializeTupleVariant>;
    type SerializeMap = Brief<S::SerializeMap>;
    type SerializeStruct = Brief<S::SerializeStruct>;
    type SerializeStructVariant = Brief<S::SerializeStructVariant>;

    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        self.0.serialize_str(cut(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        self.0.serialize_bytes(&value[..value.len().min(TEXT_BYTES)])
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let mut beginning = Beginning(String::new());
        // An error is the end of the room; that of the type itself ends its text as well.
        let _ = write!(beginning, "{value}");
        self.0.serialize_str(cut(&beginning.0))
    }

    pass_on! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_i128(value: i128);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_u128(value: u128);
        serialize_f32(value: f32);
        serialize_f64(value: f64);
        serialize_char(value: char);
        serialize_unit();
        serialize_none();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    open! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize)
            -> SerializeTupleVariant;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize)
            -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Brief(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Brief(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Brief(value))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Compounds whose items have no names.
macro_rules! unnamed {
    ($($trait:ident $method:ident;)*) => {
        $(
            impl<C: $trait> $trait for Brief<C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                    self.0.$method(&Brief(value))
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.0.end()
                }
            }
        )*
    };
}

unnamed! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// Compounds with named fields.
macro_rules! named {
    ($($trait:ident)*) => {
        $(
            impl<C: $trait> $trait for Brief<C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), C::Error> {
                    self.0.serialize_field(name, &Brief(value))
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                    self.0.skip_field(name)
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.0.end()
                }
            }
        )*
    };
}

named! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Brief<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.0.serialize_key(&Brief(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.0.serialize_value(&Brief(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.0.end()
    }
}
