//! What a batch would find and compute, without computing it.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use super::Why;
use super::words::{OneLine, Span};

/// What a batch would find in its memory and what it would compute; [`Parallel::plan`](crate::Parallel::plan) returns it.
///
/// `Display` is a line for the batch, and one for each function of which calls are to be computed:
///
/// ```text
/// 9900 of 10000 remembered, 100 to compute in about 1.3 min
///   shop::simulate: 100 to compute: the code changed since this was computed: shop::tax::rate (src/tax.rs:12) differs
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The calls altogether.
    pub calls: u64,
    /// Calls whose entry is there. Large values are not read, so that damage in them shows only when they are.
    pub remembered: u64,
    /// Calls that would run; of equal ones the first. Plain closures are among them.
    pub to_compute: u64,
    /// Calls that would take the value of an equal one.
    pub duplicates: u64,
    /// Plain closures.
    pub closures: u64,
    /// The memoized functions, in the order in which they were met.
    pub functions: Vec<PlannedFunction>,
    /// The time that the batch would take: that of all calls to be computed, shared among the threads, and at least that of the
    /// longest. `None` if nothing is known of one of them.
    pub expected: Option<Duration>,
}

/// One function of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedFunction {
    /// Its name.
    pub name: String,
    /// Calls whose entry is there.
    pub remembered: u64,
    /// Calls that would run; of equal ones the first.
    pub to_compute: u64,
    /// Why the first of these would run.
    pub why: Option<Why>,
    /// The time that all of them would take, one after the other: of each the time that it took under earlier code, else the
    /// mean of the function's entries. `None` if there are none.
    pub compute_time: Option<Duration>,
}

impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} remembered, {} to compute", self.remembered, self.calls, self.to_compute)?;
        if self.duplicates > 0 {
            write!(f, ", {} equal to others", self.duplicates)?;
        }
        match self.expected {
            Some(expected) if self.to_compute > 0 => write!(f, " in about {}", Span(expected))?,
            _ => {}
        }
        for PlannedFunction { name, to_compute, why, .. } in &self.functions {
            if let Some(why) = why {
                f.write_str("\n  ")?;
                write!(OneLine(f), "{name}: {to_compute} to compute: {why}")?;
            }
        }
        Ok(())
    }
}
