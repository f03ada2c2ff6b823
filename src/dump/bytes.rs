//! The codec of a value in a file, whose type only a look at it tells.
//!
//! Arrays and vectors of numbers are kept as they lie in memory. All others are kept with names, so that a type may
//! gain a field that has a default.

use std::any::{Any, TypeId};

use crate::array::Array;
use crate::codec::raw::{self, Primitive};
use crate::codec::{CodecError, DecodeError, Encoded, Habit, NAMED, Value, encode, of_serde};
use crate::payload::Content;

/// The bytes of a value.
pub(crate) fn encode_value<T: Value + 'static>(value: &T) -> Result<Encoded<'_>, CodecError> {
    if let Some(encoded) = encode_numbers(value) {
        return encoded;
    }
    let habit = Habit::new();
    habit.set(NAMED);
    encode::<T>(value, &habit)
}

/// The value of these bytes.
pub(crate) fn decode_value<T: Value + 'static>(content: &Content<'_>) -> Result<T, DecodeError> {
    decode_numbers(content).unwrap_or_else(|| of_serde(content))
}

macro_rules! numbers {
    ($($element:ty)*) => {
        fn encode_numbers(value: &dyn Any) -> Option<Result<Encoded<'_>, CodecError>> {
            $(
                if let Some(array) = value.downcast_ref::<Array<$element>>() {
                    return Some(raw::encode::<Primitive, _>(array));
                }
                if let Some(vector) = value.downcast_ref::<Vec<$element>>() {
                    return Some(raw::encode::<Primitive, _>(vector));
                }
            )*
            None
        }

        fn decode_numbers<T: 'static>(content: &Content<'_>) -> Option<Result<T, DecodeError>> {
            let wanted = TypeId::of::<T>();
            $(
                if wanted == TypeId::of::<Array<$element>>() {
                    return Some(raw::decode::<Primitive, Array<$element>>(content).map(as_wanted));
                }
                if wanted == TypeId::of::<Vec<$element>>() {
                    return Some(raw::decode::<Primitive, Vec<$element>>(content).map(as_wanted));
                }
            )*
            None
        }
    };
}

numbers! { bool char i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 }

/// A value as the type that it is of.
fn as_wanted<A: Any, T: Any>(value: A) -> T {
    let value: Box<dyn Any> = Box::new(value);
    *value.downcast().expect("the types were compared")
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::payload::ByteSource;

    #[derive(Serialize, Deserialize)]
    struct Model {
        name: String,
        depth: u32,
    }

    /// The next version of it.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Later {
        #[serde(default)]
        rate: u8,
        depth: u32,
        name: String,
    }

    #[test]
    fn a_type_may_gain_a_field_and_change_their_order() {
        let model = Model { name: "wine".into(), depth: 7 };
        let Encoded { codec, bytes } = encode_value(&model).unwrap();
        let bytes = bytes.to_vec();
        let content = Content { codec, source: ByteSource::Memory(&bytes) };
        let later = decode_value::<Later>(&content).unwrap();
        assert_eq!(later, Later { rate: 0, depth: 7, name: "wine".into() });
    }
}
