//! The types that are nothing but arrays of numbers.

use std::sync::Arc;

use super::leaf::{Form, Leaf, Leaves, lone, unreadable};
use super::{Bits, DecodeError, Primitive, Raw};
use crate::sys::raw::{self, Unfilled, Unfit};

/// Types that are one array, by how they are seen and how they are made.
macro_rules! one_array {
    ($($(#[$attribute:meta])* [$($generics:tt)*] $type:ty, $element:ty, $form:expr, $see:expr, $make:expr;)*) => {$(
        impl<W, $($generics)*> Raw<W> for $type {
            const LEAVES: usize = 1;

            fn of_small(payload: &[u8]) -> Option<Self> {
                let make: fn(Vec<$element>) -> Self = $make;
                let (count, data) = small::<_, $element>(payload, $form)?;
                raw::vec(count, copy(data)).ok().map(make)
            }

            fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
                let see: fn(&Self) -> &[$element] = $see;
                each(Leaf::new($form, see(self)));
            }

            fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
                let leaf = leaves.next::<_, $element>($form)?;
                let make: fn(Vec<$element>) -> Self = $make;
                Ok(make(leaves.vec(&leaf)?))
            }
        }
    )*};
}

pub(super) fn text(bytes: Vec<u8>) -> Result<String, DecodeError> {
    String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))
}

one_array! {
    [T: Bits<W>] Vec<T>, T, Form::Sequence, |items| items, |items| items;
    [T: Bits<W>] Box<[T]>, T, Form::Sequence, |items| items, |items| items.into();
}

/// The number and the bytes of the elements of a payload that is one small array of `T`s, as they lie in memory.
#[inline]
fn small<W, T: Bits<W>>(payload: &[u8], form: Form) -> Option<(usize, &[u8])> {
    if cfg!(target_endian = "big") { None } else { lone(payload, T::KIND, form, size_of::<T>()) }
}

/// Fills memory with these bytes.
#[inline]
fn copy(data: &[u8]) -> impl FnOnce(&mut Unfilled<'_>) -> Result<(), Unfit> {
    |target| {
        target.put(data);
        Ok(())
    }
}

/// Texts: their bytes are numbers however others are known to be.
macro_rules! texts {
    ($($type:ty)*) => {$(
        impl<W> Raw<W> for $type {
            const LEAVES: usize = 1;
            const OF_TEXT: Option<fn(String) -> Self> = Some(|text| text.into());

            fn as_text(&self) -> Option<&str> {
                Some(self)
            }

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

    fn of_small(payload: &[u8]) -> Option<Self> {
        let (count, data) = small::<W, T>(payload, Form::Sequence)?;
        raw::shared(count, copy(data)).ok()
    }

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

    fn of_small(payload: &[u8]) -> Option<Self> {
        let (_, data) = small::<W, T>(payload, Form::Fixed).filter(|&(count, _)| count == N)?;
        raw::array(copy(data)).ok()
    }

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
