//! Long slices of arrays of numbers (points, pixels, small matrices), recognised by their type.
//!
//! To serde an array is a tuple, whose numbers come one by one: a slice of `[f64; 3]` took seven times as long as one of `f64`.
//! It lies in memory as its numbers do, and these are the data of a [sequence that is hashed apart](super::apart). In the
//! structure there is the same for each array.
//!
//! [`ROWS`] has the types of points, pixels and the matrices of graphics. Other types, and what is too short to be hashed
//! apart, go through serde and have the same bytes.

use std::any::TypeId;

use super::{Encoder, PrimitiveKind, SPILL, hashing, tag};
use crate::sys::raw::{self, Bits};
use crate::sys::view::{self, SliceIter};

/// The arrays of a slice, as their bytes.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    row: &'static Row,
    count: usize,
    /// The little-endian bytes of all numbers, one behind the other.
    bytes: &'a [u8],
}

/// A type of arrays, and how an iterator over a slice of them is seen.
struct Row {
    iterator: SliceIter,
    kind: PrimitiveKind,
    /// How many numbers there are in the innermost arrays, and how many of these in the outer one, if there is one.
    inner: u8,
    outer: Option<u8>,
    /// The bytes of one.
    size: usize,
}

macro_rules! rows {
    ($($number:ident $kind:ident: $($inner:literal)*;)*) => {
        [$($(Row::of::<[$number; $inner]>(PrimitiveKind::$kind, $inner, None),)*)*]
    };
}

macro_rules! matrices {
    ($($number:ident $kind:ident: $($size:literal)*;)*) => {
        [$($(Row::of::<[[$number; $size]; $size]>(PrimitiveKind::$kind, $size, Some($size)),)*)*]
    };
}

static ROWS: &[&[Row]] = &[
    &rows! {
        f64 F64: 2 3 4 5 6 7 8 9 10 12 16;
        f32 F32: 2 3 4 5 6 7 8 9 10 12 16;
        u8 U8: 2 3 4 6 8 16 32;
        u16 U16: 2 3 4;
        i32 I32: 2 3 4;
        u32 U32: 2 3 4;
        i64 I64: 2 3 4;
        u64 U64: 2 3 4;
    },
    #[cfg(target_pointer_width = "64")]
    &rows! { usize U64: 2 3 4; },
    &matrices! { f64 F64: 2 3 4; f32 F32: 2 3 4; },
];

impl<'a> Rows<'a> {
    /// The arrays that `items` goes through, if they are of one of these types and lie in memory as they are encoded.
    pub(super) fn of<I: Iterator>(items: &'a I) -> Option<Self> {
        let row = row_of(typeid::of::<I>())?;
        let bytes = view::bytes_of_iter(items, &row.iterator)?;
        Some(Rows { row, count: bytes.len() / row.size, bytes })
    }
}

#[inline(never)]
fn row_of(id: TypeId) -> Option<&'static Row> {
    ROWS.iter().copied().flatten().find(|row| row.iterator.is(id) && cfg!(target_endian = "little"))
}

impl Row {
    const fn of<T: Bits<raw::Primitive>>(kind: PrimitiveKind, inner: u8, outer: Option<u8>) -> Self {
        Row { iterator: SliceIter::over::<_, T>(), kind, inner, outer, size: size_of::<T>() }
    }

    /// What is in the structure for one.
    fn structure(&self) -> Vec<u8> {
        let inner = [tag::TUPLE, tag::RUN + self.kind as u8, self.inner, tag::END];
        match self.outer {
            None => inner.to_vec(),
            Some(outer) => [&[tag::TUPLE], &*inner.repeat(outer.into()), &[tag::END]].concat(),
        }
    }
}

impl Encoder {
    /// A sequence of arrays that is long enough to be hashed apart.
    #[inline(never)]
    pub(super) fn rows(&mut self, rows: &Rows<'_>) {
        let of_one = rows.row.structure();
        let mut structure = Encoder::hashing();
        let at_once = of_one.repeat(SPILL.div_ceil(of_one.len()).min(rows.count));
        let mut left = rows.count;
        while left > 0 {
            let some = left.min(at_once.len() / of_one.len());
            structure.buffer.append(&at_once[..some * of_one.len()]);
            structure.spill();
            left -= some;
        }
        structure.buffer.put(hashing::digest(rows.bytes));
        self.digest(tag::SEQUENCE, structure.finish());
        self.spill();
    }
}
