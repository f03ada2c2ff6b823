use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;
use std::ops::Bound;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::json;

use std::io::Read;

use super::*;
use crate::codec::meaning::Meaning;
use crate::codec::source::Input;
use crate::payload::Pieces;

/// Reads a value that may borrow from its bytes.
fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8], depth: usize) -> Result<T, Misfit> {
    super::read(Input::Lent(bytes), depth)
}

const DEEP: usize = usize::MAX;

trait Value: Serialize + DeserializeOwned + Debug {}

impl<T: Serialize + DeserializeOwned + Debug> Value for T {}

/// Comes back, from bytes of every kind of source.
#[track_caller]
fn expect_kept<T: Value>(value: &T) {
    let bytes = write(value, 0).unwrap();
    let depth = Meaning::of(value).unwrap().depth();
    let mut pieces = Pieces::from(bytes.clone());
    let mut read_exact = |to: &mut [u8]| pieces.read_exact(to);
    let pieces = Input::Streamed(&mut read_exact, bytes.len());
    for read in [
        read::<T>(&bytes, depth),
        super::read::<T>(Input::Copied(&bytes), depth),
        super::read::<T>(pieces, depth),
    ] {
        let read = read.unwrap_or_else(|error| panic!("{value:?}: {error}"));
        assert!(Meaning::of(&read).unwrap() == Meaning::of(value).unwrap(), "{value:?} as {read:?}");
    }
}

#[track_caller]
fn expect_bytes<T: Value>(value: &T, bytes: &[u8]) {
    assert_eq!(write(value, 0).unwrap(), bytes, "{value:?}");
    expect_kept(value);
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Empty {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fields<T> {
    content: T,
    other: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Plain<T> {
    Unit,
    Newtype(T),
    Tuple(T, u8),
    Struct { content: T },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal<T> {
    Unit,
    Newtype(Fields<T>),
    Struct { content: T },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
enum Adjacent<T> {
    Unit,
    Newtype(T),
    Tuple(T, u8),
    Struct { content: T },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Struct { content: T },
    Newtype(T),
}

#[derive(Debug, Serialize, Deserialize)]
struct Flat<T> {
    id: u8,
    #[serde(flatten)]
    rest: T,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
struct Skips<T> {
    number: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<T>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Skipped {
    #[serde(skip)]
    #[expect(dead_code, reason = "it is there to be skipped")]
    Unknown,
    Cold,
    Warm(u8),
}

/// In fields and in enums of each kind.
fn expect_kept_everywhere<T: Value + Clone>(value: &T) {
    let content = || value.clone();
    expect_kept(value);
    expect_kept(&vec![Some(Newtype(content())), None]);
    expect_kept(&[
        Plain::Unit,
        Plain::Newtype(content()),
        Plain::Tuple(content(), 1),
        Plain::Struct { content: content() },
    ]);
    expect_kept(&Skips { number: 1, maybe: Some(content()) });
    expect_kept(&Skips::<T> { number: 1, maybe: None });
    expect_kept(&[Adjacent::Unit, Adjacent::Newtype(content()), Adjacent::Tuple(content(), 1)]);
    expect_kept(&Adjacent::Struct { content: content() });
}

/// The same, and where serde buffers values before it knows what they are.
fn expect_kept_in_buffers<T: Value + Clone>(value: &T) {
    let content = || value.clone();
    expect_kept_everywhere(value);
    expect_kept(&[Internal::Unit, Internal::Newtype(Fields { content: content(), other: 1 })]);
    expect_kept(&Internal::Struct { content: content() });
    expect_kept(&Untagged::Struct { content: content() });
    expect_kept(&Flat { id: 1, rest: Fields { content: content(), other: 2 } });
    expect_kept(&Flat { id: 1, rest: BTreeMap::from([("key".to_owned(), content())]) });
    expect_kept(&Flat { id: 1, rest: Internal::Struct { content: content() } });
    expect_kept(&Flat { id: 1, rest: Untagged::Struct { content: content() } });
    expect_kept(&Flat { id: 1, rest: Plain::Newtype(content()) });
    expect_kept(&Flat { id: 1, rest: Skips { number: 3, maybe: Some(content()) } });
}

/// The vectors of docs/format.md: a change here is a new codec.
#[test]
fn bytes_are_pinned() {
    expect_bytes(&true, &[0, 1]);
    expect_bytes(&-2i16, &[2, 0xfe, 0xff]);
    expect_bytes(&1u32, &[8, 1, 0, 0, 0]);
    expect_bytes(&1.0f64, &[12, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    expect_bytes(&'é', &[13, 0xe9, 0, 0, 0]);
    expect_bytes(&(), &[14]);
    expect_bytes(&Unit, &[14]);
    expect_bytes(&None::<u8>, &[15]);
    expect_bytes(&Some(7u8), &[6, 7]);
    expect_bytes(&Some(None::<u8>), &[16, 15]);
    expect_bytes(&Some(Some(())), &[16, 16, 14]);
    expect_bytes(&"hé".to_owned(), &[17, 3, b'h', 0xc3, 0xa9]);
    let long = "a".repeat(300);
    expect_bytes(&long, &[&[17, 0xac, 2], long.as_bytes()].concat());
    expect_bytes(&(1u8, true), &[21, 6, 1, 0, 1, 24]);
    expect_bytes(&vec![1u16, 2], &[23, 7, 2, 1, 0, 2, 0]);
    expect_bytes(&BTreeMap::from([(1u8, 'a')]), &[22, 6, 1, 13, b'a', 0, 0, 0, 24]);
    expect_bytes(&Plain::<u8>::Unit, &[19, 4, b'U', b'n', b'i', b't']);
    expect_bytes(&[Skipped::Cold, Skipped::Cold], &[21, 19, 4, b'C', b'o', b'l', b'd', 20, 0, 24]);
    expect_bytes(&Skipped::Warm(3), &[22, 19, 4, b'W', b'a', b'r', b'm', 6, 3, 24]);
    let empty = Plain::Tuple(Empty {}, 1);
    expect_bytes(&empty, &[22, 19, 5, b'T', b'u', b'p', b'l', b'e', 21, 22, 24, 6, 1, 24, 24]);
    let fields = Fields { content: (), other: 1 };
    let mut bytes = vec![22, 19, 7];
    bytes.extend(b"content");
    bytes.extend([14, 19, 5]);
    bytes.extend(b"other");
    bytes.extend([6, 1, 24]);
    expect_bytes(&fields, &bytes);
}

#[test]
fn numbers_keep_their_bits_wherever_they_are() {
    expect_kept_in_buffers(&u8::MAX);
    expect_kept_in_buffers(&u64::MAX);
    expect_kept_in_buffers(&i64::MIN);
    expect_kept_in_buffers(&0.1f32);
    expect_kept_in_buffers(&'☃');
    for bits in [0x7ff8_0000_dead_beef, 0x7ff0_0000_0000_0001, f64::INFINITY.to_bits(), 1, 1 << 63] {
        expect_kept_in_buffers(&f64::from_bits(bits));
    }
    expect_kept_in_buffers(&f32::from_bits(0x7fc0_beef));
    expect_kept_in_buffers(&f32::from_bits(0x8000_0000));
    // serde's buffers have no room for these.
    expect_kept_everywhere(&i128::MIN);
    expect_kept_everywhere(&u128::MAX);
}

#[test]
fn what_is_nothing_is_told_apart() {
    expect_kept_in_buffers(&());
    expect_kept_in_buffers(&Unit);
    expect_kept_in_buffers(&Empty {});
    expect_kept_in_buffers(&None::<u8>);
    expect_kept_in_buffers(&Some(None::<u8>));
    expect_kept_in_buffers(&Some(Some(None::<u8>)));
    expect_kept_in_buffers(&Some(Some(3u8)));
    expect_kept_in_buffers(&Some(()));
    expect_kept_in_buffers(&Some(Newtype(None::<Unit>)));
    expect_kept_in_buffers(&vec![None, Some(None), Some(Some(()))]);
}

#[test]
fn texts_bytes_sequences_and_maps_come_back() {
    expect_kept_in_buffers(&String::new());
    expect_kept_in_buffers(&"é".repeat(1000));
    expect_kept_in_buffers(&std::ffi::CString::new("bytes").unwrap());
    expect_kept_in_buffers(&Vec::<u64>::new());
    expect_kept_in_buffers(&vec![1u64, u64::MAX]);
    expect_kept_in_buffers(&vec![(1u8, "a".to_owned(), [1.5f32; 3], [(); 0])]);
    expect_kept_in_buffers(&vec![true, false]);
    expect_kept_in_buffers(&vec!['a', '☃']);
    expect_kept_in_buffers(&BTreeMap::from([("a".to_owned(), vec![1i8])]));
    expect_kept_in_buffers(&BTreeMap::from([(-1i32, [0u8; 2]), (3, [1; 2])]));
    expect_kept_in_buffers(&HashMap::from([((1u8, true), 'x'), ((2, false), 'y')]));
    expect_kept_in_buffers(&BTreeMap::from([(None, 1u8), (Some(true), 2)]));
    expect_kept_in_buffers(&BTreeMap::from([('a', BTreeMap::<u8, u8>::new())]));
    expect_kept_everywhere(&BTreeMap::from([(1u128 << 80, 1u8)]));
}

#[test]
fn enums_of_every_kind_come_back_in_one_another() {
    expect_kept_in_buffers(&Plain::<u8>::Unit);
    expect_kept_in_buffers(&Plain::Newtype(Plain::Tuple(1u8, 2)));
    expect_kept_in_buffers(&Plain::Newtype(()));
    expect_kept_in_buffers(&Plain::Struct { content: Some(Plain::<u8>::Unit) });
    expect_kept_in_buffers(&Ok::<_, String>(Newtype(3u8)));
    expect_kept_in_buffers(&Err::<u8, _>("no".to_owned()));
    expect_kept_in_buffers(&BTreeMap::from([("key".to_owned(), Bound::Included(1u8))]));
    expect_kept(&[Skipped::Cold, Skipped::Warm(2)]);
}

#[test]
fn types_of_other_crates_and_of_the_library_come_back() {
    let value = json!({"a": [1, -2, 2.5, null, true, "x", {"b": {}}], "n": u64::MAX, "i": i64::MIN, "": []});
    expect_kept_in_buffers(&value);
    expect_kept_in_buffers(&json!(null));
    expect_kept_in_buffers(&Some(json!(null)));
    expect_kept_in_buffers(&"::1".parse::<IpAddr>().unwrap());
    expect_kept_in_buffers(&Duration::from_millis(3));
    expect_kept_in_buffers(&(1..5u8));
    expect_kept_in_buffers(&std::path::PathBuf::from("/é"));
    expect_kept_in_buffers(&std::time::SystemTime::UNIX_EPOCH);
}

#[test]
fn names_are_written_once() {
    let one = |content| Fields { content, other: 1 };
    let bytes = write(&vec![one(1u8); 1000], 0).unwrap();
    assert_eq!(bytes.len(), 2 + "content".len() + 2 + "other".len() + 2 + 1000 * 10 - 4);
    assert!(read::<Vec<Fields<u8>>>(&bytes, 10).unwrap().len() == 1000);
}

/// Values of every shape.
type Everything =
    (Flat<BTreeMap<String, serde_json::Value>>, Vec<Plain<Option<Option<f32>>>>, Fields<Vec<u32>>);

fn everything() -> Everything {
    let rest = BTreeMap::from([("a".to_owned(), json!([1, {"b": null}])), ("c".to_owned(), json!("text"))]);
    let plain = vec![
        Plain::Unit,
        Plain::Newtype(Some(None)),
        Plain::Tuple(None, 1),
        Plain::Struct { content: Some(Some(1.5)) },
    ];
    (Flat { id: 7, rest }, plain, Fields { content: vec![1, 2], other: 3 })
}

#[test]
fn a_byte_more_or_less_is_an_error() {
    let value = everything();
    let bytes = write(&value, 0).unwrap();
    expect_bytes(&value, &bytes);
    for end in 0..bytes.len() {
        assert!(read::<Everything>(&bytes[..end], DEEP).is_err(), "cut off at {end}");
    }
    let more = [&*bytes, &[0]].concat();
    assert!(read::<Everything>(&more, DEEP).unwrap_err().to_string().contains("left over"));
}

#[track_caller]
fn expect_misfit<T: DeserializeOwned + Debug>(bytes: &[u8], why: &str) {
    let error = read::<T>(bytes, DEEP).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn what_cannot_be_is_an_error_before_anything_is_made_of_it() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    for kind in [kind::TEXT, kind::BYTES, kind::NEW_NAME] {
        expect_misfit::<serde_json::Value>(&[&[kind][..], &huge].concat(), "a length of more");
        expect_misfit::<serde_json::Value>(&[kind, 2, b'a'], "a length of more");
    }
    expect_misfit::<Vec<()>>(&[&[kind::NUMBERS, 6][..], &huge].concat(), "a length of more");
    expect_misfit::<String>(&[&[kind::TEXT][..], &[0xff; 20]].concat(), "without an end");
    expect_misfit::<Vec<u8>>(&[kind::NUMBERS, 14, 0], "an unknown kind");
    expect_misfit::<u8>(&[25], "an unknown kind");
    expect_misfit::<u8>(&[kind::END], "an unknown kind");
    expect_misfit::<bool>(&[0, 2], "0 or 1");
    expect_misfit::<char>(&[13, 0, 0xd8, 0, 0], "no character");
    expect_misfit::<String>(&[kind::NAME, 0], "no name");
    expect_misfit::<String>(&[kind::TEXT, 1, 0xff], "utf-8");
    expect_misfit::<(u8,)>(&[kind::SEQUENCE, 6, 1, 6, 1, kind::END], "left over");
    expect_misfit::<Plain<u8>>(&[kind::TEXT, 7, b'N', b'e', b'w', b't', b'y', b'p', b'e'], "without content");
    expect_misfit::<Plain<u8>>(
        &[kind::MAP, kind::TEXT, 4, b'U', b'n', b'i', b't', 6, 1, kind::END],
        "with content",
    );
}

#[test]
fn nothing_is_read_deeper_than_it_may_be() {
    let deep = vec![kind::SEQUENCE; 1 << 20];
    for depth in [10, 100] {
        let error = read::<serde_json::Value>(&deep, depth).unwrap_err();
        assert!(error.to_string().contains("deeper"), "{error}");
    }
    let some = vec![kind::SOME; 1 << 20];
    assert!(read::<serde_json::Value>(&some, 100).unwrap_err().to_string().contains("deeper"));
    let nested = (0..100).fold(json!(null), |inner, _| json!([inner]));
    expect_kept(&nested);
}

/// Every byte of a value changed, and bytes at random, read as types of many shapes.
#[test]
fn no_bytes_make_a_panic() {
    let read_all = |bytes: &[u8]| {
        let _ = read::<Everything>(bytes, 100);
        let _ = read::<serde_json::Value>(bytes, 100);
        let _ = read::<Vec<Untagged<Plain<u8>>>>(bytes, 100);
        let _ = read::<HashMap<String, Vec<()>>>(bytes, 100);
        let _ = read::<Flat<Adjacent<Option<Internal<u8>>>>>(bytes, 100);
        let _ = read::<crate::Array<f64>>(bytes, 100);
    };
    let bytes = write(&everything(), 0).unwrap();
    for at in 0..bytes.len() {
        for other in (0..26).chain([0x7f, 0x80, 0xff]) {
            let mut bytes = bytes.clone();
            bytes[at] = other;
            read_all(&bytes);
            read_all(&bytes[at..]);
        }
    }
    let mut state = 1u64;
    for length in 0..2000 {
        let random: Vec<u8> = (0..length % 100)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let byte = state.to_be_bytes()[0];
                if byte < 240 { byte % 25 } else { byte }
            })
            .collect();
        read_all(&random);
    }
}

#[test]
fn a_variant_is_known_by_its_name() {
    assert!(is_variant(&write(&Err::<u8, _>(3u8), 0).unwrap(), "Err"));
    assert!(!is_variant(&write(&Ok::<_, u8>(3u8), 0).unwrap(), "Err"));
    assert!(!is_variant(&write(&"Err", 0).unwrap(), "Err"));
}
