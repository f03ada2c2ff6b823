use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::reach::digest::digest;
use crate::reach::items::{What, items};
use crate::reach::normalise::doc_attribute;
use crate::reach::tests::package::files_below;

/// Tokens as text, with `~` after punctuation that is joined to what follows. Without doc comments, which only one of the
/// lexers drops.
fn shown(tokens: &Tokens) -> Vec<String> {
    let code = tokens.code();
    let mut shown = Vec::new();
    let mut index = code.start;
    while let Some(token) = code.get(index) {
        if doc_attribute(code, index) > index {
            index = doc_attribute(code, index);
            continue;
        }
        let text = code.text(token);
        shown.push(match token.kind {
            Kind::Word | Kind::Literal => text.to_owned(),
            Kind::Lifetime => format!("'{text}"),
            Kind::Punct => format!("{text}{}", if token.joint { "~" } else { "" }),
            Kind::Open(delimiter) => format!("{delimiter:?}"),
            Kind::Close => "end".to_owned(),
        });
        index += 1;
    }
    shown
}

#[track_caller]
fn lexed(source: &str) -> Vec<String> {
    shown(&Tokens::lex(source.to_owned()).unwrap_or_else(|| panic!("`{source}` has no tokens")))
}

#[track_caller]
fn like_the_other_lexer(sources: &[&str]) {
    for source in sources {
        let other = source.parse().unwrap_or_else(|_| panic!("`{source}` is no Rust"));
        assert_eq!(lexed(source), shown(&Tokens::of(other)), "{source}");
    }
}

#[test]
fn strings_are_read_as_by_the_other_lexer() {
    like_the_other_lexer(&[
        r#"f("a", "", "\"", "\\", "a\\\"b", "// no comment", "/* nor this", "}")"#,
        "\"over\nlines\", \"and \\\n  joined\"",
        r####"r"\", r"", r#"a"b"#, r##"a"#b"##, r###""##"###, r#"}"#"####,
        r##"b"\"\xff", br"\", br#"""#, c"a", cr"\", cr#"""#"##,
        r#""a"suffix, b"a"suffix, c"a"suffix, r"a"suffix, 'a'suffix, b'a'suffix"#,
        "(r, br, cr, b, c, r + b, b)",
        "\"ä😀\\u{1F600}\" ä r\"ß\"",
    ]);
}

#[test]
fn characters_and_lifetimes_are_read_as_by_the_other_lexer() {
    like_the_other_lexer(&[
        r"'a'",
        r"'\''",
        r"'\\'",
        r"'\u{1F600}'",
        "'\"', '/', '(', '}', '#', ' '",
        "'é', '→', '😀'",
        r"b'\'', b'a', b'\\', b'\xff'",
        "&'static str, &'a T, &'_ T, F<'a,'b>",
        "'a: loop { break 'a }",
        "'a'..='z'",
        "f('a', 'b'), g::<'a>('b')",
        "'ä: loop { break 'ä }",
        "match x { 'a'=>'b', _=>'c' }",
    ]);
}

#[test]
fn numbers_are_read_as_by_the_other_lexer() {
    like_the_other_lexer(&[
        "1..2",
        "1..=2",
        "1.max(2)",
        "1.",
        "1. + 2.",
        "(1.)",
        "1.0.max(2.)",
        "1.5e3",
        "1e-5",
        "1E+5",
        "1.5e-3",
        "0x1e-5",
        "0x1E+5",
        "0b1-1",
        "0o7-1",
        "1_000u64",
        "1e-5f32",
        "2.0f32",
        "1u8-1",
        "t.0.1",
        "t.0.1.2",
        "t.0 .1",
        "x-1",
        "-1",
        "0..n",
        "1.e5",
        "1._0",
        "1.ä()",
        "[1,2][0]",
    ]);
}

#[test]
fn words_are_read_as_by_the_other_lexer() {
    like_the_other_lexer(&[
        "r#type, r#fn",
        "_ _a a_ a1",
        "größe, 名前, x·y",
        "a::b::<C>()",
        "$x:ident, $($y),*, #$z",
        "r #a",
        "union default auto macro_rules",
    ]);
}

#[test]
fn punctuation_is_joined_as_by_the_other_lexer() {
    like_the_other_lexer(&[
        "a+=b, a + = b, a<<=b, a < < = b",
        "=/* c */=",
        "=// c\n=",
        "= / b, =/b, =/ *b",
        "a=-b, a=&'a b, &&'a b, =>'a'",
        "#![a]#[b]",
        "&(a), =\"a\", =1, =a, -_",
        "a@b, !a?, $a, ~a, ^a",
    ]);
}

#[test]
fn comments_and_docs_leave_no_tokens() {
    like_the_other_lexer(&[
        "a // b\nc",
        "a /* b */ c",
        "a/**/b",
        "a /* b /* c */ \" ' { */ d",
        "a /*/ b */ c",
        "a /***/ b",
        "/// docs\nstruct A { /** docs */ x: u8, // \"\n }",
        "//! docs\n/*! docs */ fn f() {}",
        "//// comment\n/*** comment */ a",
        "a //",
    ]);
    assert_eq!(lexed("/// docs\n/** docs */ a // b\n//! c"), ["a"]);
}

#[test]
fn space_of_any_kind_separates() {
    like_the_other_lexer(&[
        "\u{feff}fn f() {}",
        "a\r\nb\r\n",
        "a\t\u{b}\u{c}b",
        "a +\u{2028}b,\u{2029}c,\u{85}d,\u{200e}e,\u{200f}f",
        "",
        " ",
    ]);
}

#[test]
fn a_line_for_the_shell_is_no_code_but_an_inner_attribute_is() {
    for source in ["#!/usr/bin/env run\nfn f", "\u{feff}#!/bin/x [\nfn f", "#! run\r\nfn f"] {
        assert_eq!(lexed(source), ["fn", "f"], "{source}");
    }
    assert_eq!(lexed("#!/usr/bin/env run"), [""; 0]);
    for source in ["#![a] fn f", "#! [a] fn f", "#!\n[a] fn f"] {
        assert_eq!(lexed(source)[2..], ["Bracket", "a", "end", "fn", "f"], "{source}");
    }
}

#[test]
fn what_is_unbalanced_or_unterminated_has_no_tokens() {
    for source in [
        "(",
        ")",
        "{",
        "}",
        "[",
        "(]",
        "([)]",
        "{ ( }",
        "fn f() { } }",
        "\"a",
        "\"\\",
        "\"\\\"",
        "b\"a",
        "c\"a",
        "r\"a",
        "r#\"a\"",
        "r##\"a\"#",
        "br#\"a\"",
        "b'a",
        "b'",
        "'\\",
        "'\\'",
        "/*",
        "/* /* */",
        "a /* *",
    ] {
        assert!(Tokens::lex(source.to_owned()).is_none(), "{source}");
    }
}

#[test]
fn the_ends_of_a_group_know_each_other() {
    let tokens = Tokens::lex("a(b[c]{})d".to_owned()).unwrap();
    let code = tokens.code();
    assert_eq!([code.after(0), code.after(1), code.after(3), code.after(6)], [1, 9, 6, 8]);
    assert_eq!([code.opening(8), code.opening(5), code.opening(7)], [Some(1), Some(3), Some(6)]);
    let within = code.group(1).unwrap();
    assert_eq!((within.start, within.end), (2, 8));
    assert!(code.group(0).is_none() && within.get(8).is_none());
}

#[test]
fn tokens_know_their_lines() {
    let source = "a b\n/* over\nlines */ c\r\n\n\"over\nlines\" d";
    let tokens = Tokens::lex(source.to_owned()).unwrap();
    let lines: Vec<u32> = (0..tokens.code().end).map(|token| tokens.line(token)).collect();
    assert_eq!(lines, [1, 1, 3, 5, 6]);
}

/// The sources of this repository: those below its directory that are Rust.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dirs = ["src", "../src", "../tests", "../benches", "../examples"];
    let mut sources: Vec<PathBuf> = dirs.iter().flat_map(|dir| files_below(&root.join(dir))).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    sources
}

#[test]
fn every_source_of_this_repository_is_read_like_the_other_lexer_does_and_has_only_items() {
    let sources = sources();
    assert!(sources.len() > 20, "there are sources");
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let other = Tokens::of(text.parse().unwrap());
        let tokens = Tokens::lex(text).unwrap_or_else(|| panic!("{} has no tokens", path.display()));
        assert_eq!(digest(&[tokens.code()]), digest(&[other.code()]), "{}", path.display());
        for item in items(tokens.code()) {
            assert!(
                !matches!(item.what, What::Unknown),
                "{}:{} is an item",
                path.display(),
                tokens.line(item.start)
            );
        }
    }
}
