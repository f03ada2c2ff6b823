//! Which field two values differ in, as their previews show it.
//!
//! By a look at the texts: a parser of JSON would come into the machine fingerprint of each function
//! with what encodes its values.

use std::fmt::Write;
use std::iter;

/// What the place where two previews begin to differ is in.
#[derive(Debug)]
enum Inside {
    Array(usize),
    /// With the name of the field, once it was seen.
    Object(Option<String>),
}

/// The way to the first field that differs, such as `items[3].price`; `None` if there is none to name.
pub(super) fn differing(written: &str, read: &str) -> Option<String> {
    let same = iter::zip(written.chars(), read.chars()).take_while(|(a, b)| a == b).count();
    let mut inside = Vec::new();
    let mut chars = written.chars().take(same);
    while let Some(char) = chars.next() {
        match (char, inside.last_mut()) {
            ('[', _) => inside.push(Inside::Array(0)),
            ('{', _) => inside.push(Inside::Object(None)),
            (']' | '}', _) => drop(inside.pop()),
            (',', Some(Inside::Array(index))) => *index += 1,
            (',', Some(Inside::Object(name))) => *name = None,
            ('"', top) => {
                // In a text that does not end here they differ.
                let Some(text) = text(&mut chars) else { break };
                if let Some(Inside::Object(name @ None)) = top {
                    *name = Some(text);
                }
            }
            _ => {}
        }
    }
    let mut path = String::new();
    for step in inside {
        let point = if path.is_empty() { "" } else { "." };
        let _ = match step {
            Inside::Array(index) => write!(path, "[{index}]"),
            Inside::Object(Some(name)) => write!(path, "{point}{name}"),
            Inside::Object(None) => Ok(()),
        };
    }
    (!path.is_empty()).then_some(path)
}

/// A text up to its closing quote, which may not come.
fn text(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.extend(chars.next()),
            char => text.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_that_differs_is_named() {
        for (written, read, field) in [
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, Some("b")),
            (
                r#"{"items":[{"price":1},{"price":2,"x":[]}],"c":0}"#,
                r#"{"items":[{"price":1},{"price":3"#,
                Some("items[1].price"),
            ),
            (r#"[1,{"a":"x, {\"b\":"},3]"#, r#"[1,{"a":"x, {\"b\":"},4]"#, Some("[2]")),
            (r#"{"a":"one"}"#, r#"{"a":"other"}"#, Some("a")),
            (r#"{"a":{"b":1},"c":1}"#, r#"{"a":{"b":1},"c":2}"#, Some("c")),
            ("5", "0", None),
            (r#""Cold""#, r#""Warm""#, None),
            (r#"{"a":1}"#, r#"{"b":1}"#, None),
            ("", "", None),
        ] {
            assert_eq!(differing(written, read).as_deref(), field, "{written}, {read}");
        }
    }
}
