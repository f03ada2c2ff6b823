use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::{self, Debug};

use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer, de};

use std::io::Read;

use super::*;
use crate::codec::source::Input;
use crate::payload::Pieces;

/// Reads a value that may borrow from its bytes.
fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8], depth: usize) -> Result<T, Misfit> {
    super::read(Input::Lent(bytes), depth)
}

const DEEP: usize = usize::MAX;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box(f32, f32),
    Path { points: Vec<(i8, i128)>, name: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(char);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    shapes: Vec<Shape>,
    map: BTreeMap<String, [u16; 3]>,
    numbers: Vec<u32>,
    unit: (Unit, ()),
    pair: (Wrapped, bool),
    next: Option<Box<Everything>>,
}

fn everything() -> Everything {
    let inner = Everything {
        shapes: vec![],
        map: BTreeMap::new(),
        numbers: vec![7],
        unit: (Unit, ()),
        pair: (Wrapped('a'), false),
        next: None,
    };
    Everything {
        shapes: vec![
            Shape::Point,
            Shape::Circle(f64::MIN_POSITIVE),
            Shape::Box(1.5, -0.0),
            Shape::Path { points: vec![(-1, i128::MIN)], name: Some("é".into()) },
        ],
        map: BTreeMap::from([("x".into(), [1, 2, 3])]),
        numbers: (0..100).collect(),
        unit: (Unit, ()),
        pair: (Wrapped('☃'), true),
        next: Some(Box::new(inner)),
    }
}

#[track_caller]
fn expect_bytes<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: &T, bytes: &[u8]) {
    assert_eq!(write(value, 0).unwrap(), bytes, "{value:?}");
    assert_eq!(read::<T>(bytes, DEEP).unwrap(), *value);
    let mut pieces = Pieces::from(bytes.to_vec());
    let mut read_exact = |to: &mut [u8]| pieces.read_exact(to);
    assert_eq!(super::read::<T>(Input::Streamed(&mut read_exact, bytes.len()), DEEP).unwrap(), *value);
    assert_eq!(super::read::<T>(Input::Copied(bytes), DEEP).unwrap(), *value);
}

/// The vectors of docs/format.md: a change here is a new codec.
#[test]
fn bytes_are_pinned() {
    expect_bytes(&true, &[1]);
    expect_bytes(&-2i16, &[0xfe, 0xff]);
    expect_bytes(&1u128, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect_bytes(&1.0f64, &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    expect_bytes(&'é', &[0xe9, 0, 0, 0]);
    expect_bytes(&"hé".to_owned(), &[3, 0, 0, 0, 0, 0, 0, 0, b'h', 0xc3, 0xa9]);
    expect_bytes(&(), &[]);
    expect_bytes(&None::<u8>, &[0]);
    expect_bytes(&Some(7u8), &[1, 7]);
    expect_bytes(&vec![1u16, 2], &[2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0]);
    expect_bytes(&vec![Some(1u8)], &[1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect_bytes(&(1u8, [2u8, 3]), &[1, 2, 3]);
    expect_bytes(&BTreeMap::from([(1u8, true)]), &[1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect_bytes(&Wrapped('a'), &[b'a', 0, 0, 0]);
    expect_bytes(&Shape::Point, &[0, 0, 0, 0]);
    expect_bytes(&Shape::Circle(0.0), &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let path = Shape::Path { points: vec![], name: None };
    expect_bytes(&path, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn values_of_every_shape_come_back_and_a_byte_more_or_less_is_an_error() {
    let value = everything();
    let bytes = write(&value, 0).unwrap();
    expect_bytes(&value, &bytes);
    for end in 0..bytes.len() {
        assert!(read::<Everything>(&bytes[..end], DEEP).is_err(), "cut off at {end}");
    }
    let more = [&*bytes, &[0]].concat();
    assert!(read::<Everything>(&more, DEEP).unwrap_err().to_string().contains("left over"));
}

/// What borrows comes back borrowed, and cannot come from bytes that are not lent.
#[test]
fn texts_and_bytes_are_lent_where_they_can_be() {
    let bytes = write(&("text", Some("more")), 0).unwrap();
    assert_eq!(read::<(&str, Option<&str>)>(&bytes, DEEP).unwrap(), ("text", Some("more")));
    assert!(super::read::<(&str, Option<&str>)>(Input::Copied(&bytes), DEEP).is_err());
}

#[track_caller]
fn expect_misfit<T: for<'de> Deserialize<'de> + Debug>(bytes: &[u8], why: &str) {
    let error = read::<T>(bytes, DEEP).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    let mut pieces = Pieces::from(bytes.to_vec());
    let mut read_exact = |to: &mut [u8]| pieces.read_exact(to);
    assert!(super::read::<T>(Input::Streamed(&mut read_exact, bytes.len()), DEEP).is_err());
}

/// bincode would make room for these, and end the program; or go through them one by one.
#[test]
fn a_length_of_more_than_is_there_is_an_error_before_anything_is_made_of_it() {
    for length in [10u64, 1 << 21, 1 << 40, u64::MAX] {
        let bytes = [&length.to_le_bytes()[..], &[1; 9]].concat();
        expect_misfit::<String>(&bytes, "a length of more");
        let too_long = length > EMPTY_ALLOWED;
        let why = if too_long { "a length of more" } else { "" };
        expect_misfit::<Vec<u8>>(&bytes, why);
        expect_misfit::<Vec<()>>(&bytes, why);
        expect_misfit::<Vec<Unit>>(&bytes, why);
        expect_misfit::<BTreeMap<u8, String>>(&bytes, why);
        expect_misfit::<HashSet<u64>>(&bytes, why);
    }
    expect_misfit::<bool>(&[2], "0 or 1");
    expect_misfit::<Option<u8>>(&[2, 0], "0 or 1");
    expect_misfit::<char>(&[0, 0xd8, 0, 0], "no character");
    expect_misfit::<String>(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff], "utf-8");
    expect_misfit::<Shape>(&[9, 0, 0, 0], "variant");
}

/// See `EMPTY` in the reader.
const EMPTY_ALLOWED: u64 = 1 << 20;

#[derive(Debug, Deserialize, Serialize)]
enum List {
    End,
    Next(Box<List>),
}

type Deep = Option<Option<Option<(Vec<Vec<u8>>,)>>>;

#[test]
fn nothing_is_read_deeper_than_it_may_be() {
    let ones = 1u32.to_le_bytes().repeat(1 << 20);
    assert!(read::<List>(&ones, 50).unwrap_err().to_string().contains("deeper"));
    let list = (0..40).fold(List::End, |list, _| List::Next(Box::new(list)));
    let bytes = write(&list, 0).unwrap();
    read::<List>(&bytes, 40).unwrap();
    read::<List>(&bytes, 39).unwrap_err();
    let options = write(&Some(Some(Some((vec![vec![1u8]],)))), 0).unwrap();
    read::<Deep>(&options, 6).unwrap();
    read::<Deep>(&options, 5).unwrap_err();
}

/// Every byte of a value changed, and bytes at random, read as types of many shapes.
#[test]
fn no_bytes_make_a_panic() {
    fn read_all(bytes: &[u8]) {
        let _ = read::<Everything>(bytes, 100);
        let _ = read::<Vec<Shape>>(bytes, 100);
        let _ = read::<HashMap<String, Vec<()>>>(bytes, 100);
        let _ = read::<(Vec<u64>, Option<char>, Result<String, [bool; 9]>)>(bytes, 100);
        let _ = read::<List>(bytes, 100);
        let _ = read::<crate::Array<f64>>(bytes, 100);
    }
    let bytes = write(&everything(), 0).unwrap();
    for at in 0..bytes.len() {
        for other in [0, 1, 2, 0x7f, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = other;
            read_all(&bytes);
            read_all(&bytes[at..]);
        }
    }
    let mut state = 1u64;
    for length in 0..500 {
        let random: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Small numbers, so that lengths and tags are often right.
                let byte = state.to_be_bytes()[0];
                if byte < 200 { byte % 3 } else { byte }
            })
            .collect();
        read_all(&random);
    }
}

/// A sequence that does not know its length beforehand.
#[derive(Debug, PartialEq)]
struct Odd(Vec<u8>);

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter(|number| **number % 2 == 1))
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Odd)
    }
}

/// Announces another length than it has.
struct Announced(usize);

impl Serialize for Announced {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0))?;
        [1u8, 2].iter().try_for_each(|number| sequence.serialize_element(number))?;
        sequence.end()
    }
}

#[test]
fn the_length_that_is_written_is_that_of_what_was_written() {
    let bytes = write(&Odd(vec![1, 2, 3, 4]), 0).unwrap();
    assert_eq!(read::<Odd>(&bytes, DEEP).unwrap(), Odd(vec![1, 3]));
    for announced in [0, 2, 9] {
        let bytes = write(&Announced(announced), 0).unwrap();
        assert_eq!(read::<Vec<u8>>(&bytes, DEEP).unwrap(), [1, 2]);
    }
}

/// Takes the first element and leaves the others.
#[derive(Debug)]
struct First;

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<First, A::Error> {
                items.next_element::<u8>()?;
                Ok(First)
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}

#[test]
fn elements_that_are_left_over_are_an_error() {
    expect_misfit::<First>(&write(&vec![1u8, 2], 0).unwrap(), "1 elements are left over");
    read::<First>(&write(&vec![1u8], 0).unwrap(), DEEP).unwrap();
}

/// serde's derive counts aliases among the names of fields that it gives to the reader.
#[test]
fn a_struct_may_have_aliases() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Aliased {
        #[serde(alias = "a", alias = "b")]
        first: u8,
        #[serde(alias = "c")]
        second: Option<u8>,
    }
    let aliased = || Aliased { first: 1, second: Some(2) };
    expect_bytes(&vec![aliased(), aliased()], &[2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 1, 1, 2]);
}

#[test]
fn what_needs_names_says_so() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
    }
    expect_misfit::<Untagged>(&write(&Untagged::Number(1), 0).unwrap(), "`untagged`");
}
