//! Types that have a name of their own are known by it: a build with other flags finds what was
//! stored before.

use super::KINDS;
use crate::package::{Edit, Package, member, replace};

/// Compiles the package itself with another setting.
fn rebuilt(package: &str) -> Edit {
    let profile = format!("[workspace]\n[profile.dev.package.{package}]\nopt-level = 1\n");
    replace("Cargo.toml", "[workspace]\n", &profile)
}

#[test]
fn types_of_modules_dependencies_and_lone_ones_of_bodies() {
    Package::new("rebuilt")
        .with_shelf()
        .shelved("rebuilt_shelved", "1.0.0", "", "#[derive(Debug)] pub struct Stone;")
        .dependency("rebuilt_shelved = { version = \"1\", registry = \"shelf\" }")
        .dependency("rebuilt_part = { path = \"part\" }")
        .file("part/Cargo.toml", member("rebuilt_part", ""))
        .file("part/src/lib.rs", "pub mod deep { pub struct Part; }")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .main(
            &format!(
                "{KINDS}
                mod inner {{
                    pub struct Own;
                    #[derive(Debug, serde::Serialize, serde::Deserialize)]
                    pub struct Made(pub u64);
                }}
                impl Kind for inner::Own {{ const NUMBER: u64 = 1; }}
                impl Kind for rebuilt_part::deep::Part {{ const NUMBER: u64 = 2; }}
                impl Kind for rebuilt_shelved::Stone {{ const NUMBER: u64 = 3; }}
                impl Kind for Option<Vec<rebuilt_shelved::Stone>> {{ const NUMBER: u64 = 4; }}
                impl Kind for rememo::Array<f64> {{ const NUMBER: u64 = 5; }}
                #[rememo::memo] fn made(x: u64) -> inner::Made {{ inner::Made(x) }}
                #[rememo::memo] fn array(x: u64) -> rememo::Array<u64> {{ vec![x].into() }}
                #[derive(serde::Serialize)] struct Model;
                impl Model {{ #[rememo::memo] fn fit(&self, x: u64) -> u64 {{ x }} }}"
            ),
            r#"
            struct Lone;
            impl Kind for Lone { const NUMBER: u64 = 6; }
            show_as!("own", number::delayed::<inner::Own>(10), number::uncached::<inner::Own>(10));
            show_as!("part", number::delayed::<rebuilt_part::deep::Part>(10), number::uncached::<rebuilt_part::deep::Part>(10));
            show_as!("stone", number::delayed::<rebuilt_shelved::Stone>(10), number::uncached::<rebuilt_shelved::Stone>(10));
            show_as!(
                "stones",
                number::delayed::<Option<Vec<rebuilt_shelved::Stone>>>(10),
                number::uncached::<Option<Vec<rebuilt_shelved::Stone>>>(10)
            );
            show_as!("array_type", number::delayed::<rememo::Array<f64>>(10), number::uncached::<rememo::Array<f64>>(10));
            show_as!("lone", number::delayed::<Lone>(10), number::uncached::<Lone>(10));
            show!(made(1)); show!(array(1));
            show_as!("fit", Model.fit_delayed(1), Model.fit_uncached(1));
            "#,
        )
        .expect([rebuilt("rebuilt").hits()]);
}

/// A library that has a program of its name beside it: what is not generic has no type of the
/// program.
#[test]
fn a_library_beside_a_program_of_its_name() {
    Package::new("rebuilt_both")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .file(
            "src/lib.rs",
            "#[derive(Debug, serde::Serialize, serde::Deserialize)] pub struct Made(pub u64);
            #[rememo::memo] pub fn made(x: u64) -> Made { Made(x) }
            #[derive(serde::Serialize)] pub struct Model;
            impl Model { #[rememo::memo] pub fn fit(&self, x: u64) -> Made { Made(x) } }",
        )
        .main(
            "",
            "show!(rebuilt_both::made(1));
            show_as!(\"fit\", rebuilt_both::Model.fit_delayed(1), rebuilt_both::Model.fit_uncached(1));",
        )
        .expect([rebuilt("rebuilt_both").hits()]);
}

/// What shows that the builds above are other builds: types without a name of their own are
/// computed anew.
#[test]
fn types_of_blocks_are_computed_again() {
    let block = |label: &str, number: u64| {
        format!(
            "{{
                struct Local;
                impl Kind for Local {{ const NUMBER: u64 = {number}; }}
                show_as!(\"{label}\", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }}"
        )
    };
    let mut package =
        Package::new("rebuilt_blocks").main(KINDS, &[block("first", 1), block("second", 2)].concat());
    package.start();
    let report = package.edited(&rebuilt("rebuilt_blocks"));
    report.assert_sound("the other build");
    assert_eq!(report.missed(), ["first", "second"]);
}
