//! Types that are tried, their values, and memoized functions that return or take them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::same::Same;

/// A type that is tried: as a rule an enum of many, so that little has to be compiled.
pub trait Sample: Same + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    fn samples() -> &'static [Self];

    /// The name of its type.
    fn name(&self) -> &'static str;

    /// Whether all values of its type can come back, so that it must be kept.
    fn is_kept(&self) -> bool;
}

/// An enum of types that are tried, with their samples: `Type, whether all are kept, [values];`.
macro_rules! any {
    ($($type:ident, $kept:expr, [$($value:expr),* $(,)?];)*) => {
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        pub enum Any {
            $($type($type),)*
        }

        impl crate::same::Same for Any {
            fn same(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Any::$type(one), Any::$type(other)) => one.same(other),)*
                    _ => false,
                }
            }
        }

        impl crate::samples::Sample for Any {
            fn samples() -> &'static [Self] {
                static SAMPLES: std::sync::OnceLock<Vec<Any>> = std::sync::OnceLock::new();
                SAMPLES.get_or_init(|| vec![$($(Any::$type($value)),*),*])
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Any::$type(_) => stringify!($type),)*
                }
            }

            fn is_kept(&self) -> bool {
                match self {
                    $(Any::$type(_) => $kept,)*
                }
            }
        }

        crate::samples::ways!(Any);
    };
}
pub(crate) use any;

/// Memoized functions for a type, and `check`, which tries them.
macro_rules! ways {
    ($type:ty) => {
        #[rememo::memo(track = "none")]
        fn made(index: usize, round: u64) -> $type {
            crate::samples::pause(round);
            crate::samples::sample(index)
        }

        #[rememo::memo(track = "none")]
        fn tried(index: usize, round: u64) -> crate::samples::Tried<$type> {
            crate::samples::pause(round);
            crate::samples::nested(index)
        }

        #[rememo::memo(track = "none", cache_err)]
        fn tried_and_kept(index: usize, round: u64) -> crate::samples::Tried<$type> {
            crate::samples::pause(round);
            crate::samples::nested(index)
        }

        #[rememo::memo(track = "none")]
        fn takes(value: &$type, round: u64) -> Option<usize> {
            let _ = round;
            crate::samples::place_of(value)
        }

        #[rememo::memo(track = "none", ignore(value))]
        fn ignores(value: &$type, round: u64) -> Option<usize> {
            let _ = round;
            crate::samples::place_of(value)
        }

        /// Tries every sample.
        pub fn check(ways: &mut crate::ways::Ways) {
            use crate::samples::{Keeps, Sample};
            let samples = <$type>::samples();
            let keeps = |index: usize| Keeps::of(&samples[index]);
            let keeps_ok = |index| if index % 2 == 0 { keeps(index / 2) } else { Keeps::None };
            let name = |index: usize| samples[index].name();
            let (count, twice) = (samples.len(), 2 * samples.len());
            ways.values(true, "value", &name, count, made::delayed, made::uncached, &keeps);
            let name = |index: usize| samples[index / 2].name();
            ways.values(true, "nested", &name, twice, tried::delayed, tried::uncached, &keeps_ok);
            let keeps = |index: usize| Keeps::of(&samples[index / 2]);
            ways.values(
                false,
                "nested, under cache_err",
                &name,
                twice,
                tried_and_kept::delayed,
                tried::uncached,
                &keeps,
            );
            ways.arguments(takes::delayed);
            ways.ignored_arguments(ignores::delayed);
            ways.by_name::<$type>();
        }
    };
}
pub(crate) use ways;

pub fn sample<T: Sample>(index: usize) -> T {
    T::samples()[index].clone()
}

/// What a function says that takes a value: the first of the samples that is the same.
pub fn place_of<T: Sample>(value: &T) -> Option<usize> {
    T::samples().iter().position(|sample| sample.same(value))
}

/// A value in everything that a value may be in, and a text beside it.
pub type Nest<T> = (Vec<T>, Option<Box<T>>, BTreeMap<u32, T>, HashMap<String, (T, T)>, Result<T, T>, String);

/// Of even indices an `Ok`, of odd ones an `Err`, of the sample at half the index.
pub type Tried<T> = Result<Nest<T>, T>;

pub fn nested<T: Sample>(index: usize) -> Tried<T> {
    let value = || sample::<T>(index / 2);
    if index % 2 == 1 {
        return Err(value());
    }
    // So that some values are large, and some so large that they are encoded twice.
    let bytes = match index {
        _ if is_huge(index) => 9 << 20,
        _ if index % 20 == 2 => 70_000,
        _ => index % 20,
    };
    Ok((
        vec![value(), value()],
        Some(Box::new(value())),
        BTreeMap::from([(1, value()), (2, value())]),
        (0..2).map(|i| (format!("key {i}"), (value(), value()))).collect(),
        if index % 4 == 0 { Ok(value()) } else { Err(value()) },
        "x".repeat(bytes),
    ))
}

pub fn is_huge(index: usize) -> bool {
    index % 200 == 14
}

/// Rounds of this bit take a while, so that another thread comes to wait.
pub const SLOW: u64 = 1 << 40;

pub fn pause(round: u64) {
    if round & SLOW != 0 {
        thread::sleep(Duration::from_millis(2));
    }
}

/// What is expected to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keeps {
    /// Every value of the type.
    All,
    /// Those that would come back, which not all do.
    Some,
    /// No value: they are an `Err`.
    None,
}

impl Keeps {
    pub fn of<T: Sample>(value: &T) -> Self {
        if value.is_kept() { Keeps::All } else { Keeps::Some }
    }
}
