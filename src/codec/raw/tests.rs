//! Raw values, from memory.

use std::fmt::Debug;
use std::sync::Arc;

use super::*;
use crate::array::Array;
use crate::codec::TEXT;
use crate::payload::ByteSource;

/// Elements of a large value; under miri of one that is large enough for its kind of code.
const MANY: usize = if cfg!(miri) { 40 } else { 100_000 };

fn bytes<T: Raw<Primitive>>(value: &T) -> Vec<u8> {
    encode(value).unwrap().bytes.to_vec()
}

fn read<T: Raw<Primitive>>(bytes: &[u8]) -> Result<T, DecodeError> {
    read_as(if T::OF_TEXT.is_some() { TEXT } else { RAW }, bytes)
}

fn read_as<T: Raw<Primitive>>(codec: u8, bytes: &[u8]) -> Result<T, DecodeError> {
    decode(&Content { codec, source: ByteSource::Memory(bytes) })
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "as they are written down")]
fn expect_round_trip<T: Raw<Primitive> + PartialEq + Debug>(value: T) {
    assert!(read::<T>(&bytes(&value)).unwrap() == value, "{}", std::any::type_name::<T>());
}

macro_rules! every_number {
    ($($type:ident)*) => {$(
        for length in [0, 1, 3, MANY / 100, MANY] {
            let numbers: Vec<$type> = [$type::MIN, $type::MAX, <$type>::from(1u8)].repeat(length)[..length].to_vec();
            expect_round_trip::<Box<[$type]>>(numbers.clone().into());
            expect_round_trip::<Arc<[$type]>>(numbers.clone().into());
            expect_round_trip(Array::from(numbers.clone()));
            expect_round_trip(numbers);
        }
        expect_round_trip([$type::MAX; 5]);
        expect_round_trip([$type::MIN; 0]);
    )*};
}

#[test]
fn arrays_of_every_number_come_back() {
    every_number! { i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 }
    expect_round_trip(vec![i8::MIN, 0, i8::MAX]);
    expect_round_trip(vec![true, false, true]);
    expect_round_trip(vec!['a', 'é', '\u{10ffff}']);
    expect_round_trip(Array::new([2, 1], vec![true, false]).unwrap());
    expect_round_trip(Array::new([2], vec!['x', '☃']).unwrap());
}

#[test]
fn arrays_in_arrays_come_back_and_are_told_apart_by_their_numbers() {
    for length in [0, 1, 3, MANY] {
        expect_round_trip(vec![[0.5f64, -1.0, f64::MAX]; length]);
        expect_round_trip::<Box<[[u8; 3]]>>(vec![[1, 2, 3]; length].into());
        expect_round_trip::<Arc<[[[f32; 2]; 2]]>>(vec![[[0.0, 1.0], [2.0, 3.0]]; length].into());
        expect_round_trip((vec![[true, false]; length], vec![['é'; 4]; length]));
        expect_round_trip(vec![[0u64; 0]; length]);
    }
    expect_round_trip([[1i16, 2], [3, 4], [5, 6]]);
    let points = bytes(&vec![[1.0f64, 2.0], [3.0, 4.0]]);
    assert_eq!(points[..16], [12 + 64, 0, 1, 0, 16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(points[16..], [1.0f64, 2.0, 3.0, 4.0].map(f64::to_le_bytes).concat());
    for is_read in [
        read::<Vec<f64>>(&points).is_ok(),
        read::<Vec<[f32; 4]>>(&points).is_ok(),
        read::<Vec<[f64; 4]>>(&points).is_ok(),
        read::<[[f64; 2]; 2]>(&points).is_ok(),
    ] {
        assert!(!is_read);
    }
    let mut no_truth = bytes(&vec![[true; 3]; 2]);
    *no_truth.last_mut().unwrap() = 2;
    assert!(read::<Vec<[bool; 3]>>(&no_truth).is_err());
}

#[test]
fn texts_and_tuples_come_back() {
    expect_round_trip(String::new());
    expect_round_trip("é☃".repeat(MANY / 2));
    expect_round_trip::<Box<str>>("abc".into());
    expect_round_trip((vec![1u8], String::from("b"), [0.5f32; 3], Array::new([], vec![7i64]).unwrap()));
    expect_round_trip((vec![1u8; MANY + 1], vec![2.0f64; MANY / 3], vec![u16::MAX; 7]));
    expect_round_trip(((vec![1u8], [2u16]), vec![-0.0f32]));
}

/// Small arrays are read in a way of their own: whatever its length, a value comes back, and no other payload is taken for one.
#[test]
fn small_and_large_arrays_are_read_alike() {
    let packed = usize::try_from(PACKED).unwrap();
    for length in [0, 1, 1000, packed / 8 - 3, packed / 8 - 2, packed / 8] {
        let numbers = vec![0.5; length];
        let written = bytes(&numbers);
        assert_eq!(<Vec<f64> as Raw<Primitive>>::of_small(&written).is_some(), written.len() < packed);
        let is_small = |taken: bool, what: &str| assert!(!taken, "{what} of {length}");
        is_small(<Vec<f32> as Raw<Primitive>>::of_small(&written).is_some(), "other elements");
        is_small(<Vec<u64> as Raw<Primitive>>::of_small(&written).is_some(), "elements of another kind");
        is_small(<[f64; 7] as Raw<Primitive>>::of_small(&written).is_some(), "another form");
        is_small(
            <Vec<f64> as Raw<Primitive>>::of_small(&[&*written, &[0; 8]].concat()).is_some(),
            "more data",
        );
        is_small(
            <Vec<f64> as Raw<Primitive>>::of_small(&written[..written.len() - 1]).is_some(),
            "less data",
        );
        expect_round_trip(numbers);
    }
    for bad in [2, 0xff] {
        let mut written = bytes(&vec![true, false]);
        *written.last_mut().unwrap() = bad;
        assert!(read::<Vec<bool>>(&written).is_err());
    }
    assert!(<[u8; 2] as Raw<Primitive>>::of_small(&bytes(&[1u8; 2])).is_some());
    assert!(<[u8; 2] as Raw<Primitive>>::of_small(&bytes(&[1u8; 3])).is_none());
}

#[test]
fn not_a_number_keeps_its_payload() {
    let numbers = vec![f64::from_bits(0x7ff8_dead_beef_0001), f64::from_bits(0xfff0_0000_0000_0001), -0.0];
    let back: Vec<f64> = read(&bytes(&numbers)).unwrap();
    let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&back), bits(&numbers));
}

/// The layout, as docs/format.md has it.
#[test]
fn golden_bytes() {
    let shape = |kind, form, rank: u16, size: u32, dimensions: &[u64]| {
        let numbers: Vec<u8> = dimensions.iter().flat_map(|dimension| dimension.to_le_bytes()).collect();
        [&[kind, form][..], &rank.to_le_bytes(), &size.to_le_bytes(), &numbers].concat()
    };
    assert_eq!(bytes(&vec![1u16, 0x0203]), [shape(7, 0, 1, 2, &[2]), vec![1, 0, 3, 2]].concat());
    assert_eq!(bytes(&"hé".to_owned()), b"h\xc3\xa9");
    assert_eq!(bytes(&("hé".to_owned(),)), [shape(6, 2, 1, 1, &[3]), b"h\xc3\xa9".to_vec()].concat());
    let two = [shape(0, 1, 1, 1, &[1]), shape(12, 0, 1, 8, &[1]), vec![1], 0.5f64.to_le_bytes().to_vec()];
    assert_eq!(bytes(&([true], vec![0.5])), two.concat());
    let array = Array::new([1, 3], vec![7u8, 8, 9]).unwrap();
    let digest = blake3::hash(&[7, 8, 9]).as_bytes().to_vec();
    assert_eq!(bytes(&array), [shape(6, 3, 2, 1, &[1, 3]), digest, vec![7, 8, 9]].concat());

    let large = bytes(&(vec![1u8; 40_000], vec![2u16; 3]));
    assert_eq!(large[..32], [shape(6, 0, 1, 1, &[40_000]), shape(7, 0, 1, 2, &[3])].concat());
    assert_eq!(large[32..64], [0; 32]);
    assert_eq!(large[64..40_064], vec![1; 40_000]);
    assert_eq!(large[40_064..], [2, 0, 2, 0, 2, 0], "40,064 is a multiple of 64");
    assert_eq!(bytes(&vec![1u8; 40_001])[16..64], [0; 48]);
}

#[test]
fn values_of_other_types_are_unreadable() {
    fn refuses<T: Raw<Primitive>>(bytes: &[u8]) {
        refuses_of::<T>(RAW, bytes);
    }
    fn refuses_of<T: Raw<Primitive>>(codec: u8, bytes: &[u8]) {
        let unreadable = matches!(read_as::<T>(codec, bytes), Err(DecodeError::Unreadable(_)));
        assert!(unreadable, "{}", std::any::type_name::<T>());
    }
    let numbers = bytes(&vec![1.0f64; 3]);
    refuses::<Vec<f32>>(&numbers);
    refuses::<Vec<u64>>(&numbers);
    refuses::<Array<f64>>(&numbers);
    refuses::<[f64; 3]>(&numbers);
    refuses::<(Vec<f64>, Vec<f64>)>(&numbers);
    refuses::<String>(&bytes(&vec![b'a']));
    refuses::<String>(b"a");
    refuses_of::<Vec<u8>>(TEXT, b"a");
    refuses_of::<(String,)>(TEXT, b"a");
    refuses_of::<String>(TEXT, b"h\xc3");
    refuses_of::<Box<str>>(TEXT, b"\xff");
    refuses::<[u8; 2]>(&bytes(&[1u8; 3]));
    refuses::<Vec<f64>>(&bytes(&(vec![1.0f64], vec![1.0f64])));
    refuses::<Vec<f64>>(&[numbers.clone(), vec![0]].concat());
}

#[test]
fn no_bytes_make_a_panic() {
    type Value = (Vec<f64>, Vec<bool>, Array<char>);
    let sound = bytes(&(vec![1.0f64; 3], vec![true; 5], Array::new([2, 1], vec!['a', 'b']).unwrap()));
    for length in 0..sound.len() {
        assert!(read::<Value>(&sound[..length]).is_err(), "{length} bytes");
    }
    for at in 0..sound.len() {
        for flip in [1, 0x80, 0xff] {
            let mut broken = sound.clone();
            broken[at] ^= flip;
            let _ = read::<Value>(&broken);
        }
    }
}

#[test]
fn data_of_large_values_and_texts_is_borrowed_and_small_values_are_in_one_piece() {
    let numbers = vec![0.0f64; 10_000];
    let Bytes::Parts(parts) = encode::<Primitive, _>(&numbers).unwrap().bytes else { panic!("one piece") };
    let data = parts.last().unwrap();
    assert!(matches!(data, Cow::Borrowed(_)) && data.as_ptr() == numbers.as_ptr().cast());
    assert!(matches!(encode::<Primitive, _>(&vec![1u8; 1000]).unwrap().bytes, Bytes::Owned(_)));
    let text = "x".repeat(LARGE);
    for text in [&text, "small"].map(str::to_owned) {
        let Bytes::Slice(data) = encode::<Primitive, _>(&text).unwrap().bytes else { panic!("copied") };
        assert!(data.as_ptr() == text.as_ptr() && data.len() == text.len());
    }
}

#[track_caller]
fn expect_argument<T: RawArgument + PartialEq + ?Sized>(value: &T) {
    let Encoded { codec, bytes } = encode_argument(value);
    let bytes = bytes.to_vec();
    let read = decode_argument::<T>(&Content { codec, source: ByteSource::Memory(&bytes) }).unwrap();
    assert!(*read == *value, "{}", std::any::type_name::<T>());
}

#[test]
fn arguments_come_back_also_those_without_a_size_and_in_an_arc() {
    for length in [0, 3, MANY] {
        let numbers = vec![0.5; length];
        expect_argument(&numbers[..]);
        expect_argument(&Arc::new(numbers.clone()));
        expect_argument(&Arc::<[f64]>::from(&numbers[..]));
        expect_argument(&Arc::new(Array::from(numbers.clone())));
        expect_argument(&(numbers, String::from("é")));
        expect_argument(&*"é".repeat(length));
        expect_argument(&vec![true; length][..]);
    }
    let Encoded { codec, bytes } = encode_argument("é");
    let bytes = bytes.to_vec();
    let content = Content { codec, source: ByteSource::Memory(&bytes) };
    assert!(decode_argument::<[u8]>(&content).is_err(), "a text is no slice");
}
