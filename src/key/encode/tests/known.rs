//! What is known from before has the bytes that it would have if it were encoded anew.

use std::cell::Cell;

use super::*;
use crate::key::{Hashed, known};
use crate::sys::raw::{self, Bits};

/// Numbers whose digest is known, as an array that was read back has it.
struct Known<'a, T>(&'a [T], Cell<usize>);

impl<T: Bits<raw::Primitive> + Serialize> Serialize for Known<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        known::numbers(serializer, self.0, || {
            self.1.set(self.1.get() + 1);
            *blake3::hash(raw::bytes_of(self.0)).as_bytes()
        })
    }
}

#[test]
fn a_known_digest_stands_for_a_long_slice_and_is_not_asked_for_of_a_short_one() {
    for length in [0, 1, 4095, 4096, 100_000] {
        let numbers = vec![1.5f32; length];
        let known = Known(&numbers, Cell::new(0));
        assert_eq!(bytes(&known), bytes(&numbers), "{length} elements");
        assert_eq!(bytes(&(1u8, &known, 2u8)), bytes(&(1u8, &numbers, 2u8)), "{length} elements, nested");
        assert_eq!(
            bytes(&vec![&known, &known]),
            bytes(&vec![&numbers, &numbers]),
            "{length} elements, in a list"
        );
        assert_eq!(known.1.get(), if length < 4096 { 0 } else { 4 });
    }
}

#[test]
fn other_serializers_see_the_numbers() {
    let known = Known(&[7u8; 5000], Cell::new(0));
    assert_eq!(serde_json::to_string(&known).unwrap(), serde_json::to_string(&vec![7u8; 5000]).unwrap());
    assert_eq!(known.1.get(), 0);
}

/// A digest that is given out of hand, so that it is seen that nothing else was looked at.
#[test]
fn the_numbers_behind_a_known_digest_are_not_looked_at() {
    struct Pretends;
    impl Serialize for Pretends {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let digest = *blake3::hash(&[9; 4096]).as_bytes();
            known::numbers(serializer, &[0u8; 4096], || digest)
        }
    }
    assert_eq!(bytes(&Pretends), bytes(&vec![9u8; 4096]));
}

/// Counts how often it is serialized.
struct Counted<T>(T, Cell<usize>);

impl<T: Serialize> Serialize for Counted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.1.set(self.1.get() + 1);
        self.0.serialize(serializer)
    }
}

#[track_caller]
fn expect_hashed<T: Serialize>(value: T) {
    let plain = bytes(&value);
    let in_sequence = bytes(&vec![&value, &value]);
    let in_map = bytes(&BTreeMap::from([(1u8, &value)]));
    let hashed = Hashed::new(Counted(value, Cell::new(0)));
    for _ in 0..3 {
        assert_eq!(bytes(&hashed), plain);
        assert_eq!(bytes(&vec![&hashed, &hashed]), in_sequence);
        assert_eq!(bytes(&BTreeMap::from([(1u8, &hashed)])), in_map);
        assert_eq!(bytes(&(1u8, &hashed, 2u8)), bytes(&(1u8, &hashed.0, 2u8)));
    }
    let times = hashed.1.get();
    assert!(plain.len() <= 17 || times == 1, "serialized {times} times for {} bytes", plain.len());
}

#[test]
fn a_hashed_value_has_the_bytes_of_the_value_and_is_serialized_once() {
    expect_hashed(vec![1.5f64; 100_000]);
    expect_hashed(vec![1.5f64; 10]);
    expect_hashed("a text that is longer than a number");
    expect_hashed("t".repeat(5000));
    expect_hashed((0..5000u16).map(|i| (i, vec![i])).collect::<HashMap<_, _>>());
    expect_hashed(Config { depth: 3, rate: Some(1.5) });
    expect_hashed(Hashed::new(vec![7u64; 5000]));
    for small in [1u8, 7] {
        expect_hashed(small);
        expect_hashed(u128::from(small));
        expect_hashed(Some(small));
        expect_hashed(());
        expect_hashed(Shape::Point);
        expect_hashed([small; 2]);
    }
}

#[test]
fn a_hashed_value_that_serde_refuses_is_an_error_each_time() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("no bytes for this"))
        }
    }
    let hashed = Hashed::new(Fails);
    for _ in 0..2 {
        assert_eq!(canonical_bytes(&hashed).unwrap_err().to_string(), "no bytes for this");
    }
}

#[test]
fn a_clone_of_a_hashed_value_knows_what_the_original_does() {
    thread_local!(static TIMES: Cell<usize> = const { Cell::new(0) });
    #[derive(Clone)]
    struct Counts;
    impl Serialize for Counts {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            TIMES.set(TIMES.get() + 1);
            serializer.serialize_str("a text that is longer than a number")
        }
    }
    let hashed = Hashed::new(Counts);
    let before = bytes(&hashed);
    assert_eq!(bytes(&hashed.clone()), before);
    assert_eq!(TIMES.get(), 1);
}

/// What stands for something else has items of its own, which serde cannot make.
#[test]
fn stand_ins_are_told_apart_by_what_they_stand_for() {
    struct Stands(StandIn);
    impl Serialize for Stands {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            known::stand_in(
                serializer,
                self.0,
                || Ok([7; 32]),
                |serializer| serializer.serialize_str("plain"),
            )
        }
    }
    for (stands, tag) in [(StandIn::Entry, 0x14), (StandIn::InputFile, 0x15), (StandIn::InputDir, 0x16)] {
        assert_eq!(bytes(&Stands(stands)), [&[tag][..], &[7; 32]].concat());
        assert_eq!(
            bytes(&((), Stands(stands), ())),
            [&[0x07, 0x01, tag][..], &[7; 32], &[0x01, 0x00]].concat()
        );
        assert_eq!(serde_json::to_string(&Stands(stands)).unwrap(), r#""plain""#);
    }
}
