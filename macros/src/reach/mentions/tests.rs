use super::*;
use crate::reach::tokens::Tokens;

/// What a source names, as words with spaces between: in order, each once, without keywords.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    paths: String,
    members: String,
    dynamic: String,
    wholes: String,
    variables: String,
    predicates: Vec<String>,
    /// `code`, `data` or `perhaps`, and the text.
    files: Vec<String>,
}

fn sorted(words: &[&str]) -> String {
    let is_name = |word: &&str| !KEYWORDS.contains(word) && !matches!(*word, "fn" | "struct" | "static");
    let mut words: Vec<&str> = words.iter().copied().filter(is_name).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

fn text(code: Code<'_>) -> String {
    (code.start..code.end).filter_map(|index| code.get(index)).map(|token| code.text(token)).collect()
}

/// What a source names, in a package that defines two macros, `local` and `print`.
#[track_caller]
fn named(source: &str) -> Named {
    let tokens = Tokens::lex(source.to_owned()).unwrap_or_else(|| panic!("`{source}` has no tokens"));
    let mut mentions = Mentions::default();
    mentions.read(tokens.code(), &|name| matches!(name, "local" | "print"), &|_| false);
    let files = mentions.files.iter().map(|file| match *file {
        File::Source(code) => format!("code {}", text(code)),
        File::Data(code) => format!("data {}", text(code)),
        File::Perhaps(text) => format!("perhaps {text}"),
    });
    let literals =
        mentions.variables.iter().filter_map(|code| code.get(code.start).map(|token| code.text(token)));
    let variables: Vec<&str> = literals.filter_map(string).collect();
    Named {
        paths: sorted(&mentions.paths),
        members: sorted(&mentions.members),
        dynamic: sorted(&mentions.dynamic),
        wholes: sorted(&mentions.wholes),
        variables: sorted(&variables),
        predicates: mentions.predicates.clone(),
        files: files.collect(),
    }
}

/// Asserts what sources name by paths, and as members.
#[track_caller]
fn names(cases: &[(&str, &str, &str)]) {
    for (source, paths, members) in cases {
        let Named { paths: found, members: found_members, .. } = named(source);
        assert_eq!((found.as_str(), found_members.as_str()), (*paths, *members), "{source}");
    }
}

#[test]
fn a_word_after_a_dot_is_a_member_and_any_other_a_name() {
    names(&[
        ("a::b::C(d)", "C a b d", ""),
        ("a.b.c(d).e", "a d", "b c e"),
        ("a?.b()[c].d", "a c", "b d"),
        ("a.b::<C>()", "C a", "b"),
        ("a..b", "a b", ""),
        ("a..=b", "a b", ""),
        ("a.0.b", "a", "b"),
        ("S { a, ..b }", "S a b", ""),
        ("r#try.r#yeet", "try", "yeet"),
        ("<A as b::B>::C", "A B C b", ""),
        ("'a: loop { break 'a b }", "b", ""),
        ("\"a\" 'b' b\"c\" 1u8", "", ""),
    ]);
}

#[test]
fn a_word_before_a_colon_in_a_list_is_declared_there() {
    names(&[
        ("fn f(a: A, mut b: B, ref c: C) {}", "A B C", ""),
        // As is a function or constant, and not what a pointer is to.
        ("const A: *const B = C; static D: E = 1;", "B C E", ""),
        // Of a path into the standard library, there is nothing more.
        ("std::fmt::Result; fmt::Result; a::Result", "Result a fmt std", ""),
        ("std::fmt::A; io::B", "io std", ""),
        ("struct S { a: A, pub b: B, pub(crate) c: C, #[d] e: E }", "A B C E S d", ""),
        ("S { a: b, c: d }", "S b d", ""),
        ("let a: A = b;", "A b", ""),
        ("|a: A, b: B| c", "A B c", ""),
        ("f(a::b, c::d)", "a b c d f", ""),
        ("fn f<T: A>() where T: B, U: C {}", "A B C T U", ""),
        ("impl A where B: C { fn f(d: D) {} }", "A B C D", ""),
        ("struct A<T> where T: B; struct C { d: D }", "A B C D T", ""),
        ("const A: B = c; trait D: E {}", "B D E c trait", ""),
    ]);
}

#[test]
fn variables_of_macros_are_no_names() {
    names(&[
        ("macro_rules! m { ($x:expr, $($y:ty),*) => { $x.a(b: c, $y) } }", "a b c expr macro_rules ty", ""),
        ("local!($a b)", "b local", ""),
        ("macro_rules! m { () => { $crate::a } }", "a macro_rules", ""),
    ]);
}

#[test]
fn in_what_a_macro_is_given_every_word_is_a_name() {
    names(&[
        ("local!(a.b, c: d)", "a b c d local", ""),
        ("foreign!(a.b, c: d)", "a b c d foreign", ""),
        ("x::foreign! { a.b }", "a b foreign x", ""),
        ("local! name { a.b }", "a b local", ""),
        ("vec![a.b, c(|d: D| d)]", "D a c d vec", "b"),
        ("assert!(a.b, \"{}\", c.d)", "a assert c", "b d"),
        // One that the package defines by the name of a standard one.
        ("print!(a.b)", "a b print", ""),
        ("println!(\"{}\", print!(a.b).c)", "a b print println", "c"),
    ]);
}

#[test]
fn exclamation_marks_that_are_operators_invoke_nothing() {
    names(&[
        ("a != (b.c)", "a b", "c"),
        ("if !(a.b) {}", "a", "b"),
        ("return !(a.b)", "a", "b"),
        ("a && !(b.c)", "a b", "c"),
        ("match !{ a.b } {}", "a", "b"),
        ("impl !Send for A {}", "A Send", ""),
    ]);
}

#[test]
fn format_strings_name_what_they_show() {
    names(&[
        ("println!(\"{a} {b:?} {0} {}\", c)", "0 a b c println", ""),
        ("format!(\"{a:>width$.precision$}\")", "a format precision width", ""),
        ("format!(r#\"{a}\"#)", "a format", ""),
        ("format!(\"{{{a}}}\")", "a format", ""),
        ("format!(\"a b } {c\")", "format", ""),
        ("local!(\"{a}\")", "a local", ""),
        ("foreign!(\"{a} b\")", "a foreign", ""),
        ("f(\"{a}\")", "f", ""),
        ("format!(f(\"{a}\"))", "a f format", ""),
    ]);
}

#[test]
fn attributes_name_what_is_in_them_and_in_their_strings() {
    names(&[
        ("#[a(b = \"c::d\")] fn f() {}", "a b c d", ""),
        ("#[serde(with = \"a\", rename = \"b-c\")] struct A;", "A a b c rename serde with", ""),
        ("#[derive(A, b::B)] struct C;", "A B C b derive", ""),
        ("#![a(b)]", "a b", ""),
        ("S { #[a] b: c }", "S a c", ""),
        ("#[a::doc(b)] x", "a b doc x", ""),
    ]);
}

#[test]
fn silent_attributes_name_nothing() {
    for attribute in SILENT_ATTRIBUTES {
        assert_eq!(named(&format!("#[{attribute}(a = \"b\")] struct F;")).paths, "F", "{attribute}");
    }
    assert_eq!(named("#![doc = \"a\"] #![allow(b::c)] x").paths, "x");
    assert_eq!(named("#[cfg_attr(a, doc = \"b\", allow(c), d)] x").paths, "d x");
}

#[test]
fn macros_of_others_may_use_all_of_what_they_are_given() {
    for (source, wholes) in [
        ("#[serde(with = \"a::b\")] struct A;", "a b serde with"),
        ("#[a::b(c::d)] struct A;", "b d"),
        ("foreign!(a::b, c)", "b c"),
        ("local!(a)", ""),
        ("println!(a)", ""),
        ("#[inline] fn f() { a::b() }", ""),
    ] {
        assert_eq!(named(source).wholes, wholes, "{source}");
    }
}

#[test]
fn traits_behind_dyn_are_those_that_it_lists() {
    for (source, dynamic) in [
        ("Box<dyn A>", "A"),
        ("&dyn a::B<C>", "B a"),
        ("&'a (dyn A + Send + 'a)", "A Send"),
        ("&dyn (A)", "A"),
        ("dyn Fn(A) -> B", "Fn"),
        ("&mut dyn ::a::B, C", "B a"),
        ("Box<dyn 'static + A>", "A"),
        ("Vec<Box<dyn A<dyn B>>>", "A B"),
        ("local!(dyn A)", "A"),
        ("impl A", ""),
    ] {
        assert_eq!(named(source).dynamic, dynamic, "{source}");
    }
}

#[test]
fn predicates_are_those_of_every_cfg_as_text() {
    for (source, expected) in [
        ("#[cfg(unix)] fn f() {}", &["unix"][..]),
        ("#![cfg(feature=\"a-b\")]", &["feature = \"a-b\""]),
        ("if cfg!(all(unix,not(test),)) {}", &["all(unix, not(test))"]),
        ("#[cfg(any())] x", &["any()"]),
        ("#[cfg(any(target_os = \"linux\" , windows))] x", &["any(target_os = \"linux\", windows)"]),
        ("#[cfg_attr(unix, a(b), cfg_attr(test, c))] x", &["unix", "test"]),
        ("#[cfg_attr(all(unix, test), allow(a))] x", &["all(unix, test)"]),
        ("S { #[cfg(a)] b: c, d: { #[cfg(e)] { f } } }", &["a", "e"]),
        ("#[cfg(true)] x", &["true"]),
        ("std::cfg!(unix)", &["unix"]),
        ("local!(#[cfg(unix)] a)", &["unix"]),
        // Nothing that a compiler takes.
        ("#[cfg(a::b)] x", &[]),
        ("#[cfg(a(b))] x", &[]),
        ("#[cfg(a b)] x", &[]),
        ("#[cfg()] x", &[]),
        ("#[x::cfg(unix)] x", &[]),
        ("#[cfg(a = b)] x", &[]),
    ] {
        assert_eq!(named(source).predicates, expected, "{source}");
    }
    names(&[
        ("#[cfg(feature = \"a\")] b", "b", ""),
        ("cfg!(a)", "cfg", ""),
        ("#[cfg_attr(a, b)] c", "b c", ""),
    ]);
}

#[test]
fn included_files_are_code_data_or_perhaps_neither() {
    for (source, expected) in [
        ("include!(\"a.rs\")", &["code \"a.rs\""][..]),
        ("include_str!(\"a.txt\")", &["data \"a.txt\""]),
        ("std::include_bytes!(concat!(\"a\", \"b\"))", &["data concat!(\"a\",\"b\")"]),
        ("foreign!(\"a/b\")", &["perhaps a/b"]),
        ("local!(r\"a.txt\")", &["perhaps a.txt"]),
        ("#[a(path = \"b.css\")] x", &["perhaps b.css"]),
        ("foreign!(\"a\", \"{b}.c\", \"d.\ne\")", &[]),
        ("println!(\"a.b\")", &[]),
        ("f(\"a.b\")", &[]),
    ] {
        assert_eq!(named(source).files, expected, "{source}");
    }
    assert_eq!(
        named("include_str!(concat!(env!(\"A\"), \"/b\"))").variables,
        "",
        "it says only where the file is"
    );
}

#[test]
fn variables_are_those_that_the_compiler_reads() {
    for (source, variables) in [
        ("env!(\"A\")", "A"),
        ("env!(\"A\", \"message B\")", "A"),
        ("std::option_env!(\"A\").unwrap_or(env!(\"B\"))", "A B"),
        ("println!(\"{}\", env!(\"A\"))", "A"),
        ("local!(env!(\"A\"))", "A"),
        ("std::env::var(\"A\")", ""),
        ("env!(local!())", ""),
    ] {
        assert_eq!(named(source).variables, variables, "{source}");
    }
}

#[test]
fn the_text_of_a_string_is_what_is_between_its_quotes() {
    for (literal, expected) in [
        ("\"a\"", Some("a")),
        ("r\"a\\\"", Some("a\\")),
        ("r##\"a\"#b\"##", Some("a\"#b")),
        ("b\"a\"", Some("a")),
        ("cr#\"a\"#", Some("a")),
        ("\"\"", Some("")),
        ("'a'", None),
        ("1", None),
        ("b'a'", None),
    ] {
        assert_eq!(string(literal), expected, "{literal}");
    }
}
