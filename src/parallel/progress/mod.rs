//! How far a batch is: the totals, who is told of them, and the ready ways to show them.
//!
//! # Invariants
//! 1. A batch that nobody watches pays one branch for what it would count.
//! 2. [`Progress::update`] is never called under a lock, nor twice at a time for one batch; the first call comes before anything is
//!    drawn, the last after all else.
//! 3. What is shown changes no result: a panic in `update` ends the showing, nothing else.

#[cfg(feature = "progress")]
mod bar;
mod lines;
mod tally;
mod verbose;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::verbose::{Inputs, Verbose};
pub(super) use tally::{Attempt, Counted, PATIENCE, Run, Tally};

/// Is told how far a batch is; give one to [`Parallel::on_progress`](crate::Parallel::on_progress).
///
/// A closure `|totals: &Totals| …` is one, too.
pub trait Progress: Send + Sync {
    /// Takes note of how far the batch is.
    ///
    /// Called before anything is drawn, at the end (with [`finished`](Totals::finished) set), and between when something has
    /// changed, at most ten times a second; every half second if nothing has, while the thread that called `run` or waits for a
    /// stream has nothing else to do. It comes from whichever thread saw the change, never from two at a time, and that thread
    /// works on when it returns: keep it short. No lock of this library is held. If it panics, the panic is logged, and it is not
    /// called again.
    fn update(&self, totals: &Totals);
}

impl<F: Fn(&Totals) + Send + Sync> Progress for F {
    fn update(&self, totals: &Totals) {
        self(totals);
    }
}

impl<P: Progress + ?Sized> Progress for Arc<P> {
    fn update(&self, totals: &Totals) {
        (**self).update(totals);
    }
}

/// How far a batch is. `Display` is one line, such as `9900 of 10000 remembered, 100 to compute, 1m20s left`.
///
/// As long as the length of the input is not known, the numbers of what is left are those of what
/// was drawn, and so is the time: `9900 of at least 10000 remembered, at least 100 to compute, at
/// least 1m20s left`.
///
/// In the end `remembered`, `computed`, `merged` and `failed` add up to the number of inputs, unless the batch was stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Inputs altogether: known from the start if the input tells its length, else once it has come to its end.
    pub total: Option<u64>,
    /// Inputs that were drawn so far.
    pub drawn: u64,
    /// Calls whose value was in the memory.
    pub remembered: u64,
    /// Calls that ran, and returned.
    pub computed: u64,
    /// Those of them whose value could not be kept, so that they will run again; see
    /// [`Stats::not_kept`](crate::Stats::not_kept).
    pub not_kept: u64,
    /// Calls that took the value of an equal one: of a duplicate in the batch, or of another thread or process.
    pub merged: u64,
    /// Calls that failed; under [`Parallel::try_run`](crate::Parallel::try_run) also those that returned an `Err`.
    pub failed: u64,
    /// Attempts that failed, of calls that were tried again.
    pub retried: u64,
    /// Calls that run now.
    pub running: u64,
    /// Calls that are known to be computed yet, with those that run; of equal ones the first.
    pub to_compute: u64,
    /// Calls that are to be looked up yet, as far as `total`, or else `drawn`, tells.
    pub to_look_up: u64,
    /// The time since the batch began: since `run` was called, or a stream was first asked.
    pub elapsed: Duration,
    /// The time that the rest is expected to take; `None` as long as there is nothing to tell it from.
    ///
    /// It is (*misses* × *mean* − *run*) / *threads*. *Misses* are the calls to be computed, and of those to be looked up the share
    /// that missed so far. *Mean* is that of the compute times of this batch; before the first, of the entries that it has found;
    /// where it found none, of the function's runs in this process, or of its entries among a thousand of the memory (in any
    /// state of its code; of the first function that missed). *Run* is how long the running ones have run, together *mean* for each
    /// at most. *Threads* are those that may work at the batch, or as many as there are *misses*.
    /// Whatever else wants the cores is not known.
    pub remaining: Option<Duration>,
    /// Whether this is the end: nothing runs any more, and no other call of [`Progress::update`] follows.
    pub finished: bool,
}

impl Totals {
    /// Calls that are done with: remembered, computed, merged or failed.
    pub fn done(&self) -> u64 {
        self.remembered + self.computed + self.merged + self.failed
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // How many inputs a stopped batch would have had is not known, and not asked any more.
        let is_open = self.total.is_none() && !self.finished;
        write!(f, "{}", self.remembered)?;
        match self.total {
            Some(total) => write!(f, " of {total}")?,
            None if is_open => write!(f, " of {}", Inputs::AtLeast(self.drawn))?,
            None => {}
        }
        f.write_str(" remembered")?;
        let rest = if self.finished { 0 } else { self.to_look_up };
        let left = if self.finished { 0 } else { self.to_compute };
        let least = if is_open { "at least " } else { "" };
        for (least, count, what) in [
            ("", self.computed, "computed"),
            ("", self.merged, "merged"),
            ("", self.failed, "failed"),
            ("", self.retried, "tried again"),
            (least, left, "to compute"),
            (least, rest, "to look up"),
        ] {
            if count > 0 {
                write!(f, ", {least}{count} {what}")?;
            }
        }
        if self.not_kept > 0 {
            write!(f, ", {} could not be kept", self.not_kept)?;
        }
        match self.remaining {
            _ if self.finished => write!(f, ", took {}", Clock(self.elapsed)),
            Some(remaining) => write!(f, ", {least}{} left", Clock(remaining)),
            None => Ok(()),
        }
    }
}

/// A length of time as people read it off a clock: `0.8s`, `48s`, `1m20s`, `2h05m`, `3d04h`.
struct Clock(Duration);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0.as_millis() + 50) / 100;
        let seconds = (self.0.as_millis() + 500) / 1000;
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        if tenths < 100 {
            write!(f, "{}.{}s", tenths / 10, tenths % 10)
        } else if minutes == 0 {
            write!(f, "{seconds}s")
        } else if hours == 0 {
            write!(f, "{minutes}m{:02}s", seconds % 60)
        } else if days == 0 {
            write!(f, "{hours}h{:02}m", minutes % 60)
        } else {
            write!(f, "{days}d{:02}h", hours % 24)
        }
    }
}

/// Who is told what of batches: the settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Audience {
    pub(super) progress: Watcher,
    /// How much is said of single calls.
    pub(super) verbose: u32,
}

/// Who is told how far batches are.
#[derive(Clone, Default)]
pub(super) enum Watcher {
    #[default]
    Nobody,
    /// Whoever reads the standard error.
    Reader,
    Given(Arc<dyn Progress>),
}

/// Who is told of one batch.
pub(super) struct Listeners {
    progress: Option<Box<dyn Progress>>,
    verbose: Option<Verbose>,
}

impl Audience {
    /// Who is told of a batch that begins; `None` if nobody is. Inside a task of another batch,
    /// which has the reader's attention, the reader is told nothing.
    pub(super) fn begin(&self, in_task: bool) -> Option<Listeners> {
        let progress = match &self.progress {
            Watcher::Reader if !in_task => Some(ready()),
            Watcher::Reader | Watcher::Nobody => None,
            Watcher::Given(progress) => Some(Box::new(Arc::clone(progress)) as Box<dyn Progress>),
        };
        let ends = !matches!(self.progress, Watcher::Reader);
        let verbose = if in_task { None } else { Verbose::new(self.verbose, ends) };
        (progress.is_some() || verbose.is_some()).then_some(Listeners { progress, verbose })
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Watcher::Nobody => "Nobody",
            Watcher::Reader => "Reader",
            Watcher::Given(_) => "Given(..)",
        })
    }
}

/// What shows a batch to the reader of the standard error.
fn ready() -> Box<dyn Progress> {
    #[cfg(feature = "progress")]
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return Box::new(bar::Bar::new());
    }
    Box::new(lines::Lines::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_read_as_one_line() {
        let totals = Totals {
            total: Some(10_000),
            drawn: 10_000,
            remembered: 9_900,
            to_compute: 100,
            remaining: Some(Duration::from_secs(80)),
            ..Totals::default()
        };
        assert_eq!(totals.to_string(), "9900 of 10000 remembered, 100 to compute, 1m20s left");
        let midway = Totals { total: None, computed: 3, to_compute: 97, to_look_up: 7, ..totals.clone() };
        assert_eq!(
            midway.to_string(),
            "9900 of at least 10000 remembered, 3 computed, at least 97 to compute, at least 7 to look up, \
             at least 1m20s left"
        );
        let unkept = Totals { computed: 20, not_kept: 20, ..totals.clone() };
        let line = "9900 of 10000 remembered, 20 computed, 100 to compute, 20 could not be kept, 1m20s left";
        assert_eq!(unkept.to_string(), line);
        let last = Totals {
            computed: 90,
            merged: 8,
            failed: 2,
            retried: 5,
            to_compute: 0,
            elapsed: Duration::from_millis(1_234),
            finished: true,
            ..totals
        };
        assert_eq!(
            last.to_string(),
            "9900 of 10000 remembered, 90 computed, 8 merged, 2 failed, 5 tried again, took 1.2s"
        );
    }

    #[test]
    fn times_read_as_on_a_clock() {
        for (millis, text) in [
            (0, "0.0s"),
            (840, "0.8s"),
            (9_949, "9.9s"),
            (9_960, "10s"),
            (59_499, "59s"),
            (59_500, "1m00s"),
            (80_000, "1m20s"),
            (7_500_000, "2h05m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(Clock(Duration::from_millis(millis)).to_string(), text);
        }
    }
}
