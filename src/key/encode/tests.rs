#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers, and bits of any"
)]

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serializer;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};

use super::*;

mod known;
mod numbers;

/// The canonical bytes of a value.
fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    canonical_bytes(value).unwrap()
}

/// The key of a value as the only argument of a function.
fn key<T: Serialize + ?Sized>(value: &T) -> String {
    let mut encoder = Encoder::keyed(&Identity([7; 32]));
    value.serialize(&mut encoder).unwrap();
    blake3::Hash::from_bytes(encoder.finish()).to_hex().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Meters(f64);

#[derive(Serialize)]
struct Pair(u8, bool);

#[derive(Serialize)]
struct Config {
    depth: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f32>,
}

#[derive(Serialize)]
enum Shape {
    Point,
    Circle(f32),
    Box(u8, u8),
    Path { closed: bool },
}

/// The vectors of docs/format.md: a change here is a change of the key's version.
#[test]
fn canonical_bytes_are_pinned() {
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("true", bytes(&true), "2001"),
        ("-2i8", bytes(&-2i8), "21fe"),
        ("1u8", bytes(&1u8), "2601"),
        ("1u64", bytes(&1u64), "290100000000000000"),
        ("1.0f64", bytes(&1.0f64), "2c000000000000f03f"),
        ("-0.0f32", bytes(&-0.0f32), "2b00000080"),
        ("'é'", bytes(&'é'), "2de9000000"),
        ("\"hé\"", bytes("hé"), "040368c3a9"),
        ("()", bytes(&()), "01"),
        ("None", bytes(&None::<u8>), "02"),
        ("Some(1u8)", bytes(&Some(1u8)), "032601"),
        ("[1u8, 2] as a slice", bytes(&[1u8, 2][..]), "06460200010200"),
        ("[] as a slice", bytes(&[0u8; 0][..]), "0600"),
        ("(1u8, true, true)", bytes(&(1u8, true, true)), "0746010001400200010100"),
        ("Unit", bytes(&Unit), "0904556e6974"),
        ("Meters(1.0)", bytes(&Meters(1.0)), "0a064d65746572732c000000000000f03f"),
        ("Pair(1, true)", bytes(&Pair(1, true)), "0b04506169722601200100"),
        (
            "Config { depth: 3, rate: None }, rate skipped",
            bytes(&Config { depth: 3, rate: None }),
            "0c06436f6e6669670d0564657074682803000000\
             0e047261746500",
        ),
        ("Shape::Point", bytes(&Shape::Point), "1a055368617065 00 05506f696e74"),
        ("Shape::Circle(1.0)", bytes(&Shape::Circle(1.0)), "1b055368617065 01 06436972636c652b0000803f"),
        ("Shape::Box(1, 2)", bytes(&Shape::Box(1, 2)), "1c055368617065 02 03426f782601260200"),
        (
            "Shape::Path { closed: true }",
            bytes(&Shape::Path { closed: true }),
            "1d055368617065 03 0450617468 0d06636c6f7365642001 00",
        ),
        (
            "{\"b\": 1u8, \"a\": 2u8}, whose order matters",
            bytes(&Pairs(&[("b", 1u8), ("a", 2u8)])),
            "17 04016226 01 04016126 02 00",
        ),
        (
            "{\"b\": 1u8, \"a\": 2u8}, a hash map",
            bytes(&HashMap::from([("b", 1u8), ("a", 2u8)])),
            "1802 04016126 02 04016226 01",
        ),
        ("{\"b\", \"a\"}, a hash set", bytes(&HashSet::from(["b", "a"])), "1902 040161 040162"),
        (
            "4096 bytes as a slice: apart",
            bytes(&[0u8; 4096][..]),
            "866143a04abea1ea8e37ce907217cc850ca18fa40987d3f051288f39827f833c78",
        ),
        (
            "4096 bytes as a tuple: apart",
            bytes(&Tuple(&[0; 4096])),
            "876143a04abea1ea8e37ce907217cc850ca18fa40987d3f051288f39827f833c78",
        ),
        (
            "an empty sequence of a length that is not announced: apart",
            bytes(&Announced(None, &[])),
            "8682878ed8a480ee41775636820e05a934ca5c747223ca64306658ee5982e6c227",
        ),
        (
            "{0u16: 1u8, … 4095u16: 1u8}, whose order matters: apart",
            bytes(&(0..4096u16).map(|i| (i, 1u8)).collect::<BTreeMap<_, _>>()),
            "97bb6418be54f833fe704814c126a04109d384ec3dcf86e178eb434e38a6d5f7ec",
        ),
        (
            "the same, a hash map: apart",
            bytes(&(0..4096u16).map(|i| (i, 1u8)).collect::<HashMap<_, _>>()),
            "98f419e63526aadfdf248d519dd875fc13ccacaf554b12657f6c35ef7bed71c558",
        ),
        (
            "{0u16, … 4095u16}, a hash set: apart",
            bytes(&(0..4096u16).collect::<HashSet<_>>()),
            "992e8fa69d879142a2836da653b018e6672139cad8fe8d8e2f8dfddf47065a774e",
        ),
        (
            "4096 letters: apart",
            bytes(&"a".repeat(4096)),
            "84cf657d3fd42311a258afdf3b5261c256983e3deb2bb38980cb0e754db903d549",
        ),
    ];
    for (what, got, expected) in cases {
        assert_eq!(hex(&got), expected.replace(' ', ""), "{what}");
    }
}

#[test]
fn keys_are_pinned() {
    assert_eq!(key(&1u64), "eaa41250b3532f9dcd3a7d52759799ec52434defe0eddcbedb098a2f0b5da2a5");
    assert_eq!(
        key(&vec![1.5f64; 10_000]),
        "b74c83fa14ec24fe6b3e563226ba70934e72faab07472317eabb11da465ee396"
    );
}

#[test]
fn borrowed_and_owned_spellings_have_equal_bytes() {
    assert_eq!(bytes("text"), bytes(&String::from("text")));
    assert_eq!(bytes("text"), bytes(&std::borrow::Cow::Borrowed("text")));
    for length in [0, 1, 4095, 4096, 20_000] {
        let vector = vec![1.5f64; length];
        assert_eq!(bytes(&vector), bytes(&vector[..]));
        assert_eq!(bytes(&vector), bytes(&&vector.clone().into_boxed_slice()));
    }
}

#[test]
fn values_that_differ_in_type_or_shape_have_different_bytes() {
    let all = [
        bytes(&1u8),
        bytes(&1i8),
        bytes(&1u64),
        bytes(&1.0f64),
        bytes(&1.0f32),
        bytes(&true),
        bytes("1"),
        bytes(&'1'),
        bytes(&Some(1u8)),
        bytes(&Some(Some(1u8))),
        bytes(&None::<u8>),
        bytes(&()),
        bytes(&(1u8,)),
        bytes(&[1u8][..]),
        bytes(&vec![vec![1u8]]),
        bytes(&vec![vec![1u8], vec![]]),
        bytes(&vec![vec![], vec![1u8]]),
        bytes(&vec![1u8, 1]),
        bytes(&vec![1u16]),
        bytes(&Meters(1.0)),
        bytes(&0.0f64),
        bytes(&-0.0f64),
        bytes(&f64::NAN),
        bytes(&-f64::NAN),
        bytes(&[("a", "bc")]),
        bytes(&[("ab", "c")]),
        bytes(&BTreeMap::from([(1u8, 2u8)])),
        bytes(&[(1u8, 2u8)][..]),
        bytes(&Config { depth: 1, rate: None }),
        bytes(&Config { depth: 1, rate: Some(0.0) }),
    ];
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all[..i].iter().enumerate() {
            assert_ne!(a, b, "cases {i} and {j}");
        }
    }
}

/// Two structs that `skip_serializing_if` makes equal but for which field is missing.
#[test]
fn skipped_fields_are_told_apart() {
    struct Skips(bool);
    impl Serialize for Skips {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Skips", 1)?;
            for (name, skip) in [("a", self.0), ("b", !self.0)] {
                if skip {
                    fields.skip_field(name)?;
                } else {
                    fields.serialize_field(name, &1u8)?;
                }
            }
            fields.end()
        }
    }
    assert_ne!(bytes(&Skips(true)), bytes(&Skips(false)));
}

#[test]
fn the_order_in_which_a_hash_map_or_set_was_filled_does_not_matter() {
    #[derive(Serialize)]
    struct Nested(HashMap<String, Vec<u32>>, Vec<HashSet<String>>);
    let nested = |order: Vec<u32>| {
        let sets = (0..3).map(|_| order.iter().map(|i| format!("{i}")).collect()).collect();
        Nested(order.iter().map(|&i| (format!("{i}"), vec![i; 3])).collect(), sets)
    };
    for length in [0, 1, 2, 100, 5000] {
        let forwards = nested((0..length).collect());
        let mut backwards = nested((0..length).rev().collect());
        assert_eq!(key(&forwards), key(&backwards), "{length}");
        assert_eq!(key(&vec![&forwards.0]), key(&vec![&backwards.0]), "{length}");
        if length > 77 {
            backwards.0.get_mut("77").unwrap()[1] += 1;
            assert_ne!(key(&forwards), key(&backwards), "{length}, another value");
            let mut backwards = nested((0..length).collect());
            backwards.1[1].remove("77");
            assert_ne!(key(&forwards), key(&backwards), "{length}, an element less");
        }
    }
}

/// Shows pairs as a map, as maps do that keep an order.
struct Pairs<'a, K, V>(&'a [(K, V)]);

impl<K: Serialize, V: Serialize> Serialize for Pairs<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// The same, entry by entry, and with whatever length it is told to announce.
struct OneByOne<'a, K, V>(Option<usize>, &'a [(K, V)]);

impl<K: Serialize, V: Serialize> Serialize for OneByOne<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(self.0)?;
        for (key, value) in self.1 {
            map.serialize_key(key)?;
            map.serialize_value(value)?;
        }
        map.end()
    }
}

#[test]
fn the_order_of_a_map_that_has_one_is_a_part_of_it() {
    for length in [2, 4095, 4096, 5000] {
        let pairs: Vec<(u32, String)> = (0..length).map(|i| (i, format!("{i}"))).collect();
        let mut other = pairs.clone();
        other.swap(0, 1);
        assert_ne!(bytes(&Pairs(&pairs)), bytes(&Pairs(&other)), "{length}");
        assert_ne!(
            bytes(&OneByOne(Some(pairs.len()), &pairs)),
            bytes(&OneByOne(Some(pairs.len()), &other)),
            "{length}"
        );
        assert_ne!(bytes(&OneByOne(None, &pairs)), bytes(&OneByOne(None, &other)), "{length}");
        // However it is shown, it is the same map; and a sorted one is in an order, too.
        assert_eq!(bytes(&Pairs(&pairs)), bytes(&OneByOne(Some(pairs.len()), &pairs)), "{length}");
        let sorted: BTreeMap<u32, String> = pairs.iter().cloned().collect();
        assert_eq!(bytes(&Pairs(&pairs)), bytes(&sorted), "{length}");
    }
}

#[test]
fn maps_of_keys_and_values_that_run_into_one_another_differ() {
    let all = [
        bytes(&Pairs(&[(vec![1u8], vec![2u8, 3])])),
        bytes(&Pairs(&[(vec![1u8, 2], vec![3u8])])),
        bytes(&Pairs::<Vec<u8>, Vec<u8>>(&[])),
        bytes(&Pairs(&[(vec![1u8], vec![2u8]), (vec![3], vec![])])),
        bytes(&HashMap::from([(vec![1u8], vec![2u8, 3])])),
        bytes(&HashMap::from([(vec![1u8, 2], vec![3u8])])),
        bytes(&HashSet::from([(vec![1u8], vec![2u8, 3])])),
        bytes(&HashSet::from([vec![1u8, 2, 3]])),
        bytes(&vec![(vec![1u8], vec![2u8, 3])]),
        bytes(&OneByOne(None, &[(vec![1u8], vec![2u8, 3])])),
    ];
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all[..i].iter().enumerate() {
            assert_ne!(a, b, "cases {i} and {j}");
        }
    }
}

/// Two variants that `rename` gives one name.
#[test]
fn variants_of_one_name_are_told_apart() {
    struct Variant(u32);
    impl Serialize for Variant {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit_variant("Twins", self.0, "twin")
        }
    }
    assert_ne!(bytes(&Variant(0)), bytes(&Variant(1)));
}

/// Serializes its elements as a tuple: the standard library's arrays end at 32.
struct Tuple<'a>(&'a [u8]);

impl Serialize for Tuple<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elements = serializer.serialize_tuple(self.0.len())?;
        for element in self.0 {
            elements.serialize_element(element)?;
        }
        elements.end()
    }
}

/// Serializes its elements with whatever length it is told to announce.
struct Announced<'a>(Option<usize>, &'a [u16]);

impl Serialize for Announced<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elements = serializer.serialize_seq(self.0)?;
        for element in self.1 {
            elements.serialize_element(element)?;
        }
        elements.end()
    }
}

#[test]
fn a_sequence_of_a_length_that_is_not_announced_is_hashed_apart() {
    let numbers: Vec<u16> = (0..20_000).map(|i| (i % 1000) as u16).collect();
    for length in [0, 1, 2, 4095, 4096, 4097, 8192, 8193, 20_000] {
        let numbers = &numbers[..length];
        let apart = bytes(&Announced(None, numbers));
        assert_eq!(apart, bytes(&Announced(Some(4096), numbers)), "{length} elements");
        assert_eq!(apart == bytes(numbers), length >= 4096, "{length} elements");
    }
}

/// A wrong announcement may cost a hit; it must never make two values look equal.
#[test]
fn wrongly_announced_lengths_never_make_two_sequences_equal() {
    let numbers = vec![5u16; 9000];
    let mut seen = HashMap::new();
    for announced in [None, Some(0), Some(3), Some(4095), Some(4096), Some(9000)] {
        for length in [0, 1, 3, 4095, 4096, 8192, 8193, 9000] {
            let bytes = bytes(&Announced(announced, &numbers[..length]));
            let before = seen.insert(bytes, length);
            assert!(before.is_none_or(|before| before == length), "{before:?} and {length}");
        }
    }
}

#[test]
fn long_arguments_hash_the_same_whether_or_not_the_buffer_spilled() {
    // Many items that are not hashed apart, together far more than a buffer.
    let rows: Vec<Vec<u64>> = (0..300).map(|i| vec![i; 1000]).collect();
    let all = bytes(&rows[..]);
    assert!(all.len() > 10 * SPILL);
    assert_eq!(key(&rows), blake3::keyed_hash(&[7; 32], &all).to_hex().to_string());
}

#[test]
fn a_failing_serialize_is_an_error_with_its_words() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("no bytes for this"))
        }
    }
    let mut encoder = Encoder::buffered();
    assert_eq!(vec![Fails].serialize(&mut encoder).unwrap_err().to_string(), "no bytes for this");
}
