//! To and from the crate `ndarray` (feature `ndarray`).

use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension, IxDyn};

use super::{Array, Element};

impl<T: Element> Array<T> {
    /// Sees it as an `ndarray`. Copies nothing, also if it is mapped. With the feature `ndarray`.
    ///
    /// # Examples
    ///
    /// ```
    /// use ndarray::Axis;
    /// use rememo::Array;
    ///
    /// let table = Array::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!(table.view().sum_axis(Axis(0)).to_string(), "[5, 7, 9]");
    /// # Ok::<(), rememo::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the dimensions other than zero multiply to more than `isize::MAX`, which `ndarray` does not take.
    pub fn view(&self) -> ArrayViewD<'_, T> {
        ArrayView::from_shape(IxDyn(self.shape()), self.as_slice()).expect("the shape has as many elements")
    }
}

/// An array in the same shape. Copies nothing if the elements lie in their standard order from the front of their memory on.
///
/// # Examples
///
/// ```
/// use rememo::Array;
///
/// let table = ndarray::array![[1, 2, 3], [4, 5, 6]];
/// assert_eq!(Array::from(table.clone()), Array::new([2, 3], vec![1, 2, 3, 4, 5, 6])?);
/// assert_eq!(&Array::from(table.reversed_axes())[..], [1, 4, 2, 5, 3, 6]);
/// # Ok::<(), rememo::Error>(())
/// ```
impl<T: Element, D: Dimension> From<ndarray::Array<T, D>> for Array<T> {
    fn from(array: ndarray::Array<T, D>) -> Self {
        let shape = array.shape().to_vec();
        let count = array.len();
        let data = if array.is_standard_layout() {
            let (mut data, offset) = array.into_raw_vec_and_offset();
            // A slice of a larger array has kept all of its memory.
            if offset.unwrap_or(0) == 0 {
                data.truncate(count);
                data
            } else {
                let start = offset.unwrap_or(0);
                data[start..start + count].to_vec()
            }
        } else {
            array.iter().copied().collect()
        };
        Array::new(shape, data).expect("as many elements as the shape has")
    }
}

/// A view, copied.
impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for Array<T> {
    fn from(view: ArrayView<'a, T, D>) -> Self {
        view.to_owned().into()
    }
}

/// An `ndarray` in the same shape. Copies the elements if they are shared with a clone or mapped.
///
/// # Panics
///
/// Panics as [`Array::view`] does.
impl<T: Element> From<Array<T>> for ArrayD<T> {
    fn from(array: Array<T>) -> Self {
        let shape = IxDyn(array.shape());
        ArrayD::from_shape_vec(shape, array.into_vec()).expect("the shape has as many elements")
    }
}
