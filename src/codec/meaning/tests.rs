use std::collections::{BTreeMap, HashMap, HashSet};

use serde::ser::{Error, SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::*;

fn meaning<T: Serialize + ?Sized>(value: &T) -> Meaning {
    Meaning::of(value).unwrap()
}

/// The meaning of a value that is told in this way.
macro_rules! tells {
    ($serializer:ident => $body:expr) => {{
        struct Told;
        impl Serialize for Told {
            fn serialize<S: Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                $body
            }
        }
        meaning(&Told)
    }};
}

/// Every two of them have equal bytes in the store, or might.
#[test]
fn whatever_serde_is_told_makes_a_difference() {
    let all = [
        tells!(s => s.serialize_u8(1)),
        tells!(s => s.serialize_i8(1)),
        tells!(s => s.serialize_bool(true)),
        tells!(s => s.serialize_u32(1)),
        tells!(s => s.serialize_f32(f32::from_bits(1))),
        tells!(s => s.serialize_char('\u{1}')),
        tells!(s => s.serialize_str("a")),
        tells!(s => s.serialize_bytes(b"a")),
        tells!(s => s.serialize_str("")),
        tells!(s => s.serialize_unit()),
        tells!(s => s.serialize_none()),
        tells!(s => s.serialize_some(&1u8)),
        tells!(s => s.serialize_some(&())),
        tells!(s => s.serialize_unit_struct("a")),
        tells!(s => s.serialize_unit_struct("b")),
        tells!(s => s.serialize_newtype_struct("a", &1u8)),
        tells!(s => s.serialize_newtype_struct("b", &1u8)),
        tells!(s => s.serialize_unit_variant("E", 0, "a")),
        tells!(s => s.serialize_unit_variant("E", 0, "b")),
        tells!(s => s.serialize_unit_variant("E", 1, "a")),
        tells!(s => s.serialize_unit_variant("F", 0, "a")),
        tells!(s => s.serialize_newtype_variant("E", 0, "a", &1u8)),
        tells!(s => s.serialize_newtype_variant("E", 0, "b", &1u8)),
        tells!(s => (1u8, 2u8).serialize(s)),
        tells!(s => [1u8, 2].as_slice().serialize(s)),
        tells!(s => [1u8, 2, 0].as_slice().serialize(s)),
        tells!(s => [513u16].as_slice().serialize(s)),
        tells!(s => [true].as_slice().serialize(s)),
        tells!(s => [Some(1u8)].as_slice().serialize(s)),
        tells!(s => [(1u8,)].as_slice().serialize(s)),
        tells!(s => [[1u8].as_slice(), &[]].serialize(s)),
        tells!(s => [[].as_slice(), &[1u8]].serialize(s)),
        tells!(s => BTreeMap::from([(1u8, 2u8)]).serialize(s)),
        tells!(s => HashMap::from([(1u8, 2u8)]).serialize(s)),
        tells!(s => HashSet::from([(1u8, 2u8)]).serialize(s)),
        tells!(s => {
            let mut fields = s.serialize_struct("S", 1)?;
            fields.serialize_field("a", &1u8)?;
            fields.end()
        }),
        tells!(s => {
            let mut fields = s.serialize_struct("S", 1)?;
            fields.serialize_field("b", &1u8)?;
            fields.end()
        }),
        tells!(s => {
            let mut fields = s.serialize_struct("S", 1)?;
            fields.serialize_field("a", &1u8)?;
            fields.skip_field("b")?;
            fields.end()
        }),
        tells!(s => {
            let mut fields = s.serialize_struct("S", 1)?;
            fields.skip_field("b")?;
            fields.serialize_field("a", &1u8)?;
            fields.end()
        }),
        tells!(s => {
            let mut entries = s.serialize_map(None)?;
            entries.serialize_entry("a", &1u8)?;
            entries.end()
        }),
    ];
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all[..i].iter().enumerate() {
            assert_ne!(a, b, "cases {i} and {j}");
            assert_ne!(a.digest(), b.digest(), "digests of cases {i} and {j}");
        }
        assert_eq!(a, a);
    }
}

#[test]
fn the_order_of_a_map_counts_but_for_hash_maps_and_hash_sets() {
    struct Pairs<'a>(&'a [(u64, String)]);
    impl Serialize for Pairs<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }
    for length in [2, 9, 1000, 20_000] {
        let pairs: Vec<(u64, String)> = (0..length).map(|i| (i, format!("{i}"))).collect();
        let mut other = pairs.clone();
        other.swap(0, 1);
        assert_ne!(meaning(&Pairs(&pairs)), meaning(&Pairs(&other)), "{length}");
        assert_ne!(meaning(&pairs), meaning(&other), "{length}");
        let maps = [&pairs, &other].map(|pairs| pairs.iter().rev().cloned().collect::<HashMap<_, _>>());
        assert_eq!(meaning(&maps[0]), meaning(&maps[1]), "{length}");
        assert_eq!(meaning(&vec![Some(&maps[0])]), meaning(&vec![Some(&maps[1])]), "{length}");
        let sets = [&pairs, &other].map(|pairs| pairs.iter().cloned().collect::<HashSet<_>>());
        assert_eq!(meaning(&sets[0]), meaning(&sets[1]), "{length}");
    }
}

#[test]
fn every_entry_of_a_hash_map_counts() {
    let map = |changed: Option<u64>| {
        let value = |i| if changed == Some(i) { i + 1 } else { i };
        (0..100).map(|i| (i, vec![value(i)])).collect::<HashMap<u64, Vec<u64>>>()
    };
    for i in 0..100 {
        assert_ne!(meaning(&map(Some(i))), meaning(&map(None)), "{i}");
        let mut smaller = map(None);
        smaller.remove(&i);
        assert_ne!(meaning(&smaller), meaning(&map(None)), "without {i}");
    }
    // Values that change places.
    let mut exchanged = map(None);
    exchanged.insert(3, vec![4]);
    exchanged.insert(4, vec![3]);
    assert_ne!(meaning(&exchanged), meaning(&map(None)));
}

/// Around the lengths at which a meaning begins to be digested, and slices go to the digest as they are.
#[test]
fn a_long_meaning_is_compared_as_a_short_one_is() {
    for length in [0, 1, PIECE / 8 - 3, PIECE / 8, PIECE / 8 + 1, PIECE - 20, PIECE, PIECE + 1, 5 * PIECE] {
        let value = |at: usize, number: u8| {
            let mut bytes = vec![7u8; length];
            if let Some(byte) = bytes.get_mut(at) {
                *byte = number;
            }
            let text = String::from_utf8(bytes.clone()).unwrap();
            let numbers: Vec<u64> = bytes.iter().map(|&byte| byte.into()).collect();
            let options: Vec<Option<u8>> = bytes.iter().copied().map(Some).collect();
            (bytes, text, numbers, options)
        };
        assert_eq!(meaning(&value(0, 7)), meaning(&value(0, 7)), "{length}");
        for at in [0, length / 2, length.saturating_sub(1)] {
            let (same, other) = (value(at, 7), value(at, 8));
            let is_same = length == 0;
            assert_eq!(meaning(&same) == meaning(&other), is_same, "{length}, {at}");
            assert_eq!(meaning(&same.0) == meaning(&other.0), is_same, "bytes, {length}, {at}");
            assert_eq!(meaning(&same.1) == meaning(&other.1), is_same, "text, {length}, {at}");
            assert_eq!(meaning(&same.2) == meaning(&other.2), is_same, "numbers, {length}, {at}");
            assert_eq!(meaning(&same.3) == meaning(&other.3), is_same, "options, {length}, {at}");
        }
        assert_eq!(meaning(&value(0, 7)).digest(), meaning(&value(0, 7)).digest(), "{length}");
    }
}

#[test]
fn a_meaning_of_a_large_value_is_small() {
    let numbers: Vec<(u64, Option<u8>)> = (0..1_000_000).map(|i| (i, None)).collect();
    let map: HashMap<u64, String> = (0..10_000).map(|i| (i, "a".repeat(100))).collect();
    let meaning = meaning(&(numbers, map, "a".repeat(10 << 20)));
    assert!(meaning.told.capacity() <= 2 * PIECE, "{}", meaning.told.capacity());
}

struct Fails;

impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no words for this"))
    }
}

#[test]
fn the_first_skipped_field_is_known_and_an_error_passed_on() {
    #[derive(Serialize)]
    struct Skips {
        #[serde(skip_serializing_if = "Option::is_none")]
        first: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        second: Option<u8>,
    }
    let skips = |first, second| Skips { first, second };
    assert_eq!(meaning(&skips(Some(1), Some(1))).skipped_field(), None);
    assert_eq!(meaning(&vec![skips(Some(1), None), skips(None, None)]).skipped_field(), Some("second"));
    assert_eq!(meaning(&HashMap::from([(1, skips(None, None))])).skipped_field(), Some("first"));
    assert_eq!(Meaning::of(&vec![Fails]).unwrap_err().to_string(), "no words for this");
}
