//! One array: how its shape and its data are written and read.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use super::{ALIGN, DecodeError, Elements, PACKED};
use crate::payload::{ByteSource, Content, ReadError, Reader};
use crate::sys::map::Mapped;
use crate::sys::raw::{self, Bits, Primitive, Unfilled};

/// What kind of array it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `Vec<T>`, `Box<[T]>`, `Arc<[T]>`: of any length.
    Sequence = 0,
    /// `[T; N]`: of a length that the type knows.
    Fixed = 1,
    /// `String`, `Box<str>`, `Arc<str>`.
    Text = 2,
    /// [`Array`](crate::Array): of any shape, and with a digest of its data.
    Array = 3,
}

/// The bytes of the shape of an array before its dimensions: kind, form, number of dimensions, size of an element.
const FIXED: usize = 8;

/// An array that is about to be written.
#[derive(Debug)]
pub struct Leaf<'v> {
    pub(super) kind: u8,
    pub(super) form: Form,
    pub(super) size: usize,
    pub(super) shape: Shape<'v>,
    /// blake3 of the data, of form [`Form::Array`] only.
    digest: Option<[u8; 32]>,
    pub(super) data: Cow<'v, [u8]>,
}

/// How many elements there are along each dimension.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape<'v> {
    /// Nearly all arrays have one.
    Line([usize; 1]),
    Dimensions(&'v [usize]),
}

impl Deref for Shape<'_> {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        match self {
            Shape::Line(length) => length,
            Shape::Dimensions(dimensions) => dimensions,
        }
    }
}

impl<'v> Leaf<'v> {
    /// An array of one dimension.
    pub(super) fn new<W, T: Bits<W>>(form: Form, items: &'v [T]) -> Self {
        Leaf {
            kind: T::KIND,
            form,
            size: size_of::<T>(),
            shape: Shape::Line([items.len()]),
            digest: None,
            data: little_endian(items),
        }
    }

    /// An array with a shape.
    pub(crate) fn array<T: Bits<Primitive>>(shape: &'v [usize], items: &'v [T], digest: [u8; 32]) -> Self {
        let shape = Shape::Dimensions(shape);
        Leaf { shape, digest: Some(digest), ..Leaf::new(Form::Array, items) }
    }

    /// How long that is which [`write`](Self::write) appends.
    pub(super) fn head_length(&self) -> usize {
        FIXED + size_of::<u64>() * self.shape.len() + self.digest.map_or(0, |digest| digest.len())
    }

    /// Appends what a reader needs to know before the data.
    pub(super) fn write(&self, head: &mut Vec<u8>) {
        let shape = &*self.shape;
        head.extend_from_slice(&[self.kind, self.form as u8]);
        head.extend_from_slice(&u16::try_from(shape.len()).expect("checked when it was made").to_le_bytes());
        head.extend_from_slice(&u32::try_from(self.size).unwrap_or(u32::MAX).to_le_bytes());
        for &dimension in shape {
            head.extend_from_slice(&(dimension as u64).to_le_bytes());
        }
        if let Some(digest) = self.digest {
            head.extend_from_slice(&digest);
        }
    }
}

/// How many elements an array of this shape has; `None` if memory cannot.
pub(crate) fn elements(mut shape: impl Iterator<Item = usize> + Clone) -> Option<usize> {
    // A dimension of zero makes all others harmless.
    if shape.clone().any(|dimension| dimension == 0) {
        return Some(0);
    }
    shape.try_fold(1usize, usize::checked_mul)
}

/// The little-endian bytes of numbers.
pub(crate) fn little_endian<W, T: Bits<W>>(items: &[T]) -> Cow<'_, [u8]> {
    let bytes = raw::bytes_of(items);
    if cfg!(target_endian = "little") {
        return bytes.into();
    }
    let mut bytes = bytes.to_vec();
    bytes.chunks_exact_mut(T::NUMBER.max(1)).for_each(<[u8]>::reverse);
    bytes.into()
}

/// An array whose shape was read: as it lies before the data, so that nothing is allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Described<'h> {
    pub(crate) kind: u8,
    pub(crate) form: Form,
    pub(crate) size: usize,
    dimensions: &'h [[u8; 8]],
    pub(crate) digest: Option<&'h [u8; 32]>,
    /// How many elements it has, and bytes of data.
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

impl<'h> Described<'h> {
    /// Takes the shape of an array off the front of `heads`.
    #[inline]
    pub(crate) fn take(heads: &mut &'h [u8]) -> Result<Self, DecodeError> {
        let (fixed, rest) = heads.split_first_chunk().ok_or_else(ReadError::too_short)?;
        let form = match fixed[1] {
            0 => Form::Sequence,
            1 => Form::Fixed,
            2 => Form::Text,
            3 => Form::Array,
            other => return Err(unreadable(format!("there is no array of form {other}"))),
        };
        let (dimensions, rest) = rest.split_at_checked(rank(*fixed) * 8).ok_or_else(ReadError::too_short)?;
        let (digest, rest) = if form == Form::Array {
            let (digest, rest) = rest.split_first_chunk().ok_or_else(ReadError::too_short)?;
            (Some(digest), rest)
        } else {
            (None, rest)
        };
        *heads = rest;
        let (dimensions, _) = dimensions.as_chunks();
        let size = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]) as usize;
        let too_large = || unreadable("it has more elements than fit into memory".into());
        let (count, bytes) = extent(dimensions, size).ok_or_else(too_large)?;
        Ok(Described { kind: fixed[0], form, size, dimensions, digest, count, bytes })
    }

    /// How many elements there are along each dimension.
    pub(crate) fn shape(&self) -> impl ExactSizeIterator<Item = usize> {
        let fits = "seen when it was read";
        self.dimensions.iter().map(|&bytes| usize::try_from(u64::from_le_bytes(bytes)).expect(fits))
    }
}

/// The number of the elements and the data of a small payload that is one array of one dimension, of this kind and form and of
/// elements of this size; `None` if it is another one, or none.
#[inline]
pub(super) fn lone(payload: &[u8], kind: u8, form: Form, size: usize) -> Option<(usize, &[u8])> {
    let (fixed, rest) = payload.split_first_chunk::<FIXED>()?;
    let (count, data) = rest.split_first_chunk()?;
    let [first, second, third, fourth, ..] = size.to_le_bytes();
    let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    let is_this = *fixed == [kind, form as u8, 1, 0, first, second, third, fourth]
        && count.checked_mul(size) == Some(data.len())
        && (payload.len() as u64) < PACKED;
    is_this.then_some((count, data))
}

/// How many dimensions an array has.
fn rank(fixed: [u8; FIXED]) -> usize {
    usize::from(u16::from_le_bytes([fixed[2], fixed[3]]))
}

/// How many elements an array has, and bytes; `None` if memory cannot.
fn extent(dimensions: &[[u8; 8]], size: usize) -> Option<(usize, usize)> {
    let shape = dimensions.iter().map(|&bytes| usize::try_from(u64::from_le_bytes(bytes)).ok());
    if shape.clone().any(|dimension| dimension.is_none()) {
        return None;
    }
    let count = elements(shape.flatten())?;
    Some((count, count.checked_mul(size)?))
}

/// What lies before the data of `leaves` arrays.
pub(super) fn read_heads<'e>(reader: &mut Reader<'e>, leaves: usize) -> Result<Cow<'e, [u8]>, DecodeError> {
    if let Some(left) = reader.in_memory() {
        let all = *left;
        for _ in 0..leaves {
            Described::take(left)?;
        }
        return Ok(all[..all.len() - left.len()].into());
    }
    let mut heads = Vec::new();
    for _ in 0..leaves {
        let fixed = reader.array()?;
        heads.extend_from_slice(&fixed);
        let digest = if fixed[1] == Form::Array as u8 { 32 } else { 0 };
        heads.extend(reader.vec(rank(fixed) * 8 + digest)?);
    }
    Ok(heads.into())
}

/// The arrays of a value that is being read, in order.
pub struct Leaves<'e> {
    reader: Reader<'e>,
    /// The shapes of those that are to come.
    heads: &'e [u8],
    is_packed: bool,
}

/// A reader of the arrays of a value. If values `map` their data and the file can be mapped, it is checked first unless it is
/// trusted. Compressed data is not mapped.
pub(super) fn open<'e>(content: &Content<'e>, map: bool) -> Result<Reader<'e>, DecodeError> {
    let may_map = match content.source {
        ByteSource::File(file) if map && file.is_mappable() && !content.is_compressed() => {
            file.check()?;
            true
        }
        _ => false,
    };
    Ok(Reader::new(content, may_map)?)
}

impl<'e> Leaves<'e> {
    /// The arrays whose shapes are `heads`, and whose data `reader` reads next.
    #[inline]
    pub(super) fn new(reader: Reader<'e>, heads: &'e [u8]) -> Self {
        let is_packed = reader.position().saturating_add(reader.remaining()) < PACKED;
        Leaves { reader, heads, is_packed }
    }

    /// The next array, which must be one of `T`s of this form; its data is what is read next.
    pub(crate) fn next<W, T: Bits<W>>(&mut self, form: Form) -> Result<Described<'e>, DecodeError> {
        if self.heads.is_empty() {
            return Err(unreadable("it has too few arrays".into()));
        }
        let leaf = Described::take(&mut self.heads)?;
        if (leaf.kind, leaf.form, leaf.size) != (T::KIND, form, size_of::<T>()) {
            let how = format!(
                "it holds an array of form {} of elements of kind {} and {} bytes, not of form {} of kind {} and {} bytes",
                leaf.form as u8,
                leaf.kind,
                leaf.size,
                form as u8,
                T::KIND,
                size_of::<T>()
            );
            return Err(unreadable(how));
        }
        if form != Form::Array && leaf.dimensions.len() != 1 {
            return Err(unreadable(format!("it has {} dimensions, not one", leaf.dimensions.len())));
        }
        if !self.is_packed {
            let position = self.reader.position();
            let padding = position.next_multiple_of(ALIGN) - position;
            self.reader.vec(usize::try_from(padding).expect("less than a line"))?;
        }
        if leaf.bytes as u64 > self.reader.remaining() {
            return Err(unreadable("its shape asks for more data than there is".into()));
        }
        Ok(leaf)
    }

    /// The data of the array, in memory of its own.
    pub(super) fn vec<W, T: Bits<W>>(&mut self, leaf: &Described<'_>) -> Result<Vec<T>, DecodeError> {
        raw::vec(leaf.count, |target| self.fill::<W, T>(target))
    }

    /// The data of the array, in shared memory.
    pub(super) fn shared<W, T: Bits<W>>(&mut self, leaf: &Described<'_>) -> Result<Arc<[T]>, DecodeError> {
        raw::shared(leaf.count, |target| self.fill::<W, T>(target))
    }

    /// The data of the array, which has as many elements as this one.
    pub(super) fn array<W, T: Bits<W>, const N: usize>(&mut self) -> Result<[T; N], DecodeError> {
        raw::array(|target| self.fill::<W, T>(target))
    }

    /// The data of the array, mapped where that can be.
    pub(crate) fn elements<T: Bits<Primitive>>(
        &mut self,
        leaf: &Described<'_>,
    ) -> Result<Elements<T>, DecodeError> {
        match self.map::<T>(leaf)? {
            Some((mapped, start)) => Elements::of_mapped(mapped, start, leaf.count)
                .ok_or_else(|| unreadable("its file ends too early".into())),
            None => Ok(Elements::of_vec(self.vec(leaf)?)),
        }
    }

    /// The mapped file with the data of the array, and where that begins; `None` if it has to be read.
    fn map<T: Bits<Primitive>>(
        &mut self,
        leaf: &Described<'_>,
    ) -> Result<Option<(Mapped, usize)>, DecodeError> {
        let can_be_seen = T::ANY && cfg!(target_endian = "little") && leaf.bytes > 0;
        let Some(file) = self.reader.trusted_file().filter(|_| can_be_seen && !self.is_packed) else {
            return Ok(None);
        };
        let mapped = file.map()?;
        let start = file.start() + self.reader.position();
        self.reader.skip(leaf.bytes as u64);
        Ok(usize::try_from(start).ok().map(|start| (mapped, start)))
    }

    fn fill<W, T: Bits<W>>(&mut self, target: &mut Unfilled<'_>) -> Result<(), DecodeError> {
        if cfg!(target_endian = "little") {
            return Ok(self.reader.fill(target)?);
        }
        let mut bytes = self.reader.vec(target.remaining())?;
        bytes.chunks_exact_mut(T::NUMBER.max(1)).for_each(<[u8]>::reverse);
        target.put(&bytes);
        Ok(())
    }

    /// Sees that all was read, and is what was stored.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.reader.remaining() > 0 {
            return Err(unreadable(format!("{} bytes are left over", self.reader.remaining())));
        }
        Ok(self.reader.finish()?)
    }
}

impl std::fmt::Debug for Leaves<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaves").field("heads", &self.heads).finish_non_exhaustive()
    }
}

pub(crate) fn unreadable(how: String) -> DecodeError {
    DecodeError::Unreadable(how.into())
}
