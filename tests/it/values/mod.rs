//! What a value becomes on its way to the disk, to another thread, to another process and back: the
//! same value, or a refusal that is told.
//!
//! A package is built and run whose types have every attribute of serde: some by hand, others made
//! by [`generate`], with values to try. Its `ways.rs` has them go every way.

mod generate;

use std::env;

use crate::package::Package;

/// Types that are made at random for one package.
const TYPES: usize = 12;

/// The same in the long form, and how many packages that has.
const MANY_TYPES: usize = 60;
const PACKAGES: u64 = 10;

fn package(random: String) -> Package {
    Package::new("values")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .dependency("serde_json = \"1\"")
        // What is refused is told, and looked for elsewhere.
        .variable("REMEMO_QUIET", "1")
        // It starts worker processes, which a program that the loader runs cannot.
        .with_machine_code()
        .file("src/main.rs", include_str!("package/main.rs"))
        .file("src/ways.rs", include_str!("package/ways.rs"))
        .file("src/samples.rs", include_str!("package/samples.rs"))
        .file("src/same.rs", include_str!("package/same.rs"))
        .file("src/helpers.rs", include_str!("package/helpers.rs"))
        .file("src/types.rs", include_str!("package/types.rs"))
        .file("src/plain.rs", include_str!("package/plain.rs"))
        .file("src/borrowed.rs", include_str!("package/borrowed.rs"))
        .file("src/random.rs", random)
}

#[test]
fn every_value_comes_back_the_same_or_is_refused_aloud() {
    let is_long = env::var_os("REMEMO_TEST_LONG").is_some();
    let (packages, types) = if is_long { (PACKAGES, MANY_TYPES) } else { (1, TYPES) };
    // Another place to begin, when one wants to look closer.
    let first = env::var("REMEMO_TEST_SEED").map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + packages {
        let printed = package(generate::types(seed, types, seed > first)).print();
        println!("seed {seed}: {printed}");
        assert!(printed.starts_with("0 problems"), "seed {seed}: {printed}");
    }
}
