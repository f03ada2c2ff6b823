use crate::reach::tokens::Tokens;

/// Digest of the body of a function: as a file has it, and as the compiler gives it.
#[track_caller]
fn digest(body: &str) -> [u8; 32] {
    let source = format!("fn f() {{ {body} }}");
    let compiled = Tokens::of(source.parse().unwrap());
    let read = Tokens::lex(source).unwrap_or_else(|| panic!("`{body}` has no tokens"));
    let digest = super::digest(&[read.code()]);
    assert_eq!(digest, super::digest(&[compiled.code()]), "the lexers read `{body}` alike");
    digest
}

#[track_caller]
fn same(sources: &[&str]) {
    for source in sources {
        assert_eq!(digest(source), digest(sources[0]), "`{source}` and `{}` are one program", sources[0]);
    }
}

#[track_caller]
fn different(sources: &[&str]) {
    for (i, a) in sources.iter().enumerate() {
        for b in &sources[..i] {
            assert_ne!(digest(a), digest(b), "`{a}` and `{b}` are two programs");
        }
    }
}

#[test]
fn spacing_around_operators_does_not_matter() {
    same(&["a+-b", "a + -b", "a +-b"]);
    same(&["x=-1", "x = -1"]);
    same(&["x<-y", "x < -y"]);
    same(&["x=&y", "x = &y", "x=& y"]);
    same(&["x>=y", "x >= y"]);
    same(&["x>=-y", "x >= -y"]);
    same(&["|x|->u8{x}", "|x| -> u8 { x }"]);
    same(&["match x{-1=>..=-2,_=>*y}", "match x { -1 => ..=-2, _ => *y }"]);
    same(&["let x:&'a T=&&y;", "let x: &'a T = &&y;"]);
    same(&["x?.y()?..z", "x? . y()? .. z"]);
    same(&["'a:loop{break 'a}", "'a: loop { break 'a }"]);
}

#[test]
fn closing_angle_brackets_do_not_matter() {
    same(&[
        "let x: Vec<Vec<u8>> = y;",
        "let x: Vec<Vec<u8> > = y;",
        "let x:Vec<Vec<u8>>=y;",
        "let x: Vec<Vec<u8>>= y;",
    ]);
    same(&["f::<Vec<u8>>()", "f::<Vec<u8> >()"]);
    same(&["a>>b", "a >> b"]);
    same(&["a>>=b", "a >>= b"]);
    different(&["a >> b", "a > b", "a >>= b", "a >= b"]);
}

#[test]
fn operators_are_told_apart() {
    different(&["a && b", "a & &b", "a & b", "a &= b"]);
    different(&["a || b", "a | |b| b", "a | b", "a |= b"]);
    different(&["a << T > ::C", "a < <T>::C"]);
    different(&["a..b", "a..=b", "a...b", "a.b"]);
    different(&["a = b", "a == b", "a != b", "a <= b", "a => b", "a -> b", "a - b", "a -= b"]);
    different(&["a::b", "a: :b", "a:b"]);
    different(&["'a'", "'a", "a", "\"a\""]);
}

#[test]
fn a_trailing_comma_does_not_matter_where_it_only_ends_a_line() {
    same(&["f(x)", "f(x,)"]);
    same(&["f(x, y)", "f(x, y,)"]);
    same(&["a.f(x)(y)", "a.f(x,)(y,)"]);
    same(&["a[0](y)", "a[0](y,)"]);
    same(&["f()?(y)", "f()?(y,)"]);
    same(&["f::<T>(y)", "f::<T>(y,)", "f::<T,>(y,)"]);
    same(&["f::<<T as A<B>>::C, Vec<Vec<D>>>(y)", "f::<<T as A<B>>::C, Vec<Vec<D>>,>(y,)"]);
    same(&["fn g<F: Fn(u8) -> u8>(f: F) {}", "fn g<F: Fn(u8,) -> u8>(f: F,) {}"]);
    same(&["struct A(u8);", "struct A(u8,);"]);
    same(&["struct A<T>(T);", "struct A<T>(T,);"]);
    same(&["Self(x)", "Self(x,)"]);
    same(&["if let Some(x) = y {}", "if let Some(x,) = y {}"]);
    same(&["[x]", "[x,]"]);
    same(&["[x, y]", "[x, y,]"]);
    same(&["(x, y)", "(x, y,)"]);
    same(&["S { x }", "S { x, }"]);
    same(&["S { x: 1 }", "S { x: 1, }"]);
    same(&["use a::{b, c};", "use a::{b, c,};"]);
    same(&["enum A { B, C }", "enum A { B, C, }"]);
    same(&["let x: Foo<A, B>;", "let x: Foo<A, B,>;", "let x: Foo<\nA,\nB,\n>;"]);
    same(&["fn g<T>() where T: A {}", "fn g<T>() where T: A, {}", "fn g<T>()\nwhere\n    T: A,\n{\n}"]);
}

#[test]
fn a_tuple_of_one_is_not_what_is_in_it() {
    for prefix in [
        "",
        "return ",
        "break ",
        "break 'a ",
        "x = ",
        "x > ",
        "x >> ",
        "a < b && c > ",
        "f::<T>() > ",
        "|x| ",
        "match ",
        "in ",
        "&",
        "-> ",
        "=> ",
        "{} ",
        "#[a] ",
        "let x: &'a ",
        "for<'a> ",
        "impl<T> ",
        "as ",
        "pub(crate) ",
        "pub ",
    ] {
        different(&[&format!("{prefix}(x,)"), &format!("{prefix}(x)")]);
    }
    different(&["(f::<A, B>(),)", "(f::<A, B>())"]);
    different(&["(|a, b| a,)", "(|a, b| a)"]);
    different(&["f((x,))", "f((x))"]);
    different(&["f((x,), y)", "f((x), y)"]);
}

#[test]
fn a_comma_after_the_block_of_an_arm_does_not_matter() {
    same(&["match x { A => { 1 } B => { 2 } }", "match x { A => { 1 }, B => { 2 }, }"]);
    same(&[
        "match x { A => if a { 1 } else { 2 } _ => 3 }",
        "match x { A => if a { 1 } else { 2 }, _ => 3 }",
    ]);
    different(&["match x { A => 1, B => 2 }", "match x { A => 1 B => 2 }"]);
}

#[test]
fn a_comma_that_separates_matters() {
    different(&["S { a: {1}, ..b }", "S { a: {1} ..b }"]);
    different(&["f(a, {b})", "f(a {b})"]);
    different(&["f({a}, -b)", "f({a} - b)"]);
    different(&["[{a}, -b]", "[{a} - b]"]);
    different(&["f(a, b)", "f(a b)", "f(a)"]);
    different(&["(a, b)", "(a b)"]);
}

#[test]
fn delimiters_and_kinds_matter() {
    different(&["a(b)", "a[b]", "a{b}", "a b", "a(b) c", "a(b c)", "a((b) c)", "a(b (c))"]);
    different(&["r#x", "x", "\"x\"", "r\"x\"", "b\"x\"", "'x'", "b'x'", "c\"x\""]);
    different(&["1", "1u8", "1.0", "0x1", "\"1\""]);
    different(&["ab c", "a bc", "abc"]);
}

#[test]
fn docs_and_comments_do_not_matter() {
    same(&[
        "struct A { x: u8 }",
        "/// Docs.\nstruct A { /** More. */ x: u8 }",
        "#[doc = \"Docs.\"] struct A { #[doc(hidden)] x: u8 }",
        "//! Inner.\nstruct A { x: u8 /* comment */ }",
        "#![doc = \"Inner.\"] struct A { x: u8 }",
    ]);
    different(&[
        "#[docs] struct A;",
        "#[derive(Debug)] struct A;",
        "#![allow(unused)] struct A;",
        "struct A;",
    ]);
}

#[test]
fn nothing_is_normalised_for_a_macro() {
    different(&["m!(x)", "m!(x,)"]);
    different(&["m![x]", "m![x,]"]);
    different(&["m! { x }", "m! { x, }"]);
    different(&["m!(f(x))", "m!(f(x,))"]);
    different(&["m!(A => {1}, B)", "m!(A => {1} B)"]);
    different(&["m!(a >> b)", "m!(a > > b)"]);
    different(&["m!(a =- b)", "m!(a = -b)"]);
    different(&["m!(#[docs = \"a\"] x)", "m!(#[docs = \"b\"] x)", "m!(x)"]);
    // Doc comments are comments to it, too, though it could read them.
    same(&["m!(#[doc = \"a\"] x)", "m!(/** b */ x)", "m!(x)"]);
    different(&["a::m!(x)", "a::m!(x,)"]);
    different(&["macro_rules! m { ($x:expr) => { f($x) } }", "macro_rules! m { ($x:expr,) => { f($x) } }"]);
    different(&["#[a(x)] y", "#[a(x,)] y"]);
    // Layout other than spacing of punctuation is invisible to it, too.
    same(&["m!(a = &'a b)", "m!( a  =  & 'a b )"]);
    same(&["m!(x); f(y)", "m!(x); f(y,)"]);
    // `!` after a keyword is an operator.
    same(&["if !(f(x)) {}", "if !(f(x,)) {}"]);
    same(&["return !(a, b)", "return !(a, b,)"]);
}
