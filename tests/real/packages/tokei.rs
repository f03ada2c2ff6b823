//@ tokei = { version = "=15.0.0", default-features = false }

use tokei::{CodeStats, Config, LanguageType};

const RUST: &str = "//! Docs.\n/* a /* nested */\n comment */\nfn main() {\n    // one\n    let text = \"// none\";\n\n    \
                    println!(\"{text}\");\n}\n";
const PYTHON: &str =
    "import os\n\n# one\ndef f():\n    \"\"\"Docs\n    more\n    \"\"\"\n    return '# none'\n";
const C: &str = "#include <a.h>\n/* one\n two */\nint main(void) { // three\n  char *s = \"/* none */\";\n  return 0;\n}\n";
const HTML: &str = "<html>\n<!-- one -->\n<style>\na { color: red; } /* two */\n</style>\n<script>\nlet a = 1; // three\n\
                    </script>\n</html>\n";
const MARKDOWN: &str = "# Title\n\nText.\n\n```rust\n// one\nfn f() {}\n```\n";

fn told(stats: &CodeStats) -> String {
    let inner = stats.blobs.iter().map(|(kind, inner)| format!("{kind}: {} {}", inner.code, inner.comments));
    format!("{} {} {} {:?}", stats.code, stats.comments, stats.blanks, inner.collect::<Vec<_>>())
}

fn counted(kind: LanguageType, text: &str, seed: u64) -> String {
    let text = text.repeat(1 + (seed % 3) as usize);
    told(&kind.parse_from_str(text, &Config::default()))
}

#[memo]
fn rust(seed: u64) -> String {
    counted(LanguageType::Rust, RUST, seed)
}

#[memo]
fn python_with_docs(seed: u64) -> String {
    let config = Config { treat_doc_strings_as_comments: Some(true), ..Config::default() };
    told(&LanguageType::Python.parse_from_str(PYTHON.repeat(1 + (seed % 3) as usize), &config))
}

#[memo]
fn c(seed: u64) -> String {
    counted(LanguageType::C, C, seed)
}

#[memo]
fn html(seed: u64) -> String {
    counted(LanguageType::Html, HTML, seed)
}

#[memo]
fn markdown(seed: u64) -> String {
    counted(LanguageType::Markdown, MARKDOWN, seed)
}

#[memo]
fn comments(seed: u64) -> String {
    let kinds = [LanguageType::Rust, LanguageType::Haskell, LanguageType::Lua];
    let kind = kinds[seed as usize % 3];
    format!("{:?} {:?} {:?}", kind.line_comments(), kind.multi_line_comments(), kind.quotes())
}

#[memo]
fn summed(seed: u64) -> String {
    let mut sum = LanguageType::Rust.parse_from_str(RUST, &Config::default()).summarise();
    sum += LanguageType::C.parse_from_str(C.repeat(1 + (seed % 4) as usize), &Config::default()).summarise();
    format!("{} {} {} {}", sum.code, sum.comments, sum.blanks, sum.lines())
}
