use std::any::{type_name, type_name_of_val};
use std::marker::PhantomData;

use super::*;

#[test]
fn names_split_into_path_and_last_arguments() {
    for (name, path, arguments) in [
        ("a::b::f", "a::b::f", ""),
        ("a::B<u8>::f<a::C<u16>, 3>", "a::B::f", "<a::C<u16>, 3>"),
        ("a::f<fn(u8) -> u8>", "a::f", "<fn(u8) -> u8>"),
        ("<a::A as a::T<u8>>::m::f<u8>", "<a::A as a::T<u8>>::m::f", "<u8>"),
        ("<a::A as a::T<u8>>::m::f", "<a::A as a::T<u8>>::m::f", ""),
        ("a::<impl a::B<u8>>::f::g<u8>", "a::::f::g", "<u8>"),
        ("a::{{closure}}::f", "a::{{closure}}::f", ""),
        ("a::f<'>', 1>", "a::f", "<'>', 1>"),
        ("a::f<'>', 10>", "a::f", "<'>', 10>"),
        (r"a::f<'\'', '<'>", "a::f", r"<'\'', '<'>"),
        (r"a::f<'\\', 1>", "a::f", r"<'\\', 1>"),
        (r"a::f<'\u{301}', '{'>", "a::f", r"<'\u{301}', '{'>"),
        (r#"a::f<"a>\"b", 'é'>"#, "a::f", r#"<"a>\"b", 'é'>"#),
        ("a::f<{ a::P { x: '}', y: 2 > 1 } }>", "a::f", "<{ a::P { x: '}', y: 2 > 1 } }>"),
        ("a::f<&'_ u8, a::L<'_>>", "a::f", "<&'_ u8, a::L<'_>>"),
        ("a::f<for<'a> fn(&'a u8) -> u8>", "a::f", "<for<'a> fn(&'a u8) -> u8>"),
        ("", "", ""),
    ] {
        assert_eq!((without_arguments(name).as_str(), last_arguments(name)), (path, arguments), "{name}");
    }
}

#[track_caller]
fn in_name(name: &str) -> Vec<(&str, End)> {
    paths(name).map(|Path { text, end }| (text, end)).collect()
}

#[test]
fn the_paths_in_a_name_are_found() {
    use End::{Here, Qualified};
    assert_eq!(in_name("u8"), []);
    assert_eq!(in_name("(u8, [str; 3], &'_ i32, *const bool)"), []);
    assert_eq!(
        in_name("<a::b::C<d::E, '>', \"x::y\">, (f::G, 'x')>"),
        [("a::b::C", Here), ("d::E", Here), ("f::G", Here)]
    );
    assert_eq!(in_name("a::B<u8>::f"), [("a::B", Here), ("::f", Qualified)]);
    assert_eq!(in_name("<a::A as b::T>::f::L"), [("a::A", Here), ("b::T", Here), ("::f::L", Qualified)]);
    assert_eq!(in_name("a::{{closure}}::L"), [("a::{{closure}}::L", Here)]);
    assert_eq!(in_name("dyn a::T<Out = b::U> + Send"), [("a::T", Here), ("b::U", Here)]);
    assert_eq!(
        in_name("i8::MIN, a::E::V::{{constructor}}"),
        [("i8::MIN", Here), ("a::E::V::{{constructor}}", Here)]
    );
}

#[test]
fn a_closure_is_a_path_that_ends_in_one() {
    for (name, expected) in [
        ("a::f::{{closure}}", true),
        ("<u8, core::option::Option<a::f::{{closure}}>>", true),
        ("a::f::{{closure}}::{{closure}}", true),
        ("a::f::{closure#0}", true),
        ("a::f::{{closure}}<u8>", true),
        ("a::f::{{closure}}::Local", false),
        ("<u8, a::f::{{closure}}::Local<u8>>", false),
        ("a::E::V::{{constructor}}", false),
        ("a::f<{ 1 }>", false),
    ] {
        assert_eq!(has_closure(name), expected, "{name}");
    }
}

const KNOWN: Known =
    Known("shop:: shop::tax:: shop::main::Local shop::_::Hidden serde::* -shop::tax::Rate -alloc");

#[test]
fn what_is_listed_is_known_and_nothing_else() {
    for name in [
        "",
        "u8",
        "(u8, &'_ [str], '\u{2014}')",
        "shop::Item",
        "shop::tax::Duty",
        "core::option::Option<shop::Item>",
        "std::collections::hash::map::HashMap<shop::Item, shop::tax::Duty>",
        "shop::main::Local",
        "shop::_::Hidden",
        "shop::Grid<'>', i8::MIN, -7, true, u128::MAX>",
        "serde::de::value::Error",
    ] {
        assert!(KNOWN.covers(name), "{name}");
    }
    for name in [
        "shops::Item",
        "other::Item",
        "core::option::Option<other::Item>",
        "shop::tax::Rate",
        "core::option::Option<shop::tax::Rate>",
        "shop::tax::rate::Local",
        "shop::main::Other",
        "shop::main::Local::Deeper",
        "shop::main::{{closure}}::Local",
        "shop::Item<u8>::call::Local",
        "<shop::Item as shop::Named>::f::Local",
        "shop::<impl shop::Item>::f::Local",
        "serde::_::Hidden",
        "serde::f::{{closure}}::Local",
        "alloc::string::String",
        "i8::MIN::Local",
        "i8::Local",
        "fn(u8)",
        "core::option::Option<fn(&'_ u8)>",
        "alloc::boxed::Box<dyn shop::Named>",
        "for<'a> fn(&'a u8)",
        "dyn core::any::Any",
    ] {
        assert!(!KNOWN.covers(name), "{name}");
    }
    assert!(Known("").covers("core::option::Option<u8>") && !Known("").covers("shop::Item"));
}

/// What is understood here is what this compiler prints.
#[test]
fn names_that_the_compiler_prints_are_understood() {
    struct Grid<const C: char, const N: i32, T: ?Sized>(PhantomData<T>);
    let known =
        Known("rememo::function::printed::tests::names_that_the_compiler_prints_are_understood::Grid");
    for name in [
        type_name::<Grid<'>', { i32::MIN }, str>>(),
        type_name::<Grid<'\'', -1, [&str]>>(),
        type_name::<Grid<'\u{301}', 7, Option<Grid<'\\', 0, (u8, [u16; 3])>>>>(),
        type_name::<Grid<'{', 7, *const Result<String, std::io::Error>>>(),
    ] {
        assert!(known.covers(name), "{name}");
        assert_eq!(without_arguments(name), known.0);
        assert_eq!(last_arguments(name), &name[known.0.len()..]);
    }
    for name in [type_name::<Grid<'a', 1, fn(u8)>>(), type_name::<Grid<'a', 1, dyn Fn(&u8)>>()] {
        assert!(!known.covers(name), "{name}");
    }
    let closure = || {
        struct Local;
        type_name::<Local>()
    };
    assert!(has_closure(type_name_of_val(&closure)) && has_closure(type_name_of_val(&async {})));
    assert!(has_closure(type_name_of_val(&Some(&closure))));
    assert!(!has_closure(closure()) && !known.covers(closure()), "{}", closure());
    assert!(!has_closure(type_name_of_val(&Some::<u8>)), "a function that has a name");
}
