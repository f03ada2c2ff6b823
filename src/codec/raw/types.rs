//! The types that are nothing but arrays of numbers.

use std::sync::Arc;

use super::leaf::{Form, Leaf, Leaves, unreadable};
use super::{Bits, DecodeError, Primitive, Raw};

/// Types that are one array, by how they are seen and how they are made.
macro_rules! one_array {
    ($($(#[$attribute:meta])* [$($generics:tt)*] $type:ty, $element:ty, $form:expr, $see:expr, $make:expr;)*) => {$(
        impl<W, $($generics)*> Raw<W> for $type {
            const LEAVES: usize = 1;

            fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
                let see: fn(&Self) -> &[$element] = $see;
                each(Leaf::new($form, see(self)));
            }

            fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
                let leaf = leaves.next::<_, $element>($form)?;
                let make: fn(Vec<$element>) -> Result<Self, DecodeError> = $make;
                make(leaves.vec(&leaf)?)
            }
        }
    )*};
}

pub(super) fn text(bytes: Vec<u8>) -> Result<String, DecodeError> {
    String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))
}

one_array! {
    [T: Bits<W>] Vec<T>, T, Form::Sequence, |items| items, Ok;
    [T: Bits<W>] Box<[T]>, T, Form::Sequence, |items| items, |items| Ok(items.into());
}

/// Texts: their bytes are numbers however others are known to be.
macro_rules! texts {
    ($($type:ty)*) => {$(
        impl<W> Raw<W> for $type {
            const LEAVES: usize = 1;

            fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
                each(Leaf::new::<Primitive, _>(Form::Text, self.as_bytes()));
            }

            fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
                let leaf = leaves.next::<Primitive, u8>(Form::Text)?;
                Ok(text(leaves.vec::<Primitive, _>(&leaf)?)?.into())
            }
        }
    )*};
}

texts! { String Box<str> }

impl<W, T: Bits<W>> Raw<W> for Arc<[T]> {
    const LEAVES: usize = 1;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        each(Leaf::new(Form::Sequence, self));
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
        let leaf = leaves.next::<_, T>(Form::Sequence)?;
        leaves.shared(&leaf)
    }
}

impl<W, T: Bits<W>, const N: usize> Raw<W> for [T; N] {
    const LEAVES: usize = 1;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        each(Leaf::new(Form::Fixed, self));
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
        let leaf = leaves.next::<_, T>(Form::Fixed)?;
        if leaf.count != N {
            return Err(unreadable(format!("it has {} elements, not {N}", leaf.count)));
        }
        leaves.array()
    }
}

macro_rules! tuples {
    ($(($($type:ident $place:tt),*))*) => {$(
        impl<W, $($type: Raw<W>),*> Raw<W> for ($($type,)*) {
            const LEAVES: usize = 0 $(+ $type::LEAVES)*;
            const MAPS: bool = false $(|| $type::MAPS)*;

            fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
                $(self.$place.describe(each);)*
            }

            fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
                Ok(($($type::read(leaves)?,)*))
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
