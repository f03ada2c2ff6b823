mod hidden;
pub(super) mod package;
mod scenarios;

use super::*;

fn body(source: &str) -> [u8; 32] {
    fingerprint(&syn::parse_str(source).unwrap(), Track::Body).digest
}

#[test]
fn nothing_is_tracked_under_none() {
    assert_eq!(
        fingerprint(
            &syn::parse_quote!(
                fn f() -> u8 {
                    1
                }
            ),
            Track::None
        ),
        Fingerprint { asks_for_key: true, ..Fingerprint::default() }
    );
    assert_ne!(body("fn f() -> u8 { 1 }"), [0; 32]);
}

#[test]
fn layout_comments_docs_visibility_and_the_attribute_itself_do_not_matter() {
    let plain = body("fn f(x: u8) -> u8 { let y = x + 1; y }");
    for source in [
        "fn f(x:u8)->u8{let y=x+1;y}",
        "fn f(\n    x: u8,\n) -> u8 {\n    // Comment.\n    let y = x /* one more */ + 1;\n    y\n}",
        "/// Docs.\npub(crate) fn f(x: u8) -> u8 { let y = x + 1; y }",
        "#[memo(version = 3)] #[doc = \"Docs.\"] pub fn f(x: u8) -> u8 { let y = x + 1; y }",
        "#[rememo::memo] fn f(x: u8) -> u8 { //! Inner docs.\n let y = x + 1; y }",
        "fn f(x: u8) -> u8 { /// On a statement.\n let y = x + 1; y }",
    ] {
        assert_eq!(body(source), plain, "{source}");
    }
}

#[test]
fn every_change_of_code_matters() {
    let sources = [
        "fn f(x: u8) -> u8 { x + 1 }",
        "fn f(x: u8) -> u8 { x + 2 }",
        "fn f(x: u8) -> u8 { x - 1 }",
        "fn f(x: u8) -> u8 { x + 1; }",
        "fn f(x: u8) -> u8 { (x + 1) }",
        "fn f(x: u8) -> u8 { { x + 1 } }",
        "fn f(x: u8) -> u8 { x + 1u8 }",
        "fn f(x: u8) -> u8 { x + \"1\" }",
        "fn f(x: u8) -> u8 { x + '1' }",
        "fn f(y: u8) -> u8 { x + 1 }",
        "fn f(x: u9) -> u8 { x + 1 }",
        "fn f(x: u8) -> u9 { x + 1 }",
        "fn g(x: u8) -> u8 { x + 1 }",
        "fn f<T>(x: u8) -> u8 { x + 1 }",
        "fn f(x: u8) -> u8 where u8: A { x + 1 }",
        "fn f(&self, x: u8) -> u8 { x + 1 }",
        "#[inline] fn f(x: u8) -> u8 { x + 1 }",
    ];
    for (i, a) in sources.iter().enumerate() {
        for b in &sources[..i] {
            assert_ne!(body(a), body(b), "{a} and {b}");
        }
    }
}

/// A change of the digest turns every entry of every user into a miss: it needs a new [`CONTEXT`]. The same function
/// stands in `macros/tests/ui/pass/fingerprint_of_layouts.rs`, where the compiler's lexer reads it.
#[test]
fn the_digest_is_pinned() {
    let digest = body(
        "fn pinned<'a>(first: &'a [u64], rest: Vec<Vec<u8>>) -> u64 {
            first[0] >> rest.len() << vec![1, 2 * 3][0] as u64
        }",
    );
    let expected = "8b89fd346db6d03efce730fbbed9d6237f1a5f84e82c1c40ff0b5d437a5b502e";
    assert_eq!(blake3::Hash::from_bytes(digest).to_hex().as_str(), expected);
}
