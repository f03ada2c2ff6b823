//! Code written by macros.

use super::{Scenario, replace};

#[test]
fn a_macro_called_in_the_body() {
    Scenario::new(
        r"
        macro_rules! scaled { ($x:expr) => { $x * 7 + shift!() }; }
        macro_rules! shift { () => { helper() }; }
        macro_rules! unused { () => { 9 }; }
        fn helper() -> u64 { 8 }

        #[rememo::memo]
        fn scale(x: u64) -> u64 { scaled!(x) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .expect([
        replace("src/main.rs", "* 7", "* 6").misses(&["scale"]),
        replace("src/main.rs", "{ 8 }", "{ 6 }").misses(&["scale"]),
        replace("src/main.rs", "{ helper() }", "{ helper() + 1 }").misses(&["scale"]),
        replace("src/main.rs", "{ 9 }", "{ 6 }").hits(),
    ]);
}

#[test]
fn calls_in_arguments_of_macros_of_the_standard_library() {
    Scenario::new(
        r#"
        fn first(x: u64) -> u64 { x + 7 }
        fn second() -> usize { 8 }
        fn third(x: u64) -> bool { x > 5 }

        #[rememo::memo]
        fn filled(x: u64) -> Vec<u64> { vec![first(x); second()] }

        #[rememo::memo]
        fn matched(x: u64) -> bool { matches!(x, n if third(n)) }

        #[rememo::memo]
        fn written(x: u64) -> String { format!("{:>1$} {y}", x, second(), y = first(x)) }
        "#,
    )
    .expect([
        replace("src/main.rs", "x + 7", "x + 6").misses(&["filled", "written"]),
        replace("src/main.rs", "{ 8 }", "{ 6 }").misses(&["filled", "written"]),
        replace("src/main.rs", "x > 5", "x > 2").misses(&["matched"]),
    ]);
}

#[test]
fn items_that_a_macro_names_after_its_arguments() {
    Scenario::new(
r"
        macro_rules! scale { ($($name:ident = $by:expr;)*) => { $(fn $name(x: u64) -> u64 { x * $by + 1 })* }; }
        scale! { double = 2; triple = 3; }
        scale! { tenfold = ten(); }
        fn ten() -> u64 { 10 }

        #[rememo::memo]
        fn doubled(x: u64) -> u64 { double(x) }

        #[rememo::memo]
        fn more(x: u64) -> u64 { tenfold(x) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        "
)
        .expect([
            // The macro has the word `x`, as the functions do.
            replace("src/main.rs", "double = 2", "double = 4").misses(&["doubled"]).may_miss(&["more", "other"]),
            // One invocation is one item.
            replace("src/main.rs", "triple = 3", "triple = 4").may_miss(&["doubled", "more", "other"]),
            replace("src/main.rs", "$by + 1", "$by + 2").misses(&["doubled", "more"]).may_miss(&["other"]),
            replace("src/main.rs", "{ 10 }", "{ 11 }").misses(&["more"]).may_miss(&["doubled", "other"]),
        ]);
}

#[test]
fn items_that_a_macro_names_by_itself() {
    Scenario::new(
        r"
        macro_rules! constants {
            ($by:expr) => {
                const FACTOR: u64 = $by;
                fn offset() -> u64 { 7 }
                pub mod made { pub fn deep(x: u64) -> u64 { x + super::offset() } }
            };
        }
        constants!(3);

        #[rememo::memo]
        fn scaled(x: u64) -> u64 { x * FACTOR }

        #[rememo::memo]
        fn moved(x: u64) -> u64 { made::deep(x) }
        ",
    )
    .expect([
        replace("src/main.rs", "constants!(3)", "constants!(4)").misses(&["scaled"]).may_miss(&["moved"]),
        replace("src/main.rs", "{ 7 }", "{ 8 }").misses(&["moved"]).may_miss(&["scaled"]),
    ]);
}

#[test]
fn items_of_a_macro_that_a_macro_makes() {
    Scenario::new(
        r"
        macro_rules! make {
            ($name:ident, $by:expr) => { macro_rules! $name { ($x:expr) => { $x + $by }; } };
        }
        make!(plus, 7);
        macro_rules! wrap { ($($item:item)*) => { $($item)* }; }
        wrap! { fn wrapped(x: u64) -> u64 { plus!(x) } }

        #[rememo::memo]
        fn direct(x: u64) -> u64 { plus!(x) }

        #[rememo::memo]
        fn through(x: u64) -> u64 { wrapped(x) + 1 }
        ",
    )
    .expect([
        replace("src/main.rs", "plus, 7", "plus, 8").misses(&["direct", "through"]),
        // `wrap!` is given the name `plus`, and may define it.
        replace("src/main.rs", "plus!(x) } }", "plus!(x) * 2 } }").misses(&["through"]).may_miss(&["direct"]),
    ]);
}

#[test]
fn an_implementation_made_by_a_macro() {
    Scenario::new(
r"
        trait Weigh { fn weigh(&self) -> u64; }
        macro_rules! weigh {
            ($($type:ty => $by:expr),*) => { $(impl Weigh for $type { fn weigh(&self) -> u64 { self.0 * $by + 1 } })* };
        }
        macro_rules! add {
            ($type:ident) => {
                impl std::ops::Add for $type { type Output = $type; fn add(self, b: $type) -> $type { $type(self.0 + b.0 + 9) } }
            };
        }
        struct Stone(u64);
        struct Feather(u64);
        weigh!(Stone => 7, Feather => 8);
        add!(Stone);

        #[rememo::memo]
        fn weight(x: u64) -> u64 { Stone(x).weigh() }

        #[rememo::memo]
        fn sum(x: u64) -> u64 { (Stone(x) + Stone(1)).0 }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        "
)
        .expect([
            replace("src/main.rs", "Stone => 7", "Stone => 6").misses(&["weight"]).may_miss(&["sum"]),
            replace("src/main.rs", "$by + 1", "$by + 2").misses(&["weight"]).may_miss(&["sum"]),
            replace("src/main.rs", "+ 9", "+ 10").misses(&["sum"]).may_miss(&["weight"]),
        ]);
}

#[test]
fn a_macro_of_another_module() {
    Scenario::new(
        r"
        #[macro_use]
        mod macros;

        #[rememo::memo]
        fn textual(x: u64) -> u64 { plus!(x) }

        #[rememo::memo]
        fn by_path(x: u64) -> u64 { crate::times!(x) }

        #[rememo::memo]
        fn imported(x: u64) -> u64 { use crate::macros::minus as less; less!(x) }
        ",
    )
    .file(
        "src/macros.rs",
        r"
        macro_rules! plus { ($x:expr) => { $x + 7 }; }
        #[macro_export]
        macro_rules! times { ($x:expr) => { $x * $crate::macros::factor() }; }
        macro_rules! minus { ($x:expr) => { $x - 3 }; }
        pub(crate) use minus;
        pub fn factor() -> u64 { 8 }
        ",
    )
    .expect([
        replace("src/macros.rs", "+ 7", "+ 6").misses(&["textual"]),
        replace("src/macros.rs", "{ 8 }", "{ 6 }").misses(&["by_path"]),
        replace("src/macros.rs", "- 3", "- 4").misses(&["imported"]),
    ]);
}

#[test]
fn a_macro_in_the_place_of_a_type_or_a_pattern() {
    Scenario::new(
        r"
        macro_rules! small { () => { u8 }; }
        macro_rules! lucky { () => { 7 | 8 }; }
        macro_rules! bound { () => { fn limit() -> u64 { 9 } }; }

        #[rememo::memo]
        fn truncated(x: u64) -> u64 { x as small!() as u64 }

        #[rememo::memo]
        fn is_lucky(x: u64) -> bool { matches!(x, lucky!()) }

        #[rememo::memo]
        fn limited(x: u64) -> u64 { bound!(); x.min(limit()) }
        ",
    )
    .expect([
        replace("src/main.rs", "{ u8 }", "{ u16 }").misses(&["truncated"]),
        replace("src/main.rs", "7 | 8", "7 | 9").misses(&["is_lucky"]),
        replace("src/main.rs", "{ 9 }", "{ 10 }").misses(&["limited"]),
    ]);
}
