//! An array as the raw codec sees it: one leaf, with a shape and a digest.

use super::{Array, Element};
use crate::codec::raw::{Form, Leaf, Leaves, Primitive, Raw, unreadable};
use crate::codec::{DecodeError, Symmetric};

impl<W, T: Element> Raw<W> for Array<T> {
    const LEAVES: usize = 1;
    const MAPS: bool = true;

    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>)) {
        each(Leaf::array(self.shape(), self, *self.digest()));
    }

    fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError> {
        let leaf = leaves.next::<Primitive, T>(Form::Array)?;
        let shape: Vec<usize> = leaf.shape().collect();
        let array = Array::of_elements(&shape, leaves.elements(&leaf)?);
        let array = array.map_err(|error| unreadable(error.to_string()))?;
        if let Some(digest) = leaf.digest {
            array.set_digest(*digest);
        }
        Ok(array)
    }
}

impl<T: Element> Symmetric for Array<T> {}
