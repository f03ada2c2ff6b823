//@ pulldown-cmark = { version = "=0.13.6", default-features = false, features = ["html"] }

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, html};

fn html_of(text: &str, options: Options, seed: u64) -> String {
    let mut written = String::new();
    html::push_html(&mut written, Parser::new_ext(&text.replace("SEED", &seed.to_string()), options));
    written
}

#[memo]
fn paragraphs(seed: u64) -> String {
    html_of(
        "One *two* **three** `SEED` and\na line  \nbroken &amp; <b>bold</b>\n\n---\n\nMore.",
        Options::empty(),
        seed,
    )
}

#[memo]
fn headings(seed: u64) -> String {
    html_of("# One\n\nTwo\n===\n\n### Three SEED ###\n", Options::ENABLE_HEADING_ATTRIBUTES, seed)
}

#[memo]
fn lists(seed: u64) -> String {
    html_of("- one\n- two\n  1. SEED\n  2. four\n\n* loose\n\n* list\n", Options::empty(), seed)
}

#[memo]
fn tables(seed: u64) -> String {
    html_of("| a | b |\n|:--|--:|\n| 1 | SEED |\n| `x|y` | 2 |\n", Options::ENABLE_TABLES, seed)
}

#[memo]
fn links(seed: u64) -> String {
    html_of(
        "[a](b \"c\") ![d](e) <http://f.g> [h][i] [SEED]\n\n[i]: /j 'k'\n[7]: /seven",
        Options::empty(),
        seed,
    )
}

#[memo]
fn code(seed: u64) -> String {
    html_of("```rust\nfn f() -> u8 { SEED }\n```\n\n    indented\n\n~~~\n<>&\n~~~\n", Options::empty(), seed)
}

#[memo]
fn quotes(seed: u64) -> String {
    html_of("> one\n> > SEED\nlazy\n\n> [!NOTE]\n> two", Options::ENABLE_GFM, seed)
}

#[memo]
fn footnotes(seed: u64) -> String {
    html_of("One[^1] and two[^b].\n\n[^1]: SEED\n[^b]: Two.\n", Options::ENABLE_FOOTNOTES, seed)
}

#[memo]
fn tasks(seed: u64) -> String {
    let options =
        Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_SMART_PUNCTUATION;
    html_of("- [x] ~~done~~ \"SEED\"\n- [ ] it's -- not...\n", options, seed)
}

#[memo]
fn outline(seed: u64) -> Vec<String> {
    let text = "# One\n## Two\ntext\n## Three\n# Four\n".repeat(1 + (seed % 2) as usize);
    let mut titles = Vec::new();
    let mut level: Option<HeadingLevel> = None;
    for event in Parser::new(&text) {
        match event {
            Event::Start(Tag::Heading { level: found, .. }) => level = Some(found),
            Event::Text(text) => titles.extend(level.take().map(|level| format!("{level} {text}"))),
            _ => {}
        }
    }
    titles
}

#[memo]
fn places(seed: u64) -> Vec<(usize, usize)> {
    let text = format!("One *two*\n\n- {seed}\n");
    Parser::new(&text).into_offset_iter().map(|(_, range)| (range.start, range.end)).collect()
}
