//! Containers that have no order, recognised by the iterators that go through them.
//!
//! serde shows a `HashMap` as a map and a `HashSet` as a sequence, in whatever order they are in.
//! The order of any other map or sequence may be a part of the value (`IndexMap`, pairs that are
//! written as a map), so only these two are known to have none.
//!
//! Their iterators have parameters, which no [`TypeId`](std::any::TypeId) tells apart from the rest.
//! So the *name* of the iterator's type decides, up to its parameters. The compiler prints the crate
//! first, and no crate but the standard library is called `std`. A name that is not recognised, in a
//! later version of Rust, costs hits and never makes two values look equal.
//!
//! Hash maps of other crates are not recognised: a name that anybody may give to a crate proves
//! nothing.
//!
//! To sort every map, as earlier versions did, gave one key to two `IndexMap`s that differ in their
//! order. Not to recognise a container costs a miss; a wrong guess would be a wrong value.

use std::any::type_name;
use std::collections::hash_map;

/// Whether `I` goes through a `HashMap` or `HashSet` of the standard library, whatever its hasher,
/// keys and values.
#[inline]
pub(crate) fn has_no_order<I>() -> bool {
    // All of these iterators are of one size, so that the compiler settles the question for others.
    size_of::<I>() >= size_of::<hash_map::Iter<'static, (), ()>>() && is_known(type_name::<I>())
}

/// Literals, so that the compiler can compare them with a name that it knows.
#[inline]
fn is_known(name: &str) -> bool {
    name.starts_with("std::collections::hash::map::Iter<")
        || name.starts_with("std::collections::hash::map::Keys<")
        || name.starts_with("std::collections::hash::map::Values<")
        || name.starts_with("std::collections::hash::map::IntoIter<")
        || name.starts_with("std::collections::hash::set::Iter<")
        || name.starts_with("std::collections::hash::set::IntoIter<")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
    use std::hash::BuildHasherDefault;

    use super::*;
    use crate::key::FirstBytes;

    fn goes_without_order<I: IntoIterator>(_: I) -> bool {
        has_no_order::<I::IntoIter>()
    }

    #[test]
    fn hash_maps_and_hash_sets_of_any_parameters_have_no_order() {
        let map = HashMap::from([("a".to_owned(), vec![1u8])]);
        assert!(
            goes_without_order(&map) && goes_without_order(map.iter()) && goes_without_order(map.clone())
        );
        assert!(goes_without_order(map.keys()) && goes_without_order(map.values()));
        let other: HashMap<u8, [u64; 9], BuildHasherDefault<FirstBytes>> = HashMap::default();
        assert!(goes_without_order(&other) && goes_without_order(other));
        let set = HashSet::from([1u64]);
        assert!(
            goes_without_order(&set) && goes_without_order(set.iter()) && goes_without_order(set.clone())
        );
        let other: HashSet<Option<char>, BuildHasherDefault<FirstBytes>> = HashSet::default();
        assert!(goes_without_order(&other) && goes_without_order(other));
    }

    #[test]
    fn all_others_have_one() {
        /// As large as the iterators of hash maps, and with a name that ends in the same way.
        mod std {
            pub(super) mod collections {
                pub(crate) mod hash {
                    pub(crate) mod map {
                        pub(crate) struct Iter<K>(pub(crate) [K; 5]);
                    }
                }
            }
        }
        assert!(!has_no_order::<std::collections::hash::map::Iter<u64>>());
        assert!(!goes_without_order(BTreeMap::from([(1u8, 2u8)])));
        assert!(!goes_without_order(BTreeSet::from([1u8])));
        assert!(!goes_without_order(vec![1u8]));
        assert!(!goes_without_order([1u64; 5]));
        let map = HashMap::from([(1u8, 2u8)]);
        assert!(
            !goes_without_order(map.iter().filter(|_| true)),
            "it may have sorted them, for all one knows"
        );
    }
}
