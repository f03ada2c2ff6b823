use std::borrow::Cow;

use rememo::memo;

#[memo]
fn first(text: &str) -> &str {
    &text[..1]
}

#[memo]
fn name(id: u64) -> &'static str {
    if id == 0 { "zero" } else { "more" }
}

#[memo]
fn trimmed(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text.trim())
}

fn main() {}
