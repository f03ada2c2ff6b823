//! Functions that call functions.

use crate::package::{Package, replace};

#[test]
fn a_helper_two_files_away() {
    Package::new("two_files_away")
        .main(
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
            "show!(area(5)); show!(other(5));",
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
    Package::new("mutual")
        .main(
            r"
            fn even(n: u64) -> u64 { if n == 0 { 10 } else { odd(n - 1) } }
            fn odd(n: u64) -> u64 { if n == 0 { 20 } else { even(n - 1) } }

            #[rememo::memo]
            fn parity(n: u64) -> u64 { even(n) }

            #[rememo::memo]
            fn other(n: u64) -> u64 { n + 30 }
            ",
            "show!(parity(4)); show!(parity(5)); show!(other(4));",
        )
        .expect([
            replace("src/main.rs", "{ 20 }", "{ 21 }").misses(&["parity"]),
            replace("src/main.rs", "{ 10 }", "{ 11 }").misses(&["parity"]),
            replace("src/main.rs", "n + 30", "n + 31").misses(&["other"]),
        ]);
}

#[test]
fn a_memoized_function_that_another_one_calls() {
    Package::new("memo_in_memo")
        .main(
            r"
            #[rememo::memo]
            fn inner(x: u64) -> u64 { x + addend() }

            #[rememo::memo]
            fn outer(x: u64) -> u64 { inner(x) * 2 }

            fn addend() -> u64 { 7 }
            ",
            "show!(inner(3)); show!(outer(3));",
        )
        .expect([
            replace("src/main.rs", "{ 7 }", "{ 8 }").misses(&["inner", "outer"]),
            replace("src/main.rs", "x + addend()", "x * addend() + x").misses(&["inner", "outer"]),
            replace("src/main.rs", "* 2", "* 3").misses(&["outer"]),
        ]);
}

#[test]
fn functions_nested_in_main() {
    Package::new("nested_in_main")
        .main(
            "",
            r"
            fn helper(x: u64) -> u64 { x + 7 }
            fn unrelated(x: u64) -> u64 { x + 8 }

            #[rememo::memo]
            fn nested(x: u64) -> u64 { helper(x) }

            show!(nested(1));
            ",
        )
        .expect([
            replace("src/main.rs", "x + 7", "x + 9").misses(&["nested"]),
            replace("src/main.rs", "x + 8", "x + 9").hits(),
        ]);
}

#[test]
fn a_helper_nested_in_a_helper() {
    Package::new("nested_in_helper")
        .main(
            r"
            fn helper(x: u64) -> u64 {
                const ADDEND: u64 = 7;
                fn inner(x: u64) -> u64 { x + ADDEND }
                inner(x)
            }

            #[rememo::memo]
            fn outer(x: u64) -> u64 { helper(x) }
            ",
            "show!(outer(1));",
        )
        .expect([replace("src/main.rs", "= 7", "= 8").misses(&["outer"])]);
}

#[test]
fn a_module_in_the_body_of_a_function() {
    Package::new("module_in_body")
        .main(
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
            "show!(outer(1)); show!(itself(1));",
        )
        .expect([
            replace("src/main.rs", "x + 7", "x + 8").misses(&["outer"]),
            replace("src/main.rs", "= 9", "= 10").misses(&["itself"]),
        ]);
}

#[test]
fn a_function_passed_as_a_value() {
    Package::new("passed")
        .main(
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
            "show!(mapped(3)); show!(applied(3));",
        )
        .expect([
            replace("src/main.rs", "x * 2", "x * 4").misses(&["mapped"]),
            replace("src/main.rs", "x * 3", "x * 5").misses(&["applied"]),
            replace("src/main.rs", "with(x) }", "with(x + 1) }").misses(&["applied"]),
        ]);
}

#[test]
fn functions_in_a_table() {
    Package::new("function_table")
        .main(
            r"
            static TABLE: [fn(u64) -> u64; 2] = [double, |x| x + 7];
            const CLOSURE: fn(u64) -> u64 = |x| x + 8;
            fn double(x: u64) -> u64 { x * 2 }

            #[rememo::memo]
            fn by_table(x: u64) -> u64 { TABLE.iter().fold(x, |x, step| step(x)) }

            #[rememo::memo]
            fn by_constant(x: u64) -> u64 { CLOSURE(x) }
            ",
            "show!(by_table(3)); show!(by_constant(3));",
        )
        .expect([
            replace("src/main.rs", "x * 2", "x * 3").misses(&["by_table"]),
            replace("src/main.rs", "x + 7", "x + 9").misses(&["by_table"]),
            replace("src/main.rs", "x + 8", "x + 9").misses(&["by_constant"]),
        ]);
}

#[test]
fn a_memoized_method_and_what_it_calls() {
    Package::new("method")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .main(
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
            r#"
            let model = Model { rate: 2 };
            show_as!("fit", model.fit_delayed(1), model.fit_uncached(1));
            show_as!("plain", model.plain_delayed(), model.plain_uncached());
            "#,
        )
        .expect([
            replace("src/main.rs", "x + 7", "x + 8").misses(&["fit"]),
            replace("src/main.rs", "rate * 3", "rate * 4").misses(&["fit"]),
            replace("src/main.rs", "rate * 9", "rate * 8").hits(),
        ]);
}

/// Neither the type nor the conversion is named in what the function says: its caller alone names them.
#[test]
fn a_helper_with_a_raw_name() {
    Package::new("raw_name")
        .main(
            r"
            fn r#match(x: u64) -> u64 { x + 7 }
            fn r#plain(x: u64) -> u64 { x + 8 }

            #[rememo::memo]
            fn raw(x: u64) -> u64 { r#match(x) }

            #[rememo::memo]
            fn half(x: u64) -> u64 { plain(x) }
            ",
            "show!(raw(1)); show!(half(1));",
        )
        .expect([
            replace("src/main.rs", "x + 7", "x + 9").misses(&["raw"]),
            replace("src/main.rs", "x + 8", "x + 9").misses(&["half"]),
        ]);
}

#[test]
fn an_item_that_a_local_of_its_name_hides_in_one_block() {
    Package::new("hidden_by_local")
        .main(
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
            "show!(both(3)); show!(before(3));",
        )
        .expect([
            replace("src/main.rs", "x * 7", "x * 8").misses(&["both"]),
            replace("src/main.rs", "{ 8 }", "{ 9 }").misses(&["before"]),
        ]);
}
