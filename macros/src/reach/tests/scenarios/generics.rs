//! Generic functions, and the types they are called with.

use super::{Scenario, replace};

#[test]
fn a_generic_helper_with_a_bound() {
    Scenario::new(
        r"
        trait Weigh { fn weigh(&self) -> u64; }
        struct Stone(u64);
        struct Feather(u64);
        impl Weigh for Stone { fn weigh(&self) -> u64 { self.0 * 100 } }
        impl Weigh for Feather { fn weigh(&self) -> u64 { self.0 } }

        fn total<T: Weigh>(items: &[T]) -> u64 { items.iter().map(T::weigh).sum() }

        #[rememo::memo]
        fn stones(x: u64) -> u64 { total(&[Stone(x), Stone(1)]) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .expect([
        replace("src/main.rs", "self.0 * 100", "self.0 * 101").misses(&["stones"]),
        replace("src/main.rs", ".sum()", ".sum::<u64>() + 1").misses(&["stones"]),
        // Which of the types is summed is not told by names.
        replace("src/main.rs", "{ self.0 }", "{ self.0 + 1 }").may_miss(&["stones"]),
    ]);
}

#[test]
fn a_memoized_generic_function_and_the_type_it_is_called_with() {
    Scenario::new(
        r"
        trait Weigh { fn weigh(&self) -> u64; }

        #[derive(serde::Serialize)]
        struct Stone(u64);
        impl Weigh for Stone { fn weigh(&self) -> u64 { self.0 * density() } }
        fn density() -> u64 { 7 }

        #[rememo::memo]
        fn weight<T: Weigh + serde::Serialize>(item: &T) -> u64 { item.weigh() + 1 }
        ",
    )
    .dependency("serde = { version = \"1\", features = [\"derive\"] }")
    .expect([
        replace("src/main.rs", "self.0 *", "self.0 +").misses(&["weight"]),
        replace("src/main.rs", "{ 7 }", "{ 8 }").misses(&["weight"]),
    ]);
}

#[test]
fn a_memoized_generic_function_bound_by_a_trait_of_the_standard_library() {
    Scenario::new(
        r#"
        #[derive(Clone, serde::Serialize)]
        struct Stone(u64);
        impl From<Stone> for u64 { fn from(stone: Stone) -> u64 { stone.0 * density() } }
        fn density() -> u64 { 7 }
        impl std::fmt::Display for Stone {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "stone of {}", self.0)
            }
        }

        #[rememo::memo]
        fn weight<T: Into<u64> + Clone + serde::Serialize>(item: &T) -> u64 { item.clone().into() }

        #[rememo::memo]
        fn label<T: ToString + serde::Serialize>(item: &T) -> String { item.to_string() }
        "#,
    )
    .dependency("serde = { version = \"1\", features = [\"derive\"] }")
    .expect([
        replace("src/main.rs", "stone.0 *", "stone.0 +").misses(&["weight"]).may_miss(&["label"]),
        replace("src/main.rs", "{ 7 }", "{ 8 }").misses(&["weight"]).may_miss(&["label"]),
        replace("src/main.rs", "stone of", "a stone of").misses(&["label"]).may_miss(&["weight"]),
    ]);
}

#[test]
fn a_generic_helper_called_with_a_turbofish() {
    Scenario::new(
        r"
        trait Unit { const SIZE: u64; fn size() -> u64 { Self::SIZE * 10 } }
        struct Metre;
        struct Mile;
        impl Unit for Metre { const SIZE: u64 = 3; }
        impl Unit for Mile { const SIZE: u64 = 5; fn size() -> u64 { 50 } }

        fn sized<U: Unit>(x: u64) -> u64 { x * U::size() }

        #[rememo::memo]
        fn metres(x: u64) -> u64 { sized::<Metre>(x) }

        #[rememo::memo]
        fn miles(x: u64) -> u64 { x * <Mile as Unit>::size() }
        ",
    )
    .expect([
        replace("src/main.rs", "SIZE: u64 = 3", "SIZE: u64 = 4").misses(&["metres"]).may_miss(&["miles"]),
        replace("src/main.rs", "{ 50 }", "{ 60 }").misses(&["miles"]).may_miss(&["metres"]),
        replace("src/main.rs", "* 10", "* 20").misses(&["metres"]).may_miss(&["miles"]),
    ]);
}
