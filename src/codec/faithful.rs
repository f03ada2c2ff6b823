//! Refuses what a positional encoding cannot read back.
//!
//! bincode writes no field names. A field that `#[serde(skip_serializing_if = "…")]` leaves out shifts all that
//! follow, and the reader may take the bytes of one field for another's: `[{a: skipped, n: 0}, {a: Some(0), n: 3}]`
//! with `a: Option<u8>` and `n: u8` reads back, without any error, as `[{a: None, n: 1}, {a: None, n: 3}]`.
//! [`Faithful`] passes everything on to the serializer beneath, except that a skipped field is an error, and notes whether
//! there are structs or variants at all. serde says nothing of fields skipped in tuple structs, nor of `skip_serializing`
//! without its counterpart; those show when the value is read back ([`encode`](super::values::encode)).

use std::cell::Cell;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

thread_local! {
    /// Whether a struct or variant with fields has come by.
    static FIELDS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `encode`; whether it came by structs or variants with fields.
pub(super) fn watch<T, E>(encode: impl FnOnce() -> Result<T, E>) -> Result<bool, E> {
    FIELDS.set(false);
    encode()?;
    Ok(FIELDS.get())
}

/// A value, serializer or compound serializer under guard.
#[derive(Debug)]
pub(super) struct Faithful<T>(pub(super) T);

impl<T: Serialize + ?Sized> Serialize for Faithful<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Faithful(serializer))
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

/// Methods that open a compound, which is guarded in turn.
macro_rules! guard {
    ($($method:ident($($argument:ident: $type:ty),*) -> $compound:ident;)*) => {
        $(
            fn $method(self, $($argument: $type),*) -> Result<Self::$compound, S::Error> {
                self.0.$method($($argument),*).map(Faithful)
            }
        )*
    };
}

/// The same for compounds with fields, of which note is taken.
macro_rules! guard_fields {
    ($($method:ident($($argument:ident: $type:ty),*) -> $compound:ident;)*) => {
        $(
            fn $method(self, $($argument: $type),*) -> Result<Self::$compound, S::Error> {
                FIELDS.set(true);
                self.0.$method($($argument),*).map(Faithful)
            }
        )*
    };
}

impl<S: Serializer> Serializer for Faithful<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Faithful<S::SerializeSeq>;
    type SerializeTuple = Faithful<S::SerializeTuple>;
    type SerializeTupleStruct = Faithful<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Faithful<S::SerializeTupleVariant>;
    type SerializeMap = Faithful<S::SerializeMap>;
    type SerializeStruct = Faithful<S::SerializeStruct>;
    type SerializeStructVariant = Faithful<S::SerializeStructVariant>;

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
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_unit();
        serialize_none();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    guard! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_map(length: Option<usize>) -> SerializeMap;
    }

    guard_fields! {
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize)
            -> SerializeTupleVariant;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize)
            -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Faithful(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Faithful(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Faithful(value))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Compounds whose items have no names.
macro_rules! unnamed {
    ($($trait:ident $method:ident;)*) => {
        $(
            impl<C: $trait> $trait for Faithful<C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                    self.0.$method(&Faithful(value))
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

/// Compounds with named fields: here fields can be skipped.
macro_rules! named {
    ($($trait:ident)*) => {
        $(
            impl<C: $trait> $trait for Faithful<C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), C::Error> {
                    self.0.serialize_field(name, &Faithful(value))
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                    Err(C::Error::custom(format_args!(
                        "serde skips the field `{name}`, and without it the value could not be read back; \
                         remove `skip_serializing_if`"
                    )))
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.0.end()
                }
            }
        )*
    };
}

named! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Faithful<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.0.serialize_key(&Faithful(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.0.serialize_value(&Faithful(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use crate::codec::{CodecError, Value, decode, measure};

    fn encode<T: Value>(value: &T) -> Result<Vec<u8>, CodecError> {
        crate::codec::encode(value, |written| measure(&written.read::<T>()?))
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shifty {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        n: u8,
    }

    /// The example of the module's header: without the guard these bytes are read back as another value.
    #[test]
    fn a_skipped_field_is_refused_before_it_can_be_misread() {
        let values = vec![Shifty { a: None, n: 0 }, Shifty { a: Some(0), n: 3 }];
        let error = encode(&values).unwrap_err();
        assert!(error.to_string().contains("field `a`"), "{error}");

        let misread: Vec<Shifty> = decode(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3]).unwrap();
        assert_eq!(misread, [Shifty { a: None, n: 1 }, Shifty { a: None, n: 3 }]);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair(#[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct OneSided {
        #[serde(skip_serializing, default)]
        a: u8,
        b: Option<u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
    }

    /// serde passes over these in silence, so that they show only when they are read back.
    #[test]
    fn a_value_that_would_be_read_back_as_another_is_refused() {
        for (encoded, what) in [
            (encode(&vec![Pair(None, 0), Pair(Some(0), 3)]), "as another value"),
            (encode(&OneSided { a: 9, b: Some(0) }), "as another value"),
            (encode(&Untagged::Number(7)), "could not be read back"),
        ] {
            let error = encoded.unwrap_err().to_string();
            assert!(error.contains(what), "{error} where {what} was expected");
        }
        encode(&vec![Pair(Some(1), 0), Pair(Some(0), 3)]).unwrap();
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle(f64),
        Box(f32, f32),
        Path { points: Vec<(i8, i128)>, name: Option<String> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(char);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        shapes: Vec<Shape>,
        map: BTreeMap<String, [u16; 3]>,
        unit: (Unit, ()),
        pair: (Wrapped, bool),
    }

    #[test]
    fn values_of_every_shape_come_back_equal() {
        let value = Everything {
            shapes: vec![
                Shape::Point,
                Shape::Circle(f64::MIN_POSITIVE),
                Shape::Box(1.5, -0.0),
                Shape::Path { points: vec![(-1, i128::MIN)], name: Some("é".into()) },
            ],
            map: BTreeMap::from([("x".into(), [1, 2, 3])]),
            unit: (Unit, ()),
            pair: (Wrapped('☃'), true),
        };
        let mut bytes = encode(&value).unwrap();
        assert_eq!(decode::<Everything>(&bytes).unwrap(), value);
        bytes.push(0);
        assert!(decode::<Everything>(&bytes).is_err(), "a byte too many");
        assert!(decode::<Everything>(&bytes[..bytes.len() - 2]).is_err(), "a byte too few");
    }
}
