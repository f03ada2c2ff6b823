//! What a person calls a function or static: its name in the source, without what the compiler made of it.

use super::names;

/// The name that the source has for a symbol, with its crate. It has none for data of the compiler's.
///
/// Closures and items in methods belong to what they are in, all instances of a generic function have its name, and a method
/// that a trait gives to a type is `<shop::Square as Shape>::area`.
pub(super) fn told(symbol: &str) -> Option<String> {
    if symbol.starts_with("_R") || symbol.starts_with("_ZN") {
        let name = tell(&names::readable(symbol));
        return (!name.is_empty()).then_some(name);
    }
    // What a C compiler made of one function: `scale.constprop.0`, `scale.part.0`, `counter.1`.
    let (name, is_numbered) = symbol.split_once('.').map_or((symbol, false), |(name, _)| (name, true));
    let is_of_compiler = is_numbered && ["anon", "str", "switch", "vtable", "alloc"].contains(&name);
    let is_nameless = name.is_empty() || is_of_compiler || is_digest(name);
    (!is_nameless).then(|| name.to_owned())
}

/// `alloc_` and a digest: a constant that got a name when it was shared between object files.
fn is_digest(name: &str) -> bool {
    let digits = name.strip_prefix("alloc_").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The crate in which the source of a symbol stands, as far as the symbol tells: of an implementation that of the type, or of
/// the trait where the type is of nobody or of the standard library.
pub(super) fn crate_of(symbol: &str) -> Option<String> {
    let readable = names::readable(symbol);
    let parts = split(&readable, "::");
    let first = *parts.first().filter(|_| parts.len() > 1)?;
    if !first.starts_with('<') {
        return Some(first.to_owned());
    }
    let Impl { kind, of_trait } = Impl::parse(first)?;
    let of_type = leading_crate(kind);
    let of = of_type.filter(|of| of_trait.is_none() || !names::is_standard(of));
    of.or_else(|| leading_crate(of_trait?)).map(str::to_owned)
}

/// `<Type as Trait>`, `<impl Trait for Type>`, `<impl Type>`, `<Type>`.
struct Impl<'a> {
    kind: &'a str,
    of_trait: Option<&'a str>,
}

impl<'a> Impl<'a> {
    fn parse(part: &'a str) -> Option<Self> {
        let inner = part.strip_prefix('<')?.strip_suffix('>')?;
        if let Some(header) = inner.strip_prefix("impl ") {
            return Some(match split(header, " for ")[..] {
                [of_trait, kind] => Impl { kind, of_trait: Some(of_trait) },
                _ => Impl { kind: header, of_trait: None },
            });
        }
        Some(match split(inner, " as ")[..] {
            [kind, of_trait] => Impl { kind, of_trait: Some(of_trait) },
            _ => Impl { kind: inner, of_trait: None },
        })
    }

    fn tell(&self) -> String {
        let kind = tell(self.kind);
        // An item in a method of an implementation.
        if kind.starts_with('<') {
            return kind;
        }
        let of_trait = self.of_trait.map(tell);
        match of_trait.as_deref().and_then(|path| path.rsplit("::").next()) {
            Some(of_trait) => format!("<{kind} as {of_trait}>"),
            None => kind,
        }
    }
}

fn tell(readable: &str) -> String {
    let parts = split(readable, "::");
    // Arguments of generic functions are in angle brackets, too, but no `impl` and not in front.
    let is_head = |at: usize| parts[at].starts_with("<impl ") || at == 0 && parts[0].starts_with('<');
    let head = (0..parts.len()).rev().find(|at| is_head(*at));
    let implementation = head.and_then(|at| Impl::parse(parts[at]));
    let rest = parts[head.map_or(0, |at| at + 1)..].iter().copied();
    let mut named = rest.filter(|part| !part.starts_with(['{', '<']) && *part != "_").map(without_arguments);
    let Some(implementation) = implementation else { return named.collect::<Vec<_>>().join("::") };
    let of = implementation.tell();
    match named.next() {
        Some(method) if !of.contains(">::") => format!("{of}::{method}"),
        _ => of,
    }
}

/// The parts between separators that are in no brackets.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let (mut depth, mut start, mut at) = (0_i32, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            // The arrow of a function's type is no bracket.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' | b'}' => depth -= 1,
            _ if depth == 0 && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                at += separator.len();
                start = at;
                continue;
            }
            _ => {}
        }
        at += text[at..].chars().next().map_or(1, char::len_utf8);
    }
    parts.push(&text[start..]);
    parts
}

/// A part of a path without arguments, references and pointers.
fn without_arguments(part: &str) -> &str {
    let part = without_pointers(part);
    match part.find('<') {
        Some(at) if at > 0 => &part[..at],
        _ => part,
    }
}

fn without_pointers(mut kind: &str) -> &str {
    while let Some(rest) =
        ["&", "*", "[", "mut ", "const ", "dyn ", "impl "].iter().find_map(|prefix| kind.strip_prefix(prefix))
    {
        kind = rest.trim_end_matches(']');
    }
    kind
}

/// The crate of a type or trait; of a type parameter or a primitive type there is none.
fn leading_crate(kind: &str) -> Option<&str> {
    let kind = without_pointers(kind);
    if kind.starts_with('<') {
        return split(kind, "::")
            .first()
            .and_then(|part| Impl::parse(part))
            .and_then(|of| leading_crate(of.kind));
    }
    let (first, _) = kind.split_once("::")?;
    first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_the_source_has_them() {
        for (readable, expected) in [
            ("shop::grid::step", "shop::grid::step"),
            ("shop::grid::step::{{closure}}", "shop::grid::step"),
            ("shop::grid::step::{closure#0}::{closure#1}", "shop::grid::step"),
            ("shop::sum::<core::iter::Map<u8, fn(u8) -> u8>, u8>", "shop::sum"),
            ("<shop::grid::Cell>::flux", "shop::grid::Cell::flux"),
            ("<shop::Stack<u64>>::push::<u8>", "shop::Stack::push"),
            ("<shop::Square as shop::Shape>::area", "<shop::Square as Shape>::area"),
            ("<&mut shop::Square as shop::Shape<u8>>::area::{{closure}}", "<shop::Square as Shape>::area"),
            ("shop::<impl core::convert::From<u8> for shop::X>::from", "<shop::X as From>::from"),
            ("shop::a::<impl shop::b::Cell>::flux", "shop::b::Cell::flux"),
            ("<T as shop::Shape>::area", "<T as Shape>::area"),
            (
                "shop::_::<impl serde::ser::Serialize for shop::Point>::serialize",
                "<shop::Point as Serialize>::serialize",
            ),
            (
                "<shop::_::<impl serde::de::Deserialize for shop::Point>::deserialize::__Visitor as serde::de::Visitor>::visit_seq",
                "<shop::Point as Deserialize>::deserialize",
            ),
        ] {
            assert_eq!(tell(readable), expected, "{readable}");
        }
        for (symbol, expected) in [
            ("scale", Some("scale")),
            ("scale.constprop.0", Some("scale")),
            (
                "_ZN4shop4grid4step28_$u7b$$u7b$closure$u7d$$u7d$17hf969f24226dc9aa1E",
                Some("shop::grid::step"),
            ),
            ("_RNvXs_CsgEmfK2I1SDS_4shopNtB4_6SquareNtB4_5Shape4area", Some("<shop::Square as Shape>::area")),
            ("anon.0123456789abcdef0123456789abcdef.3", None),
            ("alloc_0123456789abcdef0123456789abcdef", None),
            (".Lanon.1", None),
            ("", None),
        ] {
            assert_eq!(told(symbol).as_deref(), expected, "{symbol}");
        }
    }

    #[test]
    fn the_crate_is_where_the_source_stands() {
        for (readable, expected) in [
            ("core::ptr::drop_in_place<shop::Point>", Some("core")),
            ("<alloc::vec::Vec<shop::Point> as core::ops::drop::Drop>::drop", Some("core")),
            ("<u64 as core::iter::traits::accum::Sum>::sum", Some("core")),
            ("<&T as core::fmt::Display>::fmt", Some("core")),
            ("core::num::<impl u64>::to_le_bytes", Some("core")),
            ("<[T]>::iter", None),
            ("shop::step", Some("shop")),
            ("<shop::Point as core::clone::Clone>::clone", Some("shop")),
            ("<alloc::vec::Vec<T> as shop::Shape>::area", Some("shop")),
            ("<u64 as shop::Shape>::area", Some("shop")),
            ("<shop::Writer as serde::ser::Serializer>::serialize_u64", Some("shop")),
            ("shop::<impl core::convert::From<alloc::string::String> for shop::X>::from", Some("shop")),
            ("core", None),
            ("malloc", None),
        ] {
            assert_eq!(crate_of(readable).as_deref(), expected, "{readable}");
        }
    }
}
