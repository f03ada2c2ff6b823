//! Functions of every shape, under every lint that a careful crate turns on.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused)]
#![deny(elided_lifetimes_in_paths, explicit_outlives_requirements, single_use_lifetimes, unused_lifetimes)]
#![deny(non_ascii_idents, trivial_casts, unnameable_types, unused_import_braces, unused_qualifications)]
#![deny(let_underscore_drop, redundant_lifetimes, unit_bindings, unused_results, variant_size_differences)]
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use rememo::{Memory, memo};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Of no serde implementation.
#[derive(Debug, PartialEq)]
pub struct Failure;

/// A parameter and a receiver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    depth: u64,
}

/// A generic receiver with a lifetime.
#[derive(Debug, Serialize)]
pub struct View<'a, T> {
    items: &'a [T],
}

/// No parameters.
#[memo]
pub fn nothing() -> u64 {
    1
}

/// An explicit unit.
#[memo]
pub fn unit(_x: u64) -> () {}

/// Everything that a parameter can be.
#[memo(ignore(verbose, observer), name = "parameters", version = 3, ttl = "7d", min_cost = "1ms", valid = fresh)]
pub fn parameters(
    seed: u64,
    config: &Config,
    label: &str,
    mut values: Vec<f64>,
    words: Cow<'_, str>,
    nested: &[Option<&str>],
    maps: (HashMap<String, u8>, &BTreeMap<u8, [u8; 4]>),
    verbose: bool,
    observer: &dyn Fn(&str) -> bool,
) -> f64 {
    values.push(1.0);
    let mut sum: f64 = values.iter().sum();
    if verbose && observer(&words) {
        sum += 1.0;
    }
    sum + f64::from(u32::try_from(seed + config.depth).unwrap_or(0))
        + f64::from(u32::try_from(label.len() + nested.len() + maps.0.len() + maps.1.len()).unwrap_or(0))
}

fn fresh(_: &rememo::EntryInfo) -> bool {
    true
}

/// More than sixteen parameters.
#[memo]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "that many are asked for")]
pub fn many(
    a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8,
    q: u8,
) -> u8 {
    a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q
}

/// A parameter with the name of the function, and one with that of a keyword.
#[memo]
pub fn same(same: u64, r#type: u64) -> u64 {
    same + r#type
}

/// A function with the name of a keyword.
#[memo]
pub fn r#match(x: u64) -> u64 {
    x
}

/// Lifetimes with and without names.
#[memo]
pub fn lifetimes<'a>(first: &'a str, second: &'a str, third: &'static str, fourth: &str) -> usize {
    first.len() + second.len() + third.len() + fourth.len()
}

/// A lifetime that is bound.
#[memo]
pub fn outlives<'a, 'b: 'a>(first: &'a str, second: &'b str, third: &'a [&'b str]) -> usize {
    first.len() + second.len() + third.len()
}

/// Type and const parameters.
#[memo]
pub fn generic<T, K: Serialize + Ord, const N: usize>(items: &[T; N], keys: Vec<K>) -> BTreeMap<usize, T>
where
    T: Clone + Display + Serialize + DeserializeOwned,
    [T; N]: Serialize,
{
    items.iter().cloned().enumerate().take(keys.len()).collect()
}

/// A type parameter that no parameter mentions.
#[memo]
pub fn made<T: Default + Serialize + DeserializeOwned>() -> T {
    T::default()
}

/// Calls itself.
#[memo]
pub fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

/// A `Result` whose error cannot be kept.
///
/// # Errors
///
/// Fails for 0.
#[memo]
#[must_use = "it may fail"]
pub fn fallible(x: u64) -> Result<u64, Failure> {
    if x == 0 { Err(Failure) } else { Ok(x) }
}

/// A `Result` that is kept whole.
///
/// # Errors
///
/// Fails for 0.
#[memo(cache_err)]
#[inline]
pub fn kept(x: u64) -> Result<u64, String> {
    if x == 0 { Err("zero".into()) } else { Ok(x) }
}

/// Lints that are expected somewhere in it.
#[memo(track = "none")]
#[expect(unused_variables, reason = "only the signature matters")]
#[cfg_attr(all(), expect(unused_mut, reason = "so it is"), doc = "More.")]
pub fn expected(x: u64) -> u64 {
    let mut y = 1;
    y
}

/// Not there.
#[memo]
#[cfg(any())]
pub fn absent(x: Missing) -> u64 {
    x
}

#[doc(hidden)]
#[memo]
#[deprecated]
pub fn hidden(x: u64) -> u64 {
    x
}

#[memo]
pub(crate) fn internal(x: u64) -> u64 {
    x
}

#[memo]
fn private(x: u64) -> u64 {
    x
}

mod inner {
    use rememo::memo;

    #[memo]
    pub(super) fn restricted(x: u64) -> u64 {
        helper(x)
    }

    #[memo]
    pub(in crate::inner) fn helper(x: u64) -> u64 {
        x
    }
}

impl Config {
    /// A method.
    #[memo]
    pub fn score(&self, x: u64, mut y: u64) -> u64 {
        y += 1;
        self.depth + x + y
    }

    /// A method that gives what it is of.
    #[memo(ignore(label))]
    pub fn deeper<'a>(&'a self, label: &'a str, x: u64) -> Self
    where
        Self: Clone,
    {
        let _ = label;
        Self { depth: self.depth + x }
    }
}

impl<T: Serialize + Copy> View<'_, T> {
    /// A method of a generic type.
    #[memo]
    pub fn first<U: Serialize + DeserializeOwned + From<T>>(&self, or: &U) -> Option<U> {
        let _ = or;
        self.items.first().map(|&item| U::from(item))
    }
}

/// In a body, where two of one name can be.
pub fn outer(x: u64) -> u64 {
    #[memo]
    fn local(x: u64) -> u64 {
        x
    }
    let first = local(x);
    {
        #[memo]
        fn local(x: u64) -> u64 {
            x + 1
        }
        first + Memory::disabled().call(local::delayed(x))
    }
}

macro_rules! memoized {
    ($name:ident, $ty:ty, $value:expr) => {
        /// Written by a macro.
        #[memo]
        pub fn $name(x: $ty) -> $ty {
            x + $value
        }
    };
}

memoized!(by_macro, u64, 1 + 2);

fn main() {
    let _memory = Memory::disabled().enter();
    let config = Config { depth: 1 };
    assert_eq!(nothing() + fibonacci(10), 56);
    unit(1);
    unit::uncached(1);
    let maps = (HashMap::new(), &BTreeMap::new());
    let sum = parameters(1, &config, "a", vec![1.0], "b".into(), &[None], maps, true, &|word| word == "b");
    assert!(sum > 5.0);
    assert_eq!(many(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 17);
    assert_eq!(same(1, 2) + r#match(1), 4);
    assert_eq!(lifetimes("a", "b", "c", "d") + outlives("a", "b", &["c"]), 7);
    assert_eq!(generic::<_, u8, 2>(&[5, 6], vec![1])[&0], 5);
    assert_eq!(made::<u32>() + Memory::disabled().call(made::delayed::<u32>()), 0);
    assert_eq!(fallible(0), Err(Failure));
    assert_eq!(kept(1), Ok(1));
    assert_eq!(expected(1) + internal(1) + private(1) + inner::restricted(1), 4);
    assert_eq!(config.score(1, 2) + config.score_uncached(1, 2), 10);
    assert_eq!(config.deeper("a", 2).depth, 3);
    assert_eq!(View { items: &[1u8] }.first(&1u64), Some(1));
    assert_eq!(outer(1) + by_macro(1), 7);
    assert_eq!(parameters::info().name(), "parameters");
    assert!(Config::score_info().name().ends_with("Config::score"));
    let call = config.score_delayed(1, 2);
    assert_eq!(Memory::disabled().call(call), 5);
}
