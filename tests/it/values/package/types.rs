//! Types by hand: each attribute of serde, and each kind of type, by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};

use serde::{Deserialize, Serialize};

use crate::helpers::{self, is_blank};
use crate::same::Same;
use crate::samples::any;

/// Types of which serde is told everything: two values are the same that are shown the same.
macro_rules! same_if_shown_the_same {
    ($($type:ty)*) => {$(
        impl Same for $type {
            fn same(&self, other: &Self) -> bool {
                format!("{self:?}") == format!("{other:?}")
            }
        }
    )*};
}

/// Types of which serde is not told every field, or `Debug` shows in any order.
macro_rules! same_by_fields {
    ($($type:ty: [$($field:tt)*];)*) => {$(
        impl Same for $type {
            fn same(&self, other: &Self) -> bool {
                true $(&& self.$field.same(&other.$field))*
            }
        }
    )*};
}

/// A type with what serde and these tests want of it.
macro_rules! types {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize)]
        $item
    )*};
}

types! {
    enum SkippedFirst { #[serde(skip)] Unknown, Cold, Warm, Hot }
    enum SkippedBetween { Cold(u8), #[serde(skip)] Unknown(u8), Warm(u8), Hot { at: u8 }, Dead { at: u8 } }
    enum SkippedLast { Cold, Warm, #[serde(skip)] Unknown }
    enum NotRead { Cold, #[serde(skip_deserializing)] Unknown, Warm, Hot }
    enum NotWritten { Cold, #[serde(skip_serializing)] Unknown, Warm, Hot }
    enum Other { Cold, #[serde(skip)] Unknown, Warm, #[serde(other)] Rest }
    #[serde(tag = "kind")]
    enum Tagged { Cold, Warm { at: u8 }, #[serde(other)] Rest }
    #[serde(tag = "kind", content = "content")]
    enum Adjacent { #[serde(skip)] Unknown, Cold, Warm(u8), Hot { at: u8 } }
    #[serde(untagged)]
    enum Untagged { Number(u64), Text(String), Nothing }
    enum PartlyUntagged { Cold, Warm(u8), #[serde(untagged)] Rest(u64) }
    #[serde(rename = "Named", rename_all = "kebab-case", rename_all_fields = "SCREAMING_SNAKE_CASE")]
    enum Renamed { VeryCold, #[serde(rename = "hot")] Warm { at_all: u8 }, #[serde(alias = "burning")] Hot(u8) }
    enum VariantWith { Cold, #[serde(with = "helpers::moved")] Warm(u64) }
    enum VariantWritten { Cold, #[serde(serialize_with = "helpers::moved::serialize")] Warm(u64) }
    enum Twins { #[serde(rename = "twin")] One(u8), #[serde(rename = "twin")] Other(u8) }
    struct HoldsSkipped { before: u8, state: Option<SkippedFirst>, after: Vec<(SkippedBetween, u8)> }

    struct Unit;
    struct Newtype(u64);
    struct Tuple(u8, String);
    struct Empty {}
    struct EmptyTuple();
    #[serde(rename = "Other", rename_all = "camelCase", deny_unknown_fields)]
    struct RenamedFields { first_one: u8, #[serde(rename = "3")] second_one: u8, #[serde(alias = "x")] third: u8 }
    struct WithDefault { #[serde(default)] a: u8, #[serde(default = "String::new")] b: String }
    struct NotWrittenField { #[serde(skip_serializing, default)] a: Gone, b: u8, c: Option<u8> }
    struct NotReadField { a: u8, #[serde(skip_deserializing)] b: u8, c: Option<u8> }
    struct Shifty { #[serde(skip_serializing_if = "is_blank")] a: Option<u8>, n: u8 }
    struct ShiftyPair(#[serde(skip_serializing_if = "is_blank")] Option<u8>, u8);
    struct SkippedByDefault { #[serde(default, skip_serializing_if = "is_blank")] a: Vec<u8>, n: u64 }
    struct Flat { id: u8, #[serde(flatten)] inner: RenamedFields }
    struct FlatMap { id: u8, #[serde(flatten)] rest: BTreeMap<String, u8> }
    #[serde(tag = "kind")]
    struct TaggedStruct { a: u8, b: u8 }
    #[serde(transparent)]
    struct Transparent { number: f64 }
    #[serde(transparent)]
    struct TransparentMoved { #[serde(with = "helpers::moved")] number: u64 }
    #[serde(transparent)]
    struct TransparentWritten { #[serde(serialize_with = "helpers::moved::serialize")] number: u64 }
    #[serde(transparent)]
    struct TransparentRead(#[serde(deserialize_with = "helpers::moved::deserialize")] u64);
    struct With { #[serde(with = "helpers::moved")] a: u64, #[serde(with = "helpers::text")] b: u64, c: u8 }
    struct Written { #[serde(serialize_with = "helpers::moved::serialize")] a: u64, c: u8 }
    struct Read { #[serde(deserialize_with = "helpers::moved::deserialize")] a: u64, c: u8 }
    struct WrittenAsText { #[serde(serialize_with = "helpers::text::serialize")] a: u64, c: Vec<u8> }
    struct Bytes { #[serde(with = "helpers::bytes")] a: String, b: String }
    struct WrittenAsBytes { #[serde(serialize_with = "helpers::bytes::serialize")] a: String }
    struct Ordered { #[serde(with = "helpers::as_map")] steps: Vec<(String, u8)> }
    struct Sorted { #[serde(with = "helpers::as_sorted_map")] steps: Vec<(String, u8)> }
    #[serde(from = "u64", into = "u64")]
    struct Converted { a: u32, b: u32 }
    #[serde(from = "(u32, u32)", into = "(u32, u32)")]
    struct Crossed { a: u32, b: u32 }
    #[serde(try_from = "u64", into = "u64")]
    struct Tried(u64);
    struct Floats { one: f32, other: f64, both: [(f32, f64); 2] }
    struct Wide { a: i128, b: u64, c: char, d: (), e: [u8; 32], f: usize }
    struct Hashes { map: HashMap<String, u8>, set: HashSet<String>, deep: BTreeMap<u8, HashMap<u8, HashSet<u8>>> }
    struct OtherHasher { map: HashMap<u64, u8, BuildHasherDefault<DefaultHasher>> }
    struct Sets { sorted: BTreeSet<String>, result: Result<u8, String>, boxed: Box<[Option<u8>]> }
    struct Recursive { next: Option<Box<Recursive>>, all: Vec<Recursive>, by: BTreeMap<u8, Recursive> }
    #[serde(bound = "")]
    struct Bound<T: Serialize + serde::de::DeserializeOwned>(T);
    struct WithStd { path: std::path::PathBuf, took: std::time::Duration, over: std::ops::Range<u8>, shared: Option<std::num::NonZeroU8> }
    struct Remote(#[serde(with = "ForeignDef")] foreign::Foreign);
    struct RemoteWritten(#[serde(serialize_with = "ForeignDef::serialize")] foreign::Foreign);
    struct InArray { numbers: rememo::Array<f64>, hashed: rememo::Hashed<String> }
    #[serde(expecting = "a date")]
    struct Expecting { day: u8 }
    struct Json { value: serde_json::Value, maybe: Option<serde_json::Value> }
    struct Nothings { a: Option<Option<u8>>, b: Option<()>, c: Unit, d: Option<Option<Option<u8>>> }
    struct FlatNothings { id: u8, #[serde(flatten)] inner: Nothings }
    struct OddKeys { by: BTreeMap<(u8, bool), char>, #[serde(flatten)] rest: BTreeMap<String, f64> }
    struct Layers { #[serde(flatten)] at: Address, layers: Vec<Layer> }
    enum Address { Ip(std::net::IpAddr), Name(String) }
    #[serde(tag = "layer", rename_all = "snake_case")]
    enum Layer { Empty, Path { style: Style, #[serde(with = "helpers::bytes", default, skip_serializing_if = "String::is_empty")] bytes: String }, Group { layers: Vec<Layer> } }
    #[serde(untagged)]
    enum Style { Named(String), Full { width: f32, #[serde(default, skip_serializing_if = "Vec::is_empty")] dash: Vec<f32> } }
    struct Widest { number: i128 }
    struct FlatWide { #[serde(flatten)] inner: Widest }
}

/// Is written as a text, and read as whatever a number may be, as decimal numbers of other crates are.
#[derive(Clone, Debug)]
struct Decimal(i64);

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl serde::de::Visitor<'_> for Number {
            type Value = Decimal;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Decimal, E> {
                Ok(Decimal(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map(Decimal).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// serde makes these up when they are read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Gone(u8);

impl From<u64> for Converted {
    fn from(bits: u64) -> Self {
        Converted { a: (bits >> 32) as u32, b: bits as u32 }
    }
}

impl From<Converted> for u64 {
    fn from(converted: Converted) -> Self {
        u64::from(converted.a) << 32 | u64::from(converted.b)
    }
}

impl From<(u32, u32)> for Crossed {
    fn from((a, b): (u32, u32)) -> Self {
        Crossed { a, b }
    }
}

impl From<Crossed> for (u32, u32) {
    fn from(crossed: Crossed) -> Self {
        (crossed.b, crossed.a)
    }
}

impl TryFrom<u64> for Tried {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        if number % 2 == 0 { Ok(Tried(number)) } else { Err("it is odd") }
    }
}

impl From<Tried> for u64 {
    fn from(tried: Tried) -> Self {
        tried.0
    }
}

mod foreign {
    #[derive(Clone, Debug)]
    pub struct Foreign {
        a: u8,
        b: String,
    }

    impl Foreign {
        pub fn new(a: u8, b: String) -> Self {
            Foreign { a, b }
        }

        pub fn a(&self) -> u8 {
            self.a
        }

        pub fn b(&self) -> String {
            self.b.clone()
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "foreign::Foreign")]
struct ForeignDef {
    #[serde(getter = "foreign::Foreign::a")]
    a: u8,
    #[serde(getter = "foreign::Foreign::b", rename = "c")]
    b: String,
}

impl From<ForeignDef> for foreign::Foreign {
    fn from(def: ForeignDef) -> Self {
        foreign::Foreign::new(def.a, def.b)
    }
}

impl<'de> Deserialize<'de> for foreign::Foreign {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (b, a): (String, u8) = Deserialize::deserialize(deserializer)?;
        Ok(foreign::Foreign::new(a, b))
    }
}

fn steps(names: &[&str]) -> Vec<(String, u8)> {
    names.iter().zip(1..).map(|(name, i)| ((*name).to_owned(), i)).collect()
}

fn hashes(count: u8) -> Hashes {
    let names = || (0..count).map(|i| format!("name {i}"));
    let deep = |i: u8| (0..i % 7).map(|j| (j, (0..j).collect())).collect();
    Hashes {
        map: names().zip(0..).collect(),
        set: names().collect(),
        deep: (0..count % 9).map(|i| (i, deep(i))).collect(),
    }
}

same_if_shown_the_same! {
    Twins SkippedFirst SkippedBetween SkippedLast NotRead NotWritten Other Tagged Adjacent Untagged PartlyUntagged Renamed VariantWith VariantWritten HoldsSkipped Unit Newtype Tuple Empty EmptyTuple RenamedFields WithDefault NotReadField Shifty ShiftyPair SkippedByDefault Json Decimal FlatNothings OddKeys Layers FlatWide Flat FlatMap TaggedStruct Transparent TransparentMoved TransparentWritten TransparentRead With Written Read WrittenAsText Bytes WrittenAsBytes Ordered Sorted Converted Crossed Tried Floats Wide WithStd Remote RemoteWritten Expecting InArray Recursive
    Box<[Option<u8>]>
}

same_by_fields! {
    // Of `a` serde is told nothing.
    NotWrittenField: [b c];
    Hashes: [map set deep];
    OtherHasher: [map];
    Sets: [sorted result boxed];
    BoundNewtype: [0];
    BoundSkipped: [0];
}

type BoundNewtype = Bound<Newtype>;
type BoundSkipped = Bound<SkippedFirst>;

any! {
    SkippedFirst, true, [SkippedFirst::Cold, SkippedFirst::Warm, SkippedFirst::Hot];
    SkippedBetween, false, [SkippedBetween::Cold(1), SkippedBetween::Warm(1), SkippedBetween::Hot { at: 1 }, SkippedBetween::Unknown(1), SkippedBetween::Dead { at: 1 }];
    SkippedLast, true, [SkippedLast::Cold, SkippedLast::Warm];
    NotRead, false, [NotRead::Cold, NotRead::Unknown, NotRead::Warm, NotRead::Hot];
    NotWritten, false, [NotWritten::Cold, NotWritten::Unknown, NotWritten::Warm, NotWritten::Hot];
    Other, true, [Other::Cold, Other::Warm, Other::Rest];
    Tagged, true, [Tagged::Cold, Tagged::Warm { at: 1 }, Tagged::Rest];
    Adjacent, true, [Adjacent::Cold, Adjacent::Warm(1), Adjacent::Hot { at: 1 }];
    Untagged, true, [Untagged::Number(1), Untagged::Text("1".into()), Untagged::Nothing];
    PartlyUntagged, true, [PartlyUntagged::Cold, PartlyUntagged::Warm(1), PartlyUntagged::Rest(1)];
    Renamed, true, [Renamed::VeryCold, Renamed::Warm { at_all: 1 }, Renamed::Hot(1)];
    VariantWith, true, [VariantWith::Cold, VariantWith::Warm(1)];
    VariantWritten, false, [VariantWritten::Cold, VariantWritten::Warm(1)];
    Twins, true, [Twins::One(1), Twins::Other(1)];
    HoldsSkipped, true, [
        HoldsSkipped { before: 1, state: None, after: vec![] },
        HoldsSkipped { before: 1, state: Some(SkippedFirst::Cold), after: vec![] },
        HoldsSkipped { before: 1, state: None, after: vec![(SkippedBetween::Cold(1), 2)] },
        HoldsSkipped { before: 1, state: None, after: vec![(SkippedBetween::Hot { at: 1 }, 2)] },
    ];
    Unit, true, [Unit];
    Newtype, true, [Newtype(1), Newtype(u64::MAX)];
    Tuple, true, [Tuple(1, "one".into()), Tuple(1, String::new())];
    Empty, true, [Empty {}];
    EmptyTuple, true, [EmptyTuple()];
    RenamedFields, true, [RenamedFields { first_one: 1, second_one: 2, third: 3 }];
    WithDefault, true, [WithDefault { a: 1, b: "b".into() }, WithDefault { a: 0, b: String::new() }];
    NotReadField, false, [NotReadField { a: 1, b: 2, c: None }, NotReadField { a: 1, b: 0, c: Some(0) }];
    Shifty, true, [Shifty { a: None, n: 0 }, Shifty { a: Some(0), n: 3 }, Shifty { a: None, n: 1 }];
    ShiftyPair, false, [ShiftyPair(None, 0), ShiftyPair(Some(0), 3), ShiftyPair(None, 1)];
    SkippedByDefault, true, [SkippedByDefault { a: vec![], n: 0 }, SkippedByDefault { a: vec![1], n: 1 }];
    Flat, true, [Flat { id: 1, inner: RenamedFields { first_one: 1, second_one: 2, third: 3 } }];
    FlatMap, true, [FlatMap { id: 1, rest: BTreeMap::new() }, FlatMap { id: 1, rest: BTreeMap::from([("a".into(), 1)]) }];
    TaggedStruct, true, [TaggedStruct { a: 1, b: 2 }];
    Transparent, true, [Transparent { number: 0.0 }, Transparent { number: -0.0 }];
    TransparentMoved, true, [TransparentMoved { number: 0 }, TransparentMoved { number: u64::MAX }];
    TransparentWritten, false, [TransparentWritten { number: 0 }, TransparentWritten { number: u64::MAX }];
    TransparentRead, false, [TransparentRead(0), TransparentRead(7)];
    With, true, [With { a: 0, b: 77, c: 1 }, With { a: u64::MAX, b: 0, c: 1 }];
    Written, false, [Written { a: 0, c: 1 }, Written { a: 5, c: 1 }];
    Read, false, [Read { a: 0, c: 1 }, Read { a: 5, c: 1 }];
    WrittenAsText, false, [WrittenAsText { a: 0, c: vec![] }, WrittenAsText { a: 12_345_678, c: vec![0; 9] }];
    Bytes, true, [Bytes { a: "bytes".into(), b: "text".into() }, Bytes { a: String::new(), b: String::new() }];
    WrittenAsBytes, false, [WrittenAsBytes { a: "bytes".into() }, WrittenAsBytes { a: String::new() }];
    Ordered, true, [
        Ordered { steps: steps(&["a", "b", "c"]) },
        Ordered { steps: steps(&["b", "a", "c"]) },
        Ordered { steps: vec![("b".into(), 2), ("a".into(), 1)] },
        Ordered { steps: vec![("a".into(), 1), ("b".into(), 2)] },
    ];
    Sorted, false, [Sorted { steps: steps(&["a", "b", "c"]) }, Sorted { steps: vec![("b".into(), 2), ("a".into(), 1)] }];
    Converted, true, [Converted { a: 1, b: 2 }, Converted { a: 2, b: 1 }];
    Crossed, false, [Crossed { a: 1, b: 2 }, Crossed { a: 2, b: 1 }, Crossed { a: 1, b: 1 }];
    Tried, false, [Tried(2), Tried(3)];
    Floats, true, [
        Floats { one: 0.0, other: -0.0, both: [(1.5, f64::INFINITY); 2] },
        Floats { one: -0.0, other: 0.0, both: [(f32::MIN_POSITIVE, 5e-324); 2] },
        Floats { one: f32::NAN, other: f64::NAN, both: [(f32::NAN, f64::from_bits(0x7ff8_0000_0000_0077)); 2] },
    ];
    Wide, true, [Wide { a: i128::MIN, b: 1 << 60, c: '☃', d: (), e: [7; 32], f: usize::MAX }];
    WithStd, true, [WithStd {
        path: "a/ä".into(), took: std::time::Duration::new(1, 2), over: 1..9, shared: std::num::NonZeroU8::new(3)
    }];
    Remote, true, [Remote(foreign::Foreign::new(1, "b".into()))];
    RemoteWritten, false, [RemoteWritten(foreign::Foreign::new(1, "b".into())), RemoteWritten(foreign::Foreign::new(0, String::new()))];
    Expecting, true, [Expecting { day: 1 }];
    InArray, true, [
        InArray { numbers: vec![1.0, 2.0].into(), hashed: "a".to_owned().into() },
        InArray { numbers: vec![0.5; 9000].into(), hashed: "a".repeat(5000).into() },
    ];
    Recursive, true, [
        Recursive { next: None, all: vec![], by: BTreeMap::new() },
        Recursive {
            next: Some(Box::new(Recursive { next: None, all: vec![], by: BTreeMap::new() })),
            all: vec![Recursive { next: None, all: vec![], by: BTreeMap::new() }; 2],
            by: BTreeMap::from([(1, Recursive { next: None, all: vec![], by: BTreeMap::new() })]),
        },
    ];
    NotWrittenField, true, [
        NotWrittenField { a: Gone(9), b: 0, c: Some(0) },
        NotWrittenField { a: Gone(0), b: 1, c: None },
    ];
    Hashes, true, [hashes(0), hashes(1), hashes(2), hashes(60)];
    OtherHasher, true, [
        OtherHasher { map: (0..50).map(|i| (i, 1)).collect() },
        OtherHasher { map: (0..50).rev().map(|i| (i, 2)).collect() },
    ];
    Sets, true, [
        Sets { sorted: BTreeSet::from(["b".into(), "a".into()]), result: Ok(1), boxed: Box::new([None, Some(1)]) },
        Sets { sorted: BTreeSet::new(), result: Err("no".into()), boxed: Box::new([]) },
    ];
    BoundNewtype, true, [Bound(Newtype(1))];
    Json, true, [
        Json { value: serde_json::json!({"a": [1, -2, 2.5, null, "x", {}], "n": u64::MAX}), maybe: None },
        Json { value: serde_json::Value::Null, maybe: Some(serde_json::Value::Null) },
    ];
    Decimal, true, [Decimal(1234), Decimal(-5)];
    FlatNothings, true, [
        FlatNothings { id: 1, inner: Nothings { a: None, b: None, c: Unit, d: None } },
        FlatNothings { id: 1, inner: Nothings { a: Some(None), b: Some(()), c: Unit, d: Some(Some(None)) } },
        FlatNothings { id: 1, inner: Nothings { a: Some(Some(3)), b: None, c: Unit, d: Some(Some(Some(3))) } },
    ];
    OddKeys, true, [OddKeys {
        by: BTreeMap::from([((1, true), 'x'), ((2, false), '☃')]),
        rest: BTreeMap::from([("nan".into(), f64::NAN), ("zero".into(), -0.0)]),
    }];
    Layers, true, [Layers { at: Address::Ip("::1".parse().unwrap()), layers: vec![Layer::Group { layers: vec![
        Layer::Path { style: Style::Named("a".into()), bytes: "b".into() },
        Layer::Path { style: Style::Full { width: 0.5, dash: vec![1.0] }, bytes: String::new() },
        Layer::Empty,
    ] }] }];
    // What serde's buffers have no room for.
    FlatWide, false, [FlatWide { inner: Widest { number: 1 } }];
    BoundSkipped, true, [Bound(SkippedFirst::Cold), Bound(SkippedFirst::Hot)];
}
