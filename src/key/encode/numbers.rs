//! Slices of numbers, recognised by their type.

use super::Primitive;
use crate::sys::view::{self, Plain};

/// The primitive types that serde passes on as they are, with the kind they have in canonical bytes.
pub(crate) trait Number: Plain {
    const KIND: Primitive;
}

/// A slice of primitives of one kind, as its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    pub(super) kind: Primitive,
    pub(super) count: usize,
    /// The little-endian bytes of each, one behind the other.
    pub(super) bytes: &'a [u8],
}

macro_rules! numbers {
    ($($(#[$attribute:meta])* $type:ty => $kind:ident,)*) => {
        $(
            $(#[$attribute])*
            impl Number for $type {
                const KIND: Primitive = Primitive::$kind;
            }
        )*

        impl<'a> Numbers<'a> {
            /// The numbers that `items` goes through, if those are all it goes through and they lie in memory as they are encoded.
            #[inline]
            pub(super) fn of<I>(items: &'a I) -> Option<Self> {
                $(
                    $(#[$attribute])*
                    if let Some(numbers) = view::slice_of::<I, $type>(items) {
                        return Self::new(numbers);
                    }
                )*
                None
            }
        }
    };
}

numbers! {
    f64 => F64,
    f32 => F32,
    u8 => U8,
    u16 => U16,
    u32 => U32,
    u64 => U64,
    u128 => U128,
    i8 => I8,
    i16 => I16,
    i32 => I32,
    i64 => I64,
    i128 => I128,
    #[cfg(target_pointer_width = "64")]
    usize => U64,
    #[cfg(target_pointer_width = "64")]
    isize => I64,
    bool => Bool,
    char => Char,
}

impl<'a> Numbers<'a> {
    fn new<T: Number>(numbers: &'a [T]) -> Option<Self> {
        let bytes = view::little_endian_bytes(numbers)?;
        Some(Numbers { kind: T::KIND, count: numbers.len(), bytes })
    }
}
