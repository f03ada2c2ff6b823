//! Arguments that borrow, which no result can.

use std::borrow::Cow;

use rememo::{FunctionCall, Memory, memo};
use serde::{Deserialize, Serialize};

use crate::helpers;
use crate::samples::Keeps;
use crate::ways::{Of, Ways, workers};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Borrowed<'a> {
    text: &'a str,
    #[serde(borrow)]
    cow: Cow<'a, str>,
    bytes: &'a [u8],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Part<'a> {
    #[serde(skip)]
    Unknown,
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Note(Cow<'a, str>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Moved<'a>(#[serde(serialize_with = "helpers::moved::serialize")] u64, &'a str);

#[memo(track = "none")]
fn borrowed(value: &Borrowed<'_>, round: u64) -> Option<usize> {
    Some(value.text.len() + 10 * value.cow.len() + 100 * value.bytes.len())
}

#[memo(track = "none", ignore(value))]
fn ignored(value: Borrowed<'_>, round: u64) -> Option<usize> {
    borrowed::uncached(&value, round)
}

#[memo(track = "none", ignore(value))]
fn part(value: &Part<'_>, round: u64) -> Option<usize> {
    match value {
        Part::Unknown => None,
        Part::Text(text) => Some(text.len()),
        Part::Note(text) => Some(100 + text.len()),
    }
}

#[memo(track = "none", ignore(value))]
fn moved(value: &[Moved<'_>], round: u64) -> Option<usize> {
    value.iter().map(|moved| moved.0 as usize).reduce(|sum, number| 10 * sum + number)
}

#[memo(track = "none", ignore(value))]
fn plain(value: (&str, Option<&[u8]>), round: u64) -> Option<usize> {
    Some(value.0.len() + 100 * value.1.map_or(9, <[u8]>::len))
}

/// Sends calls to workers; the functions say what arrived.
fn sent<'a, A: Send + 'a>(
    ways: &mut Ways,
    name: &str,
    keeps: Keeps,
    calls: impl Fn() -> Vec<FunctionCall<A, Option<usize>>>,
) {
    let expected: Vec<_> = calls().into_iter().map(|call| Memory::disabled().call(call)).collect();
    for (way, memory) in [("sent", ways.open()), ("sent without a memory", Memory::disabled())] {
        let of = Of { name, what: "borrowing argument", way, keeps };
        for (result, expected) in workers(&memory).run_all(calls()).iter().zip(&expected) {
            match result {
                Ok(value) => ways.expect_same(&of, value, expected),
                Err(error) => ways.not_sent(&of, error, "its argument `value`"),
            }
        }
    }
}

pub fn check(ways: &mut Ways) {
    let text = String::from("borrowed");
    let samples = [("", "cow", &b"bytes"[..]), (&text, "", b""), (&text[1..], &text, text.as_bytes())];
    let value = |index: usize| {
        let (text, cow, bytes) = samples[index];
        Borrowed { text, cow: cow.into(), bytes }
    };
    let all: Vec<_> = (0..3).map(value).collect();
    sent(ways, "Borrowed", Keeps::All, || all.iter().map(|value| borrowed::delayed(value, 0)).collect());
    sent(ways, "Borrowed, ignored", Keeps::All, || {
        (0..3).map(|index| ignored::delayed(value(index), index as u64)).collect()
    });
    let parts = [Part::Text("text".into()), Part::Note("note".into())];
    sent(ways, "Part", Keeps::All, || {
        (0..2).map(|index| part::delayed(&parts[index], index as u64)).collect()
    });
    let lists = [vec![], vec![Moved(1, "a"), Moved(2, &text)]];
    sent(ways, "[Moved]", Keeps::Some, || {
        (0..2).map(|index| moved::delayed(&lists[index], index as u64)).collect()
    });
    let value = |index: usize| (&text[index..], [None, Some(text.as_bytes())][index]);
    sent(ways, "plain", Keeps::All, || {
        (0..2).map(|index| plain::delayed(value(index), index as u64)).collect()
    });
}
