//! Counts what happens to the calls of a batch, and tells who watches.
//!
//! Counters are atomic and each is read by itself, so totals that are taken while threads count may be a call apart; they are
//! clipped so that they never say more than was drawn. The last totals are exact.
//!
//! There is no thread and no lock for this. Whoever counts reports, if the last report is 0.1 s
//! ago. So that the clock moves while one long task runs, the caller of a watched batch, which
//! waits for a bell anyway, waits half a second at most. A caller that works itself, inside a task,
//! reports with what it finishes.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::{Progress, Totals};
use crate::events;
use crate::function::Function;
use crate::memory::{Memory, Source};
use crate::panics::{self, Quiet};

/// The least time between two reports, but for the last.
const LEAST: Duration = Duration::from_millis(100);
/// A thread that waits for a batch reports after this time, whether or not something changed.
pub(in crate::parallel) const PATIENCE: Duration = Duration::from_millis(500);

/// Stands for an unknown number of inputs.
const UNKNOWN: u64 = u64::MAX;

/// What came of a call, and how long it took to compute, now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parallel) enum Came {
    Remembered(Duration),
    Computed(Duration),
    Merged,
    Failed,
}

/// The counters of a batch, and who is told of them.
pub(in crate::parallel) struct Watch {
    progress: Quiet<Box<dyn Progress>>,
    memory: Memory,
    /// How many threads work at the batch at most.
    threads: u64,
    started: OnceLock<Instant>,
    total: AtomicU64,
    drawn: AtomicU64,
    remembered: AtomicU64,
    computed: AtomicU64,
    merged: AtomicU64,
    failed: AtomicU64,
    /// Calls that were looked up, or need not be.
    looked_up: AtomicU64,
    /// Calls that were to be computed, of equal ones the first; and those of them that are not done.
    missed: AtomicU64,
    left: AtomicU64,
    running: AtomicU64,
    /// The sum of the times, since the start and in nanoseconds, when those began that run.
    began: AtomicU64,
    /// How long the computed ones and the hits took, in nanoseconds.
    computing: AtomicU64,
    saved: AtomicU64,
    /// The first function that missed, and how long its calls take as far as is known from outside of the batch.
    function: OnceLock<&'static Function>,
    stored_mean: OnceLock<Option<Duration>>,
    /// When the last report was, in nanoseconds since the start.
    reported: AtomicU64,
    /// Somebody reports now.
    reporting: AtomicBool,
    /// Nothing more is to be reported: the last report was made, or one has panicked.
    ended: AtomicBool,
}

impl Watch {
    pub(in crate::parallel) fn new(progress: Box<dyn Progress>, memory: Memory, threads: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Watch {
            progress: Quiet::new(progress),
            memory,
            threads: threads as u64,
            started: OnceLock::new(),
            total: AtomicU64::new(UNKNOWN),
            drawn: zero(),
            remembered: zero(),
            computed: zero(),
            merged: zero(),
            failed: zero(),
            looked_up: zero(),
            missed: zero(),
            left: zero(),
            running: zero(),
            began: zero(),
            computing: zero(),
            saved: zero(),
            function: OnceLock::new(),
            stored_mean: OnceLock::new(),
            reported: zero(),
            reporting: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    /// Begins, once: the first report. `hint` is what the input says of its length.
    pub(in crate::parallel) fn begin(&self, hint: impl FnOnce() -> (usize, Option<usize>)) {
        if self.started.get().is_some() {
            return;
        }
        self.started.get_or_init(Instant::now);
        if let (least, Some(most)) = hint()
            && least == most
        {
            self.total.store(most as u64, SeqCst);
        }
        self.report(false);
    }

    /// Takes note of calls that were drawn.
    pub(in crate::parallel) fn drew(&self, calls: usize) {
        self.drawn.fetch_add(calls as u64, SeqCst);
        self.changed();
    }

    /// Takes note that the input has come to its end.
    pub(in crate::parallel) fn drew_all(&self) {
        self.total.store(self.drawn.load(SeqCst), SeqCst);
    }

    /// Takes note of calls that were looked up.
    pub(in crate::parallel) fn looked_up(&self, calls: usize) {
        self.looked_up.fetch_add(calls as u64, SeqCst);
    }

    /// Takes note of calls that are to be computed; of `function`, if they are of a memoized one.
    pub(in crate::parallel) fn missed(&self, calls: usize, function: Option<&'static Function>) {
        self.missed.fetch_add(calls as u64, SeqCst);
        self.left.fetch_add(calls as u64, SeqCst);
        if let Some(function) = function {
            self.function.get_or_init(|| function);
        }
    }

    /// Takes note that a call runs, until what is returned is dropped.
    pub(in crate::parallel) fn run(&self) -> Run<'_> {
        let began = self.now();
        self.began.fetch_add(began, SeqCst);
        self.running.fetch_add(1, SeqCst);
        self.changed_by(began);
        Run { watch: self, began, is_left: false }
    }

    /// Takes note of what came of a call.
    pub(in crate::parallel) fn count(&self, came: Came) {
        let count = match came {
            Came::Remembered(took) => {
                self.saved.fetch_add(nanos(took), SeqCst);
                &self.remembered
            }
            Came::Computed(took) => {
                self.computing.fetch_add(nanos(took), SeqCst);
                &self.computed
            }
            Came::Merged => &self.merged,
            Came::Failed => &self.failed,
        };
        count.fetch_add(1, SeqCst);
    }

    /// Reports, unless somebody does, or has just done.
    pub(in crate::parallel) fn changed(&self) {
        self.changed_by(self.now());
    }

    /// The last report; those who count are done. Does nothing if there was none yet, or the last one.
    pub(in crate::parallel) fn finish(&self) {
        if self.started.get().is_some() {
            self.report(true);
            self.ended.store(true, SeqCst);
        }
    }

    fn changed_by(&self, now: u64) {
        let is_due = || now >= self.reported.load(SeqCst) + nanos(LEAST);
        if !is_due() || self.reporting.swap(true, SeqCst) {
            return;
        }
        if is_due() {
            self.reported.store(now, SeqCst);
            self.report(false);
        }
        self.reporting.store(false, SeqCst);
    }

    fn report(&self, finished: bool) {
        if self.ended.load(SeqCst) {
            return;
        }
        let totals = self.totals(finished);
        if panics::catch(|| self.progress.update(&totals)).is_err() {
            self.ended.store(true, SeqCst);
            events::warn!("showing the progress of a batch panicked, so it is not shown any more");
        }
    }

    /// How far the batch is.
    fn totals(&self, finished: bool) -> Totals {
        let [remembered, computed, merged, failed] =
            [&self.remembered, &self.computed, &self.merged, &self.failed].map(|count| count.load(SeqCst));
        let drawn = self.drawn.load(SeqCst);
        let total = Some(self.total.load(SeqCst)).filter(|&total| total != UNKNOWN);
        let to_compute =
            self.left.load(SeqCst).min(drawn - (remembered + computed + merged + failed).min(drawn));
        let mut totals = Totals {
            // What an input says of its length is not always true.
            total: total.map(|total| total.max(drawn)),
            drawn,
            remembered,
            computed,
            merged,
            failed,
            running: self.running.load(SeqCst).min(to_compute),
            to_compute,
            to_look_up: 0,
            elapsed: Duration::from_nanos(self.now()),
            remaining: None,
            finished,
        };
        totals.to_look_up = totals.total.unwrap_or(drawn).saturating_sub(self.looked_up.load(SeqCst));
        totals.remaining = if finished { Some(Duration::ZERO) } else { self.remaining(&totals) };
        totals
    }

    /// The time that the rest is expected to take, as [`Totals::remaining`] says.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn remaining(&self, totals: &Totals) -> Option<Duration> {
        let share = self.missed.load(SeqCst) as f64 / (self.looked_up.load(SeqCst).max(1)) as f64;
        let misses = totals.to_compute as f64 + totals.to_look_up as f64 * share;
        if misses == 0.0 {
            return None;
        }
        let mean = self.mean(totals)?.as_nanos() as f64;
        let running = totals.running as f64;
        let run = running * totals.elapsed.as_nanos() as f64 - self.began.load(SeqCst) as f64;
        let work = misses * mean - run.clamp(0.0, running * mean);
        let threads = (self.threads.max(1) as f64).min(misses.max(1.0));
        Duration::try_from_secs_f64(work / threads / 1e9).ok()
    }

    /// How long a call is expected to take.
    fn mean(&self, totals: &Totals) -> Option<Duration> {
        let of =
            |nanos: &AtomicU64, count: u64| nanos.load(SeqCst).checked_div(count).map(Duration::from_nanos);
        of(&self.computing, totals.computed).or_else(|| of(&self.saved, totals.remembered)).or_else(|| {
            let function = *self.function.get()?;
            *self
                .stored_mean
                .get_or_init(|| function.mean_time().or_else(|| self.memory.mean_time_of(function)))
        })
    }

    /// The time since the start, in nanoseconds.
    fn now(&self) -> u64 {
        self.started.get().map_or(0, |started| nanos(started.elapsed()))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("totals", &self.totals(false)).finish_non_exhaustive()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A call that runs.
#[derive(Debug)]
pub(in crate::parallel) struct Run<'w> {
    watch: &'w Watch,
    began: u64,
    /// Whether it is to be run again.
    is_left: bool,
}

impl Run<'_> {
    /// What came of it, by where its value is from.
    pub(in crate::parallel) fn came_from(&self, source: &Source) -> Came {
        match source {
            Source::Hit => Came::Remembered(Duration::ZERO),
            Source::Joined => Came::Merged,
            Source::Miss(_) => Came::Computed(Duration::from_nanos(self.watch.now() - self.began)),
        }
    }

    /// Takes note that nothing came of it yet, and it is to be run again.
    pub(in crate::parallel) fn leave(mut self) {
        self.is_left = true;
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let Run { watch, began, is_left } = *self;
        if !is_left {
            watch.left.fetch_sub(1, SeqCst);
        }
        watch.running.fetch_sub(1, SeqCst);
        watch.began.fetch_sub(began, SeqCst);
        watch.changed();
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
