//! The fingerprint: a digest of the code of a memoized function.
//!
//! It depends on tokens alone, never on where a file is, how it is laid out or what its comments say. It covers the
//! function's own attributes, signature and body; what the body calls is not in it.
//!
//! Left out on purpose:
//! - doc attributes, which are comments (a derive that reads them inside the body is not noticed);
//! - the visibility, which no caller's result depends on;
//! - `#[memo(…)]` itself: of its options, those that matter to the key join it by themselves.

mod normalise;
mod tokens;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, ItemFn};

use self::tokens::TokenHasher;

/// How much code the fingerprint covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Track {
    /// The function itself.
    #[default]
    Body,
    /// Nothing: only `version` tells old entries from new ones.
    None,
}

/// The domain of the digest. Another normalisation of tokens is another version, so that no two are ever mixed.
const CONTEXT: &str = "rememo fingerprint 1: tokens of one function";

/// The fingerprint of `function`; zeros where nothing is tracked.
pub(crate) fn fingerprint(function: &ItemFn, track: Track) -> [u8; 32] {
    match track {
        Track::None => [0; 32],
        Track::Body => {
            let mut hasher = TokenHasher::new(CONTEXT);
            hasher.code(code(function));
            hasher.digest()
        }
    }
}

/// The tokens of `function` that matter.
fn code(function: &ItemFn) -> TokenStream {
    let mut tokens = TokenStream::new();
    for attribute in function.attrs.iter().filter(|attribute| !is_memo(attribute)) {
        attribute.to_tokens(&mut tokens);
    }
    function.sig.to_tokens(&mut tokens);
    function.block.to_tokens(&mut tokens);
    tokens
}

/// The compiler takes the attribute away before it calls the macro, but a source file still has it.
fn is_memo(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "memo")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(source: &str) -> [u8; 32] {
        fingerprint(&syn::parse_str(source).unwrap(), Track::Body)
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
            [0; 32]
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
    /// stands in `tests/ui/pass/fingerprint_of_layouts.rs`, where the compiler's lexer reads it.
    #[test]
    fn the_digest_is_pinned() {
        let digest = body(
            "fn pinned<'a>(first: &'a [u64], rest: Vec<Vec<u8>>) -> u64 {
                first[0] >> rest.len() << vec![1, 2 * 3][0] as u64
            }",
        );
        let expected = "ec49b382acd22288de0b5e44ac6ab87ff09504621b3903cba67b6ab12f416a2f";
        assert_eq!(blake3::Hash::from_bytes(digest).to_hex().as_str(), expected);
    }
}
