//! The order of blocks of one function tells types and functions of one name apart: an edit that
//! changes it must not let one find the entries of the other.

use super::KINDS;
use crate::package::{Package, replace};

#[test]
fn blocks_with_types_of_one_name_that_change_places() {
    let body = |first: u64, second: u64| {
        format!(
            "{{
                struct Local;
                impl Kind for Local {{ const NUMBER: u64 = {first}; }}
                show_as!(\"first\", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }}
            {{
                struct Local;
                impl Kind for Local {{ const NUMBER: u64 = {second}; }}
                show_as!(\"second\", number::delayed::<Local>(10), number::uncached::<Local>(10));
            }}"
        )
    };
    Package::new("swapped_types").main(KINDS, &body(1, 2)).expect([replace(
        "src/main.rs",
        &body(1, 2),
        &body(2, 1),
    )
    .misses(&["first", "second"])]);
}

/// Nothing of the types or functions themselves differs, only what is around them.
#[test]
fn blocks_that_differ_in_what_they_import() {
    let body = |first: &str, second: &str| {
        format!(
            "{{
                {first}
                struct Local;
                impl Kind for Local {{ const NUMBER: u64 = HERE; }}
                #[rememo::memo]
                fn local(x: u64) -> u64 {{ x * HERE }}
                show_as!(\"first_type\", number::delayed::<Local>(10), number::uncached::<Local>(10));
                show_as!(\"first\", local::delayed(10), local::uncached(10));
            }}
            {{
                {second}
                struct Local;
                impl Kind for Local {{ const NUMBER: u64 = HERE; }}
                #[rememo::memo]
                fn local(x: u64) -> u64 {{ x * HERE }}
                show_as!(\"second_type\", number::delayed::<Local>(10), number::uncached::<Local>(10));
                show_as!(\"second\", local::delayed(10), local::uncached(10));
            }}"
        )
    };
    let source = format!("{KINDS} mod other {{ pub const HERE: u64 = 2; }} const HERE: u64 = 1;");
    Package::new("swapped_imports").main(&source, &body("", "use other::HERE;")).expect([replace(
        "src/main.rs",
        &body("", "use other::HERE;"),
        &body("use other::HERE;", ""),
    )
    .misses(&["first", "second", "first_type", "second_type"])]);
}

#[test]
fn constants_without_a_name_that_change_places() {
    let constant = |host: &str, number: u64| {
        format!(
            "const _: () = {{
                pub struct Hidden;
                impl Kind for Hidden {{ const NUMBER: u64 = {number}; }}
                impl Named for {host} {{ type Local = Hidden; }}
            }};\n"
        )
    };
    let (one, two) = (constant("One", 1), constant("Two", 2));
    let source = format!("{KINDS} pub trait Named {{ type Local; }} struct One; struct Two; {one}{two}");
    Package::new("swapped_constants")
        .main(
            &source,
            "show_as!(\"one\", number::delayed::<<One as Named>::Local>(10), number::uncached::<<One as Named>::Local>(10));
            show_as!(\"two\", number::delayed::<<Two as Named>::Local>(10), number::uncached::<<Two as Named>::Local>(10));",
        )
        .expect([replace("src/main.rs", &format!("{one}{two}"), &format!("{two}{one}")).may_miss(&["one", "two"])]);
}

/// What stands alone under its name is not touched by an edit around it.
#[test]
fn a_type_of_its_own_name_in_a_body_stays_known() {
    Package::new("lone_type")
        .main(
            KINDS,
            "struct Local;
            impl Kind for Local { const NUMBER: u64 = 1; }
            show_as!(\"local\", number::delayed::<Local>(10), number::uncached::<Local>(10));
            let unrelated = 7;
            let _ = unrelated;",
        )
        .expect([
            replace("src/main.rs", "let unrelated = 7;", "let unrelated = 8;").hits(),
            replace("src/main.rs", "NUMBER: u64 = 1", "NUMBER: u64 = 2").misses(&["local"]),
        ]);
}
