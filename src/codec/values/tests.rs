use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::*;

fn checked<T: Value>(value: &T, habit: &Habit) -> Result<(u8, Vec<u8>), String> {
    let encoded = encode::<T>(value, habit).map_err(|error| error.to_string())?;
    Ok((encoded.codec, encoded.bytes.into_vec()))
}

/// Encoded in this encoding, whichever was tried first, and the same when it is read back.
#[track_caller]
fn expect_kept_in<T: Value + PartialEq + Debug>(encoding: u8, value: &T) {
    let habit = Habit::new();
    for _ in 0..2 {
        let (codec, bytes) = checked(value, &habit).unwrap();
        assert_eq!(codec, encoding);
        assert_eq!(decode_borrowed::<T>(codec, &bytes).unwrap(), *value);
        assert_eq!(habit.encoding(), encoding, "the next is tried in it first");
    }
}

#[track_caller]
fn expect_kept<T: Value + PartialEq + Debug>(value: &T) {
    expect_kept_in(POSITIONAL, value);
}

/// Refused, for a reason in which `why` stands; and what would come back without names and without
/// the comparison, if anything would.
#[track_caller]
fn expect_refused<T: Value>(value: &T, why: &str) -> Option<T> {
    for first in [POSITIONAL, NAMED] {
        let habit = Habit::new();
        habit.set(first);
        let error = checked(value, &habit).unwrap_err();
        assert!(error.contains(why), "{error} where {why} was expected");
        assert_eq!(habit.encoding(), first);
    }
    misread(value)
}

/// What would come back without names and without the comparison, if anything would.
fn misread<T: Value>(value: &T) -> Option<T> {
    decode_borrowed(POSITIONAL, &write_value(value).ok()?).ok()
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

/// The example of the meaning's header: bytes of the right length, and another value.
#[test]
fn a_variant_behind_a_skipped_one_is_kept_by_its_name_at_every_size() {
    assert_eq!(misread(&State::Cold), Some(State::Warm));
    assert_eq!(misread(&State::Hot), None);
    for state in [State::Cold, State::Warm, State::Hot] {
        expect_kept_in(NAMED, &state);
    }
    expect_refused(&State::Unknown, "cannot be serialized");
    for length in LENGTHS {
        let all = vec![(State::Cold, "a".repeat(1000)); length];
        assert_eq!(misread(&all).unwrap().len(), length);
        expect_kept_in(NAMED, &all);
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
fn variants_before_a_skipped_one_need_no_names_and_those_behind_it_do() {
    expect_kept(&Shape::Point);
    expect_kept(&Shape::Circle(-0.0));
    expect_kept(&vec![Shape::Box(1.0, 2.0), Shape::Point]);
    let path = Shape::Path { points: vec![(-1, i128::MIN)], name: Some("é".into()) };
    let read = misread(&path).unwrap();
    assert!(matches!(read, Shape::Dot { .. }), "{read:?}");
    expect_kept_in(NAMED, &path);
    expect_kept_in(NAMED, &(1u8, BTreeMap::from([(1u8, Some(Box::new(path)))])));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shifty {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    n: u8,
}

#[test]
fn a_skipped_field_is_kept_as_it_was() {
    let values = vec![Shifty { a: None, n: 0 }, Shifty { a: Some(0), n: 3 }];
    assert_eq!(misread(&values).unwrap(), [Shifty { a: None, n: 1 }, Shifty { a: None, n: 3 }]);
    expect_kept_in(NAMED, &values);
    expect_kept_in(NAMED, &Shifty { a: None, n: 9 });
    expect_kept(&Shifty { a: Some(1), n: 9 });
}

/// Without a default.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Lost {
    n: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    a: Vec<u8>,
}

#[test]
fn a_skipped_field_without_a_default_is_refused_with_its_name() {
    expect_kept(&Lost { n: 1, a: vec![1] });
    expect_refused(&Lost { n: 1, a: vec![] }, "skips the field `a`");
    expect_refused(&Lost { n: 1, a: vec![] }, "write `default` beside `skip_serializing_if`");
}

/// Values of one function may need either.
#[test]
fn each_value_goes_in_the_encoding_that_brings_it_back() {
    /// Its reader takes fields by their place alone, as a tuple.
    #[derive(Debug, PartialEq, Serialize)]
    struct ByPlace {
        a: u8,
    }

    impl<'de> Deserialize<'de> for ByPlace {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let [a] = <[u8; 1]>::deserialize(deserializer)?;
            Ok(ByPlace { a })
        }
    }

    type Either = Result<ByPlace, Untagged>;
    let habit = Habit::new();
    let (place, untagged): (Either, Either) = (Ok(ByPlace { a: 1 }), Err(Untagged::Number(7)));
    for (value, encoding) in
        [(&place, POSITIONAL), (&untagged, NAMED), (&untagged, NAMED), (&place, POSITIONAL)]
    {
        let (codec, bytes) = checked(value, &habit).unwrap();
        assert_eq!((codec, habit.encoding()), (encoding, encoding));
        assert_eq!(decode_borrowed::<Either>(codec, &bytes).unwrap(), *value);
    }
    expect_refused(&(place, untagged), "cannot be read back");
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
    assert_eq!(misread(&vec![Pair(None, 0), Pair(Some(0), 3)]).unwrap(), [Pair(None, 1), Pair(None, 3)]);
    expect_refused(&vec![Pair(None, 0), Pair(Some(0), 3)], "cannot be read back");
    expect_kept(&vec![Pair(Some(1), 0), Pair(Some(0), 3)]);
    // serde is told nothing of `a`, as of a field under `skip`.
    let one_sided = OneSided { a: 9, b: Some(0) };
    let (codec, bytes) = checked(&one_sided, &Habit::new()).unwrap();
    assert_eq!(decode_borrowed::<OneSided>(codec, &bytes).unwrap(), OneSided { a: 0, ..one_sided });
    expect_refused(&vec![OtherSide { a: 0, b: 0 }, OtherSide { a: 9, b: 0 }], "in the field `[1].a`, `[{");
    expect_kept_in(NAMED, &Untagged::Number(7));
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
    let (codec, mut bytes) = checked(&everything(2), &Habit::new()).unwrap();
    bytes.push(0);
    assert!(decode_borrowed::<Everything>(codec, &bytes).is_err(), "a byte too many");
    assert!(decode_borrowed::<Everything>(codec, &bytes[..bytes.len() - 2]).is_err(), "a byte too few");
}

#[test]
fn a_nan_is_equal_to_itself() {
    let bits = [f64::NAN.to_bits(), f64::NAN.to_bits() | 1 << 63, f64::NAN.to_bits() | 0x4d];
    let value = bits.map(|bits| Some(f64::from_bits(bits)));
    let (codec, bytes) = checked(&value, &Habit::new()).unwrap();
    let read: [Option<f64>; 3] = decode_borrowed(codec, &bytes).unwrap();
    assert_eq!(read.map(|number| number.unwrap().to_bits()), bits);
}

/// Is written in another way when it is serialized again after it was compared: for the fourth time,
/// and in the other encoding for the seventh.
#[derive(Deserialize)]
struct Fickle(String);

impl Serialize for Fickle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        thread_local!(static TIMES: Cell<u8> = const { Cell::new(0) });
        TIMES.set(TIMES.get() + 1);
        if matches!(TIMES.get() % 7, 4 | 0) {
            "another text".serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
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
    let error = checked(&Careless(1), &Habit::new()).unwrap_err();
    assert!(error.contains("panicked"), "{error}");
}
