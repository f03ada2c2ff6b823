//! Counts what happens to the calls of a batch, and tells those who watch.
//!
//! All counts are behind one lock, which is taken for each and held for a few additions, so totals are
//! of one moment. It is never held while a [`Progress`] is told.
//!
//! No thread is kept for this. Whoever counts reports, if the last report is 0.1 s ago. So that the
//! clock moves while one long task runs, the caller of a watched batch, which waits for a bell anyway,
//! waits half a second at most. A caller that works itself, inside a task, reports with what it
//! finishes.

use std::fmt;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::verbose::{Moment, Verbose};
use super::{Inputs, Listeners, Progress, Totals};
use crate::events;
use crate::function::Function;
use crate::lock::lock;
use crate::memory::{Memory, Outcome, Source};
use crate::panics::{self, Quiet};
use crate::report::words::Span;

/// The least time between two reports, but for the last.
const LEAST: Duration = Duration::from_millis(100);
/// A thread that waits for a batch reports after this time, whether or not something changed.
pub(in crate::parallel) const PATIENCE: Duration = Duration::from_millis(500);

/// What a call counts as, and how long it took to compute, now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parallel) enum Counted {
    Remembered(Duration),
    Computed(Duration),
    /// The same, and its value could not be kept.
    NotKept(Duration),
    Merged,
    Failed,
}

/// The next attempt at a call that has failed.
#[derive(Clone, Copy, Debug)]
pub(in crate::parallel) struct Attempt {
    /// Which attempt has failed, from 1.
    pub(in crate::parallel) number: u32,
    /// How many there are at most.
    pub(in crate::parallel) of: u32,
    /// How long it is waited for.
    pub(in crate::parallel) wait: Option<Duration>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attempt { number, of, wait } = self;
        write!(f, "attempt {number} of {of}, tried again")?;
        wait.map_or(Ok(()), |wait| write!(f, " in {}", Span(wait)))
    }
}

/// The counts of a batch, and who is told of them.
pub(in crate::parallel) struct Tally {
    progress: Option<Quiet<Box<dyn Progress>>>,
    verbose: Option<Verbose>,
    memory: Memory,
    /// How many threads work at the batch at most.
    threads: u64,
    counts: Mutex<Counts>,
    /// How long calls of the first function that missed take, as far as is known from outside of the
    /// batch. Asked once, and not under the lock, since the store is read.
    earlier_mean: OnceLock<Option<Duration>>,
}

/// How far a batch is.
#[derive(Clone, Debug, Default)]
struct Counts {
    started: Option<Instant>,
    /// How many inputs there are, if that is known.
    total: Option<u64>,
    drawn: u64,
    remembered: u64,
    computed: u64,
    not_kept: u64,
    merged: u64,
    failed: u64,
    /// Attempts that failed, of calls that were tried again.
    retried: u64,
    /// Calls that were looked up, or need not be.
    looked_up: u64,
    /// Calls that were to be computed, of equal ones the first; and those of them that are not done.
    missed: u64,
    left: u64,
    running: u64,
    /// The sum of the times, since the start, when those began that run.
    began: Duration,
    /// How long the computed ones and the hits took.
    computing: Duration,
    saved: Duration,
    /// The first function that missed.
    function: Option<&'static Function>,
    /// When the last report was, since the start.
    reported: Duration,
    /// A thread reports now.
    is_reporting: bool,
    /// The last report was made.
    has_ended: bool,
    /// A report has panicked: progress is not shown any more.
    is_mute: bool,
}

impl Tally {
    pub(in crate::parallel) fn new(listeners: Listeners, memory: Memory, threads: usize) -> Self {
        let Listeners { progress, verbose } = listeners;
        Tally {
            progress: progress.map(Quiet::new),
            verbose,
            memory,
            threads: threads as u64,
            counts: Mutex::default(),
            earlier_mean: OnceLock::new(),
        }
    }

    /// Begins, once: the first report. `hint` is what the input says of its length.
    pub(in crate::parallel) fn begin(&self, hint: impl FnOnce() -> (usize, Option<usize>)) {
        if lock(&self.counts).started.is_some() {
            return;
        }
        let total = match hint() {
            (least, Some(most)) if least == most => Some(most as u64),
            _ => None,
        };
        self.with(|counts| {
            counts.started = Some(Instant::now());
            counts.total = total;
        });
        self.report(false);
    }

    /// Takes note of calls that were drawn.
    pub(in crate::parallel) fn drew(&self, calls: usize) {
        self.with(|counts| counts.drawn += calls as u64);
        self.changed();
    }

    /// Takes note that the input has come to its end.
    pub(in crate::parallel) fn drew_all(&self) {
        self.with(|counts| counts.total = Some(counts.drawn));
    }

    /// Takes note of calls that were looked up.
    pub(in crate::parallel) fn looked_up(&self, calls: usize) {
        self.with(|counts| counts.looked_up += calls as u64);
    }

    /// Takes note of calls that are to be computed; of `function`, if they are of a memoized one.
    pub(in crate::parallel) fn missed(&self, calls: usize, function: Option<&'static Function>) {
        self.with(|counts| {
            counts.missed += calls as u64;
            counts.left += calls as u64;
            counts.function = counts.function.or(function);
        });
    }

    /// Takes note that a call runs, until what is returned is dropped.
    pub(in crate::parallel) fn run(&self) -> Run<'_> {
        let began = self.with(|counts| {
            let began = counts.now();
            counts.began += began;
            counts.running += 1;
            began
        });
        self.changed();
        Run { tally: self, began, is_left: false }
    }

    /// Takes note of what a call counts as.
    pub(in crate::parallel) fn count(&self, counted: Counted) {
        self.with(|counts| match counted {
            Counted::Remembered(took) => {
                counts.remembered += 1;
                counts.saved = counts.saved.saturating_add(took);
            }
            Counted::Computed(took) | Counted::NotKept(took) => {
                counts.computed += 1;
                counts.not_kept += u64::from(matches!(counted, Counted::NotKept(_)));
                counts.computing += took;
            }
            Counted::Merged => counts.merged += 1,
            Counted::Failed => counts.failed += 1,
        });
    }

    /// Whether single calls are spoken of.
    pub(in crate::parallel) fn names_calls(&self) -> bool {
        self.verbose.is_some()
    }

    /// Whether single hits are spoken of, too.
    pub(in crate::parallel) fn names_hits(&self) -> bool {
        self.verbose.is_some_and(Verbose::speaks_of_hits)
    }

    /// Speaks of a call that is done, if that was asked for: `what` was called, or how it failed.
    pub(in crate::parallel) fn say(&self, counted: Counted, what: &dyn fmt::Display) {
        if let Some(verbose) = self.verbose {
            verbose.say(counted, what, self.moment());
        }
    }

    /// Takes note that an attempt has failed, and there is to be another one.
    pub(in crate::parallel) fn retry(&self, failure: &dyn fmt::Display, attempt: Attempt) {
        self.with(|counts| counts.retried += 1);
        if let Some(verbose) = self.verbose {
            verbose.line(self.moment(), &format_args!("{failure}, {attempt}"));
        }
    }

    fn moment(&self) -> Moment {
        self.with(|counts| Moment {
            done: counts.done(),
            computed: counts.computed,
            inputs: counts.total().map_or(Inputs::AtLeast(counts.drawn), Inputs::Known),
            elapsed: counts.now(),
        })
    }

    /// Reports, unless another thread does, or has just done.
    pub(in crate::parallel) fn changed(&self) {
        let is_due = self.with(|counts| {
            let now = counts.now();
            let is_due = !counts.is_reporting && now >= counts.reported + LEAST;
            if is_due {
                (counts.is_reporting, counts.reported) = (true, now);
            }
            is_due
        });
        if is_due {
            self.report(false);
            self.with(|counts| counts.is_reporting = false);
        }
    }

    /// The last report; those who count are done. Does nothing if there was none yet, or the last one.
    pub(in crate::parallel) fn finish(&self) {
        if lock(&self.counts).started.is_some() {
            self.report(true);
            self.with(|counts| counts.has_ended = true);
        }
    }

    fn report(&self, finished: bool) {
        let counts = lock(&self.counts).clone();
        if counts.has_ended {
            return;
        }
        if let Some(verbose) = self.verbose.filter(|_| finished) {
            verbose.end(&self.totals(&counts, finished));
        }
        let Some(progress) = self.progress.as_ref().filter(|_| !counts.is_mute) else { return };
        let totals = self.totals(&counts, finished);
        if panics::catch(|| progress.update(&totals)).is_err() {
            self.with(|counts| counts.is_mute = true);
            events::warn!("showing the progress of a batch panicked, so it is not shown any more");
        }
    }

    fn totals(&self, counts: &Counts, finished: bool) -> Totals {
        let mut totals = counts.totals(finished);
        totals.remaining = if finished { Some(Duration::ZERO) } else { self.remaining(counts, &totals) };
        totals
    }

    /// The time that the rest is expected to take, as [`Totals::remaining`] says.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn remaining(&self, counts: &Counts, totals: &Totals) -> Option<Duration> {
        let share = counts.missed as f64 / counts.looked_up.max(1) as f64;
        let misses = totals.to_compute as f64 + totals.to_look_up as f64 * share;
        if misses == 0.0 {
            return None;
        }
        let mean = self.mean(counts)?.as_secs_f64();
        let running = totals.running as f64;
        let run = running * totals.elapsed.as_secs_f64() - counts.began.as_secs_f64();
        let work = misses * mean - run.clamp(0.0, running * mean);
        let threads = (self.threads.max(1) as f64).min(misses.max(1.0));
        Duration::try_from_secs_f64(work / threads).ok()
    }

    /// How long a call is expected to take.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn mean(&self, counts: &Counts) -> Option<Duration> {
        let of =
            |time: Duration, count: u64| Duration::try_from_secs_f64(time.as_secs_f64() / count as f64).ok();
        of(counts.computing, counts.computed).or_else(|| of(counts.saved, counts.remembered)).or_else(|| {
            let function = counts.function?;
            let ask = || function.mean_time().or_else(|| self.memory.mean_time_of(function));
            *self.earlier_mean.get_or_init(ask)
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut Counts) -> R) -> R {
        act(&mut lock(&self.counts))
    }
}

impl Counts {
    /// All but the time that the rest takes.
    fn totals(&self, finished: bool) -> Totals {
        let total = self.total();
        // A call counts as done a moment before it does not run any more.
        let to_compute = self.left.min(self.drawn.saturating_sub(self.done()));
        Totals {
            total,
            drawn: self.drawn,
            remembered: self.remembered,
            computed: self.computed,
            not_kept: self.not_kept,
            merged: self.merged,
            failed: self.failed,
            retried: self.retried,
            running: self.running.min(to_compute),
            to_compute,
            to_look_up: total.unwrap_or(self.drawn).saturating_sub(self.looked_up),
            elapsed: self.now(),
            remaining: None,
            finished,
        }
    }

    /// How many inputs there are: what an input says of that is not always true.
    fn total(&self) -> Option<u64> {
        self.total.map(|total| total.max(self.drawn))
    }

    fn done(&self) -> u64 {
        self.remembered + self.computed + self.merged + self.failed
    }

    /// The time since the start.
    fn now(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| started.elapsed())
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("counts", &*lock(&self.counts)).finish_non_exhaustive()
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A call that runs.
#[derive(Debug)]
pub(in crate::parallel) struct Run<'w> {
    tally: &'w Tally,
    /// When it began, since the start.
    began: Duration,
    /// Whether it is to be run again.
    is_left: bool,
}

impl Run<'_> {
    /// What it counts as, by where its value is from.
    pub(in crate::parallel) fn counted<T>(&self, outcome: &Outcome<T>) -> Counted {
        let took = || self.tally.with(|counts| counts.now()).saturating_sub(self.began);
        match outcome.source {
            Source::Hit => Counted::Remembered(Duration::ZERO),
            Source::Joined => Counted::Merged,
            Source::Miss(_) if outcome.not_kept.is_some() => Counted::NotKept(took()),
            Source::Miss(_) => Counted::Computed(took()),
        }
    }

    /// Takes note that nothing came of it yet, and it is to be run again.
    pub(in crate::parallel) fn leave(mut self) {
        self.is_left = true;
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let Run { tally, began, is_left } = *self;
        tally.with(|counts| {
            counts.left = counts.left.saturating_sub(u64::from(!is_left));
            counts.running -= 1;
            counts.began -= began;
        });
        tally.changed();
    }
}
