use super::*;
use crate::reach::tokens::Tokens;

/// What a source mentions, as words with spaces between: in order, each once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mentioned {
    words: String,
    given: String,
    variables: String,
    predicates: Vec<String>,
    /// `code`, `data` or `perhaps`, and the text.
    files: Vec<String>,
}

fn texts(ids: &[WordId]) -> String {
    let words = words::lock();
    sorted(
        ids.iter().map(|&word| words.text(word)).filter(|word| !matches!(*word, "fn" | "struct")).collect(),
    )
}

fn sorted(mut words: Vec<&str>) -> String {
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

fn text(code: Code<'_>) -> String {
    (code.start..code.end).filter_map(|index| code.get(index)).map(|token| code.text(token)).collect()
}

fn read(tokens: &Tokens) -> Mentions<'_> {
    let mut mentions = Mentions::default();
    mentions.read(tokens.code(), &|name| matches!(name, "local" | "print"));
    mentions
}

fn lex(source: &str) -> Tokens {
    Tokens::lex(source.to_owned()).unwrap_or_else(|| panic!("`{source}` has no tokens"))
}

/// What a source mentions, in a package that defines two macros, `local` and `print`.
#[track_caller]
fn mentioned(source: &str) -> Mentioned {
    let tokens = lex(source);
    let mentions = read(&tokens);
    let files = mentions.files.iter().map(|file| match *file {
        File::Source(code) => format!("code {}", text(code)),
        File::Data(code) => format!("data {}", text(code)),
        File::Perhaps(text) => format!("perhaps {text}"),
    });
    let literals =
        mentions.variables.iter().filter_map(|code| code.get(code.start).map(|token| code.text(token)));
    let variables: Vec<&str> = literals.filter_map(string).collect();
    Mentioned {
        words: texts(&mentions.words),
        given: texts(&mentions.given),
        variables: sorted(variables),
        predicates: mentions.predicates.clone(),
        files: files.collect(),
    }
}

/// Asserts which words sources mention.
#[track_caller]
fn words_of(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(mentioned(source).words, *expected, "{source}");
    }
}

#[test]
fn every_word_is_mentioned_but_keywords_and_variables_of_macros() {
    words_of(&[
        ("a::b::C(d)", "C a b d"),
        ("a.b.c(d)?.e..f", "a b c d e f"),
        ("S { a: b, ..c }", "S a b c"),
        ("r#try.r#yeet", "try yeet"),
        ("<A as b::B>::C", "A B C b"),
        ("'a: loop { break 'a b }", "b"),
        ("\"a\" 'b' b\"c\" 1u8", ""),
        ("fn f(a: A, mut b: B) { let c: C = |d: D| e; }", "A B C D a b c d e f"),
        ("std::fmt::Result; str::loud", "Result fmt loud std str"),
        ("macro_rules! m { ($x:expr, $($y:ty),*) => { $x.a(b: c, $y) } }", "a b c expr m macro_rules ty"),
        ("local! name { a.b }", "a b local name"),
        ("a != (b.c); if !(d.e) {} impl !Send for A {}", "A Send a b c d e"),
        ("vec![a.b, c(|d: D| d)]", "D a b c d vec"),
    ]);
}

#[test]
fn strings_mention_what_a_format_shows() {
    words_of(&[
        ("println!(\"{a} {b:?} {0} {}\", c)", "0 a b c println"),
        ("format!(\"{a:>width$.precision$}\")", "a format precision width"),
        ("format!(r#\"{{{a}}}\"#)", "a format"),
        ("format!(\"a b } {c\")", "format"),
        ("f(\"{a} b\")", "a f"),
    ]);
}

#[test]
fn attributes_mention_what_is_in_them_and_in_their_strings() {
    words_of(&[
        ("#[a(b = \"c::d\")] fn f() {}", "a b c d f"),
        ("#[serde(with = \"a\", rename = \"b-c\")] struct A;", "A a b c rename serde with"),
        ("#[derive(A, b::B)] struct C;", "A B C b derive"),
        ("S { #[a] b: c }", "S a b c"),
        ("#[a::doc(b)] x", "a b doc x"),
    ]);
}

#[test]
fn silent_attributes_mention_nothing() {
    for attribute in SILENT_ATTRIBUTES {
        assert_eq!(mentioned(&format!("#[{attribute}(a = \"b\")] struct F;")).words, "F", "{attribute}");
    }
    assert_eq!(mentioned("#![doc = \"a\"] #![allow(b::c)] x").words, "x");
    assert_eq!(mentioned("#[cfg_attr(a, doc = \"b\", allow(c), d)] x").words, "d x");
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
        assert_eq!(mentioned(source).given, wholes, "{source}");
    }
}

#[test]
fn dyn_is_noticed_wherever_it_is() {
    for (source, expected) in
        [("Box<dyn A>", true), ("local!(&dyn A)", true), ("impl A", false), ("r#dyn", false)]
    {
        assert_eq!(read(&lex(source)).is_dynamic, expected, "{source}");
    }
}

#[test]
fn a_foreign_macro_that_is_given_nothing_reads_what_it_likes() {
    for (source, invokes_foreign, reads_package) in [
        ("foreign!()", true, true),
        ("a::foreign!(b)", true, false),
        ("local!(); vec![]; println!()", false, false),
        ("macro_rules! m { () => { foreign!() } }", true, true),
        ("#[command(version)] struct A;", false, true),
        ("#[rememo::memo(version = 2)] fn f() {}", false, false),
        ("#[serde(rename = \"version\")] struct A;", false, false),
    ] {
        let tokens = lex(source);
        let mentions = read(&tokens);
        assert_eq!(
            (mentions.invokes_foreign, mentions.reads_package),
            (invokes_foreign, reads_package),
            "{source}"
        );
    }
}

#[test]
fn a_derive_macro_that_is_not_known_reads_comments() {
    for (source, expected) in [
        ("#[derive(Clone, Debug, serde::Serialize)] struct A;", false),
        ("#[derive(Clone, JsonSchema)] struct A;", true),
        ("#[cfg_attr(a, derive(JsonSchema))] struct A;", true),
        ("#[a(b)] struct A;", false),
    ] {
        assert_eq!(read(&lex(source)).reads_comments, expected, "{source}");
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
        assert_eq!(mentioned(source).predicates, expected, "{source}");
    }
    words_of(&[("#[cfg(feature = \"a\")] b", "b"), ("cfg!(a)", "cfg"), ("#[cfg_attr(a, b)] c", "b c")]);
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
        ("foreign!(\"a\", \"{b}.c\", \"d.\ne\")", &["perhaps a"]),
        ("println!(\"a.b\")", &[]),
        ("f(\"a.b\")", &[]),
    ] {
        assert_eq!(mentioned(source).files, expected, "{source}");
    }
    assert_eq!(
        mentioned("include_str!(concat!(env!(\"A\"), \"/b\"))").variables,
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
        assert_eq!(mentioned(source).variables, variables, "{source}");
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
