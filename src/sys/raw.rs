//! Values seen as their bytes in memory, and memory filled with bytes that then are values.
//!
//! # Invariants
//! 1. Only types without padding are seen as bytes ([`Bits`]).
//! 2. Memory is taken for values only once all of it is filled and [`Bits::check`] has accepted it.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::slice;
use std::sync::Arc;

/// How a type is known to be nothing but its bits: it is a primitive.
#[derive(Debug)]
pub struct Primitive;

/// How a type is known to be nothing but its bits: it is `bytemuck::Pod`.
#[cfg(all(feature = "bytemuck", target_endian = "little"))]
#[derive(Debug)]
pub struct Pod;

/// A type whose values are nothing but their bits. `W` is how that is known, so that a type may be known in two ways.
///
/// # Safety
///
/// No byte of a value is padding or can change while it is borrowed, a value needs no drop, and whatever bytes
/// [`check`](Self::check) accepts are values.
pub unsafe trait Bits<W>: Copy + Send + Sync + 'static {
    /// The number of the type in the format of entries.
    const KIND: u8;

    /// The bytes of one number: a value is some of them, one behind the other.
    const NUMBER: usize = size_of::<Self>();

    /// Whether any bytes are values, so that `check` need not look.
    const ANY: bool = true;

    /// Whether `bytes`, some values one behind the other, are values.
    fn check(bytes: &[u8]) -> bool {
        let _ = bytes;
        true
    }
}

macro_rules! numbers {
    ($($type:ty: $kind:literal)*) => {$(
        // SAFETY: A primitive number has no padding, no interior mutability and no drop, and any bits are a number.
        unsafe impl Bits<Primitive> for $type {
            const KIND: u8 = $kind;
        }
    )*};
}

// The kinds of the canonical encoding of arguments, and two more.
numbers! {
    i8: 1 i16: 2 i32: 3 i64: 4 i128: 5
    u8: 6 u16: 7 u32: 8 u64: 9 u128: 10
    f32: 11 f64: 12 usize: 14 isize: 15
}

// SAFETY: As above; `check` accepts the two bytes that are a `bool`.
unsafe impl Bits<Primitive> for bool {
    const KIND: u8 = 0;
    const ANY: bool = false;

    fn check(bytes: &[u8]) -> bool {
        bytes.iter().fold(0, |all, byte| all | byte) <= 1
    }
}

// SAFETY: As above; `check` accepts the numbers that are a `char`.
unsafe impl Bits<Primitive> for char {
    const KIND: u8 = 13;
    const ANY: bool = false;

    fn check(bytes: &[u8]) -> bool {
        let (numbers, _) = bytes.as_chunks();
        // As they lie in memory, in the byte order of the machine.
        numbers.iter().all(|&number| char::from_u32(u32::from_le(u32::from_le_bytes(number))).is_some())
    }
}

/// Added to the kind of the numbers that an array consists of.
pub(crate) const NESTED: u8 = 64;

// SAFETY: An array is its elements, one behind the other, and nothing else; so bytes that are values of the elements are one.
unsafe impl<T: Bits<Primitive>, const N: usize> Bits<Primitive> for [T; N] {
    const KIND: u8 = T::KIND | NESTED;
    const NUMBER: usize = T::NUMBER;
    const ANY: bool = T::ANY;

    fn check(bytes: &[u8]) -> bool {
        T::check(bytes)
    }
}

// SAFETY: That is what `Pod` promises.
#[cfg(all(feature = "bytemuck", target_endian = "little"))]
unsafe impl<T: bytemuck::Pod + Send + Sync> Bits<Pod> for T {
    const KIND: u8 = 32;
}

/// The bytes of `items` in memory.
pub(crate) fn bytes_of<W, T: Bits<W>>(items: &[T]) -> &[u8] {
    // SAFETY: The memory of the slice is `size_of_val(items)` bytes, none of which is padding (`Bits`); they stay borrowed and
    // unchanged for the lifetime of the result; bytes may lie anywhere.
    unsafe { slice::from_raw_parts(items.as_ptr().cast::<u8>(), size_of_val(items)) }
}

/// Why memory was not filled with values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// There is not so much memory.
    Memory,
    /// Some of it was left.
    Short,
    /// The bytes are no values of the type.
    Invalid,
}

/// Memory that is being filled with bytes, from its front.
#[derive(Debug)]
pub(crate) struct Unfilled<'m> {
    bytes: &'m mut [MaybeUninit<u8>],
    filled: usize,
}

impl Unfilled<'_> {
    /// How many bytes are to come.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.filled
    }

    /// Appends bytes.
    ///
    /// # Panics
    ///
    /// Panics if they are more than are to come.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..self.filled + bytes.len()].write_copy_of_slice(bytes);
        self.filled += bytes.len();
    }

    /// Appends up to `most` bytes of `file` from `offset` on, by one system call; returns them: none at its end.
    pub(crate) fn read_at(&mut self, file: &File, offset: u64, most: usize) -> io::Result<&[u8]> {
        let end = self.filled + most.min(self.remaining());
        let read = super::read_at(file, &mut self.bytes[self.filled..end], offset)?.len();
        let start = self.filled;
        self.filled += read;
        // SAFETY: `read_at` has written these bytes.
        Ok(unsafe { self.bytes[start..self.filled].assume_init_ref() })
    }

    /// Appends what `write` writes to memory as it asks zstd to; how many bytes that are.
    #[cfg(feature = "zstd")]
    pub(crate) fn put_by<E>(
        &mut self,
        write: impl FnOnce(&mut Front<'_>) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut front = Front { bytes: &mut self.bytes[self.filled..], written: 0 };
        write(&mut front)?;
        let written = front.written;
        self.filled += written;
        Ok(written)
    }
}

/// What is left of memory that is being filled, for zstd to write to.
#[cfg(feature = "zstd")]
#[derive(Debug)]
pub(crate) struct Front<'m> {
    bytes: &'m mut [MaybeUninit<u8>],
    /// How many bytes were written, from the first on.
    written: usize,
}

// SAFETY: `as_slice` gives the bytes that were written, as whoever called `filled_until` has promised. The pointer is to `capacity`
// bytes that may be written for as long as `self` is borrowed.
#[cfg(feature = "zstd")]
unsafe impl zstd::zstd_safe::WriteBuf for Front<'_> {
    fn as_slice(&self) -> &[u8] {
        // SAFETY: see above.
        unsafe { self.bytes[..self.written].assume_init_ref() }
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast()
    }

    unsafe fn filled_until(&mut self, n: usize) {
        self.written = n;
    }
}

/// Fills `slots` by `fill` and checks what is in them. They are values if this returns `Ok`, and only then.
fn fill<W, T: Bits<W>, E: From<Unfit>>(
    slots: &mut [MaybeUninit<T>],
    fill: impl FnOnce(&mut Unfilled<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (start, length) = (slots.as_mut_ptr().cast::<MaybeUninit<u8>>(), size_of_val(slots));
    // SAFETY: The memory of the slice is `length` bytes, borrowed for as long as the result is used. As `MaybeUninit` they
    // may be anything, and whatever is written there leaves the slots uninitialized at worst.
    let bytes = unsafe { slice::from_raw_parts_mut(start, length) };
    super::advise_large(bytes);
    let mut unfilled = Unfilled { bytes, filled: 0 };
    fill(&mut unfilled)?;
    if unfilled.remaining() > 0 {
        return Err(Unfit::Short.into());
    }
    // SAFETY: `filled` counts bytes that were written, from the front, and all are.
    let bytes = unsafe { unfilled.bytes.assume_init_ref() };
    if T::ANY || T::check(bytes) { Ok(()) } else { Err(Unfit::Invalid.into()) }
}

/// A vector of `count` values whose bytes `filler` writes.
pub(crate) fn vec<W, T: Bits<W>, E: From<Unfit>>(
    count: usize,
    filler: impl FnOnce(&mut Unfilled<'_>) -> Result<(), E>,
) -> Result<Vec<T>, E> {
    let mut items = Vec::new();
    extend(&mut items, count, filler)?;
    Ok(items)
}

/// Appends `count` values whose bytes `filler` writes.
pub(crate) fn extend<W, T: Bits<W>, E: From<Unfit>>(
    items: &mut Vec<T>,
    count: usize,
    filler: impl FnOnce(&mut Unfilled<'_>) -> Result<(), E>,
) -> Result<(), E> {
    items.try_reserve_exact(count).map_err(|_| Unfit::Memory)?;
    fill(&mut items.spare_capacity_mut()[..count], filler)?;
    // SAFETY: There are as many values as before, and behind them `count` slots that are values, as `fill` says.
    unsafe { items.set_len(items.len() + count) };
    Ok(())
}

/// A shared slice of `count` values whose bytes `filler` writes.
pub(crate) fn shared<W, T: Bits<W>, E: From<Unfit>>(
    count: usize,
    filler: impl FnOnce(&mut Unfilled<'_>) -> Result<(), E>,
) -> Result<Arc<[T]>, E> {
    let mut items = Arc::new_uninit_slice(count);
    let slots = Arc::get_mut(&mut items).expect("nobody else has it yet");
    fill(slots, filler)?;
    // SAFETY: All slots are values, as `fill` says.
    Ok(unsafe { items.assume_init() })
}

/// An array of values whose bytes `filler` writes.
pub(crate) fn array<W, T: Bits<W>, E: From<Unfit>, const N: usize>(
    filler: impl FnOnce(&mut Unfilled<'_>) -> Result<(), E>,
) -> Result<[T; N], E> {
    let mut items: [MaybeUninit<T>; N] = [const { MaybeUninit::uninit() }; N];
    fill(&mut items, filler)?;
    // SAFETY: All slots are values, as `fill` says; an array of slots lies in memory as an array of values does.
    Ok(unsafe { std::mem::transmute_copy(&items) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bytes<T: Bits<Primitive>>(count: usize, bytes: &[u8]) -> Result<Vec<T>, Unfit> {
        vec(count, |unfilled| {
            let (front, back) = bytes.split_at(bytes.len() / 2);
            unfilled.put(front);
            unfilled.put(back);
            Ok(())
        })
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn numbers_are_their_bytes_and_bytes_are_numbers() {
        assert_eq!(bytes_of::<Primitive, _>(&[1u16, 0x0203]), [1, 0, 3, 2]);
        assert_eq!(of_bytes::<u16>(2, &[1, 0, 3, 2]), Ok(vec![1, 0x0203]));
        assert_eq!(bytes_of::<Primitive, _>(&[-0.0f32]), (-0.0f32).to_le_bytes());
        assert_eq!(bytes_of::<Primitive, u128>(&[]), [0u8; 0]);
        assert_eq!(of_bytes::<u128>(0, &[]), Ok(vec![]));
        let array: [i32; 2] = array::<Primitive, _, Unfit, 2>(|unfilled| {
            unfilled.put(&[255; 8]);
            Ok(())
        })
        .unwrap();
        assert_eq!(array, [-1, -1]);
        let shared: Arc<[u8]> = shared::<Primitive, _, Unfit>(3, |unfilled| {
            unfilled.put(b"abc");
            Ok(())
        })
        .unwrap();
        assert_eq!(&shared[..], b"abc");
    }

    #[test]
    fn bytes_that_are_no_values_are_refused() {
        assert_eq!(of_bytes::<bool>(3, &[0, 1, 1]), Ok(vec![false, true, true]));
        for bad in [2, 3, 255] {
            assert_eq!(of_bytes::<bool>(3, &[0, bad, 1]), Err(Unfit::Invalid));
        }
        let bytes = |numbers: &[u32]| {
            numbers.iter().flat_map(|number| number.to_le().to_le_bytes()).collect::<Vec<_>>()
        };
        assert_eq!(of_bytes::<char>(2, &bytes(&[0xe9, 0x10_ffff])), Ok(vec!['é', '\u{10ffff}']));
        for bad in [0xd800, 0xdfff, 0x11_0000, u32::MAX] {
            assert_eq!(of_bytes::<char>(2, &bytes(&[0xe9, bad])), Err(Unfit::Invalid));
        }
    }

    #[test]
    fn memory_that_is_not_filled_is_no_value() {
        assert_eq!(of_bytes::<u16>(2, &[1, 0, 3]), Err(Unfit::Short));
        assert_eq!(of_bytes::<u64>(usize::MAX / 4, &[]), Err(Unfit::Memory));
    }

    /// What calls read one after another, until nothing is to come. One call may read less than there is.
    fn read_all(unfilled: &mut Unfilled<'_>, file: &File, offset: u64, most: usize) -> Vec<u8> {
        let mut read = Vec::new();
        loop {
            let next = unfilled.read_at(file, offset + read.len() as u64, most - read.len()).unwrap();
            if next.is_empty() {
                return read;
            }
            read.extend_from_slice(next);
        }
    }

    #[test]
    fn a_file_is_read_into_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = File::open(path).unwrap();
        let read = vec::<Primitive, u8, Unfit>(5, |unfilled| {
            assert_eq!(read_all(unfilled, &file, 3, 2), b"34");
            assert_eq!(read_all(unfilled, &file, 5, 100), b"567");
            assert_eq!(unfilled.remaining(), 0);
            Ok(())
        });
        assert_eq!(read.unwrap(), b"34567");
        let short = vec::<Primitive, u8, Unfit>(5, |unfilled| {
            assert_eq!(read_all(unfilled, &file, 8, 5), b"89");
            assert!(unfilled.read_at(&file, 10, 5).unwrap().is_empty());
            Ok(())
        });
        assert_eq!(short, Err(Unfit::Short));
    }
}
