//! Source files written otherwise, by a parser. Each function gives `None` if there is nothing to change.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::{Attribute, Fields, File, Item, Visibility};

/// A line above each item.
pub(crate) fn above_items(text: &str, line: &str) -> Option<String> {
    inserted(text, &parse(text)?.items.iter().map(range).map(|range| range.start).collect::<Vec<_>>(), line)
}

/// A line above each item that may have documentation.
pub(crate) fn above_documented(text: &str, line: &str) -> Option<String> {
    let is_documented = |item: &&Item| {
        matches!(
            item,
            Item::Fn(_) | Item::Struct(_) | Item::Enum(_) | Item::Const(_) | Item::Static(_) | Item::Trait(_)
        )
    };
    let file = parse(text)?;
    let starts: Vec<_> = file.items.iter().filter(is_documented).map(|item| range(item).start).collect();
    inserted(text, &starts, line)
}

/// The first items that stand beside each other and have no order change places.
pub(crate) fn swapped(text: &str) -> Option<String> {
    let has_no_order = |item: &Item| {
        matches!(
            item,
            Item::Fn(_) | Item::Struct(_) | Item::Enum(_) | Item::Const(_) | Item::Impl(_) | Item::Trait(_)
        )
    };
    let file = parse(text)?;
    let pair = file.items.windows(2).find(|pair| pair.iter().all(has_no_order))?;
    let (one, other) = (range(&pair[0]), range(&pair[1]));
    let (before, between, after) = (&text[..one.start], &text[one.end..other.start], &text[other.end..]);
    Some(format!("{before}{}{between}{}{after}", &text[other], &text[one]))
}

/// The first `most` private functions become public.
pub(crate) fn made_public(text: &str, most: usize) -> Option<String> {
    let file = parse(text)?;
    let private = file.items.iter().filter_map(|item| match item {
        Item::Fn(function) if matches!(function.vis, Visibility::Inherited) && function.attrs.is_empty() => {
            Some(range(item).start)
        }
        _ => None,
    });
    inserted(text, &private.take(most).collect::<Vec<_>>(), "pub ")
}

/// The file with one more derive on one of its types; one text for each type that may have it.
pub(crate) fn with_derives(text: &str) -> Vec<String> {
    let Some(file) = parse(text) else { return Vec::new() };
    let texts = file.items.iter().filter_map(|item| {
        let attributes = match item {
            Item::Struct(item) if !matches!(item.fields, Fields::Unit) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            _ => return None,
        };
        let derived = derives(attributes);
        let has = |name: &str| derived.iter().any(|derived| derived == name);
        let derive = match () {
            () if has("PartialEq") && !has("PartialOrd") => "PartialOrd",
            () if has("Eq") && !has("Hash") => "Hash",
            () if has("Debug") && !has("Clone") => "Clone",
            () => return None,
        };
        inserted(text, &[range(item).start], &format!("#[derive({derive})]\n"))
    });
    texts.collect()
}

fn derives(attributes: &[Attribute]) -> Vec<String> {
    let mut derived = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        // What cannot be read derives nothing that is known here.
        let _ = attribute.parse_nested_meta(|meta| {
            derived.extend(meta.path.segments.last().map(|segment| segment.ident.to_string()));
            Ok(())
        });
    }
    derived
}

fn parse(text: &str) -> Option<File> {
    syn::parse_file(text).ok()
}

fn range(item: &Item) -> Range<usize> {
    item.span().byte_range()
}

fn inserted(text: &str, places: &[usize], what: &str) -> Option<String> {
    let mut other = text.to_owned();
    for place in places.iter().rev() {
        other.insert_str(*place, what);
    }
    (!places.is_empty()).then_some(other)
}
