#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers, and bits of any"
)]

use std::collections::{BTreeMap, HashMap};

use serde::Serializer;
use serde::ser::{SerializeSeq, SerializeStruct, SerializeTuple};

use super::*;

mod known;
mod numbers;

/// The canonical bytes of a value.
fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    canonical_bytes(value).unwrap()
}

/// The key of a value as the only argument of a function.
fn key<T: Serialize + ?Sized>(value: &T) -> String {
    let mut encoder = Encoder::keyed(Identity([7; 32]));
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
        ("Shape::Point", bytes(&Shape::Point), "1005536861706505506f696e74"),
        ("Shape::Circle(1.0)", bytes(&Shape::Circle(1.0)), "110553686170650643 6972636c652b0000803f"),
        ("Shape::Box(1, 2)", bytes(&Shape::Box(1, 2)), "12055368617065 03426f782601260200"),
        (
            "Shape::Path { closed: true }",
            bytes(&Shape::Path { closed: true }),
            "13055368617065 0450617468 0d06636c6f7365642001 00",
        ),
        (
            "{\"b\": 1u8, \"a\": 2u8}",
            bytes(&HashMap::from([("b", 1u8), ("a", 2u8)])),
            "0802 04016126 02 04016226 01",
        ),
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
            "{0u16: 1u8, … 4095u16: 1u8}: apart",
            bytes(&(0..4096u16).map(|i| (i, 1u8)).collect::<HashMap<_, _>>()),
            "88f419e63526aadfdf248d519dd875fc13ccacaf554b12657f6c35ef7bed71c558",
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
fn the_order_in_which_a_map_was_filled_does_not_matter() {
    let forwards: HashMap<String, Vec<u32>> = (0..5000).map(|i| (format!("{i}"), vec![i; 3])).collect();
    let backwards: HashMap<String, Vec<u32>> =
        (0..5000).rev().map(|i| (format!("{i}"), vec![i; 3])).collect();
    assert_eq!(key(&forwards), key(&backwards));
    let sorted: BTreeMap<String, Vec<u32>> = forwards.clone().into_iter().collect();
    assert_eq!(key(&forwards), key(&sorted));
    let mut other = forwards;
    other.get_mut("77").unwrap()[1] += 1;
    assert_ne!(key(&other), key(&backwards));
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
