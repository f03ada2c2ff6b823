//! Functions that call functions.

use super::{Scenario, replace};

#[test]
fn a_helper_two_files_away() {
    Scenario::new(
        r"
        mod far;
        mod near;

        #[rememo::memo]
        fn area(x: u64) -> u64 {
            near::one(x)
        }

        #[rememo::memo]
        fn other(x: u64) -> u64 {
            near::two(x)
        }
        ",
    )
    .file(
        "src/near.rs",
        "pub fn one(x: u64) -> u64 { crate::far::scale(x) }\npub fn two(x: u64) -> u64 { x + 2 }\n",
    )
    .file("src/far.rs", "const FACTOR: u64 = 3;\npub fn scale(x: u64) -> u64 { x * FACTOR }\n")
    .expect([
        replace("src/far.rs", "= 3", "= 4").misses(&["area"]),
        replace("src/near.rs", "x + 2", "x + 3").misses(&["other"]),
        replace("src/near.rs", "far::scale(x)", "far::scale(x + 1)").misses(&["area"]),
        replace("src/far.rs", "pub fn scale", "// Three times as much.\n\npub fn scale").hits(),
    ]);
}

#[test]
fn helpers_that_call_each_other() {
    Scenario::new(
        r"
        fn even(n: u64) -> u64 { if n == 0 { 10 } else { odd(n - 1) } }
        fn odd(n: u64) -> u64 { if n == 0 { 20 } else { even(n - 1) } }

        #[rememo::memo]
        fn parity(n: u64) -> u64 { even(n) }

        #[rememo::memo]
        fn other(n: u64) -> u64 { n + 30 }
        ",
    )
    .expect([
        replace("src/main.rs", "{ 20 }", "{ 21 }").misses(&["parity"]),
        replace("src/main.rs", "{ 10 }", "{ 11 }").misses(&["parity"]),
        replace("src/main.rs", "n + 30", "n + 31").misses(&["other"]),
    ]);
}

#[test]
fn a_memoized_function_that_another_one_calls() {
    Scenario::new(
        r"
        #[rememo::memo]
        fn inner(x: u64) -> u64 { x + addend() }

        #[rememo::memo]
        fn outer(x: u64) -> u64 { inner(x) * 2 }

        fn addend() -> u64 { 7 }
        ",
    )
    .expect([
        replace("src/main.rs", "{ 7 }", "{ 8 }").misses(&["inner", "outer"]),
        replace("src/main.rs", "x + addend()", "x * addend() + x").misses(&["inner", "outer"]),
        replace("src/main.rs", "* 2", "* 3").misses(&["outer"]),
    ]);
}

#[test]
fn functions_nested_in_main() {
    Scenario::new(
        r"
        fn main() {
            fn helper(x: u64) -> u64 { x + 7 }
            fn unrelated(x: u64) -> u64 { x + 8 }

            #[rememo::memo]
            fn nested(x: u64) -> u64 { helper(x) }

            nested(1);
        }
        ",
    )
    .expect([
        replace("src/main.rs", "x + 7", "x + 9").misses(&["main::nested"]),
        replace("src/main.rs", "x + 8", "x + 9").hits(),
    ]);
}

#[test]
fn a_helper_nested_in_a_helper() {
    Scenario::new(
        r"
        fn helper(x: u64) -> u64 {
            const ADDEND: u64 = 7;
            fn inner(x: u64) -> u64 { x + ADDEND }
            inner(x)
        }

        #[rememo::memo]
        fn outer(x: u64) -> u64 { helper(x) }
        ",
    )
    .expect([replace("src/main.rs", "= 7", "= 8").misses(&["outer"])]);
}

#[test]
fn a_module_in_the_body_of_a_function() {
    Scenario::new(
        r"
        fn helper(x: u64) -> u64 {
            mod inner {
                pub mod deep {
                    pub fn add(x: u64) -> u64 { x + 7 }
                }
            }
            inner::deep::add(x)
        }

        #[rememo::memo]
        fn outer(x: u64) -> u64 { helper(x) }

        #[rememo::memo]
        fn itself(x: u64) -> u64 {
            mod own { pub const ADDEND: u64 = 9; }
            x + own::ADDEND
        }
        ",
    )
    .expect([
        replace("src/main.rs", "x + 7", "x + 8").misses(&["outer"]),
        replace("src/main.rs", "= 9", "= 10").misses(&["itself"]),
    ]);
}

#[test]
fn a_function_passed_as_a_value() {
    Scenario::new(
        r"
        fn double(x: u64) -> u64 { x * 2 }
        fn triple(x: u64) -> u64 { x * 3 }
        fn apply(with: impl Fn(u64) -> u64, x: u64) -> u64 { with(x) }

        #[rememo::memo]
        fn mapped(x: u64) -> Vec<u64> { (0..x).map(double).collect() }

        #[rememo::memo]
        fn applied(x: u64) -> u64 {
            let chosen: fn(u64) -> u64 = triple;
            apply(|x| chosen(x) + 1, x)
        }
        ",
    )
    .expect([
        replace("src/main.rs", "x * 2", "x * 4").misses(&["mapped"]),
        replace("src/main.rs", "x * 3", "x * 5").misses(&["applied"]),
        replace("src/main.rs", "with(x) }", "with(x + 1) }").misses(&["applied"]),
    ]);
}

#[test]
fn functions_in_a_table() {
    Scenario::new(
        r"
        static TABLE: [fn(u64) -> u64; 2] = [double, |x| x + 7];
        const CLOSURE: fn(u64) -> u64 = |x| x + 8;
        fn double(x: u64) -> u64 { x * 2 }

        #[rememo::memo]
        fn by_table(x: u64) -> u64 { TABLE.iter().fold(x, |x, step| step(x)) }

        #[rememo::memo]
        fn by_constant(x: u64) -> u64 { CLOSURE(x) }
        ",
    )
    .expect([
        replace("src/main.rs", "x * 2", "x * 3").misses(&["by_table"]),
        replace("src/main.rs", "x + 7", "x + 9").misses(&["by_table"]),
        replace("src/main.rs", "x + 8", "x + 9").misses(&["by_constant"]),
    ]);
}

#[test]
fn a_memoized_method_and_what_it_calls() {
    Scenario::new(
        r"
        #[derive(serde::Serialize)]
        struct Model { rate: u64 }

        impl Model {
            #[rememo::memo]
            fn fit(&self, x: u64) -> u64 { Self::start(x) + self.weight() }

            #[rememo::memo]
            fn plain(&self) -> u64 { self.rate }

            fn start(x: u64) -> u64 { x + 7 }
            fn weight(&self) -> u64 { self.rate * 3 }
            fn unused(&self) -> u64 { self.rate * 9 }
        }
        ",
    )
    .dependency("serde = { version = \"1\", features = [\"derive\"] }")
    .expect([
        replace("src/main.rs", "x + 7", "x + 8").misses(&["Model::fit"]),
        replace("src/main.rs", "rate * 3", "rate * 4").misses(&["Model::fit"]),
        replace("src/main.rs", "rate * 9", "rate * 8").hits(),
    ]);
}

#[test]
fn a_helper_with_a_raw_name() {
    Scenario::new(
        r"
        fn r#match(x: u64) -> u64 { x + 7 }
        fn r#plain(x: u64) -> u64 { x + 8 }

        #[rememo::memo]
        fn raw(x: u64) -> u64 { r#match(x) }

        #[rememo::memo]
        fn half(x: u64) -> u64 { plain(x) }
        ",
    )
    .expect([
        replace("src/main.rs", "x + 7", "x + 9").misses(&["raw"]),
        replace("src/main.rs", "x + 8", "x + 9").misses(&["half"]),
    ]);
}

#[test]
fn an_item_that_a_local_of_its_name_hides_in_one_block() {
    Scenario::new(
        r"
        fn scale(x: u64) -> u64 { x * 7 }
        fn offset() -> u64 { 8 }

        #[rememo::memo]
        fn both(x: u64) -> u64 {
            let first = { let scale = |x: u64| x + 1; scale(x) };
            first + scale(x)
        }

        #[rememo::memo]
        fn before(x: u64) -> u64 {
            let offset = offset() + x;
            offset
        }
        ",
    )
    .expect([
        replace("src/main.rs", "x * 7", "x * 8").misses(&["both"]),
        replace("src/main.rs", "{ 8 }", "{ 9 }").misses(&["before"]),
    ]);
}
