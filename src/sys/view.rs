//! Values seen as what their types are known to be.
//!
//! serde hands a serializer values of types that are parameters. Whether such a type is, say, `&[f64]` only its
//! [`TypeId`] tells, and using it as one takes `unsafe`. (`typeid::of` is `TypeId::of` for types that borrow: it leaves
//! lifetimes out. So each function here gives out nothing that lives longer than what it was given.)

use std::any::TypeId;
use std::str::Utf8Error;
use std::{ptr, slice};

use super::raw::{self, Bits};

/// What `items` goes through as a slice, if it is a reference to a slice or vector of `T`, or an iterator over one.
#[inline]
pub(crate) fn slice_of<I, T: 'static>(items: &I) -> Option<&[T]> {
    let id = typeid::of::<I>();
    if id == TypeId::of::<&'static [T]>() {
        // SAFETY: `I` is `&'a [T]` with some lifetime `'a` (`T` has none), so the cast changes no type. What is copied out
        // of it gets the lifetime of `items`, which is not longer than `'a`.
        Some(unsafe { *ptr::from_ref(items).cast::<&[T]>() })
    } else if id == TypeId::of::<&'static Vec<T>>() {
        // SAFETY: as above, `I` is `&'a Vec<T>`.
        Some(unsafe { *ptr::from_ref(items).cast::<&Vec<T>>() })
    } else if id == TypeId::of::<slice::Iter<'static, T>>() {
        // SAFETY: as above, `I` is `slice::Iter<'a, T>`, which is borrowed, not copied.
        Some(unsafe { &*ptr::from_ref(items).cast::<slice::Iter<'_, T>>() }.as_slice())
    } else {
        None
    }
}

/// How an iterator over a slice of some type is seen as the bytes of what it goes through.
#[derive(Debug)]
pub(crate) struct SliceIter {
    id: TypeId,
    bytes: unsafe fn(*const ()) -> *const [u8],
}

impl SliceIter {
    /// Of a slice of `T`s.
    pub(crate) const fn over<W, T: Bits<W>>() -> Self {
        SliceIter { id: TypeId::of::<slice::Iter<'static, T>>(), bytes: bytes_left::<W, T> }
    }

    /// Whether the iterator has the type of this number.
    pub(crate) fn is(&self, id: TypeId) -> bool {
        self.id == id
    }
}

/// The bytes of what an iterator will go through.
///
/// # Safety
///
/// `iterator` points to a `slice::Iter<'_, T>`, and the bytes are used no longer than that is borrowed.
unsafe fn bytes_left<W, T: Bits<W>>(iterator: *const ()) -> *const [u8] {
    // SAFETY: That is what the caller promises.
    let iterator = unsafe { &*iterator.cast::<slice::Iter<'_, T>>() };
    raw::bytes_of(iterator.as_slice())
}

/// The bytes of what `items` will go through, if it is the iterator that `known` is about.
#[inline]
pub(crate) fn bytes_of_iter<'i, I>(items: &'i I, known: &SliceIter) -> Option<&'i [u8]> {
    if known.id != typeid::of::<I>() {
        return None;
    }
    // SAFETY: `I` is `slice::Iter<'a, T>` with some lifetime `'a` for the `T` that `known` was made for, so the cast changes no
    // type. The bytes get the lifetime of `items`, which is not longer than `'a`.
    Some(unsafe { &*(known.bytes)(ptr::from_ref(items).cast()) })
}

/// What `reference` refers to, if it is a `&mut T`.
#[inline]
pub(crate) fn target_mut<R, T: 'static>(reference: &mut R) -> Option<&mut T> {
    if typeid::of::<R>() == TypeId::of::<&'static mut T>() {
        // SAFETY: `R` is `&'a mut T` with some lifetime `'a` (`T` has none), so the cast changes no type. The target is borrowed
        // anew for the lifetime of `reference`, which is not longer than `'a` and during which `reference` cannot be used.
        Some(unsafe { &mut **ptr::from_mut(reference).cast::<&mut T>() })
    } else {
        None
    }
}

/// Bytes as a text, if they are UTF-8. Most texts are ASCII, which is seen in a third of the instructions that the standard library
/// takes to see either.
#[inline]
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, Utf8Error> {
    if is_ascii(bytes) {
        // SAFETY: Every ASCII byte is a character in UTF-8.
        return Ok(unsafe { str::from_utf8_unchecked(bytes) });
    }
    str::from_utf8(bytes)
}

/// Whether no byte has its highest bit.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().fold(0, |all, byte| all | byte) < 0x80;
    };
    // The last eight may have some bytes in common with those before.
    let (chunks, _) = bytes.as_chunks::<8>();
    let all = chunks.iter().fold(u64::from_le_bytes(*last), |all, &chunk| all | u64::from_le_bytes(chunk));
    all & HIGHEST == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_vectors_and_their_iterators_are_seen_as_slices() {
        let vector = vec![1u16, 2, 3];
        let local = &vector; // borrowed for less than 'static
        assert_eq!(slice_of::<_, u16>(&local), Some(&[1, 2, 3][..]));
        assert_eq!(slice_of::<_, u16>(&&vector[1..]), Some(&[2, 3][..]));
        let mut iterator = vector.iter();
        iterator.next();
        assert_eq!(slice_of::<_, u16>(&iterator), Some(&[2, 3][..]));
        assert_eq!(slice_of::<_, u16>(&&Vec::<u16>::new()), Some(&[][..]));
    }

    #[test]
    fn an_iterator_over_a_slice_is_seen_as_the_bytes_that_are_left() {
        let array = [[1u8, 2], [3, 4], [5, 6]];
        let known = SliceIter::over::<raw::Primitive, [u8; 2]>();
        let mut iterator = array.iter(); // borrows for less than 'static
        assert!(known.is(typeid::of::<slice::Iter<'_, [u8; 2]>>()));
        assert_eq!(bytes_of_iter(&iterator, &known), Some(&[1, 2, 3, 4, 5, 6][..]));
        iterator.next();
        assert_eq!(bytes_of_iter(&iterator, &known), Some(&[3, 4, 5, 6][..]));
        assert_eq!(bytes_of_iter(&iterator.rev(), &known), None);
        assert_eq!(bytes_of_iter(&[[1u16]].iter(), &known), None, "of equal size, not of equal type");
    }

    #[test]
    fn other_types_are_seen_as_none() {
        let vector = vec![1u16, 2, 3];
        assert_eq!(slice_of::<_, i16>(&&vector), None);
        assert_eq!(slice_of::<_, u16>(&vector), None, "a vector, not a reference to one");
        assert_eq!(slice_of::<_, u16>(&&[1u16, 2]), None, "an array");
        assert_eq!(slice_of::<_, u16>(&&vector.clone().into_boxed_slice()), None);
        assert_eq!(slice_of::<_, u16>(&vector.iter().rev()), None);
        assert_eq!(slice_of::<_, char>(&&vec![7u32]), None, "of equal size, not of equal type");
    }

    #[test]
    fn bytes_are_a_text_if_they_are_utf_8() {
        for length in [0, 1, 7, 16, 33, 100] {
            let ascii = vec![b'a'; length];
            assert_eq!(text_of(&ascii), str::from_utf8(&ascii));
            let longer = [&*ascii, "é☃".as_bytes(), b"b"].concat();
            assert_eq!(text_of(&longer), str::from_utf8(&longer));
            for bad in [0x80, 0xc3, 0xff] {
                for at in 0..longer.len() {
                    let mut broken = longer.clone();
                    broken[at] = bad;
                    assert_eq!(text_of(&broken), str::from_utf8(&broken), "{bad} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn the_target_of_a_mutable_reference_is_borrowed_anew() {
        let mut text = String::from("a");
        let mut reference = &mut text;
        target_mut::<_, String>(&mut reference).unwrap().push('b');
        reference.push('c');
        assert_eq!(text, "abc");
        assert!(target_mut::<_, Vec<u8>>(&mut &mut text).is_none());
        assert!(target_mut::<_, String>(&mut &text).is_none(), "a shared reference");
        assert!(target_mut::<_, String>(&mut text).is_none(), "no reference");
    }
}
