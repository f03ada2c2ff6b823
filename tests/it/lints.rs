//! What `#[memo]` writes passes the lints of a careful crate, forbidden ones too, in every edition:
//! an `allow` in it would be an error.

use std::process::Command;

use crate::package::{Package, cargo};

/// Lints that no `allow` may speak of. (What registers functions for worker processes is of the crate
/// `inventory`, which allows a name in capitals.)
const LINTS: &str = "
#![forbid(dead_code, deprecated, missing_copy_implementations, missing_debug_implementations, missing_docs)]
#![forbid(non_camel_case_types, unnameable_types, unreachable_pub, unused_imports, unused_variables)]
#![forbid(elided_lifetimes_in_paths, explicit_outlives_requirements, let_underscore_drop, non_ascii_idents)]
#![forbid(redundant_lifetimes, single_use_lifetimes, trivial_casts, trivial_numeric_casts, unexpected_cfgs)]
#![forbid(unit_bindings, unsafe_code, unused_import_braces, unused_lifetimes, unused_macro_rules, unused_mut)]
#![forbid(unused_qualifications, unused_results, variant_size_differences)]
#![forbid(future_incompatible, keyword_idents, rust_2018_idioms, unused)]
#![forbid(clippy::all, clippy::pedantic)]
#![forbid(clippy::allow_attributes, clippy::empty_structs_with_brackets, clippy::exhaustive_structs)]
#![forbid(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
#![deny(warnings, clippy::nursery)]
#![allow(clippy::redundant_pub_crate)] // which asks for what `unreachable_pub` refuses
";

/// Functions of every shape that such a crate can have. (Derives of serde allow some of the lints.)
const SHAPES: &str = r#"
//! A crate that is careful.

use std::collections::BTreeMap;
use std::fmt::Debug;

use rememo::{Memory, memo};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

/// Offered, and not used here.
#[memo]
#[must_use]
pub fn unused(x: u64) -> u64 {
    x
}

/// Of everything.
#[memo(ignore(_verbose), version = 3, ttl = "7d", min_cost = "0ms")]
fn everything(seed: u64, label: &str, mut values: Vec<u64>, pairs: &[(u8, Option<&str>)], _verbose: bool) -> u64 {
    values.push(if cfg!(debug_assertions) || cfg!(feature = "slow") { seed } else { 0 });
    values.iter().sum::<u64>() + u64::from(label.is_empty()) + u64::from(pairs.is_empty())
}

#[memo]
fn unit(_x: u64) -> () {}

#[memo]
fn generic<T, const N: usize>(items: [u8; N], name: &str) -> Option<T>
where
    T: Debug + Serialize + DeserializeOwned,
    [u8; N]: Serialize,
{
    let _ = (items, name);
    None
}

#[memo]
fn attempt(x: u64) -> Result<u64, String> {
    x.checked_sub(1).ok_or_else(|| "too small".to_owned())
}

#[memo]
#[deprecated = "it is old"]
fn old(x: u64) -> u64 {
    x
}

#[memo]
#[cfg(any())]
fn absent(x: Missing) -> u64 {
    x
}

#[memo]
fn only_delayed(x: u64) -> u64 {
    x
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    weights: BTreeMap<u8, u64>,
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.weights.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|weights| Self { weights })
    }
}

impl Model {
    #[memo]
    fn fit(seed: u64) -> Self {
        Self { weights: std::iter::once((1, seed)).collect() }
    }

    /// A method.
    #[memo(ignore(_label))]
    #[must_use]
    pub fn score(&self, x: u64, _label: &str) -> u64 {
        self.weights.values().sum::<u64>() + x
    }

    #[memo]
    fn only_delayed(&self, x: u64) -> u64 {
        self.weights.values().sum::<u64>() + x
    }

    #[memo]
    #[deprecated]
    fn old(_x: u64) -> u64 {
        1
    }
}

/// A view.
#[derive(Debug)]
#[non_exhaustive]
pub struct View<'a, T> {
    items: &'a [T],
}

impl<T: Serialize> Serialize for View<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items)
    }
}

impl<T: Serialize + Copy> View<'_, T> {
    #[memo]
    fn first<U: Serialize + DeserializeOwned + From<T>>(&self) -> Option<U> {
        self.items.first().map(|&item| U::from(item))
    }
}

mod inner {
    use rememo::memo;

    #[memo]
    pub(crate) fn restricted(x: u64) -> u64 {
        x
    }

    #[memo]
    pub(super) fn here(x: u64) -> u64 {
        x
    }
}

macro_rules! memoized {
    ($vis:vis $name:ident $other:ident $model:ident) => {
        #[memo]
        $vis fn $name($other: u64, _also: u64) -> u64 {
            $other
        }

        impl $model {
            #[memo]
            $vis fn $name(_also: u64) -> u64 {
                Self { weights: BTreeMap::new() }.score(1, "")
            }
        }
    };
}

memoized!(by_macro value Model);

fn main() {
    #[memo]
    fn local(x: u64) -> u64 {
        x
    }
    let memory = Memory::disabled();
    let _entered = memory.enter();
    let model = Model::fit(3);
    let view = View { items: &[1_u8] };
    let values = [
        everything(1, "a", vec![], &[], true), local(1), attempt(2).unwrap_or_default(), inner::restricted(1),
        inner::here(1), memory.call(old::delayed(1)), memory.call(only_delayed::delayed(1)), by_macro(1, 2),
        memory.call(Model::old_delayed(1)), model.score(1, "a"), memory.call(model.only_delayed_delayed(1)),
        Model::by_macro(1), view.first::<u64>().unwrap_or_default(),
    ];
    unit(1);
    let none: Option<u8> = generic([1, 2], "a");
    println!("{values:?} {none:?}");
}
"#;

#[test]
fn careful_crates_of_every_edition_compile_without_a_warning() {
    let target = |edition| {
        format!("[[bin]]\nname = \"lints_{edition}\"\npath = \"src/main.rs\"\nedition = \"{edition}\"\n")
    };
    let mut package = Package::new("lints")
        .dependency("serde = \"1\"")
        .manifest(&format!("[features]\nslow = []\n{}", ["2018", "2021", "2024"].map(target).concat()))
        .file("src/main.rs", format!("{LINTS}{SHAPES}"))
        .run_as(&["run", "--bin", "lints_2018"]);
    if Command::new("clippy-driver").arg("--version").output().is_ok_and(|output| output.status.success()) {
        // In the place of the compiler, so that the library is not compiled once more.
        package = package.variable("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    } else {
        eprintln!("without clippy, only the lints of the compiler are looked at");
    }
    package.complete();
    let printed = package.printed(&cargo(&["build", "--bins"]));
    assert_eq!(printed, "[2, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 1, 1] None\n");
}
