//! Types and functions of one name in several blocks of one function.

use super::KINDS;
use crate::package::Package;

#[test]
fn types_in_two_blocks_of_a_function() {
    Package::new("block_types")
        .calls(
            KINDS,
            r#"
            if wants("first") {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 1; }
                show_as!("first", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }
            if wants("second") {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 2; }
                show_as!("second", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }
            if wants("nested") {
                struct Local;
                impl Kind for Option<&'static [Local]> { const NUMBER: u64 = 3; }
                show_as!("nested", number::delayed::<Option<&[Local]>>(10), number::uncached::<Option<&[Local]>>(10));
            }
            if wants("nested_too") {
                struct Local;
                impl Kind for Option<&'static [Local]> { const NUMBER: u64 = 4; }
                show_as!("nested_too", number::delayed::<Option<&[Local]>>(10), number::uncached::<Option<&[Local]>>(10));
            }
            "#,
        )
        .tells_apart(&["first", "second", "nested", "nested_too"]);
}

#[test]
fn output_types_in_two_blocks_of_a_function() {
    let block = |label: &str, number: u64| {
        format!(
            "if wants(\"{label}\") {{
                #[derive(Debug, serde::Serialize, serde::Deserialize)]
                struct Local(u64);
                impl From<u64> for Local {{ fn from(x: u64) -> Self {{ Local(x + {number}) }} }}
                show_as!(\"{label}\", made::delayed::<Local>(10), made::uncached::<Local>(10));
            }}"
        )
    };
    Package::new("block_outputs")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .calls(
            "#[rememo::memo]
            fn made<T: From<u64> + serde::Serialize + serde::de::DeserializeOwned>(x: u64) -> T { T::from(x) }",
            &[block("first", 1), block("second", 2)].concat(),
        )
        .tells_apart(&["first", "second"]);
}

/// What the package reads of its own sources tells nothing of types of a crate that depends on it.
#[test]
fn types_in_two_blocks_of_a_function_of_a_dependent() {
    let library = crate::package::library().display();
    Package::new("block_dependents")
        .dependency("block_dependents_lib = { path = \"lib\" }")
        .file(
            "lib/Cargo.toml",
            crate::package::member(
                "block_dependents_lib",
                &format!("[dependencies]\nrememo = {{ path = \"{library}\" }}\n"),
            ),
        )
        .file("lib/src/lib.rs", KINDS)
        .calls(
            "use block_dependents_lib::{Kind, number};",
            r#"
            if wants("first") {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 1; }
                show_as!("first", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }
            if wants("second") {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 2; }
                show_as!("second", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }
            "#,
        )
        .tells_apart(&["first", "second"]);
}

#[test]
fn functions_in_two_blocks_of_a_function() {
    let block = |label: &str, number: u64, track: &str| {
        format!(
            "if wants(\"{label}\") {{
                #[allow(dead_code)]
                const HERE: u64 = {number};
                #[rememo::memo(track = \"{track}\")]
                fn local(x: u64) -> u64 {{ x + HERE }}
                show_as!(\"{label}\", local::delayed(10), local::uncached(10));
            }}"
        )
    };
    Package::new("block_functions")
        .calls(
            "",
            &[
                block("reach_1", 1, "reach"),
                block("reach_2", 2, "reach"),
                block("body_3", 3, "body"),
                block("body_4", 4, "body"),
                block("none_5", 5, "none"),
                block("none_6", 6, "none"),
            ]
            .concat(),
        )
        .tells_apart(&["reach_1", "reach_2", "body_3", "body_4", "none_5", "none_6"]);
}

/// Functions of the user's as type parameters: they have names, and may stand in blocks as types
/// do.
#[test]
fn functions_in_two_blocks_as_type_parameters() {
    let block = |label: &str, number: u64| {
        format!(
            "if wants(\"{label}\") {{
                fn step(x: u64) -> u64 {{ x + {number} }}
                let of = of(step);
                show_as!(\"{label}\", stepped::delayed(of, 10), stepped::uncached(of, 10));
            }}"
        )
    };
    Package::new("block_steps")
        .calls(
            "use std::marker::PhantomData;
            pub trait Step { fn run(x: u64) -> u64; }
            impl<F: Fn(u64) -> u64> Step for F {
                fn run(x: u64) -> u64 {
                    const { assert!(size_of::<F>() == 0) };
                    let step = std::ptr::NonNull::<F>::dangling();
                    // A function has no data.
                    (unsafe { step.as_ref() })(x)
                }
            }
            fn of<F: Step>(_: F) -> PhantomData<F> { PhantomData }
            #[rememo::memo]
            fn stepped<F: Step>(of: PhantomData<F>, x: u64) -> u64 { let _ = of; F::run(x) }",
            &[block("first", 1), block("second", 2)].concat(),
        )
        .tells_apart(&["first", "second"]);
}

#[test]
fn methods_of_types_in_two_blocks() {
    let block = |label: &str, number: u64| {
        format!(
            "if wants(\"{label}\") {{
                #[derive(serde::Serialize)]
                struct Model(u64);
                impl Model {{
                    #[rememo::memo]
                    fn fit(&self, x: u64) -> u64 {{ x + {number} }}
                    #[rememo::memo(track = \"none\")]
                    fn guess(&self, x: u64) -> u64 {{ x * {number} }}
                }}
                let model = Model(7);
                show_as!(\"{label}\", model.fit_delayed(10), model.fit_uncached(10));
                show_as!(\"{label}\", model.guess_delayed(10), model.guess_uncached(10));
            }}"
        )
    };
    Package::new("block_methods")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .calls("", &[block("first", 1), block("second", 2)].concat())
        .tells_apart(&["first", "second"]);
}

#[test]
fn types_in_inner_functions_constants_statics_and_methods_of_one_name() {
    Package::new("block_others")
        .calls(
            &format!(
                "{KINDS}
                trait Named {{ type Local; }}
                struct One;
                struct Two;
                const _: () = {{
                    pub struct Hidden;
                    impl Kind for Hidden {{ const NUMBER: u64 = 1; }}
                    impl Named for One {{ type Local = Hidden; }}
                }};
                const _: () = {{
                    pub struct Hidden;
                    impl Kind for Hidden {{ const NUMBER: u64 = 2; }}
                    impl Named for Two {{ type Local = Hidden; }}
                }};
                struct Host<T>(T);
                impl Host<u8> {{
                    fn call() -> (u64, u64, bool) {{
                        struct Local;
                        impl Kind for Local {{ const NUMBER: u64 = 3; }}
                        called(number::delayed::<Local>(10), number::uncached::<Local>(10))
                    }}
                }}
                impl Host<u16> {{
                    fn call() -> (u64, u64, bool) {{
                        struct Local;
                        impl Kind for Local {{ const NUMBER: u64 = 4; }}
                        called(number::delayed::<Local>(10), number::uncached::<Local>(10))
                    }}
                }}
                static FIRST: fn() -> (u64, u64, bool) = {{
                    struct Local;
                    impl Kind for Local {{ const NUMBER: u64 = 5; }}
                    || called(number::delayed::<Local>(10), number::uncached::<Local>(10))
                }};
                fn called(call: impl rememo::Call<Output = u64>, uncached: u64) -> (u64, u64, bool) {{
                    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
                    let outcome = memory.call_info(call);
                    (outcome.value, uncached, outcome.is_hit())
                }}
                fn print(label: &str, (value, uncached, is_hit): (u64, u64, bool)) {{
                    println!(\"{{label}}\\t{{}}\\t{{value}}\\t{{uncached}}\", if is_hit {{ \"hit\" }} else {{ \"miss\" }});
                }}"
            ),
            r#"
            type First = <One as Named>::Local;
            type Second = <Two as Named>::Local;
            if wants("const_1") { show_as!("const_1", number::delayed::<First>(10), number::uncached::<First>(10)); }
            if wants("const_2") { show_as!("const_2", number::delayed::<Second>(10), number::uncached::<Second>(10)); }
            if wants("method_3") { print("method_3", Host::<u8>::call()); }
            if wants("method_4") { print("method_4", Host::<u16>::call()); }
            if wants("static") { print("static", FIRST()); }
            if wants("inner_6") {
                fn inner() -> (u64, u64, bool) {
                    struct Local;
                    impl Kind for Local { const NUMBER: u64 = 6; }
                    called(number::delayed::<Local>(10), number::uncached::<Local>(10))
                }
                print("inner_6", inner());
            }
            if wants("inner_7") {
                fn inner() -> (u64, u64, bool) {
                    struct Local;
                    impl Kind for Local { const NUMBER: u64 = 7; }
                    called(number::delayed::<Local>(10), number::uncached::<Local>(10))
                }
                print("inner_7", inner());
            }
            "#,
        )
        .tells_apart(&["const_1", "const_2", "method_3", "method_4", "static", "inner_6", "inner_7"]);
}

/// Types that nobody reads in the sources: a macro makes them, in a function that a macro makes.
#[test]
fn types_in_blocks_that_macros_make() {
    Package::new("block_macros")
        .calls(
            &format!(
                "{KINDS}
                macro_rules! make_type {{
                    ($name:ident, $number:expr) => {{ struct $name; impl Kind for $name {{ const NUMBER: u64 = $number; }} }};
                }}
                macro_rules! make_function {{
                    ($name:ident, $first:expr, $second:expr) => {{
                        fn $name(is_first: bool) -> (u64, u64, bool) {{
                            if is_first {{
                                struct Local;
                                impl Kind for Local {{ const NUMBER: u64 = $first; }}
                                return called(number::delayed::<Local>(10), number::uncached::<Local>(10));
                            }}
                            struct Local;
                            impl Kind for Local {{ const NUMBER: u64 = $second; }}
                            called(number::delayed::<Local>(10), number::uncached::<Local>(10))
                        }}
                    }};
                }}
                make_function!(made, 3, 4);
                fn called(call: impl rememo::Call<Output = u64>, uncached: u64) -> (u64, u64, bool) {{
                    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
                    let outcome = memory.call_info(call);
                    (outcome.value, uncached, outcome.is_hit())
                }}
                fn print(label: &str, (value, uncached, is_hit): (u64, u64, bool)) {{
                    println!(\"{{label}}\\t{{}}\\t{{value}}\\t{{uncached}}\", if is_hit {{ \"hit\" }} else {{ \"miss\" }});
                }}"
            ),
            r#"
            if wants("invoked_1") {
                make_type!(Local, 1);
                show_as!("invoked_1", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }
            if wants("invoked_2") {
                make_type!(Local, 2);
                show_as!("invoked_2", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }
            if wants("made_3") { print("made_3", made(true)); }
            if wants("made_4") { print("made_4", made(false)); }
            "#,
        )
        .tells_apart(&["invoked_1", "invoked_2", "made_3", "made_4"]);
}

/// Without the macro nothing is known of the output type but what the compiler calls it.
#[test]
fn output_types_of_get_or_compute_in_two_blocks() {
    let block = |label: &str, number: u64| {
        format!(
            "if wants(\"{label}\") {{
                #[derive(Debug, serde::Serialize, serde::Deserialize)]
                struct Local {{ value: u64 }}
                let before = memory.stats().hits;
                let found: Local = memory.get_or_compute(\"local\", &7, || Local {{ value: {number} }});
                let source = if memory.stats().hits > before {{ \"hit\" }} else {{ \"miss\" }};
                println!(\"{label}\\t{{source}}\\t{{}}\\t{number}\", found.value);
            }}"
        )
    };
    Package::new("block_by_name")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .calls("", &[block("first", 1), block("second", 2)].concat())
        .tells_apart(&["first", "second"]);
}
