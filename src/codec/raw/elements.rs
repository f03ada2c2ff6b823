//! The elements of one array, in memory of their own or in a mapped file.

use std::fmt;
use std::ops::Deref;

use super::{Bits, Primitive};
use crate::sys::map::Mapped;

/// The elements of one array.
pub struct Elements<T>(Storage<T>);

enum Storage<T> {
    Memory(Vec<T>),
    /// `count` elements from `start` on, which are there and aligned.
    Mapped {
        mapped: Mapped,
        start: usize,
        count: usize,
    },
}

impl<T: Bits<Primitive>> Elements<T> {
    pub(crate) fn of_vec(items: Vec<T>) -> Self {
        Elements(Storage::Memory(items))
    }

    /// `None` if the elements are not there, or not aligned.
    pub(crate) fn of_mapped(mapped: Mapped, start: usize, count: usize) -> Option<Self> {
        mapped.slice::<Primitive, T>(start, count)?;
        Some(Elements(Storage::Mapped { mapped, start, count }))
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        if let Storage::Memory(items) = self.0 { items } else { self.to_vec() }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.0, Storage::Mapped { .. })
    }
}

impl<T: Bits<Primitive>> Deref for Elements<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Storage::Memory(items) => items,
            Storage::Mapped { mapped, start, count } => {
                mapped.slice::<Primitive, T>(*start, *count).expect("seen when they were mapped")
            }
        }
    }
}

impl<T> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elements(..)")
    }
}
