use super::*;
use crate::reach::tokens::Tokens;

fn kind(what: &What) -> &'static str {
    match what {
        What::Function => "fn",
        What::Value => "value",
        What::Type => "type",
        What::Alias => "alias",
        What::Trait(_) => "trait",
        What::Impl(..) => "impl",
        What::Macro => "macro",
        What::Invocation => "invocation",
        What::Foreign(_) => "extern",
        What::Use(_) => "use",
        What::Module(_) => "mod",
        What::Attribute => "attribute",
        What::Unknown => "unknown",
    }
}

fn shown(items: &[Item], code: Code<'_>) -> Vec<String> {
    let shown = items.iter().map(|item| {
        let name = item.name.and_then(|name| code.word(name)).unwrap_or_default();
        format!("{} {name}", kind(&item.what)).trim_end().to_owned()
    });
    shown.collect()
}

fn lex(source: &str) -> Tokens {
    Tokens::lex(source.to_owned()).unwrap()
}

/// Kinds and names of the items in a source.
fn all(source: &str) -> Vec<String> {
    let tokens = lex(source);
    shown(&items(tokens.code()), tokens.code())
}

/// Asserts that each source is one item of that kind and name, and that the item after it is another.
#[track_caller]
fn one(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        let alone = lex(source);
        let followed = lex(&format!("{source}\nstruct Next;"));
        let found = items(followed.code());
        assert_eq!(shown(&found, followed.code()), [expected, "type Next"], "{source}");
        assert_eq!((found[0].start, found[0].end), (0, alone.code().end), "{source}");
    }
}

#[test]
fn functions_end_with_their_body() {
    one(&[
        ("fn a() {}", "fn a"),
        ("fn a<const N: usize>(x: [u8; { N + 1 }]) -> A<{ N }, { 2 }> { b() }", "fn a"),
        ("fn a<F: Fn(u8) -> Vec<Vec<u8>>, const N: usize>(f: F) where F: A<{ N }>, A<{ 1 }>: B {}", "fn a"),
        ("fn a(f: fn() -> u8) -> impl Fn(&u8) -> A<{ 1 }> + 'static { { 1 }; f }", "fn a"),
        ("fn r#type<'a>(x: &'a T<'a>) -> <T as A>::B { x }", "fn type"),
        ("fn a();", "fn a"),
        ("extern fn a() {}", "fn a"),
        ("const unsafe extern \"C\" fn a() {}", "fn a"),
        ("pub(in a::b) default unsafe async extern \"C\" fn a() {}", "fn a"),
        ("pub async unsafe fn a() {}", "fn a"),
    ]);
}

#[test]
fn constants_and_statics_end_with_a_semicolon() {
    one(&[
        ("const A: u8 = { 1; 2 };", "value A"),
        ("const A: [u8; { 1 + 1 }] = { struct B; [b(); 2] };", "value A"),
        ("const _: () = { impl A for B {} };", "value _"),
        ("pub static A: fn() -> u8 = || { 1 };", "value A"),
        ("static mut A: A<{ 1 }> = A { b: 1 };", "value A"),
        ("const A: bool = b < c;", "value A"),
        ("default const A: u8;", "value A"),
    ]);
}

#[test]
fn types_end_with_their_fields_or_a_semicolon() {
    one(&[
        ("struct A;", "type A"),
        ("struct A { b: u8 }", "type A"),
        ("struct A(u8, pub(crate) fn(u8) -> u8);", "type A"),
        ("struct A<T, const N: usize = { 1 + 1 }>(T, [u8; N]) where T: B<{ N }>, B<T>: C;", "type A"),
        ("struct A<const N: bool = { 2 > 1 }> where B: C<{ N }> { b: [u8; { 1 }] }", "type A"),
        ("pub enum A { B, C(u8), D { e: u8 }, F = { 1 } }", "type A"),
        ("enum A {}", "type A"),
        ("union A { b: u8, c: [u8; 1] }", "type A"),
        ("union union { b: u8 }", "type union"),
        ("type A<T: B<{ 1 }>> where T: C = D<T, { 1 }>;", "alias A"),
        ("type A: B;", "alias A"),
        ("default type A = impl Fn() -> B;", "alias A"),
    ]);
}

#[test]
fn traits_and_blocks_know_their_members() {
    one(&[
        ("unsafe auto trait A {}", "trait A"),
        ("pub trait A<const N: usize>: B<{ N }> where Self: C<{ 1 }> { fn d(); }", "trait A"),
        ("trait A = B + C<{ 1 }>;", "trait A"),
        ("const trait A {}", "trait A"),
        ("unsafe impl<T> A<{ 1 }> for B<T> where T: C<{ 2 }> { fn d() {} }", "impl"),
        ("default impl A for B {}", "impl"),
        ("extern \"C\" { fn a(); }", "extern"),
        ("unsafe extern \"system\" {}", "extern"),
        ("unsafe extern { static A: u8; }", "extern"),
    ]);
    let body = "{ #![a] #[b] const fn c<const N: bool = { 1 }>() {} const D: u8 = { 1 }; type E; \
                safe static F: u8; m! { x } fn g(); }";
    for header in
        ["trait A<const N: u8 = { 1 }>", "impl A<{ 1 }> for B where [u8; { 2 }]: C", "unsafe extern \"C\""]
    {
        let tokens = lex(&format!("{header} {body}"));
        let item = items(tokens.code()).remove(0);
        let (What::Trait(members) | What::Impl(_, members) | What::Foreign(members)) = &item.what else {
            panic!("{header} has members");
        };
        let members = shown(members, tokens.code());
        assert_eq!(
            members,
            ["attribute", "fn c", "value D", "alias E", "value F", "invocation m", "fn g"],
            "{header}"
        );
    }
}

#[test]
fn modules_know_their_content() {
    one(&[
        ("mod a;", "mod a"),
        ("pub(crate) mod r#try { mod b; fn c() {} }", "mod try"),
        ("unsafe mod a {}", "mod a"),
    ]);
    let tokens = lex("mod a;");
    assert!(matches!(items(tokens.code())[0].what, What::Module(None)));
    let tokens = lex("mod a { #![b] fn c() {} mod d {} }");
    let What::Module(Some((start, end))) = items(tokens.code())[0].what else { panic!("`a` has content") };
    let content = tokens.range(start, end);
    assert_eq!(shown(&items(content), content), ["attribute", "fn c", "mod d"]);
}

#[test]
fn macros_end_with_their_group() {
    one(&[
        ("macro_rules! a { () => {}; }", "macro a"),
        ("macro_rules! a(() => {});", "macro a"),
        ("macro_rules! r#try [() => {}];", "macro try"),
        ("pub macro a($x:expr) { $x }", "macro a"),
        ("pub macro a { ($x:expr) => { $x } }", "macro a"),
        ("a!();", "invocation a"),
        ("a![b; c];", "invocation a"),
        ("a! { b; }", "invocation a"),
        ("a! b { c }", "invocation a"),
        ("a::b::c!(d);", "invocation c"),
        ("::a::b! {}", "invocation b"),
        ("crate::a!();", "invocation a"),
    ]);
    // A semicolon after braces is no item, and nothing else's.
    assert_eq!(all("a! {}; fn b() {}"), ["invocation a", "unknown", "fn b"]);
}

#[test]
fn attributes_belong_to_what_follows_and_inner_ones_to_what_is_around() {
    one(&[
        ("#[a] #[b(c; { d })] /// docs\n pub fn e() {}", "fn e"),
        ("#[a] mod b;", "mod b"),
        ("#[a] b!();", "invocation b"),
        ("#[a] pub(super) use b;", "use"),
        ("#![a(b)]", "attribute"),
    ]);
    let tokens = lex("#[a] #[b] pub(crate) async fn c() {}");
    let item = &items(tokens.code())[0];
    assert_eq!(tokens.code().word(item.keyword), Some("async"), "attributes and visibility come before");
    assert_eq!(all("#![a] #![b] #[c] fn d() {}"), ["attribute", "attribute", "fn d"]);
}

#[test]
fn what_is_no_item_ends_where_the_next_may_begin() {
    for (source, expected) in [
        ("gibberish { fn a() {} } fn b() {}", &["unknown", "fn b"][..]),
        ("1 + 2; fn b() {}", &["unknown", "fn b"]),
        ("; fn b() {}", &["unknown", "fn b"]),
        ("fn a", &["unknown"]),
        ("#[a]", &["unknown"]),
        ("struct { a: b } fn c() {}", &["unknown", "fn c"]),
        ("", &[]),
    ] {
        assert_eq!(all(source), expected, "{source}");
    }
}

/// The items in a body.
#[track_caller]
fn within(cases: &[(&str, &[&str])]) {
    for (body, expected) in cases {
        let tokens = lex(&format!("fn f() {{ {body} }}"));
        assert_eq!(shown(&nested(tokens.range(2, tokens.code().end)), tokens.code()), *expected, "{body}");
    }
}

#[test]
fn items_among_statements_are_found_at_any_depth() {
    within(&[
        ("fn a() {} x", &["fn a"]),
        ("let x = 1; #[a] pub(crate) struct B; x", &["type B"]),
        ("if x { const A: u8 = 1; } else { static B: u8 = 2; } enum C {}", &["value A", "value B", "type C"]),
        ("let x = || { fn a() {} a() }; x(|y| { use b; y })", &["fn a", "use"]),
        ("match x { A => { fn a() {} } B { .. } => { trait C {} 1 } }", &["fn a", "trait C"]),
        ("S { x: { fn a() {} 1 }, y: [{ type B = u8; 1 }] }", &["fn a", "alias B"]),
        ("'a: loop { unsafe { impl A for B {} } }", &["impl"]),
        (
            "unsafe fn a() {} async fn b() {} extern \"C\" fn c() {} const fn d() {}",
            &["fn a", "fn b", "fn c", "fn d"],
        ),
        (
            "extern crate a; unsafe extern \"C\" {} union B { c: u8 } mod d {}",
            &["use", "extern", "type B", "mod d"],
        ),
        ("fn a() { fn b() {} } fn c() {}", &["fn a", "fn c"]),
    ]);
}

#[test]
fn macros_among_statements_are_items_and_what_they_are_given_is_not() {
    within(&[
        ("macro_rules! a { () => { fn b() {} } } a!();", &["macro a", "invocation a"]),
        ("a! { fn b() {} } fn c() {}", &["invocation a", "fn c"]),
        ("let x = a! { fn b() {} }; fn c() {}", &["fn c"]),
        ("println!(\"{}\", { fn a() {} 1 }); fn b() {}", &["fn b"]),
        ("assert!(x); vec![1]; fn a() {}", &["fn a"]),
    ]);
}

#[test]
fn expressions_are_no_items() {
    within(&[
        ("unsafe { a() }; async { b() }; const { 1 }; async move {}; static || {}", &[]),
        ("S { union: 1, default: 2, auto: 3 }; union + 1; default(1); auto.a", &[]),
        ("let x: fn(u8) -> u8 = f; x as fn(); (a) as *const u8", &[]),
        ("#![a] x", &[]),
        ("#[a] let x = 1; #[b] { 2 }", &[]),
    ]);
    let tokens = lex("struct A(pub(crate) fn(u8) -> u8, pub(super) unsafe extern \"C\" fn(u8));");
    assert!(nested(tokens.code().range(2, tokens.code().end)).is_empty(), "types of fields are no functions");
}

/// The parts of the header of an `impl`, as words: generics, trait, type.
fn header(source: &str) -> [String; 3] {
    let tokens = lex(source);
    let What::Impl(header, _) = items(tokens.code()).remove(0).what else { panic!("{source} is an `impl`") };
    assert!(tokens.code().is_open(header.end, Delimiter::Brace), "{source}");
    let text = |(start, end): (usize, usize)| {
        if start == end { String::new() } else { tokens.text_of(start, end) }
    };
    [text(header.generics), header.of_trait.map(text).unwrap_or_default(), text(header.self_type)]
}

impl Tokens {
    fn text_of(&self, start: usize, end: usize) -> String {
        self.text[self.list[start].start as usize..self.list[end - 1].end as usize].to_owned()
    }
}

#[test]
fn headers_are_taken_apart() {
    for (source, expected) in [
        ("impl A {}", ["", "", "A"]),
        ("impl a::A<B> for c::C {}", ["", "a::A<B>", "c::C"]),
        (
            "unsafe impl<'a, T: A<{ 1 }>> B<T> for C<'a, T> where T: D {}",
            ["<'a, T: A<{ 1 }>>", "B<T>", "C<'a, T>"],
        ),
        ("impl<T> Trait<{ N + 1 }> for [T; 3] {}", ["<T>", "Trait<{ N + 1 }>", "[T; 3]"]),
        ("impl<const N: usize> A<{ N }> where [u8; { N }]: B {}", ["<const N: usize>", "", "A<{ N }>"]),
        ("impl<T> !Send for A<T> {}", ["<T>", "Send", "A<T>"]),
        ("impl const A for B {}", ["", "A", "B"]),
        ("impl<T> A for for<'a> fn(&'a T) -> u8 {}", ["<T>", "A", "for<'a> fn(&'a T) -> u8"]),
        ("impl dyn for<'a> A<'a> {}", ["", "", "dyn for<'a> A<'a>"]),
        ("impl<F> A for F where F: for<'a> Fn(&'a u8) -> B<{ 1 }> {}", ["<F>", "A", "F"]),
        ("impl<F: Fn(u8) -> u8> A<F> {}", ["<F: Fn(u8) -> u8>", "", "A<F>"]),
        ("impl From<A<B>> for (C, D) {}", ["", "From<A<B>>", "(C, D)"]),
        ("impl<'a> A for &'a mut dyn B {}", ["<'a>", "A", "&'a mut dyn B"]),
    ] {
        assert_eq!(header(source), expected, "{source}");
    }
}

#[test]
fn imports_have_a_leaf_for_each_name() {
    for (source, expected) in [
        ("use a;", &["a as a"][..]),
        ("use a::b::c;", &["a::b::c as c"]),
        ("use ::a::b;", &["a::b as b"]),
        ("use a::b as c;", &["a::b as c"]),
        ("use a::b as _;", &["a::b as _ (unnamed)"]),
        ("use a::*;", &["a::*"]),
        ("use *;", &["::*"]),
        ("use self::a; ", &["self::a as a"]),
        ("use a::{self, b};", &["a as a", "a::b as b"]),
        ("use a::{self as c, b as d,};", &["a as c", "a::b as d"]),
        ("use {a, b::c};", &["a as a", "b::c as c"]),
        (
            "use a::{b::{c, d::*}, e::{self, f as _}, *};",
            &["a::b::c as c", "a::b::d::*", "a::e as e", "a::e::f as _ (unnamed)", "a::*"],
        ),
        ("use a::{};", &[]),
        ("use r#try::r#type;", &["try::type as type"]),
        ("extern crate a;", &["a as a"]),
        ("extern crate a as b;", &["a as b"]),
        ("extern crate self as c;", &["self as c"]),
    ] {
        let tokens = lex(source);
        let What::Use(leaves) = items(tokens.code()).remove(0).what else { panic!("{source} imports") };
        let shown = leaves.iter().map(|leaf| match &leaf.kind {
            LeafKind::Named(name) => format!("{} as {name}", leaf.path.join("::")),
            LeafKind::Unnamed => format!("{} as _ (unnamed)", leaf.path.join("::")),
            LeafKind::Glob => format!("{}::*", leaf.path.join("::")),
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{source}");
    }
}
