//! Memoized functions in impl blocks that have no receiver.

use super::KINDS;
use crate::package::{Package, replace};

/// Functions of one name and one body, in types of all sorts.
const MODELS: &str = r"
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Plain(u64);

    impl Kind for Plain { const NUMBER: u64 = 1; }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Other(u64);

    impl Kind for Other { const NUMBER: u64 = 2; }

    impl Plain {
        #[memo]
        pub fn load(x: u64) -> Self { Self(x + Self::NUMBER) }
    }

    impl Other {
        #[memo] pub fn load(x: u64) -> Other { Other(x + 2) }

        #[memo] fn number<T: Kind>(x: u64) -> u64 { x + T::NUMBER }
    }

    pub struct Holder<T>(T);

    impl<T: Kind> Holder<T> {
        #[memo]
        fn number(x: u64) -> u64 { x + T::NUMBER }
    }

    impl Holder<u8> {
        #[memo]
        fn width(x: u64) -> u64 { x + 8 }
    }

    impl Holder<u16> {
        #[memo]
        fn width(x: u64) -> u64 { x + 16 }
    }

    mod inner {
        pub struct Plain;

        impl Plain {
            #[rememo::memo]
            pub fn load(x: u64) -> u64 { x + 3 }
        }
    }

    macro_rules! models {
        ($($name:ident $number:literal)*) => { $(
            pub struct $name;

            impl $name {
                #[memo(associated)]
                fn load(x: u64) -> u64 { x + $number }
            }
        )* };
    }

    models!(Fourth 4 Fifth 5);
";

#[test]
fn associated_functions_of_one_name_are_told_apart() {
    Package::new("associated_functions")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .calls(
            &format!("use rememo::memo;\n{KINDS}{MODELS}"),
            r#"
            macro_rules! each { ($($label:literal: $delayed:expr, $uncached:expr;)*) => { $(
                if wants($label) { show_as!($label, $delayed, $uncached); }
            )* } }
            each! {
                "plain": Plain::load_delayed(10), Plain::load_uncached(10);
                "other": Other::load_delayed(10), Other::load_uncached(10);
                "inner": inner::Plain::load_delayed(10), inner::Plain::load_uncached(10);
                "free": number::delayed::<Plain>(10), number::uncached::<Plain>(10);
                "generic_function": Other::number_delayed::<Plain>(10), Other::number_uncached::<Plain>(10);
                "another": Other::number_delayed::<Other>(10), Other::number_uncached::<Other>(10);
                "generic_type": Holder::<Plain>::number_delayed(10), Holder::<Plain>::number_uncached(10);
                "another_type": Holder::<Other>::number_delayed(10), Holder::<Other>::number_uncached(10);
                "bytes": Holder::<u8>::width_delayed(10), Holder::<u8>::width_uncached(10);
                "words": Holder::<u16>::width_delayed(10), Holder::<u16>::width_uncached(10);
                "by_a_macro": Fourth::load_delayed(10), Fourth::load_uncached(10);
                "by_it_too": Fifth::load_delayed(10), Fifth::load_uncached(10);
            }
            "#,
        )
        .tells_apart(&[
            "plain",
            "other",
            "inner",
            "free",
            "generic_function",
            "another",
            "generic_type",
            "another_type",
            "bytes",
            "words",
            "by_a_macro",
            "by_it_too",
        ]);
}

#[test]
fn an_associated_function_is_recomputed_when_what_it_reaches_changes() {
    Package::new("associated_edits")
        .main(
            "use rememo::memo;
            fn helper(x: u64) -> u64 { x * 3 }
            fn unrelated(x: u64) -> u64 { x * 5 }
            pub struct Model;
            impl Model {
                const DEPTH: u64 = 7;

                #[memo] fn helped(x: u64) -> u64 { helper(x) }

                #[memo]
                fn deep(x: u64) -> u64 { x + Self::DEPTH }

                #[memo] fn alone(x: u64) -> u64 { x + 1 }

                fn plain(x: u64) -> u64 { unrelated(x) }
            }",
            r#"
            let _entered = memory.enter();
            assert_eq!(Model::helped(1), 3);
            assert!(memory.contains(&Model::helped_delayed(1)));
            assert_eq!(Model::alone_info().name(), "associated_edits::Model::alone");
            show_as!("helped", Model::helped_delayed(5), Model::helped_uncached(5));
            show_as!("deep", Model::deep_delayed(5), Model::deep_uncached(5));
            show_as!("alone", Model::alone_delayed(5), Model::alone_uncached(5));
            "#,
        )
        .expect([
            replace("src/main.rs", "x * 3", "x * 4")
                .replace("src/main.rs", "1), 3", "1), 4")
                .misses(&["helped"]),
            replace("src/main.rs", "DEPTH: u64 = 7", "DEPTH: u64 = 8").misses(&["deep"]),
            replace("src/main.rs", "x + 1 }", "x + 2 }").misses(&["alone"]),
            replace("src/main.rs", "x * 5", "x * 6").hits(),
            replace("src/main.rs", "pub struct Model;", "/// Documented.\npub struct Model;").hits(),
        ]);
}
