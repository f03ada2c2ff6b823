//! Words that more than one report uses, so that they speak alike.

use std::fmt::{self, Display, Write};
use std::time::Duration;

/// A length of time that is shown in two digits: `850 µs`, `3.1 s`, `8 d`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use rememo::report::Span;
///
/// assert_eq!(Span(Duration::from_millis(3141)).to_string(), "3.1 s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// Units with their lengths in seconds, longest first.
const UNITS: [(f64, &str); 7] =
    [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")];

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| seconds >= *unit) else {
            return f.write_str("0 s");
        };
        let tenths = (seconds / unit * 10.0).round();
        // Whole numbers, and all from ten up, go without a decimal.
        let decimals = usize::from(tenths < 100.0 && tenths % 10.0 != 0.0);
        write!(f, "{:.decimals$} {name}", tenths / 10.0)
    }
}

/// Takes text and passes it on as one line, whatever is in it: messages of serde and of users come along.
pub(crate) struct OneLine<'a, W>(pub(crate) &'a mut W);

impl<W: Write> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        for (i, part) in text.split(breaks).enumerate() {
            if i > 0 {
                self.0.write_char(' ')?;
            }
            self.0.write_str(part)?;
        }
        Ok(())
    }
}

/// Shows text as one line: what would end it, or control a terminal, is a space.
///
/// # Examples
///
/// ```
/// use rememo::report::one_line;
///
/// assert_eq!(one_line("red\u{1b}[31m\nend").to_string(), "red [31m end");
/// ```
pub fn one_line(text: &str) -> impl Display {
    fmt::from_fn(move |f| OneLine(f).write_str(text))
}

/// What a function may read of the outside world, on one line: the first few things with their places, and how many more there
/// are.
pub(crate) struct Outside<'a>(pub(crate) &'a [(String, String)]);

/// How many are named; what the source shows comes first.
const NAMED: usize = 3;

impl Display for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("may read what is not in the key: ")?;
        for (i, (what, place)) in self.0.iter().take(NAMED).enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            f.write_str(what)?;
            if !place.is_empty() {
                write!(f, " ({place})")?;
            }
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, ", {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_read_the_first_three_are_named() {
        let reads: Vec<_> = ["std::env::var", "getenv", "open", "statx", "time"]
            .into_iter()
            .map(|what| (what.to_owned(), if what == "open" { "" } else { "src/tax.rs:12" }.to_owned()))
            .collect();
        let told = "may read what is not in the key: std::env::var (src/tax.rs:12)";
        assert_eq!(Outside(&reads[..1]).to_string(), told);
        let told = format!("{told}, getenv (src/tax.rs:12), open");
        assert_eq!(Outside(&reads[..3]).to_string(), told);
        assert_eq!(Outside(&reads).to_string(), format!("{told}, 2 more"));
    }

    #[test]
    fn a_length_of_time_has_two_digits() {
        for (nanos, text) in [
            (0, "0 s"),
            (7, "7 ns"),
            (850_400, "850 µs"),
            (3_140_000_000, "3.1 s"),
            (59_400_000_000, "59 s"),
            (5_400_000_000_000, "1.5 h"),
            (2 * 3_600 * 1_000_000_000, "2 h"),
            (8 * 86_400 * 1_000_000_000, "8 d"),
            (400 * 86_400 * 1_000_000_000, "400 d"),
            (9_960_000_000, "10 s"),
        ] {
            assert_eq!(Span(Duration::from_nanos(nanos)).to_string(), text);
        }
    }
}
