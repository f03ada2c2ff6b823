//! When two values are the same: the oracle, written without serde.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Whether two values are the same, as far as serde is told of them.
pub trait Same {
    fn same(&self, other: &Self) -> bool;
}

macro_rules! same_if_equal {
    ($($type:ty)*) => {$(
        impl Same for $type {
            fn same(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}

same_if_equal! {
    () bool char String u8 u16 u32 u64 i8 i16 i32 i64 i128 usize
    std::time::Duration BTreeSet<u8> BTreeSet<String> HashSet<u8> HashSet<String>
}

macro_rules! same_if_same_bits {
    ($($type:ty)*) => {$(
        impl Same for $type {
            fn same(&self, other: &Self) -> bool {
                self.to_bits() == other.to_bits()
            }
        }
    )*};
}

same_if_same_bits! { f32 f64 }

impl<T: Same> Same for Option<T> {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(one), Some(other)) => one.same(other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl<T: Same, E: Same> Same for Result<T, E> {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Ok(one), Ok(other)) => one.same(other),
            (Err(one), Err(other)) => one.same(other),
            _ => false,
        }
    }
}

impl<T: Same> Same for Box<T> {
    fn same(&self, other: &Self) -> bool {
        (**self).same(other)
    }
}

impl<T: Same> Same for Vec<T> {
    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(one, other)| one.same(other))
    }
}

impl<T: Same, const N: usize> Same for [T; N] {
    fn same(&self, other: &Self) -> bool {
        self.iter().zip(other).all(|(one, other)| one.same(other))
    }
}

impl<K: Ord, V: Same> Same for BTreeMap<K, V> {
    fn same(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| other.get(key).is_some_and(|other| value.same(other)))
    }
}

impl<K: std::hash::Hash + Eq, V: Same, S: std::hash::BuildHasher> Same for HashMap<K, V, S> {
    fn same(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| other.get(key).is_some_and(|other| value.same(other)))
    }
}

macro_rules! same_tuples {
    ($(($($type:ident $place:tt),*))*) => {$(
        impl<$($type: Same),*> Same for ($($type,)*) {
            fn same(&self, other: &Self) -> bool {
                $(self.$place.same(&other.$place))&&*
            }
        }
    )*};
}

same_tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
