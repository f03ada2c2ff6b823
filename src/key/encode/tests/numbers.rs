//! Slices of numbers have the bytes that they have element by element, and those are what docs/format.md says.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

use super::*;
use crate::sys::raw::{self, Bits};

/// Where runs, sequences and buffers begin to be treated otherwise.
const LENGTHS: [usize; 17] =
    [0, 1, 2, 127, 128, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 16_383, 16_384, 16_385, 65_537, 140_000];

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn numbers<T: Reference>(&mut self, length: usize) -> Vec<T> {
        (0..length).map(|_| T::of(u128::from(self.next()) << 64 | u128::from(self.next()))).collect()
    }
}

/// What docs/format.md says of a primitive type, written without a look at the encoder.
trait Reference: Serialize + Bits<raw::Primitive> + Debug {
    const TAG: u8;
    fn of(bits: u128) -> Self;
    fn bytes(self) -> Vec<u8>;
}

macro_rules! reference {
    ($($type:ty, $tag:literal, $of:expr, $bytes:expr;)*) => {$(
        impl Reference for $type {
            const TAG: u8 = $tag;
            fn of(bits: u128) -> Self {
                let of: fn(u128) -> $type = $of;
                of(bits)
            }
            fn bytes(self) -> Vec<u8> {
                let bytes: fn($type) -> Vec<u8> = $bytes;
                bytes(self)
            }
        }
    )*};
}

reference! {
    bool, 0x40, |bits| bits & 1 == 1, |value| vec![u8::from(value)];
    i8, 0x41, |bits| bits as i8, |value| value.to_le_bytes().into();
    i16, 0x42, |bits| bits as i16, |value| value.to_le_bytes().into();
    i32, 0x43, |bits| bits as i32, |value| value.to_le_bytes().into();
    i64, 0x44, |bits| bits as i64, |value| value.to_le_bytes().into();
    i128, 0x45, |bits| bits as i128, |value| value.to_le_bytes().into();
    u8, 0x46, |bits| bits as u8, |value| vec![value];
    u16, 0x47, |bits| bits as u16, |value| value.to_le_bytes().into();
    u32, 0x48, |bits| bits as u32, |value| value.to_le_bytes().into();
    u64, 0x49, |bits| bits as u64, |value| value.to_le_bytes().into();
    u128, 0x4a, |bits| bits, |value| value.to_le_bytes().into();
    // Every bit pattern: NaNs with all payloads, infinities, subnormal numbers.
    f32, 0x4b, |bits| f32::from_bits(bits as u32 | if bits >> 100 & 1 == 1 { 0x7f80_0000 } else { 0 }),
        |value| value.to_bits().to_le_bytes().into();
    f64, 0x4c, |bits| f64::from_bits(bits as u64 | if bits >> 100 & 1 == 1 { 0x7ff << 52 } else { 0 }),
        |value| value.to_bits().to_le_bytes().into();
    char, 0x4d, |bits| char::from_u32(bits as u32 % 0x11_0000).unwrap_or('x'),
        |value| u32::from(value).to_le_bytes().into();
    usize, 0x49, |bits| bits as usize, |value| (value as u64).to_le_bytes().into();
    isize, 0x44, |bits| bits as isize, |value| (value as i64).to_le_bytes().into();
}

/// A sequence as serde shows one that is not recognised: element by element.
#[derive(Clone)]
struct OneByOne<T>(Vec<T>);

impl<T: Serialize> Serialize for OneByOne<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elements = serializer.serialize_seq(Some(self.0.len()))?;
        for element in &self.0 {
            elements.serialize_element(element)?;
        }
        elements.end()
    }
}

/// A sequence as `serialize_with` functions often write it.
struct Iterated<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for Iterated<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

fn leb128(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while length > 127 {
        bytes.push((length & 127 | 128) as u8);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes
}

/// Docs/format.md of a slice of numbers.
fn naive<T: Reference>(numbers: &[T]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.bytes()).collect();
    if numbers.is_empty() {
        vec![0x06, 0x00]
    } else if numbers.len() < 4096 {
        [&[0x06, T::TAG], &(numbers.len() as u16).to_le_bytes()[..], &data, &[0x00]].concat()
    } else {
        let structure = [&[T::TAG], &leb128(numbers.len())[..], blake3::hash(&data).as_bytes()].concat();
        [&[0x86][..], blake3::hash(&structure).as_bytes()].concat()
    }
}

#[derive(Serialize)]
struct Nested<S> {
    name: &'static str,
    direct: S,
    inside: (u8, Option<(S, f32)>),
    map: BTreeMap<u8, S>,
    list: Vec<S>,
}

impl<S: Clone> Nested<S> {
    fn of(sequence: S) -> Self {
        Nested {
            name: "nested",
            direct: sequence.clone(),
            inside: (1, Some((sequence.clone(), 2.5))),
            map: BTreeMap::from([(3, sequence.clone()), (1, sequence.clone())]),
            list: vec![sequence.clone(), sequence],
        }
    }
}

fn expect_same_bytes<T: Reference>(random: &mut Random) {
    for length in LENGTHS.into_iter().chain((0..8).map(|_| random.below(20_000)).collect::<Vec<_>>()) {
        let numbers: Vec<T> = random.numbers(length);
        let expected = naive(&numbers);
        let what = format!("{length} × {}", std::any::type_name::<T>());
        assert_eq!(bytes(&numbers), expected, "{what}, a vector");
        assert_eq!(bytes(&numbers[..]), expected, "{what}, a slice");
        assert_eq!(bytes(&numbers.clone().into_boxed_slice()), expected, "{what}, a boxed slice");
        assert_eq!(bytes(&&&numbers), expected, "{what}, behind references");
        assert_eq!(bytes(&Iterated(&numbers)), expected, "{what}, an iterator");
        let slow = OneByOne(numbers.clone());
        assert_eq!(bytes(&slow), expected, "{what}, element by element");
        assert_eq!(bytes(&Nested::of(slow)), bytes(&Nested::of(numbers)), "{what}, nested");
    }
}

#[test]
fn slices_of_every_primitive_have_the_bytes_of_their_elements_in_turn() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    macro_rules! each { ($($type:ty)*) => { $(expect_same_bytes::<$type>(&mut random);)* } }
    each! { bool i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 char }
}

#[test]
fn arrays_have_the_bytes_of_tuples() {
    let numbers: [f64; 32] = std::array::from_fn(|i| i as f64);
    let expected = [&[0x07, 0x4c, 32, 0], &numbers.map(f64::to_le_bytes).concat()[..], &[0x00]].concat();
    assert_eq!(bytes(&numbers), expected);
    assert_eq!(bytes(&Rc::<[f64; 32]>::new(numbers).as_ref()), expected);
}

/// Arrays of numbers, whose `of_one` is what docs/format.md has in the structure for one.
fn expect_rows<T: Serialize + Clone>(
    of_one: &[u8],
    row: impl Fn(usize) -> T,
    bytes_of: impl Fn(&T) -> Vec<u8>,
) {
    for length in [4096, 4097, 20_000, 100_000] {
        let rows: Vec<T> = (0..length).map(&row).collect();
        let data: Vec<u8> = rows.iter().flat_map(&bytes_of).collect();
        let structure = [&*of_one.repeat(length), blake3::hash(&data).as_bytes()].concat();
        let expected = [&[0x86][..], blake3::hash(&structure).as_bytes()].concat();
        let what = format!("{length} × {}", std::any::type_name::<T>());
        assert_eq!(bytes(&rows), expected, "{what}, a vector");
        assert_eq!(bytes(&Iterated(&rows)), expected, "{what}, an iterator");
        let slow = OneByOne(rows.clone());
        assert_eq!(bytes(&slow), expected, "{what}, one by one");
        assert_eq!(bytes(&Nested::of(rows)), bytes(&Nested::of(slow)), "{what}, nested");
    }
}

#[test]
fn long_slices_of_arrays_have_the_bytes_that_their_elements_have_in_turn() {
    let reals = |row: &[f64]| row.iter().flat_map(|number| number.to_le_bytes()).collect();
    expect_rows(&[0x07, 0x4c, 3, 0], |i| [i as f64, 0.5, -(i as f64)], |row| reals(row));
    expect_rows(&[0x07, 0x46, 3, 0], |i| [i as u8, 7, (i >> 8) as u8], |row| row.to_vec());
    let words = |row: &[usize; 2]| row.map(|number| (number as u64).to_le_bytes()).concat();
    expect_rows(&[0x07, 0x49, 2, 0], |i| [i, i / 3], words);
    expect_rows(&[0x07, 0x46, 5, 0], |i| [i as u8; 5], |row| row.to_vec()); // of a size that is not looked for
    let of_matrix = [0x07, 0x07, 0x4c, 2, 0, 0x07, 0x4c, 2, 0, 0];
    expect_rows(&of_matrix, |i| [[i as f64, 1.0], [2.0, -1.0]], |row| reals(row.as_flattened()));
}

#[test]
fn large_slices_hash_the_same_on_several_threads_and_on_one() {
    let numbers: Vec<u64> = Random(7).numbers(500_000);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(bytes(&numbers), naive(&numbers));
    assert_eq!(pool.install(|| bytes(&numbers)), naive(&numbers));
    let text = "long".repeat(500_000);
    let expected = [&[0x84][..], blake3::hash(text.as_bytes()).as_bytes()].concat();
    assert_eq!(bytes(&text), expected);
}

/// An element of a sequence whose elements are not all alike.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Mixed {
    Byte(u8),
    Real(f64),
    Text(String),
    Some(Option<u8>),
}

/// Docs/format.md of a long sequence of such.
fn naive_mixed(elements: &[Mixed]) -> Vec<u8> {
    let (mut structure, mut data) = (Vec::new(), Vec::new());
    let mut run: Option<(u8, usize)> = None;
    let end = |structure: &mut Vec<u8>, run: &mut Option<(u8, usize)>| {
        if let Some((tag, count)) = run.take() {
            structure.push(tag);
            structure.extend(leb128(count));
        }
    };
    for element in elements {
        let (tag, bytes) = match element {
            Mixed::Byte(byte) => (0x46, vec![*byte]),
            Mixed::Real(real) => (0x4c, real.to_le_bytes().into()),
            Mixed::Text(text) => {
                end(&mut structure, &mut run);
                structure.extend([&[0x04], &leb128(text.len())[..], text.as_bytes()].concat());
                continue;
            }
            Mixed::Some(some) => {
                end(&mut structure, &mut run);
                structure.extend(some.map_or(vec![0x02], |byte| vec![0x03, 0x26, byte]));
                continue;
            }
        };
        data.extend(bytes);
        match &mut run {
            Some((of, count)) if *of == tag => *count += 1,
            _ => {
                end(&mut structure, &mut run);
                run = Some((tag, 1));
            }
        }
    }
    end(&mut structure, &mut run);
    structure.extend(blake3::hash(&data).as_bytes());
    [&[0x86][..], blake3::hash(&structure).as_bytes()].concat()
}

#[test]
fn long_mixed_sequences_are_hashed_as_specified_and_every_element_counts() {
    let mut random = Random(99);
    for length in [4096, 5000, 30_000] {
        let mut kind = 0;
        let mut elements: Vec<Mixed> = (0..length)
            .map(|_| {
                // Long stretches of one kind and short ones.
                if random.below(9) == 0 {
                    kind = random.below(4);
                }
                match kind {
                    0 => Mixed::Byte(random.next() as u8),
                    1 => Mixed::Real(random.next() as f64),
                    2 => Mixed::Text("t".repeat(random.below(200))),
                    _ => Mixed::Some(Some(random.next() as u8).filter(|byte| byte & 1 == 1)),
                }
            })
            .collect();
        let before = bytes(&elements);
        assert_eq!(before, naive_mixed(&elements), "{length} elements");
        let at = random.below(length);
        elements[at] = match &elements[at] {
            Mixed::Byte(_) => Mixed::Real(0.0),
            _ => Mixed::Byte(0),
        };
        assert_ne!(bytes(&elements), before, "element {at} of {length} changed");
    }
}

/// The same bytes of data with another division into elements, or another order of elements of different streams.
#[test]
fn the_structure_tells_apart_what_has_equal_data() {
    let all = [
        bytes(&vec![1u8; 8192]),
        bytes(&vec![0x0101u16; 4096]),
        bytes(&vec![1u8; 8193]),
        bytes(&vec![true; 8192]),
        bytes(&[vec![Mixed::Some(None)], vec![Mixed::Byte(1); 8192]].concat()),
        bytes(&[vec![Mixed::Byte(1); 8192], vec![Mixed::Some(None)]].concat()),
        bytes(&[vec![Mixed::Byte(1)], vec![Mixed::Some(None)], vec![Mixed::Byte(1); 8191]].concat()),
        bytes(&Tuple(&[1; 8192])),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(!all[..i].contains(a), "case {i}");
    }
}
