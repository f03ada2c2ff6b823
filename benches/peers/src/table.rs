//! Markdown tables and how figures are written in them.

use std::fmt::Write;

/// A table that is printed when it is complete.
pub(crate) struct Table {
    text: String,
}

impl Table {
    /// The first column is of names, the others of figures.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut table = Table { text: String::new() };
        table.row(columns);
        table.text.push_str("| --- |");
        table.text.push_str(&" ---: |".repeat(columns.len() - 1));
        table.text.push('\n');
        table
    }

    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        self.text.push('|');
        for cell in cells {
            write!(self.text, " {} |", cell.as_ref()).expect("a text can grow");
        }
        self.text.push('\n');
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n### {title}\n\n{}", self.text);
    }
}

/// A time with three digits, in the unit that fits.
pub(crate) fn time(nanos: f64) -> String {
    let (figure, unit) = match nanos {
        _ if nanos < 1e6 => (nanos / 1e3, "µs"),
        _ if nanos < 1e9 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    format!("{} {unit}", digits(figure))
}

/// A time beside its ratio to that of the reference.
pub(crate) fn compared(nanos: f64, reference: Option<f64>) -> String {
    match reference {
        Some(reference) => format!("{} ({} ×)", time(nanos), ratio(nanos / reference)),
        None => time(nanos),
    }
}

/// Three digits, of what is far below one as a fraction.
pub(crate) fn ratio(ratio: f64) -> String {
    if ratio < 0.01 { format!("1/{:.0}", ratio.recip()) } else { digits(ratio) }
}

/// A size in millions of bytes.
#[expect(clippy::cast_precision_loss, reason = "sizes below 2^52")]
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{} MB", digits(bytes as f64 / 1e6))
}

/// 1234567 as 1,234,567.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits.
pub(crate) fn digits(figure: f64) -> String {
    let decimals = match figure {
        _ if figure < 0.995 => 3,
        _ if figure < 9.995 => 2,
        _ if figure < 99.95 => 1,
        _ => 0,
    };
    format!("{figure:.decimals$}")
}
