use crate::reach::tests::package::{Package, fingerprint, paths};
use crate::reach::tokens::Tokens;

/// What `f` reaches in a library of this source, apart from itself, by paths in the crate.
#[track_caller]
fn reached(source: &str) -> Vec<String> {
    let reached = Package::new(&[("src/lib.rs", source)]).reached("demo::f");
    let reached = reached.into_iter().filter(|path| path != "demo::f");
    reached.map(|path| path.strip_prefix("demo::").map(str::to_owned).unwrap_or(path)).collect()
}

/// Asserts of each source all that its `f` reaches.
#[track_caller]
fn reaches(cases: &[(&str, &[&str])]) {
    for (source, expected) in cases {
        assert_eq!(reached(source), *expected, "{source}");
    }
}

#[test]
fn what_is_named_is_reached_and_what_that_names() {
    reaches(&[
        ("fn f() { a() } fn a() { b() } fn b() { a() } fn c() { f() }", &["a", "b"]),
        (
            "fn f(x: A) -> B { C } struct A; struct B(D); const C: u8 = 1; enum D {} struct E;",
            &["A", "B", "C", "D"],
        ),
        // Methods, fields and locals have no names of their own.
        ("fn f() { x.a; y.b() } fn a() {} static b: u8 = 1;", &["a", "b"]),
        ("fn f(a: u8) { S { b: 1 } } fn a() {} struct S { b: u8 }", &["S", "a"]),
        ("fn f() { std::iter::a() } fn a() {}", &["a"]),
        ("fn f() { r#try() } fn r#try() {} type r#a = u8;", &["try"]),
        ("fn f() { \"a\"; 'a'; /* a */ } fn a() {}", &[]),
        ("fn f() { println!(\"{A}\") } const A: u8 = 1; const B: u8 = 2;", &["A"]),
        ("fn f() { unsafe { a() } } extern \"C\" { fn a(); fn b(); }", &["a"]),
        ("#[a] fn f() {} mod a { pub fn b() {} }", &["a::b"]),
        ("fn f() { let _ = 1; } const _: () = { a() }; fn a() {}", &[]),
    ]);
}

#[test]
fn names_are_of_items_only_in_modules_that_are_reached() {
    reaches(&[
        ("fn f() { a() } mod m { pub fn a() {} }", &[]),
        ("fn f() { m::a() } mod m { pub fn a() { b() } fn b() {} pub fn c() {} }", &["m::a", "m::b"]),
        ("use m::a; fn f() { a() } mod m { pub fn a() {} }", &["m::a", "use m::a as a"]),
        ("use m::a; fn f() { b() } fn b() {} mod m { pub fn a() {} }", &["b"]),
        (
            "fn f() { m::n::a() } mod m { pub mod n { pub fn a() { super::b() } } fn b() {} }",
            &["m::b", "m::n::a"],
        ),
        // Of two that may be meant, both.
        ("fn f() { m::a() } fn a() {} mod m { pub fn a() {} }", &["a", "m::a"]),
        ("use m::*; fn f() { a() } mod m { pub fn a() {} fn b() {} }", &["m::a", "use m::*"]),
        ("#[cfg(x)] mod m { pub fn a() {} } fn f() { m::a() }", &["m", "m::a"]),
        ("fn f() { m::a() } mod m { #![allow(b)] #![c] pub fn a() {} }", &["m::#![…]", "m::a"]),
    ]);
}

#[test]
fn imports_are_reached_by_the_names_that_they_bring() {
    reaches(&[
        (
            "use a::b as c; fn f() { c() } mod a { pub fn b() {} pub fn c() {} }",
            &["a::b", "a::c", "use a::b as c"],
        ),
        ("use a::b as c; fn f() { b() } mod a { pub fn b() {} }", &[]),
        ("use a::{b, c}; fn f() { b() } mod a { pub fn b() {} pub fn c() {} }", &["a::b", "use a::b as b"]),
        (
            "pub use a::b; mod a { pub use self::c::b; mod c { pub fn b() {} } } fn f() { b() }",
            &["a::c::b", "a::use self::c::b as b", "use a::b as b"],
        ),
        // Of another crate: a trait may bring methods, in any module that is reached.
        (
            "use std::fmt::Write; use std::collections::HashMap; use other::Trait; use other::name; fn f() {}",
            &["use other::Trait as Trait", "use std::fmt::Write as Write"],
        ),
        ("mod a { use other::Trait; } fn f() {}", &[]),
        ("use rememo::memo; use rememo::*; fn f() { memo() }", &[]),
    ]);
}

#[test]
fn aliases_stand_for_their_types() {
    reaches(&[
        (
            "type A = B; struct B; impl T for A {} trait T { fn t(); } fn f() { B; T }",
            &["A", "B", "T", "impl T for A"],
        ),
        // It may have values that nothing names.
        ("type A = B; struct B; impl T for A {} trait T {} fn f() { T }", &["A", "B", "T", "impl T for A"]),
        (
            "type A = C; type C = B; struct B; impl A { fn a() {} } fn f() { B::a() }",
            &["A", "A::a", "B", "C"],
        ),
        (
            "mod m { pub struct B; } use m::B as A; impl A { fn a() {} } fn f(x: m::B) { x.a() }",
            &["A::a", "m::B", "use m::B as A"],
        ),
        ("type A = B; struct B; struct C; fn f(x: A) {}", &["A", "B"]),
    ]);
}

#[test]
fn an_implementation_matters_if_its_type_and_its_trait_occur() {
    let traits = "struct A; struct B<X>(X); trait T { fn t() {} } trait U<X> {} fn g() {}";
    for (function, blocks, expected) in [
        ("fn f() { A }", "impl T for A { fn t() { g() } }", &["A"][..]),
        ("fn f() { T }", "impl T for A { fn t() { g() } }", &["T"]),
        ("fn f() { A; T }", "impl T for A { fn t() { g() } }", &["A", "T", "g", "impl T for A"]),
        // By the name of a method, the trait.
        ("fn f(a: A) { a.t() }", "impl T for A {}", &["A", "T", "impl T for A"]),
        ("fn f() { A }", "impl Clone for A {}", &["A", "impl Clone for A"]),
        ("fn f() { A }", "impl Clone for B<A> {}", &["A"]),
        ("fn f() { A; B }", "impl Clone for B<A> {}", &["A", "B", "impl Clone for B<A>"]),
        // What the arguments are, the compiler may infer.
        ("fn f() { A; U }", "impl U<B<A>> for A {}", &["A", "B", "U", "impl U<B<A>> for A"]),
        // A name may be a foreign one, which is known without being named.
        (
            "fn f() { A }",
            "impl std::ops::T for A { fn t() { g() } }",
            &["A", "T", "g", "impl std::ops::T for A"],
        ),
        ("fn f() { T }", "use std::x::A; impl T for A {}", &["A", "T", "impl T for A", "use std::x::A as A"]),
        ("fn f() { A }", "#[derive(T)] struct C; impl C {}", &["A"]),
        ("fn f() { B }", "impl<Y> Drop for B<Y> { fn drop() { g() } }", &["B", "g", "impl<Y> Drop for B<Y>"]),
        // A parameter is no type of that name.
        ("fn f() { B }", "impl<A> Drop for B<A> {}", &["A", "B", "impl<A> Drop for B<A>"]),
        // Of types of nobody here: always.
        ("fn f() {}", "impl From<u8> for u16 { fn from() { g() } }", &["g", "impl From<u8> for u16"]),
        ("fn f() {}", "impl T for u8 {}", &[]),
        ("fn f() { A; T }", "const _: () = { impl T for A {} };", &["A", "T", "_::impl T for A"]),
        ("fn f() { T }", "impl T for u8 {}", &["T", "impl T for u8"]),
    ] {
        assert_eq!(reached(&format!("{traits} {blocks} {function}")), expected, "{blocks} {function}");
    }
}

#[test]
fn members_of_a_type_are_reached_one_by_one() {
    let a = "struct A; impl A { const C: u8 = 1; fn new() -> Self { A } fn a(&self) { self.b() } fn b(&self) {} \
             fn c(&self) {} }";
    for (function, expected) in [
        ("fn f(x: A) { x.a() }", &["A", "A::a", "A::b"][..]),
        ("fn f() { A::new() }", &["A", "A::new"]),
        ("fn f() { A::C }", &["A", "A::C"]),
        ("fn f() { x.a() }", &[]),
        ("fn f() { A; A::c }", &["A", "A::c"]),
    ] {
        assert_eq!(reached(&format!("{a} {function}")), expected, "{function}");
    }
    reaches(&[
        ("mod m { impl super::A { pub fn a(&self) {} } } struct A; fn f(x: A) { x.a() }", &["A", "m::A::a"]),
        ("struct A; impl A { m!(a); fn b(&self) {} } fn f(x: A) {}", &["A", "A::m"]),
    ]);
}

#[test]
fn methods_find_their_traits_wherever_they_are() {
    reaches(&[
        (
            "mod m { pub trait T { fn t(&self) { a() } } impl T for u8 {} fn a() {} } use m::T; fn f() { 1u8.t() }",
            &["m::T", "m::a", "m::impl T for u8", "use m::T as T"],
        ),
        ("mod m { pub trait T { fn t(&self); fn u(&self); } } fn f() { x.u() } fn v() {}", &["m::T"]),
        ("trait T { const C: u8; type D; } fn f() { X::C }", &["T"]),
        ("mod m { pub trait T { fn t(&self); } } fn f() { T }", &["m::T"]),
        (
            "use m::T as _; mod m { pub trait T { fn t(&self) {} } pub trait U { fn u(&self) {} } } fn f() { x.t() }",
            &["m::T", "use m::T as _"],
        ),
        ("use m::T as _; mod m { pub trait T { fn t(&self) {} } } fn f() {}", &["m::T", "use m::T as _"]),
        (
            "use m::E::*; mod m { pub enum E { A, B(u8) } pub enum F { C } } fn f() { A }",
            &["m::E", "use m::E::*"],
        ),
        ("use m::E::*; mod m { pub enum E { A } } fn f() {}", &["m::E", "use m::E::*"]),
    ]);
}

#[test]
fn a_blanket_implementation_is_reached_by_its_trait() {
    let types = "struct A; struct B; trait T { fn t(&self); } trait U {}";
    for (blocks, function, expected) in [
        ("impl<X> T for X { fn t(&self) {} }", "fn f() { 1.t() }", &["T", "impl<X> T for X"][..]),
        ("impl<X> T for X { fn t(&self) {} }", "fn f() {}", &[]),
        (
            "impl<X: U> T for X {} impl U for A {}",
            "fn f(a: A) { a.t() }",
            &["A", "T", "U", "impl U for A", "impl<X:U> T for X"],
        ),
        (
            "impl<X: U> T for X {} impl U for B {}",
            "fn f(a: A) { a.t() }",
            &["A", "T", "U", "impl<X:U> T for X"],
        ),
        (
            "impl<X: U> T for X {} impl U for B {}",
            "fn f<Y: T>(y: Y) {}",
            &["A", "B", "T", "U", "impl U for B", "impl<X:U> T for X"],
        ),
    ] {
        assert_eq!(reached(&format!("{types} {blocks} {function}")), expected, "{blocks} {function}");
    }
}

#[test]
fn a_macro_among_items_is_reached_by_what_it_may_define() {
    reaches(&[
        ("make!(a); fn f() { a() }", &["make!"]),
        // What it makes of it, only a macro of another crate knows.
        ("make!(a); fn f() { b() }", &["make!"]),
        (
            "macro_rules! make { ($n:ident) => { fn $n() {} } } make!(a); make!(b); fn f() { a() }",
            &["make", "make!"],
        ),
        ("macro_rules! make { () => { fn a() {} } } make!(); fn f() { a() }", &["make", "make!"]),
        ("macro_rules! make { () => { fn a() {} } } make!(); fn f() { b() }", &[]),
        // Through another macro.
        (
            "macro_rules! make { () => { inner!(); } } macro_rules! inner { () => { fn a() {} } } make!(); fn f() { a() }",
            &["inner", "make", "make!"],
        ),
        (
            "macro_rules! make { () => { inner!(a); } } macro_rules! inner { ($n:ident) => {} } make!(); fn f() { a() }",
            &["inner", "make", "make!"],
        ),
        // Names that cannot be known.
        ("make!(); fn f() {}", &["make!", "files of demo", "manifest of demo"]),
        ("paste! { fn [<a _b>]() {} } fn f() {}", &["paste!"]),
        // Anywhere: its names may be of any module.
        ("mod m { make!(a); } fn f() { a() }", &["m::make!"]),
        ("thread_local! { static A: u8 = a(); } fn a() {} fn f() { A.with() }", &["a", "thread_local!"]),
        ("bitflags! { struct A {} } fn f() { a }", &[]),
        ("macro_rules! m { ($($t:tt)*) => { $($t)* } } m! { fn g(arg: u8) {} } fn f() { arg }", &["m", "m!"]),
    ]);
}

#[test]
fn a_macro_is_reached_by_its_name_anywhere_with_all_that_its_body_names() {
    reaches(&[
        (
            "mod m { macro_rules! a { () => { b(x.c) } } } fn f() { a!() } fn b() {} fn c() {}",
            &["b", "c", "m::a"],
        ),
        ("macro_rules! a { ($b:expr) => { $b } } fn f() { a!(1) } fn b() {}", &["a"]),
        (
            "macro_rules! println { () => { a() } } fn f() { println!(x.b) } fn a() {} fn b() {}",
            &["a", "b", "println"],
        ),
    ]);
}

#[test]
fn of_two_macros_of_one_name_the_whole_file_counts() {
    let digest = |source: &str| Package::new(&[("src/lib.rs", source)]).fingerprint("demo::f").digest;
    let (first, second) = ("macro_rules! a { () => { 1 } }", "macro_rules! a { () => { 2 } }");
    let [before, after, alone] =
        [format!("{first} {second}"), format!("{second} {first}"), format!("{first} fn other() {{}}")]
            .map(|macros| format!("{macros} fn f() {{ a!() }}"));
    assert_ne!(digest(&before), digest(&after), "their order matters");
    assert_eq!(digest(&alone), digest(&alone.replace("other", "another")), "of one, the file does not");
    assert_ne!(digest(&before), digest(&format!("{before} fn other() {{}}")));
}

#[test]
fn items_in_a_body_are_found_from_there_only() {
    reaches(&[
        ("fn f() { fn a() { b() } a() } fn b() {} fn a() {}", &["a", "b"]),
        ("fn g() { fn a() {} a() } fn f() { a() }", &[]),
        ("fn f() { g() } fn g() { fn a() { b() } a() } fn b() {}", &["b", "g"]),
        (
            "fn g() { struct A; impl T for A { fn t(&self) { a() } } } trait T { fn t(&self); } fn a() {} fn f() { g(); x.t() }",
            &["T", "a", "g", "g::A", "g::impl T for A"],
        ),
    ]);
}

#[test]
fn types_that_callers_may_give_are_reached() {
    let types = "struct A; struct B; #[derive(Debug, T)] struct C; trait T { fn t(&self); } trait U {} \
                 impl T for A { fn t(&self) { a() } } impl U for B {} fn a() {}";
    for (function, expected) in [
        ("fn f<X: U>(x: X) {}", &["A", "B", "C", "T", "U", "a", "impl T for A", "impl U for B"][..]),
        ("fn f<X: Send>(x: X) {}", &["A", "B", "C", "T", "a", "impl T for A"]),
        ("fn f(x: &dyn U) {}", &["A", "B", "C", "T", "U", "a", "impl T for A", "impl U for B"]),
        ("fn f(x: u8) { let y: &dyn U; }", &["U"]),
        (
            "struct D(Box<dyn U>); fn f(x: D) {}",
            &["A", "B", "C", "D", "T", "U", "a", "impl T for A", "impl U for B"],
        ),
        (
            "struct E(D); type D = Vec<Box<dyn U>>; fn f(x: E) {}",
            &["A", "B", "C", "D", "E", "T", "U", "a", "impl T for A", "impl U for B"],
        ),
        ("fn f<'a, const N: usize>(x: &'a [u8; N]) {}", &[]),
    ] {
        assert_eq!(reached(&format!("{types} {function}")), expected, "{function}");
    }
}

#[test]
fn of_a_module_given_to_a_macro_of_others_everything_is_reached() {
    let module =
        "mod m { pub fn a() { super::g() } pub mod n { pub fn b() {} } } mod o { pub fn c() {} } fn g() {}";
    for (function, expected) in [
        ("#[foreign(with = \"m\")] fn f() {}", &["g", "m::a", "m::n::b"][..]),
        ("#[foreign(m::n)] fn f() {}", &["m::n::b"]),
        ("fn f() { foreign!(m) }", &["g", "m::a", "m::n::b"]),
        ("fn f() { m }", &[]),
    ] {
        assert_eq!(reached(&format!("{module} {function}")), expected, "{function}");
    }
}

#[test]
fn a_method_covers_the_header_around_it_and_none_of_its_neighbours() {
    let source = "struct A<X>(X); trait T { fn t(&self); } impl<X: T> A<X> where u8: B { fn m(&self) { self.n() } \
                  fn n(&self) {} fn o(&self) {} } struct C; impl T for C {} trait B {} impl B for u8 {}";
    let reached = Package::new(&[("src/lib.rs", source)]).reached("demo::A::m");
    let expected = [
        "demo::A",
        "demo::A::m",
        "demo::A::n",
        "demo::B",
        "demo::C",
        "demo::T",
        "demo::impl B for u8",
        "demo::impl T for C",
        "impl demo::A",
    ];
    assert_eq!(reached.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn a_method_is_given_what_stands_behind_dyn_in_its_own_type() {
    let source = "struct A(Box<dyn T>); impl A { fn m(&self) {} } trait T {} struct B; impl T for B {}";
    let reached = Package::new(&[("src/lib.rs", source)]).reached("demo::A::m");
    assert!(reached.contains("demo::impl T for B"), "{reached:?}");
}

#[test]
fn a_function_whose_place_is_unknown_reaches_everything() {
    let package = Package::new(&[(
        "src/lib.rs",
        "fn a() {} mod m { struct B; impl B { fn c() {} } macro_rules! d { () => {} } const _: () = (); }",
    )]);
    let mut index = package.index(&[]);
    let own = Tokens::lex("fn made() {}".to_owned()).unwrap();
    let reached = paths(&fingerprint(&mut index, &own, "made", &[]));
    let expected = ["demo::a", "demo::m::B", "demo::m::B::c", "demo::m::_", "demo::m::d", "made"];
    assert_eq!(reached.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn predicates_are_those_in_what_is_reached() {
    let source = "fn f() { a(); if cfg!(unix) {} } #[cfg(panic = \"abort\")] fn a() {} #[cfg(windows)] fn b() {} \
                  #[cfg(feature = \"x\")] mod m { pub fn c() {} } #[cfg(version(\"1.0\"))] fn a() {} \
                  #[cfg(overflow_checks)] fn a() {}";
    let predicates = |source: &str| Package::new(&[("src/lib.rs", source)]).fingerprint("demo::f").predicates;
    assert_eq!(predicates(source).into_iter().collect::<Vec<_>>(), ["panic = \"abort\"", "unix"]);
    let predicates = predicates(&source.replace("a();", "m::c();"));
    assert_eq!(predicates.into_iter().collect::<Vec<_>>(), ["feature = \"x\"", "unix"]);
}
