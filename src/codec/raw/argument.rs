//! Arguments that are nothing but arrays of numbers, on their way to another process.
//!
//! They have the bytes of values, but are seen through references also where their type has no size.

use std::ops::Deref;
use std::sync::Arc;

use super::leaf::{Form, Leaf, Leaves};
use super::types::text;
use super::{Bits, DecodeError, Elements, Encoded, Primitive, Raw, join, take_apart};
use crate::payload::Content;

/// A type whose values are one array of numbers, or some, also without a size.
pub trait RawArgument {
    /// How many arrays a value is.
    const LEAVES: usize;

    /// A value that was read.
    type Held: Deref<Target = Self>;

    /// Calls `each` with the arrays of the value, in order.
    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>));

    /// Reads a value. What is only lent to the function is mapped, where its type allows.
    ///
    /// # Errors
    ///
    /// Fails if what is there is no value of this type, or cannot be read.
    fn read(leaves: &mut Leaves<'_>) -> Result<Self::Held, DecodeError>;
}

impl<T: Raw<Primitive>> RawArgument for T {
    const LEAVES: usize = <T as Raw<Primitive>>::LEAVES;
    type Held = Box<T>;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        Raw::describe(self, each);
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Box<T>, DecodeError> {
        <T as Raw<Primitive>>::read(leaves).map(Box::new)
    }
}

impl<T: Bits<Primitive>> RawArgument for [T] {
    const LEAVES: usize = 1;
    type Held = Elements<T>;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        each(Leaf::new(Form::Sequence, self));
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Elements<T>, DecodeError> {
        let leaf = leaves.next::<_, T>(Form::Sequence)?;
        leaves.elements(&leaf)
    }
}

impl RawArgument for str {
    const LEAVES: usize = 1;
    type Held = Box<str>;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        each(Leaf::new::<Primitive, _>(Form::Text, self.as_bytes()));
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Box<str>, DecodeError> {
        let leaf = leaves.next::<Primitive, u8>(Form::Text)?;
        Ok(text(leaves.vec::<Primitive, _>(&leaf)?)?.into_boxed_str())
    }
}

impl<T: RawArgument<Held = Box<T>>> RawArgument for Arc<T> {
    const LEAVES: usize = T::LEAVES;
    type Held = Box<Arc<T>>;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        (**self).describe(each);
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Box<Arc<T>>, DecodeError> {
        T::read(leaves).map(|value| Box::new(Arc::new(*value)))
    }
}

/// The bytes of an argument. Those of a large one are borrowed.
pub(crate) fn encode_argument<T: RawArgument + ?Sized>(value: &T) -> Encoded<'_> {
    join(&|each| value.describe(each))
}

/// Reads an argument. The data of an [`Array`](crate::Array) or of a slice is mapped where that can be.
pub(crate) fn decode_argument<T: RawArgument + ?Sized>(
    content: &Content<'_>,
) -> Result<T::Held, DecodeError> {
    take_apart(content, T::LEAVES, true, T::read)
}
