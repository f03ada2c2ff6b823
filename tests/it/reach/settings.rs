//! What the compiler is told beside the sources: variables, features, options of the profile.

use crate::package::{Package, add_variable, replace, run_as};

#[test]
fn variables_of_the_environment() {
    Package::new("variables")
        .variable("SCENARIO_RATE", "7")
        .main(
            r#"
            const RATE: &str = env!("SCENARIO_RATE");
            fn optional() -> &'static str { option_env!("SCENARIO_SHIFT").unwrap_or("none") }

            #[rememo::memo]
            fn required(x: u64) -> String { format!("{x} {RATE}") }

            #[rememo::memo]
            fn perhaps(x: u64) -> String { format!("{x} {}", optional()) }

            #[rememo::memo]
            fn direct(x: u64) -> String { format!("{x} {}", env!("SCENARIO_RATE", "is not set")) }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            "#,
            "show!(required(1)); show!(perhaps(1)); show!(direct(1)); show!(other(1));",
        )
        .expect([
            add_variable("SCENARIO_RATE", "8").misses(&["required", "direct"]),
            add_variable("SCENARIO_SHIFT", "9").misses(&["perhaps"]),
            add_variable("SCENARIO_UNRELATED", "9").hits(),
        ]);
}

#[test]
fn variables_of_the_configuration() {
    Package::new("configured")
        .file(".cargo/config.toml", "[env]\nSCENARIO_RATE = { value = \"7\", force = true }\n")
        .main(
            r#"
            mod rate { pub fn rate() -> &'static str { env!("SCENARIO_RATE") } }

            #[rememo::memo]
            fn rated(x: u64) -> String { format!("{x} {}", rate::rate()) }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            "#,
            "show!(rated(1)); show!(other(1));",
        )
        .expect([replace(".cargo/config.toml", "\"7\"", "\"8\"").misses(&["rated"])]);
}

#[test]
fn variables_that_cargo_sets() {
    Package::new("versioned")
        .main(
            r#"
            #[rememo::memo]
            fn version(x: u64) -> String { format!("{x} {}", env!("CARGO_PKG_VERSION")) }

            #[rememo::memo]
            fn modules(x: u64) -> String { format!("{x} {}", place()) }
            fn place() -> &'static str { concat!(module_path!(), file!()) }
            "#,
            "show!(version(1)); show!(modules(1));",
        )
        .expect([replace("Cargo.toml", "edition", "version = \"0.3.0\"\nedition").misses(&["version"])]);
}

#[test]
fn features_of_the_package() {
    Package::new("features")
        .manifest("[features]\nfine = []\nunrelated = []\n")
        .main(
            r#"
            #[cfg(feature = "fine")]
            fn step() -> u64 { 7 }
            #[cfg(not(feature = "fine"))]
            fn step() -> u64 { 8 }
            mod quality {
                #[cfg_attr(feature = "fine", derive(Default))]
                pub struct Quality(pub u64);
                #[cfg(not(feature = "fine"))]
                impl Default for Quality { fn default() -> Self { Quality(9) } }
            }
            fn factor() -> u64 { if cfg!(feature = "fine") { 2 } else { 3 } }
            #[cfg(feature = "fine")]
            mod unused { fn extra() {} }

            #[rememo::memo]
            fn stepped(x: u64) -> u64 { x + step() }

            #[rememo::memo]
            fn derived(x: u64) -> u64 { x + quality::Quality::default().0 }

            #[rememo::memo]
            fn scaled(x: u64) -> u64 { x * factor() }

            #[rememo::memo]
            fn in_body(x: u64) -> u64 {
                #[cfg(feature = "fine")]
                let x = x + 1;
                x
            }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            "#,
            "show!(stepped(1)); show!(derived(1)); show!(scaled(1)); show!(in_body(1)); show!(other(1));",
        )
        .expect([
            run_as(&["run", "--features", "fine"]).misses(&["stepped", "derived", "scaled", "in_body"]),
            run_as(&["run", "--features", "unrelated"]).hits(),
            replace("src/main.rs", "{ 8 }", "{ 9 }").misses(&["stepped"]),
            // Code that is not compiled; to tell would take the compiler's settings.
            replace("src/main.rs", "{ 7 }", "{ 9 }").may_miss(&["stepped"]),
        ]);
}

#[test]
fn modules_that_a_feature_switches() {
    Package::new("feature_modules")
        .manifest("[features]\nfine = []\n")
        .main(
            r#"
            #[cfg_attr(feature = "fine", path = "fine.rs")]
            #[cfg_attr(not(feature = "fine"), path = "coarse.rs")]
            mod grid;
            mod compiled;
            #[cfg(feature = "fine")]
            use self::compiled::seven as constant;
            #[cfg(not(feature = "fine"))]
            use self::compiled::eight as constant;

            #[rememo::memo]
            fn gridded(x: u64) -> u64 { grid::cells(x) }

            #[rememo::memo]
            fn imported(x: u64) -> u64 { x + constant() }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            "#,
            "show!(gridded(1)); show!(imported(1)); show!(other(1));",
        )
        .file("src/fine.rs", "pub fn cells(x: u64) -> u64 { x + 5 }")
        .file("src/coarse.rs", "pub fn cells(x: u64) -> u64 { x + 6 }")
        .file("src/compiled.rs", "pub fn seven() -> u64 { 7 }\npub fn eight() -> u64 { 8 }\n")
        .expect([
            run_as(&["run", "--features", "fine"]).misses(&["gridded", "imported"]),
            replace("src/coarse.rs", "x + 6", "x + 7").misses(&["gridded"]),
            replace("src/compiled.rs", "{ 8 }", "{ 9 }").misses(&["imported"]),
        ]);
}

#[test]
fn features_of_a_path_dependency() {
    Package::new("dependency_features")
        .dependency("dependency_features_part = { path = \"part\" }")
        .main(
            r"
            #[rememo::memo]
            fn parted(x: u64) -> u64 { dependency_features_part::add(x) }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            ",
            "show!(parted(1)); show!(other(1));",
        )
        .file(
            "part/Cargo.toml",
            "[package]\nname = \"dependency_features_part\"\nedition = \"2024\"\n[features]\nfine = []\n",
        )
        .file(
            "part/src/lib.rs",
            "pub fn add(x: u64) -> u64 { if cfg!(feature = \"fine\") { x + 7 } else { x + 8 } }",
        )
        .expect([
            run_as(&["run", "--features", "dependency_features_part/fine"]).misses(&["parted"]),
            replace("part/src/lib.rs", "x + 8", "x + 9").misses(&["parted"]),
        ]);
}

#[test]
fn settings_of_a_build_script() {
    Package::new("script_settings")
        .manifest("[lints.rust.unexpected_cfgs]\nlevel = \"allow\"\n")
        .file(
            "build.rs",
            "fn main() { println!(\"cargo::rustc-cfg=coarse\\ncargo::rustc-env=SCENARIO_STEP=7\"); }",
        )
        .main(
            r#"
            fn grid() -> u64 { if cfg!(fine) { 1 } else { 2 } }
            fn step() -> &'static str { env!("SCENARIO_STEP") }

            #[rememo::memo]
            fn gridded(x: u64) -> u64 { x + grid() }

            #[rememo::memo]
            fn stepped(x: u64) -> String { format!("{x} {}", step()) }
            "#,
            "show!(gridded(1)); show!(stepped(1));",
        )
        .expect([
            replace("build.rs", "cfg=coarse", "cfg=fine").misses(&["gridded"]),
            replace("build.rs", "STEP=7", "STEP=8").misses(&["stepped"]),
        ]);
}

#[test]
fn options_of_the_profile() {
    Package::new("profiles")
        .main(
            r"
            fn checks() -> u64 { if cfg!(debug_assertions) { 7 } else { 8 } }

            #[rememo::memo]
            fn checked(x: u64) -> u64 { x + checks() }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            ",
            "show!(checked(1)); show!(other(1));",
        )
        // What `--release` would do, without compiling the library once more.
        .expect([replace(
            "Cargo.toml",
            "[lints.rust]",
            "[profile.dev.package.profiles]\ndebug-assertions = false\n\n[lints.rust]",
        )
        .misses(&["checked"])]);
}
