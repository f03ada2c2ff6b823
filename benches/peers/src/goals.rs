//! The figures to reach, beside what was measured.

use crate::table::{Table, ratio, time};

/// Figures to reach, as sections have measured them.
#[derive(Default)]
pub(crate) struct Goals(Vec<[String; 4]>);

impl Goals {
    /// A time that is to be at most `limit` nanoseconds.
    pub(crate) fn at_most(&mut self, what: &str, measured: f64, limit: f64) {
        self.push(what, format!("≤ {}", time(limit)), time(measured), measured <= limit);
    }

    /// A time that is to be at most `limit` times that of a baseline.
    pub(crate) fn ratio(&mut self, what: &str, measured: f64, baseline: (&str, f64), limit: f64) {
        let (name, nanos) = baseline;
        let times = measured / nanos;
        let reach = format!("≤ {limit} × {name}");
        let measured = format!("{} × ({} : {})", ratio(times), time(measured), time(nanos));
        self.push(what, reach, measured, times <= limit);
    }

    /// Anything else.
    pub(crate) fn push(&mut self, what: &str, reach: String, measured: String, reached: bool) {
        let verdict = if reached { "reached" } else { "**missed**" };
        self.0.push([what.to_owned(), reach, measured, verdict.to_owned()]);
    }

    pub(crate) fn print(&self) {
        let mut table = Table::new(&["figure", "to reach", "measured", ""]);
        for row in &self.0 {
            table.row(row);
        }
        table.print("Figures to reach");
    }
}
