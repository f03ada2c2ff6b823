//! Lines about single calls: what was called with which arguments, what came of it, how long it
//! took.

use std::fmt::{self, Write};
use std::time::Duration;

use super::{Clock, Counted};
use crate::panics;
use crate::report::words::{OneLine, Span};
use crate::screen::{self, Stream};

/// From this level on each computed call has a line.
const EACH: u32 = 10;
/// From this level on each hit has one, too.
const HITS: u32 = 20;
/// Up to this level lines go to the standard error.
const ERROR: u32 = 50;

/// Says what is computed, in as much detail as was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verbose {
    level: u32,
    /// Whether a line with all counts ends the batch; nobody else writes one.
    ends: bool,
}

/// How far a batch is when something is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) done: u64,
    pub(super) computed: u64,
    pub(super) inputs: Inputs,
    pub(super) elapsed: Duration,
}

/// How many inputs there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inputs {
    Known(u64),
    /// So many were drawn so far.
    AtLeast(u64),
}

impl fmt::Display for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Inputs::Known(inputs) => write!(f, "{inputs}"),
            Inputs::AtLeast(inputs) => write!(f, "at least {inputs}"),
        }
    }
}

impl Verbose {
    /// `None` at level 0.
    pub(super) fn new(level: u32, ends: bool) -> Option<Self> {
        (level > 0).then_some(Verbose { level, ends })
    }

    pub(super) fn speaks_of_hits(self) -> bool {
        self.level >= HITS
    }

    /// Whether a call that counts as this is spoken of.
    fn speaks_of(self, counted: Counted, computed: u64) -> bool {
        match counted {
            Counted::Failed => true,
            Counted::Computed(_) | Counted::NotKept(_) => {
                self.level >= EACH || is_a_time(computed, self.level)
            }
            Counted::Remembered(_) | Counted::Merged => self.speaks_of_hits(),
        }
    }

    /// Says what came of a call: of one that failed `what` says all, of others what was called.
    pub(super) fn say(self, counted: Counted, what: &dyn fmt::Display, moment: Moment) {
        if !self.speaks_of(counted, moment.computed) {
            return;
        }
        match counted {
            Counted::Failed => self.line(moment, what),
            Counted::Computed(took) => self.line(moment, &format_args!("{what} computed in {}", Span(took))),
            Counted::NotKept(took) => {
                self.line(moment, &format_args!("{what} computed in {}, could not be kept", Span(took)));
            }
            Counted::Remembered(_) => self.line(moment, &format_args!("{what} remembered")),
            Counted::Merged => self.line(moment, &format_args!("{what} merged with an equal one")),
        }
    }

    pub(super) fn line(self, moment: Moment, what: &dyn fmt::Display) {
        let Moment { done, inputs, elapsed, .. } = moment;
        self.write(&format_args!("{done} of {inputs} done, {}: {what}", Clock(elapsed)));
    }

    /// Says how the batch has ended.
    pub(super) fn end(self, totals: &dyn fmt::Display) {
        if self.ends {
            self.write(totals);
        }
    }

    fn write(self, what: &dyn fmt::Display) {
        let mut line = String::new();
        // What an error of the user's says may panic: then there is less to say.
        let _ = panics::catch(|| write!(OneLine(&mut line), "{what}"));
        line.push('\n');
        let to = if self.level > ERROR { Stream::Output } else { Stream::Error };
        screen::write(to, line.as_bytes());
    }
}

/// Whether the computed call of this number, from 1, has a line at a level below [`EACH`]: the
/// first has, then fewer and fewer. It is joblib's rule: as many lines as the square root of 2 *n*
/// / (11 - level)².
#[expect(clippy::cast_precision_loss, reason = "whether a line is due")]
fn is_a_time(number: u64, level: u32) -> bool {
    let scale = 0.5 * f64::from(11 - level.min(10)).powi(2);
    let lines = |number: u64| (number as f64 / scale).sqrt().floor();
    number == 1 || lines(number) > lines(number.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken_of(level: u32, calls: u64) -> Vec<u64> {
        let verbose = Verbose::new(level, false).unwrap();
        let computed = Counted::Computed(Duration::ZERO);
        (1..=calls).filter(|&number| verbose.speaks_of(computed, number)).collect()
    }

    #[test]
    fn more_is_said_at_higher_levels() {
        assert!(Verbose::new(0, true).is_none());
        assert_eq!(spoken_of(1, 500), [1, 50, 200, 450]);
        assert_eq!(spoken_of(5, 200), [1, 18, 72, 162]);
        assert_eq!(spoken_of(9, 20), [1, 2, 8, 18]);
        assert_eq!(spoken_of(10, 20), (1..=20).collect::<Vec<_>>());
        for (level, hits) in [(1, false), (10, false), (19, false), (20, true), (51, true)] {
            let verbose = Verbose::new(level, true).unwrap();
            assert_eq!(verbose.speaks_of(Counted::Remembered(Duration::ZERO), 7), hits);
            assert_eq!(verbose.speaks_of(Counted::Merged, 7), hits);
            assert!(verbose.speaks_of(Counted::Failed, 7));
        }
    }
}
