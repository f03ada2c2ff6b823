//! [`Array`]: numbers with a shape, which come out of the cache without being read.
//!
//! # Invariants
//! 1. The shape has as many elements as the data.
//! 2. The data never changes: clones and reshaped arrays share it, and so may a mapped file.
//! 3. A digest that an array carries is that of its data.

mod data;
mod element;
#[cfg(feature = "ndarray")]
mod ndarray;
mod raw;
mod serde;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use self::data::Data;
pub use self::element::Element;
use crate::codec::raw::{Elements, elements};
use crate::error::{Error, Result};

/// Numbers with a shape: the output type for large results.
///
/// It derefs to a slice of all elements, the last dimension varying fastest. The elements cannot be changed, so that clones, which
/// are cheap, share them.
///
/// A memoized function that returns an `Array` (or `Result<Array<_>, _>`, or a tuple of arrays) gets it back by mapping
/// the file that holds it: a hit reads nothing and costs some microseconds at any size, and pages come into memory as they
/// are touched. That file's checksum was verified when it was written, or is verified in full by the first hit after the
/// machine was started or the file was touched. The array stays valid when its entry is cleared, reduced away or replaced, by whichever
/// process; the disk space is free when the last array goes. The one thing that harms it is a program that cuts the
/// file off or writes to it *in place*, while it is mapped: what is cut off ends the program by a signal. Arrays under 64 KiB
/// are copied into memory, as are those of `bool` and `char`, those that are stored compressed, arrays in the files layout on file systems that are not local, and
/// all arrays on systems other than Linux.
///
/// As part of another type (a field of a struct, an item of a vector) it goes through serde, element by element, and is not
/// mapped: return a tuple of arrays where that matters.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Array, Memory, memo};
///
/// #[memo]
/// fn table(rows: usize, columns: usize) -> Array<f64> {
///     let numbers = (0..rows * columns).map(|i| i as f64).collect();
///     Array::new([rows, columns], numbers).expect("as many numbers as the shape has")
/// }
///
/// let memory = Memory::open(dir.path())?;
/// memory.call(table::delayed(300, 200));
/// let table = memory.call(table::delayed(300, 200)); // mapped
/// assert_eq!(table.shape(), [300, 200]);
/// assert_eq!(table[7 * 200 + 3], 1403.0);
/// assert_eq!(table.iter().sum::<f64>(), 1_799_970_000.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Array<T> {
    shape: Arc<[usize]>,
    data: Arc<Data<T>>,
}

impl<T: Element> Array<T> {
    /// Makes an array of `data` in this shape; `[]` is the shape of a single number. Copies nothing.
    ///
    /// # Errors
    ///
    /// Fails if the shape has not as many elements as `data`, or more than 65,535 dimensions.
    ///
    /// # Examples
    ///
    /// ```
    /// use rememo::Array;
    ///
    /// let table = Array::new([2, 3], vec![1, 2, 3, 4, 5, 6])?;
    /// assert_eq!(table.shape(), [2, 3]);
    /// assert!(Array::new([2, 3], vec![1, 2, 3]).is_err());
    /// # Ok::<(), rememo::Error>(())
    /// ```
    pub fn new(shape: impl Into<Arc<[usize]>>, data: Vec<T>) -> Result<Self> {
        let shape = shape.into();
        check_shape(&shape, data.len())?;
        Ok(Array { shape, data: Arc::new(Data::new(Elements::of_vec(data))) })
    }

    /// The array of elements that were read, which must be as many as the shape has.
    pub(crate) fn of_elements(shape: &[usize], elements: Elements<T>) -> Result<Self> {
        check_shape(shape, elements.len())?;
        Ok(Array { shape: shape.into(), data: Arc::new(Data::new(elements)) })
    }

    /// The number of elements along each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All elements, the last dimension varying fastest.
    pub fn as_slice(&self) -> &[T] {
        self.data.as_slice()
    }

    /// Makes an array of the same data in another shape. Copies nothing.
    ///
    /// # Errors
    ///
    /// Fails if the shape has not as many elements, or more than 65,535 dimensions.
    pub fn reshape(&self, shape: impl Into<Arc<[usize]>>) -> Result<Self> {
        let shape = shape.into();
        check_shape(&shape, self.len())?;
        Ok(Array { shape, data: Arc::clone(&self.data) })
    }

    /// Turns it into a vector of all elements. Copies them if they are shared with a clone or mapped.
    pub fn into_vec(self) -> Vec<T> {
        Arc::try_unwrap(self.data).map_or_else(|shared| shared.as_slice().to_vec(), Data::into_vec)
    }

    /// Whether the elements are in a mapped file, and not in memory of their own.
    pub fn is_mapped(&self) -> bool {
        self.data.is_mapped()
    }

    /// blake3 of the little-endian bytes of the elements: computed when it is first wanted, unless it is known from the entry that
    /// the array came from. Clones and reshaped arrays share it.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        self.data.digest()
    }

    /// Tells the array its digest.
    pub(crate) fn set_digest(&self, digest: [u8; 32]) {
        self.data.set_digest(digest);
    }
}

fn check_shape(shape: &[usize], count: usize) -> Result<()> {
    if shape.len() > usize::from(u16::MAX) {
        return Err(Error::shape(format!("it has {} dimensions", shape.len())));
    }
    match elements(shape.iter().copied()) {
        Some(elements) if elements == count => Ok(()),
        _ => Err(Error::shape(format!("the data has {count} elements, the shape {shape:?} another number"))),
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Array { shape: Arc::clone(&self.shape), data: Arc::clone(&self.data) }
    }
}

impl<T: Element> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: Element> AsRef<[T]> for Array<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

/// An array of one dimension. Copies nothing.
impl<T: Element> From<Vec<T>> for Array<T> {
    fn from(data: Vec<T>) -> Self {
        Array { shape: Arc::new([data.len()]), data: Arc::new(Data::new(Elements::of_vec(data))) }
    }
}

impl<T: Element> From<Array<T>> for Vec<T> {
    fn from(array: Array<T>) -> Self {
        array.into_vec()
    }
}

/// An array of one dimension.
impl<T: Element> FromIterator<T> for Array<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<'a, T: Element> IntoIterator for &'a Array<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Equal shapes and equal elements.
impl<T: Element + PartialEq> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.as_slice() == other.as_slice()
    }
}

impl<T: Element + Eq> Eq for Array<T> {}

/// The shape, and the first elements.
impl<T: Element + fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        struct Elements<'a, T>(&'a [T]);
        impl<T: fmt::Debug> fmt::Debug for Elements<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut list = f.debug_list();
                list.entries(self.0.iter().take(SHOWN));
                if self.0.len() > SHOWN { list.finish_non_exhaustive() } else { list.finish() }
            }
        }
        f.debug_struct("Array").field("shape", &self.shape).field("data", &Elements(self)).finish()
    }
}

#[cfg(test)]
mod tests;
