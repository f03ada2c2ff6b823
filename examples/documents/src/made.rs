//! PDF files that no program for people writes: many short letters, and three on which the library fails.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// How many letters are made.
const LETTERS: u64 = 40;

/// Writes all of them into a folder.
pub fn write_all(folder: &Path) -> io::Result<()> {
    for number in 1..=LETTERS {
        let sentence =
            format!("Letter {number}: the harvest of field {} was {} sacks", number % 7, number * 13);
        fs::write(folder.join(format!("letter-{number:02}.pdf")), page(&shown(&sentence), ""))?;
    }
    fs::write(folder.join("bomb.pdf"), bomb())?;
    fs::write(folder.join("circle.pdf"), circle())?;
    // Brackets that nobody closes.
    fs::write(folder.join("open.pdf"), page(&"[".repeat(20_000), ""))
}

/// Forms of which each draws the next one twice: two to the 40th drawings.
fn bomb() -> String {
    let next = |number| format!("/XObject << /X {number} 0 R >>");
    let mut forms: Vec<_> = (0..40).map(|level| form("/X Do /X Do", &next(7 + level))).collect();
    forms.push(form(&shown("done"), "/Font << /F 5 0 R >>"));
    file(page_objects("/X Do", &next(6)).chain(forms))
}

/// A form that draws itself.
fn circle() -> String {
    let itself = "/XObject << /X 6 0 R >>";
    file(page_objects("/X Do", itself).chain([form("/X Do", itself)]))
}

/// The operators that show a line of text.
fn shown(text: &str) -> String {
    format!("BT /F 12 Tf 20 100 Td ({text}) Tj ET")
}

fn page(content: &str, resources: &str) -> String {
    file(page_objects(content, resources))
}

/// The objects 1 to 5 of a file with one page.
fn page_objects(content: &str, resources: &str) -> impl Iterator<Item = String> {
    [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Contents 4 0 R \
             /Resources << /Font << /F 5 0 R >> {resources} >> >>"
        ),
        stream(content, ""),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ]
    .into_iter()
}

fn form(content: &str, resources: &str) -> String {
    stream(content, &format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << {resources} >>"))
}

fn stream(content: &str, entries: &str) -> String {
    format!("<< /Length {} {entries} >>\nstream\n{content}\nendstream", content.len())
}

/// The objects, numbered from 1, with a table of where each begins (ISO 32000-1, 7.5).
fn file(objects: impl Iterator<Item = String>) -> String {
    let (mut text, mut table) = ("%PDF-1.4\n".to_owned(), "0000000000 65535 f \n".to_owned());
    let mut count = 1;
    for (number, object) in (1..).zip(objects) {
        let _ = writeln!(table, "{:010} 00000 n ", text.len());
        let _ = write!(text, "{number} 0 obj\n{object}\nendobj\n");
        count = number + 1;
    }
    let start = text.len();
    let _ = write!(
        text,
        "xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    text
}
