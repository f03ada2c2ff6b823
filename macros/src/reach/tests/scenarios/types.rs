//! Types, constants and statics.

use super::{Scenario, replace};

const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }";

#[test]
fn constants_and_statics() {
    Scenario::new(
        r"
        const LENGTH: usize = 3;
        static TABLE: [u64; 3] = [2, STEP, 5];
        const STEP: u64 = 7;
        static LAZY: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| seed() + 1);
        fn seed() -> u64 { 40 }
        thread_local! { static LOCAL: u64 = const { 50 }; }

        #[rememo::memo]
        fn filled(x: u64) -> Vec<u64> { [x; LENGTH].to_vec() }

        #[rememo::memo]
        fn looked_up(x: usize) -> u64 { TABLE[x] }

        #[rememo::memo]
        fn lazy(x: u64) -> u64 { x + *LAZY }

        #[rememo::memo]
        fn local(x: u64) -> u64 { x + LOCAL.with(|value| *value) }
        ",
    )
    .expect([
        replace("src/main.rs", "usize = 3", "usize = 4").misses(&["filled"]),
        replace("src/main.rs", "[2, STEP", "[3, STEP").misses(&["looked_up"]),
        replace("src/main.rs", "= 7", "= 8").misses(&["looked_up"]),
        replace("src/main.rs", "{ 40 }", "{ 41 }").misses(&["lazy"]),
        replace("src/main.rs", "{ 50 }", "{ 51 }").misses(&["local"]),
    ]);
}

#[test]
fn a_constant_in_a_format_string() {
    Scenario::new(
        r#"
        const RATE: u64 = 3;
        const WIDTH: usize = 5;
        const PLACES: usize = 2;
        const UNRELATED: u64 = 4;

        #[rememo::memo]
        fn captured(x: u64) -> String { format!("{x} at {RATE}") }

        #[rememo::memo]
        fn padded(x: f64) -> String { format!("{x:>WIDTH$.PLACES$}|{{UNRELATED}}") }
        "#,
    )
    .expect([
        replace("src/main.rs", "u64 = 3", "u64 = 5").misses(&["captured"]),
        replace("src/main.rs", "usize = 5", "usize = 6").misses(&["padded"]),
        replace("src/main.rs", "usize = 2", "usize = 1").misses(&["padded"]),
        // The braces are escaped, so this is text; taking it for a name does no harm.
        replace("src/main.rs", "u64 = 4", "u64 = 5").may_miss(&["padded"]),
    ]);
}

#[test]
fn a_type_alias() {
    Scenario::new(
        r"
        type Real = f64;
        type Pair<T> = (T, u16);

        fn third(x: f64) -> f64 { (x as Real / 3.0) as f64 }

        #[rememo::memo]
        fn divided(x: f64) -> f64 { third(x) }

        #[rememo::memo]
        fn size(x: usize) -> usize { x + std::mem::size_of::<Pair<u16>>() }
        ",
    )
    .expect([
        replace("src/main.rs", "Real = f64", "Real = f32").misses(&["divided"]),
        replace("src/main.rs", "(T, u16)", "(T, u16, T)").misses(&["size"]),
    ]);
}

#[test]
fn variants_of_the_result_in_another_order() {
    Scenario::new(
        r"
        #[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
        enum Grade { Low, High }
        fn grade(x: u64) -> Grade { if x > 5 { Grade::High } else { Grade::Low } }

        #[rememo::memo]
        fn graded(x: u64) -> (Grade, u8) { (grade(x), grade(x) as u8) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .dependency(SERDE)
    .expect([
        replace("src/main.rs", "{ Low, High }", "{ High, Low }").misses(&["graded"]),
        replace("src/main.rs", "{ Low, High }", "{ Low = 4, High = 5 }").misses(&["graded"]),
    ]);
}

#[test]
fn fields_of_the_result_in_another_order() {
    Scenario::new(
        r"
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        struct Size {
            width: u32,
            height: u32,
        }

        #[rememo::memo]
        fn size(x: u32) -> Size { Size { height: x + 1, width: x } }

        #[rememo::memo]
        fn nested(x: u32) -> Vec<Option<Size>> { vec![None, Some(make(x))] }
        fn make(x: u32) -> Size { Size { height: x + 2, width: x } }

        #[rememo::memo]
        fn other(x: u32) -> u32 { x }
        ",
    )
    .dependency(SERDE)
    .expect([replace(
        "src/main.rs",
        "width: u32,\n            height: u32,",
        "height: u32,\n            width: u32,",
    )
    .misses(&["nested", "size"])]);
}

#[test]
fn the_way_in_which_an_argument_is_serialized() {
    Scenario::new(
r#"
        use serde::{Deserialize, Serialize, Serializer, Deserializer};

        #[derive(Debug, Serialize, Deserialize)]
        struct Reading { #[serde(with = "tenths")] value: f64 }
        mod tenths {
            use super::*;
            pub fn serialize<S: Serializer>(value: &f64, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_f64((value * super::steps()).round())
            }
            pub fn deserialize<'a, D: Deserializer<'a>>(d: D) -> Result<f64, D::Error> {
                Ok(f64::deserialize(d)? / super::steps())
            }
        }
        fn steps() -> f64 { 10.0 }

        #[derive(Serialize)]
        struct Item { #[serde(serialize_with = "halved")] weight: u64, price: u64 }
        fn halved<S: Serializer>(value: &u64, s: S) -> Result<S::Ok, S::Error> { s.serialize_u64(value / shares()) }
        fn shares() -> u64 { 2 }

        #[rememo::memo]
        fn read(x: f64) -> String { serde_json::to_string(&Reading { value: x }).unwrap() }

        #[rememo::memo]
        fn weigh(x: u64) -> String { serde_json::to_string(&Item { weight: x, price: 1 }).unwrap() }
        "#
)
        .dependency(SERDE)
        .dependency("serde_json = \"1\"")
        .expect([
            replace("src/main.rs", "{ 10.0 }", "{ 100.0 }").misses(&["read"]),
            replace("src/main.rs", "{ 2 }", "{ 3 }").misses(&["weigh"]),
            replace("src/main.rs", "value / shares()", "value * shares()").misses(&["weigh"]),
        ]);
}

/// The argument has one key before and after the edit: 57 / 10 is 57 / 11.
#[test]
fn what_an_argument_leaves_out_of_the_key() {
    Scenario::new(
r#"
        use serde::{Serialize, Serializer};

        #[derive(Serialize)]
        struct Item { #[serde(serialize_with = "rounded")] weight: u64 }
        fn rounded<S: Serializer>(value: &u64, s: S) -> Result<S::Ok, S::Error> { s.serialize_u64(value / PARTS) }
        const PARTS: u64 = 10;
        impl Item { fn kept(&self) -> u64 { self.weight / PARTS * PARTS } }

        #[rememo::memo]
        fn weigh(item: &Item) -> u64 { item.kept() }
        "#
)
        .dependency(SERDE)
        .expect([replace("src/main.rs", "= 10", "= 11").misses(&["weigh"])]);
}

#[test]
fn strings_that_serde_takes_for_paths_and_defaults() {
    Scenario::new(
r#"
        use serde::{Deserialize, Serialize};

        #[derive(Debug, Serialize, Deserialize)]
        struct Settings { #[serde(default = "standard")] rate: u64, #[serde(rename = "name")] label: String }
        fn standard() -> u64 { 7 }

        #[derive(Debug, Deserialize)]
        #[serde(from = "Raw")]
        struct Cooked { value: u64 }
        #[derive(Deserialize)]
        struct Raw { value: u64 }
        impl From<Raw> for Cooked { fn from(raw: Raw) -> Self { Cooked { value: raw.value * heat() } } }
        fn heat() -> u64 { 8 }

        #[rememo::memo]
        fn settings(text: &str) -> u64 { serde_json::from_str::<Settings>(text).map_or(0, |settings| settings.rate) }

        #[rememo::memo]
        fn cooked(text: &str) -> u64 { serde_json::from_str::<Cooked>(text).unwrap().value }
        "#
)
        .dependency(SERDE)
        .dependency("serde_json = \"1\"")
        .expect([
            replace("src/main.rs", "{ 7 }", "{ 9 }").misses(&["settings"]),
            replace("src/main.rs", "rename = \"name\"", "rename = \"title\"").misses(&["settings"]),
            replace("src/main.rs", "{ 8 }", "{ 9 }").misses(&["cooked"]),
        ]);
}

#[test]
fn a_union_and_a_repr() {
    Scenario::new(
        r"
        #[repr(C)]
        struct Mixed { small: u8, large: u32 }
        union Bits { float: f32, bits: u32 }

        #[rememo::memo]
        fn size(x: usize) -> usize { x + std::mem::size_of::<Mixed>() }

        #[rememo::memo]
        fn bits(x: f32) -> usize { x as usize + std::mem::size_of::<Bits>() }
        ",
    )
    .expect([
        replace("src/main.rs", "repr(C)", "repr(C, packed)").misses(&["size"]),
        replace("src/main.rs", "bits: u32", "bits: u64").misses(&["bits"]),
    ]);
}

#[test]
fn a_constant_parameter_and_its_default() {
    Scenario::new(
        r"
        const WIDTH: usize = 3;
        struct Grid<const N: usize = WIDTH>;
        impl<const N: usize> Grid<N> { fn cells(&self) -> usize { N * N } }

        #[rememo::memo]
        fn cells(x: usize) -> usize { let grid: Grid = Grid; x + grid.cells() }

        #[rememo::memo]
        fn other(x: usize) -> usize { x }
        ",
    )
    .expect([
        replace("src/main.rs", "WIDTH: usize = 3", "WIDTH: usize = 4").misses(&["cells"]),
        replace("src/main.rs", "N * N", "N + N").misses(&["cells"]),
    ]);
}
