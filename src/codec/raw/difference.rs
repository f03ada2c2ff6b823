//! Where two values differ that are nothing but arrays of numbers, for people.

use std::fmt::{self, Display};
use std::iter;

use super::Raw;
use super::leaf::{Form, Leaf, Shape};
use crate::codec::Difference;
use crate::key::preview_of;
use crate::sys::raw::NESTED;

/// How two values differ: in the shape of an array, or from which element on.
pub(crate) fn differ<W, T: Raw<W>>(before: &T, now: &T) -> Option<Difference> {
    let [mut was, mut is] = [Vec::new(), Vec::new()];
    before.describe(&mut |leaf| was.push(leaf));
    now.describe(&mut |leaf| is.push(leaf));
    let unlike =
        |(_, (was, is)): &(usize, (&Leaf<'_>, &Leaf<'_>))| was.shape != is.shape || was.data != is.data;
    let (number, (was, is)) = iter::zip(&was, &is).enumerate().find(unlike)?;
    let place = if T::LEAVES > 1 { format!(".{number}") } else { String::new() };
    let [before, now] = match first_unlike(was, is) {
        None => [was, is]
            .map(|leaf| format!("{}{}{place}", Whole(leaf), if place.is_empty() { "" } else { " at " })),
        Some(element) => [was, is].map(|leaf| format!("{} at {place}[{element}]", Element(leaf, element))),
    };
    Some(Difference { before, now })
}

/// The first element in which arrays of one shape differ; `None` if they are rather told as a whole.
fn first_unlike(was: &Leaf<'_>, is: &Leaf<'_>) -> Option<usize> {
    if was.form == Form::Text || was.shape != is.shape || was.size == 0 {
        return None;
    }
    let byte = iter::zip(&*was.data, &*is.data).position(|(was, is)| was != is)?;
    Some(byte / was.size)
}

/// A text, or how large an array is.
struct Whole<'v>(&'v Leaf<'v>);

impl Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.form, &self.0.shape) {
            (Form::Text, _) => f.write_str(&preview_of(&String::from_utf8_lossy(&self.0.data))),
            (_, Shape::Line([length])) => write!(f, "{length} elements"),
            (_, Shape::Dimensions(shape)) => write!(f, "an array of {shape:?}"),
        }
    }
}

/// One element of an array.
struct Element<'v>(&'v Leaf<'v>, usize);

impl Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Element(leaf, number) = self;
        let bytes = &leaf.data[number * leaf.size..][..leaf.size];
        /// As the number or the array of numbers that these bytes are.
        macro_rules! numbers {
            ($($kind:literal: $type:ty)*) => {
                match leaf.kind & !NESTED {
                    $($kind => {
                        let (numbers, _) = bytes.as_chunks();
                        let mut numbers = numbers.iter().map(|&bytes| <$type>::from_le_bytes(bytes));
                        match numbers.next() {
                            Some(number) if leaf.kind & NESTED == 0 => write!(f, "{number:?}"),
                            first => f.debug_list().entries(first.into_iter().chain(numbers)).finish(),
                        }
                    })*
                    _ => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
                }
            };
        }
        // The kinds of `sys::raw`. Those of programs, and truth and characters, are told as bytes.
        numbers! {
            1: i8 2: i16 3: i32 4: i64 5: i128 6: u8 7: u16 8: u32 9: u64 10: u128 11: f32 12: f64 14: usize 15: isize
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::raw::Primitive;

    #[track_caller]
    fn expect<T: Raw<Primitive>>(before: &T, now: &T, difference: Option<[&str; 2]>) {
        let found = differ(before, now).map(|Difference { before, now }| [before, now]);
        assert_eq!(found, difference.map(|texts| texts.map(str::to_owned)));
    }

    #[test]
    fn the_first_element_that_differs_is_told() {
        expect(&vec![1.5, 2.0], &vec![1.5, 2.0], None);
        expect(&vec![f64::NAN], &vec![f64::NAN], None);
        expect(&vec![1.5, 2.0, 3.0], &vec![1.5, 2.5, 4.0], Some(["2.0 at [1]", "2.5 at [1]"]));
        expect(&[-1_i16, 7], &[-1, -7], Some(["7 at [1]", "-7 at [1]"]));
        expect(&vec![true], &vec![false], Some(["01 at [0]", "00 at [0]"]));
        expect(&vec![[1, 2], [3, 4]], &vec![[1, 2], [3, -4]], Some(["[3, 4] at [1]", "[3, -4] at [1]"]));
    }

    #[test]
    fn of_texts_and_lengths_the_whole_is_told() {
        expect(&"one".to_owned(), &"two".to_owned(), Some(["\"one\"", "\"two\""]));
        expect(&vec![1_u8], &vec![1, 2], Some(["1 elements", "2 elements"]));
    }

    #[test]
    fn of_several_arrays_it_is_told_which() {
        let value = |second: f32| (vec![1_u8], vec![second]);
        expect(&value(1.0), &value(1.0), None);
        expect(&value(1.0), &value(2.0), Some(["1.0 at .1[0]", "2.0 at .1[0]"]));
    }
}
