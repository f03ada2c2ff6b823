//! Slices of numbers, recognised by their type.
//!
//! serde gives a serializer `&Vec<f64>` or `&[f64]` as a type parameter (`collect_seq`). `TypeId`
//! tells whether it is one. The compiler settles the question: nothing is left of it in the code of
//! a slice. A choice by the macro, from the type that the user wrote, would see nothing that is
//! nested in structs. Arrays come element by element, but serde has them up to 32 elements only.
//! What other crates show one by one takes 3.3 ns an element.

use super::PrimitiveKind;
use crate::sys::{raw, view};

impl PrimitiveKind {
    /// The kind that numbers of a type have in canonical bytes, if serde passes them on as they are.
    pub(crate) fn of<T: raw::Bits<raw::Primitive>>() -> Option<Self> {
        use PrimitiveKind::{Bool, Char, F32, F64, I8, I16, I32, I64, I128, U8, U16, U32, U64, U128};
        let kinds = [Bool, I8, I16, I32, I64, I128, U8, U16, U32, U64, U128, F32, F64, Char, U64, I64];
        let is_pointer_sized = T::KIND > Char as u8;
        let kind = kinds.get(usize::from(T::KIND)).copied();
        kind.filter(|_| !is_pointer_sized || cfg!(target_pointer_width = "64"))
    }
}

/// A slice of primitives of one kind, as its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a> {
    pub(crate) kind: PrimitiveKind,
    pub(crate) count: usize,
    /// The little-endian bytes of each, one behind the other.
    pub(crate) bytes: &'a [u8],
}

macro_rules! numbers {
    ($($type:ty)*) => {
        impl<'a> Numbers<'a> {
            /// The numbers that `items` goes through, if those are all it goes through and they lie in memory as they are encoded.
            #[inline]
            pub(crate) fn of<I>(items: &'a I) -> Option<Self> {
                $(
                    if let Some(numbers) = view::slice_of::<I, $type>(items) {
                        return Self::new(numbers);
                    }
                )*
                None
            }
        }
    };
}

numbers! { f64 f32 u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 usize isize bool char }

impl<'a> Numbers<'a> {
    fn new<T: raw::Bits<raw::Primitive>>(numbers: &'a [T]) -> Option<Self> {
        if cfg!(target_endian = "big") && size_of::<T>() > 1 {
            return None;
        }
        Some(Numbers { kind: PrimitiveKind::of::<T>()?, count: numbers.len(), bytes: raw::bytes_of(numbers) })
    }
}
