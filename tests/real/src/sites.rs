//! Where a source file can be edited, found by a parser.

use std::ops::Range;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::mutate;

/// What is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Literal,
    Operator,
    Arm,
    Constant,
    Static,
    Impl,
    Macro,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Literal, Kind::Operator, Kind::Arm, Kind::Constant, Kind::Static, Kind::Impl, Kind::Macro];
}

/// A place where a text can be replaced.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) file: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) bytes: Range<usize>,
    pub(crate) text: String,
    pub(crate) item: Item,
}

/// The innermost item around an edit.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    /// The first and the last, counted from one.
    pub(crate) lines: (usize, usize),
    /// Whether debug information has lines of it. It has none of constants, macros, and what is computed by the
    /// compiler.
    pub(crate) has_lines: bool,
}

/// The sites of a file; none if it cannot be parsed.
pub(crate) fn find(file: &Path, source: &str) -> Vec<Site> {
    let Ok(parsed) = syn::parse_file(source) else { return Vec::new() };
    let mut finder = Finder { file, source, item: None, kind: None, sites: Vec::new() };
    finder.visit_file(&parsed);
    finder.sites
}

struct Finder<'a> {
    file: &'a Path,
    source: &'a str,
    item: Option<Item>,
    /// That of all sites in a constant or static.
    kind: Option<Kind>,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn add(&mut self, kind: Kind, bytes: Range<usize>, text: Option<String>) {
        let (Some(item), Some(text)) = (self.item.clone(), text) else { return };
        if self.source.get(bytes.clone()).is_some_and(|old| old != text) {
            self.sites.push(Site { file: self.file.to_owned(), kind, bytes, text, item });
        }
    }

    /// Visits what is in an item.
    fn within(&mut self, name: &str, lines: (Span, Span), kind: Option<Kind>, visit: impl FnOnce(&mut Self)) {
        let item = Item {
            name: name.to_owned(),
            lines: (lines.0.start().line, lines.1.end().line),
            has_lines: kind.is_none(),
        };
        let outer = (self.item.replace(item), std::mem::replace(&mut self.kind, kind));
        visit(self);
        (self.item, self.kind) = outer;
    }

    fn within_function(&mut self, sig: &syn::Signature, block: &syn::Block, of_impl: bool) {
        let kind = sig.constness.is_some().then_some(Kind::Constant);
        self.within(&sig.ident.to_string(), (sig.span(), block.span()), kind, |this| {
            if of_impl && kind.is_none() {
                // Other code, and nobody can tell.
                let start = block.brace_token.span.open().byte_range().end;
                let text = " if core::hint::black_box(false) { panic!(\"never\") } ";
                this.add(Kind::Impl, start..start, Some(text.to_owned()));
            }
            this.visit_block(block);
        });
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            if let TokenTree::Group(group) = &token {
                self.tokens(group.stream());
            } else {
                let kind = self.kind.unwrap_or(Kind::Macro);
                self.add(kind, token.span().byte_range(), mutate::token(&token));
            }
        }
    }

    fn constant(&mut self, name: &str, lines: Span, value: &syn::Expr, kind: Kind) {
        self.within(name, (lines, lines), Some(kind), |this| this.visit_expr(value));
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = attribute.path().is_ident("test") || attribute.path().is_ident("bench");
        let of_cfg = attribute.path().is_ident("cfg");
        is_test || of_cfg && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.within_function(&item.sig, &item.block, false);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        for part in &item.items {
            if let syn::ImplItem::Fn(method) = part
                && item.trait_.is_some()
                && item.items.len() > 1
            {
                // What the trait has for it, if anything, takes its place.
                let lines = (method.sig.span(), method.block.span());
                let has_lines = method.sig.constness.map(|_| Kind::Constant);
                self.within(&method.sig.ident.to_string(), lines, has_lines, |this| {
                    this.add(Kind::Impl, method.span().byte_range(), Some(String::new()));
                });
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.within_function(&item.sig, &item.block, true);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.within_function(&item.sig, block, true);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(&item.ident.to_string(), item.span(), &item.expr, Kind::Constant);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(&item.ident.to_string(), item.span(), &item.expr, Kind::Constant);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(&item.ident.to_string(), item.span(), &item.expr, Kind::Static);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let name = item.ident.as_ref().map_or("a macro's items".to_owned(), ToString::to_string);
        let span = item.span();
        let tokens = item.mac.tokens.clone();
        self.within(&name, (span, span), Some(Kind::Macro), |this| this.tokens(tokens));
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }

    fn visit_expr_lit(&mut self, item: &'ast syn::ExprLit) {
        let kind = self.kind.unwrap_or(Kind::Literal);
        self.add(kind, item.lit.span().byte_range(), mutate::literal(&item.lit));
    }

    fn visit_expr_binary(&mut self, item: &'ast syn::ExprBinary) {
        let kind = self.kind.unwrap_or(Kind::Operator);
        self.add(kind, item.op.span().byte_range(), mutate::operator(item.op).map(str::to_owned));
        visit::visit_expr_binary(self, item);
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        for pair in item.arms.windows(2) {
            let (one, other) = (pair[0].body.span().byte_range(), pair[1].body.span().byte_range());
            let part = |range: Range<usize>| self.source.get(range).unwrap_or_default();
            let (between, swapped) = (part(one.end..other.start), part(other.clone()));
            let text = format!("{swapped}{between}{}", part(one.clone()));
            self.add(self.kind.unwrap_or(Kind::Arm), one.start..other.end, Some(text));
        }
        visit::visit_expr_match(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
const SIZE: usize = 4;
macro_rules! three { () => { 3 } }

impl Default for Shape {
    fn default() -> Self {
        match SIZE { 0 => one(), _ => other() }
    }
    fn area(&self) -> u64 { self.0 + 7 }
}

#[cfg(test)]
mod tests { fn none() -> u8 { 9 } }
";

    fn found() -> Vec<Site> {
        find(Path::new("shape.rs"), SOURCE)
    }

    #[test]
    fn each_kind_of_site_is_found_and_none_in_tests() {
        let found = found();
        let told = |site: &Site| (site.kind, SOURCE[site.bytes.clone()].to_owned(), site.text.clone());
        let told: Vec<_> = found.iter().map(told).collect();
        for (kind, old, new) in [
            (Kind::Constant, "4", "5"),
            (Kind::Macro, "3", "4"),
            (Kind::Arm, "one(), _ => other()", "other(), _ => one()"),
            (Kind::Operator, "+", "*"),
            (Kind::Literal, "7", "8"),
            (Kind::Impl, "fn area(&self) -> u64 { self.0 + 7 }", ""),
        ] {
            let wanted = (kind, old.to_owned(), new.to_owned());
            assert!(told.contains(&wanted), "{wanted:?} in {told:?}");
        }
        assert!(!told.iter().any(|(_, old, _)| old == "9"), "{told:?}");
    }

    #[test]
    fn the_lines_are_those_of_the_innermost_item() {
        let found = found();
        let item = |old: &str| &found.iter().find(|site| SOURCE[site.bytes.clone()] == *old).unwrap().item;
        assert_eq!((item("7").name.as_str(), item("7").lines, item("7").has_lines), ("area", (8, 8), true));
        assert_eq!((item("4").name.as_str(), item("4").lines, item("4").has_lines), ("SIZE", (1, 1), false));
        assert_eq!(item("one(), _ => other()").lines, (5, 7));
    }
}
