use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::brief::Brief;
use super::*;
use crate::key::preview;

#[test]
fn a_preview_shows_short_arguments_and_cuts_long_ones() {
    let short = preview(|sink| {
        sink.argument("seed", &7)?;
        sink.argument("name", "wine")
    });
    assert_eq!(&*short, r#"7, "wine""#);
    let long = preview(|sink| sink.argument("text", &"ä".repeat(1000)));
    assert!(long.ends_with("ä…") && long.len() <= PREVIEW_BYTES + '…'.len_utf8(), "{long}");
    let slice = preview(|sink| sink.argument("data", &vec![1u8; 1 << 20]));
    assert!(slice.starts_with("[1,1,") && slice.ends_with('…'));
}

#[test]
fn a_value_that_json_cannot_show_is_cut_off_not_an_error() {
    let map = BTreeMap::from([((1, 2), 3)]);
    assert_eq!(&*preview(|sink| sink.argument("map", &map)), "{…");
}

/// A text that is cut must not look like a whole one, wherever the cut falls in its characters.
#[test]
fn a_text_is_shown_whole_or_cut_whatever_its_length_and_its_characters() {
    for character in ["a", "ä", "☃", "🦀", "\n", "\u{1}"] {
        for count in 0..200 {
            let text = character.repeat(count);
            let json = serde_json::to_string(&text).unwrap();
            let shown = preview_of(&text);
            if json.len() <= PREVIEW_BYTES {
                assert_eq!(*shown, *json);
            } else {
                let beginning = shown.strip_suffix('…').unwrap_or_else(|| panic!("{shown} of {json}"));
                assert!(json.starts_with(beginning), "{shown} of {json}");
                assert!(beginning.len() > PREVIEW_BYTES - 4, "{shown} of {json}");
            }
        }
    }
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

#[derive(Serialize)]
enum Document {
    Text(String),
    Parts(String, Bytes),
    Page { text: String, by: BTreeMap<String, Vec<String>> },
}

/// What is not passed on is not looked at: so the JSON of all of these stays short, though nothing
/// stops the writing of it here.
#[test]
fn of_long_texts_only_the_beginning_is_passed_on_wherever_they_are() {
    let long = || "text ".repeat(1 << 20);
    let by = || BTreeMap::from([(long(), vec![long(), long()])]);
    let documents = [
        Document::Text(long()),
        Document::Parts(long(), Bytes(vec![255; 1 << 22])),
        Document::Page { text: long(), by: by() },
    ];
    let all = (&documents, Some(long()), (long(), [long()]));
    let json = serde_json::to_string(&Brief(&all)).unwrap();
    assert!(json.len() < 5000, "{} bytes", json.len());
    assert!(preview_of(&all).starts_with(r#"[[{"Text":"text text"#));
}

/// Displays itself in pieces, and counts them.
struct Told<'a>(&'a Cell<usize>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..1000).try_for_each(|_| {
            self.0.set(self.0.get() + 1);
            f.write_str(&"piece ".repeat(10))
        })
    }
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[test]
fn what_displays_itself_is_asked_for_no_more_than_is_shown() {
    let pieces = Cell::new(0);
    let shown = preview_of(&BTreeMap::from([(1, Told(&pieces))]));
    assert!(shown.starts_with(r#"{"1":"piece piece"#) && shown.ends_with('…'), "{shown}");
    assert_eq!(pieces.get(), 3);
    assert_eq!(&*preview_of(&format_args!("{}", 7)), r#""7""#);
}
