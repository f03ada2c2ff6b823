use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::*;

fn checked<T: Value>(value: &T) -> Result<Vec<u8>, String> {
    encode::<T>(value).map_err(|error| error.to_string())
}

/// Encoded, and the same when it is read back.
#[track_caller]
fn expect_kept<T: Value + PartialEq + Debug>(value: &T) {
    let bytes = checked(value).unwrap();
    assert_eq!(decode::<T>(&bytes).unwrap(), *value);
}

/// Refused, for a reason in which `why` stands; and what would come back without the comparison, if
/// anything would.
#[track_caller]
fn expect_refused<T: Value>(value: &T, why: &str) -> Option<T> {
    let error = checked(value).unwrap_err();
    assert!(error.contains(why), "{error} where {why} was expected");
    decode(&write_value(value).ok()?).ok()
}

/// Of items of a thousand bytes: values that are small, that are large, and that are encoded twice.
const LENGTHS: [usize; 3] = [1, 100, 9000];

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    #[serde(skip)]
    Unknown,
    Cold,
    Warm,
    Hot,
}

/// The example of the module's header: bytes of the right length, and another value.
#[test]
fn a_variant_behind_a_skipped_one_is_refused_at_every_size() {
    let why = "`\"Cold\"` as `\"Warm\"`";
    assert_eq!(expect_refused(&State::Cold, why), Some(State::Warm));
    assert_eq!(expect_refused(&State::Warm, "`\"Warm\"` as `\"Hot\"`"), Some(State::Hot));
    assert_eq!(expect_refused(&State::Hot, "could not be read back"), None);
    expect_refused(&State::Unknown, "cannot be serialized");
    for length in LENGTHS {
        let all = vec![(State::Cold, "a".repeat(1000)); length];
        assert_eq!(expect_refused(&all, "as another value").unwrap().len(), length);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box(f32, f32),
    #[serde(skip)]
    #[expect(dead_code, reason = "it is there to be skipped")]
    Unknown,
    Path {
        points: Vec<(i8, i128)>,
        name: Option<String>,
    },
    Dot {
        points: Vec<(i8, i128)>,
        name: Option<String>,
    },
}

#[test]
fn variants_before_a_skipped_one_are_kept_and_those_behind_it_refused() {
    expect_kept(&Shape::Point);
    expect_kept(&Shape::Circle(-0.0));
    expect_kept(&vec![Shape::Box(1.0, 2.0), Shape::Point]);
    let path = Shape::Path { points: vec![(-1, i128::MIN)], name: Some("é".into()) };
    let read = expect_refused(&path, "as another value").unwrap();
    assert!(matches!(read, Shape::Dot { .. }), "{read:?}");
    expect_refused(&(1u8, BTreeMap::from([(1u8, Some(Box::new(path)))])), "as another value");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shifty {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    n: u8,
}

#[test]
fn a_skipped_field_is_refused_before_it_can_be_misread() {
    let values = vec![Shifty { a: None, n: 0 }, Shifty { a: Some(0), n: 3 }];
    let misread = expect_refused(&values, "skips the field `a`").unwrap();
    assert_eq!(misread, [Shifty { a: None, n: 1 }, Shifty { a: None, n: 3 }]);
    expect_refused(&Shifty { a: None, n: 9 }, "skips the field `a`");
    expect_kept(&Shifty { a: Some(1), n: 9 });
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(#[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OneSided {
    #[serde(skip_serializing, default)]
    a: u8,
    b: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OtherSide {
    #[serde(skip_deserializing)]
    a: u8,
    b: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
}

/// serde passes over these in silence, so that they show only when they are read back.
#[test]
fn a_value_that_would_be_read_back_as_another_is_refused() {
    expect_refused(&vec![Pair(None, 0), Pair(Some(0), 3)], "as another value");
    expect_kept(&vec![Pair(Some(1), 0), Pair(Some(0), 3)]);
    expect_refused(&OneSided { a: 9, b: Some(0) }, "as another value");
    expect_refused(&OtherSide { a: 9, b: 0 }, "left over");
    expect_refused(&Untagged::Number(7), "could not be read back");
}

/// Seconds are written, milliseconds read: nothing but a number to serde, whatever it stands in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span(u64);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0 / 1000)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Span)
    }
}

#[test]
fn what_looks_like_a_number_is_compared_too() {
    assert_eq!(expect_refused(&Span(5000), "`5` as `0`"), Some(Span(5)));
    expect_kept(&Span(0));
    for length in LENGTHS {
        expect_refused(&vec![(Span(5000), "a".repeat(1000)); length], "as another value");
        expect_kept(&vec![(Span(0), "a".repeat(1000)); length]);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(char);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    map: BTreeMap<String, [u16; 3]>,
    counts: HashMap<String, HashSet<(u64, Option<String>)>>,
    unit: (Unit, ()),
    pair: (Wrapped, bool),
}

fn everything(length: u64) -> Everything {
    let sets = |i| (0..length.min(9)).map(|j| (i * j, (j % 2 == 0).then(|| format!("{j}")))).collect();
    Everything {
        map: (0..length).map(|i| (format!("{i}"), [1, 2, 3])).collect(),
        counts: (0..length).map(|i| (format!("{i}"), sets(i))).collect(),
        unit: (Unit, ()),
        pair: (Wrapped('☃'), true),
    }
}

/// Also where hash maps are in another order when they were read back.
#[test]
fn values_of_every_shape_and_size_come_back_equal() {
    for length in [0, 1, 50, 2000] {
        expect_kept(&everything(length));
    }
    let text = || "a".repeat(1000);
    expect_kept(&(0..9000).map(|i| (i, (Wrapped('a'), text()))).collect::<HashMap<u64, _>>());
    let mut bytes = checked(&everything(2)).unwrap();
    bytes.push(0);
    assert!(decode::<Everything>(&bytes).is_err(), "a byte too many");
    assert!(decode::<Everything>(&bytes[..bytes.len() - 2]).is_err(), "a byte too few");
}

#[test]
fn a_nan_is_equal_to_itself() {
    let bits = [f64::NAN.to_bits(), f64::NAN.to_bits() | 1 << 63, f64::NAN.to_bits() | 0x4d];
    let value = bits.map(|bits| Some(f64::from_bits(bits)));
    let bytes = checked(&value).unwrap();
    let read: [Option<f64>; 3] = decode(&bytes).unwrap();
    assert_eq!(read.map(|number| number.unwrap().to_bits()), bits);
}

/// Is written in another way when it is serialized for the fourth time.
#[derive(Deserialize)]
struct Fickle(String);

impl Serialize for Fickle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        thread_local!(static TIMES: Cell<u8> = const { Cell::new(0) });
        TIMES.set(TIMES.get() + 1);
        if TIMES.get() == 4 { "another text".serialize(serializer) } else { self.0.serialize(serializer) }
    }
}

#[test]
fn what_is_kept_of_a_large_value_is_what_was_compared() {
    expect_refused(&Fickle("a".repeat(9 << 20)), "other bytes");
}

/// Panics when it is read, as a careless `try_from` does.
#[derive(Serialize)]
struct Careless(u8);

impl<'de> Deserialize<'de> for Careless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(|number| panic!("{number} is careless"))
    }
}

#[test]
fn a_reader_that_panics_refuses_the_value() {
    let error = checked(&Careless(1)).unwrap_err();
    assert!(error.contains("panicked"), "{error}");
}
