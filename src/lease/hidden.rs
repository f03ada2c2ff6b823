//! Waits that rayon hides.
//!
//! A thread of a rayon pool that waits for pieces of its own work runs pieces of others meanwhile, on top of its stack. So a
//! piece may come to wait, through memoized functions, for a call that lies beneath it, and nobody is told by rayon who
//! waits for whom. Such a circle cannot be seen, but that nothing goes on can: a thread that waits inside rayon runs jobs
//! that are sent to it, a thread that computes does not.
//!
//! So a thread of a rayon pool that waits for a flight for a while sends each thread of its pool a job that says: I am inside
//! rayon, and have used so much time of the processor. If twice, some time apart, all threads have answered but for those
//! that are known to wait, and none has used its processor in between, nothing goes on in this pool. If moreover whoever is
//! waited for is one of those that have answered, then it waits inside rayon, and the value is computed here, too. Other
//! threads begin anew to be suspicious then: the circle may be broken.
//!
//! Before that, a thread of a user's pool runs what waits in its pool, as a thread that waits inside rayon would. A thread
//! outside of the pool that is waited for may itself wait for such a piece, which no thread of the pool takes, as they all
//! wait here. That goes on top of the stack of one that waits, so it is done only when nothing else goes on.
//!
//! Not seen so: a circle that also goes through a wait that is neither rayon's nor this library's, such as that for a thread that
//! a function has started. And that a pool of the user's own, which a thread waits for inside rayon, still works. And of a thread outside
//! of any rayon pool it is not known whether it waits for this pool. If all other threads of the process wait for each other,
//! as Linux tells, it does, or nobody here will ever wake it; otherwise more time is given to it. Nobody outside can wait for
//! pieces on the pools of this library, whose threads therefore wait for such a thread for as long as it takes.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::waits;
use crate::lock::lock;
use crate::sys;

/// The first look comes after this time, each next one after twice the time, up to the longest.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// How long answers are waited for, and that the other threads wait again.
const ANSWERS: Duration = Duration::from_millis(20);

/// The least time that a thread outside of the pool is given, where nothing goes on in the pool, but elsewhere.
const OUTSIDE: Duration = Duration::from_secs(10);

/// How often a thread has computed what another computes, since nothing went on.
static BROKEN: AtomicU64 = AtomicU64::new(0);

/// What a thread of a rayon pool makes of its wait.
#[derive(Debug)]
pub(crate) struct Suspicion {
    since: Instant,
    patience: Duration,
    /// How long calls of the function take on average.
    mean_time: Option<Duration>,
    broken: u64,
    last: Option<Look>,
    /// Whether nothing waited in the pool when this thread looked last.
    has_helped: bool,
}

/// What a thread is to do about its wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Go on waiting: something goes on.
    None,
    /// Nothing goes on in the pool: [help](Suspicion::help), not noted as one that waits.
    Quiet,
    /// Compute what it waits for: whoever does waits inside rayon, as far as can be seen.
    Circle,
}

/// What was seen of the pool: all its threads are inside rayon, or known to wait.
#[derive(Debug)]
struct Look {
    at: Instant,
    /// The time that each thread that is inside rayon has used of its processor, by its place.
    used: BTreeMap<usize, Duration>,
    inside: Vec<ThreadId>,
    /// Whether all other threads of the process wait for each other, if that is asked for.
    all_wait: bool,
}

thread_local! {
    /// Whether this is a thread of a pool of this library.
    static OURS: Cell<bool> = const { Cell::new(false) };
    /// How often this thread has answered one that looked.
    static ANSWERED: Cell<u64> = const { Cell::new(0) };
}

/// Says that this thread is one of a pool of this library.
pub(crate) fn note_own_thread() {
    OURS.set(true);
}

type Answers = Arc<Mutex<Vec<(usize, ThreadId, Duration)>>>;

impl Suspicion {
    /// `None` if this thread is not one of rayon's: nothing is hidden from it.
    pub(crate) fn of_this_thread(mean_time: Option<Duration>) -> Option<Self> {
        rayon::current_thread_index()?;
        Some(Suspicion::new(mean_time))
    }

    fn new(mean_time: Option<Duration>) -> Self {
        let (since, broken) = (Instant::now(), BROKEN.load(SeqCst));
        Suspicion { since, patience: FIRST, mean_time, broken, last: None, has_helped: OURS.get() }
    }

    /// How long to wait until the next look.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Looks at the pool; `leaders` compute what this thread waits for.
    pub(crate) fn look(&mut self, leaders: &[ThreadId]) -> Doubt {
        self.patience = (2 * self.patience).min(LONGEST);
        if leaders.is_empty() {
            return Doubt::None;
        }
        let broken = BROKEN.load(SeqCst);
        if broken != self.broken {
            *self = Suspicion::new(self.mean_time);
            return Doubt::None;
        }
        let look = look();
        let last = std::mem::replace(&mut self.last, look);
        let (Some(last), Some(look)) = (last, &self.last) else { return Doubt::None };
        if !is_quiet(&last, look) {
            return Doubt::None;
        }
        if !self.has_helped {
            return Doubt::Quiet;
        }
        let ends = leaders.iter().map(|leader| waits::ends_of(*leader));
        // One that waits for no thread is woken by the clock, or by the next thread that comes to
        // its work.
        let ends: Vec<_> = ends.filter(|ends| !ends.is_empty()).collect();
        if ends.is_empty() {
            return Doubt::None;
        }
        let is_inside = |ends: &Vec<ThreadId>| ends.iter().all(|end| look.inside.contains(end));
        let outside = self.mean_time.map_or(OUTSIDE, |mean_time| OUTSIDE.max(10 * mean_time));
        let all_wait = last.all_wait && look.all_wait;
        let is_outside_done = all_wait || !OURS.get() && self.since.elapsed() > outside;
        let is_confirmed = is_outside_done || ends.iter().any(is_inside);
        // Of several that see the same, one goes first.
        if is_confirmed && BROKEN.compare_exchange(broken, broken + 1, SeqCst, SeqCst).is_ok() {
            Doubt::Circle
        } else {
            Doubt::None
        }
    }

    /// Runs a piece of work that waits in the pool, if there is one.
    pub(crate) fn help(&mut self) {
        self.has_helped = !has_run_a_piece();
        if !self.has_helped {
            self.patience = FIRST;
            self.last = None;
        }
    }
}

/// Runs one piece of the user's that waits in this thread's pool; whether there was one. Questions of those who look are
/// answered on the way.
fn has_run_a_piece() -> bool {
    loop {
        let before = ANSWERED.get();
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            return false;
        }
        if ANSWERED.get() == before {
            return true;
        }
    }
}

/// Whether next to nothing was computed between two looks.
fn is_quiet(before: &Look, after: &Look) -> bool {
    let used: Duration = after
        .used
        .iter()
        .map(|(place, used)| used.saturating_sub(before.used.get(place).copied().unwrap_or(*used)))
        .sum();
    before.used.keys().eq(after.used.keys()) && used < (after.at - before.at) / 10
}

/// Asks all threads of this thread's pool; `None` if one computes.
fn look() -> Option<Look> {
    let threads = rayon::current_num_threads();
    let answers = Answers::default();
    let theirs = Arc::clone(&answers);
    rayon::spawn_broadcast(move |context| {
        let answer = (context.index(), thread::current().id(), sys::thread_time());
        lock(&theirs).push(answer);
        ANSWERED.set(ANSWERED.get() + 1);
    });
    let deadline = Instant::now() + ANSWERS;
    loop {
        let waiting = waits::places_in_rayon(threads);
        let used: BTreeMap<usize, Duration> =
            lock(&answers).iter().map(|(place, _, used)| (*place, *used)).collect();
        if (0..threads).all(|place| used.contains_key(&place) || waiting.contains(&place)) {
            let inside = lock(&answers).iter().map(|(_, thread, _)| *thread).collect();
            // A thread of this library's pools does not ask for it.
            let all_wait = !OURS.get() && sys::others_wait(ANSWERS);
            return Some(Look { at: Instant::now(), used, inside, all_wait });
        }
        if Instant::now() > deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
