//! Counters that threads add to without waiting for each other.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::Usage;

/// What the calls of one function in one memory come to, in as many parts as threads seldom exceed: two that count in one place
/// wait for each other.
#[derive(Debug)]
pub(crate) struct Counters([Part; PARTS]);

const PARTS: usize = 16;

/// What some of the threads have counted; in cache lines of its own (two, since processors fetch them in pairs).
#[derive(Debug)]
#[repr(align(128))]
struct Part {
    hits: AtomicU64,
    misses: AtomicU64,
    joined: AtomicU64,
    stored: AtomicU64,
    nanos_computed: AtomicU64,
    nanos_saved: AtomicU64,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Counters(
            [const {
                Part {
                    hits: AtomicU64::new(0),
                    misses: AtomicU64::new(0),
                    joined: AtomicU64::new(0),
                    stored: AtomicU64::new(0),
                    nanos_computed: AtomicU64::new(0),
                    nanos_saved: AtomicU64::new(0),
                }
            }; PARTS],
        )
    }

    #[inline]
    pub(crate) fn hit(&self, saved: Duration) {
        self.hit_saving(nanos(saved));
    }

    /// The same, of so many nanoseconds.
    #[inline]
    pub(crate) fn hit_saving(&self, nanos: u64) {
        let part = self.part();
        part.hits.fetch_add(1, Relaxed);
        part.nanos_saved.fetch_add(nanos, Relaxed);
    }

    #[inline]
    pub(crate) fn joined(&self, saved: Duration) {
        let part = self.part();
        part.joined.fetch_add(1, Relaxed);
        part.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    #[inline]
    pub(crate) fn miss(&self, took: Duration) {
        let part = self.part();
        part.misses.fetch_add(1, Relaxed);
        part.nanos_computed.fetch_add(nanos(took), Relaxed);
    }

    #[inline]
    pub(crate) fn stored(&self) {
        self.part().stored.fetch_add(1, Relaxed);
    }

    /// What was counted; it does not tell when.
    pub(crate) fn read(&self) -> Usage {
        Usage {
            hits: self.sum(|part| &part.hits),
            misses: self.sum(|part| &part.misses),
            joined: self.sum(|part| &part.joined),
            computed: Duration::from_nanos(self.sum(|part| &part.nanos_computed)),
            saved: Duration::from_nanos(self.sum(|part| &part.nanos_saved)),
            last_use: None,
        }
    }

    /// How many values were stored.
    pub(crate) fn read_stored(&self) -> u64 {
        self.sum(|part| &part.stored)
    }

    fn sum(&self, count: fn(&Part) -> &AtomicU64) -> u64 {
        self.0.iter().map(|part| count(part).load(Relaxed)).sum()
    }

    /// The part that this thread counts in.
    #[inline]
    fn part(&self) -> &Part {
        &self.0[place() % PARTS]
    }
}

/// A number that two threads seldom have in common: where in memory this thread's stack is. Threads that share a number wait for
/// each other, and count right; so it does not matter that a deep stack has two numbers. A thread-local number would cost three
/// instructions more: its address, and whether it was chosen yet.
#[inline]
fn place() -> usize {
    let here = 0_u8;
    ptr::from_ref(&here).addr() / STACK
}

/// The stack of a thread, as the standard library makes it.
const STACK: usize = 2 * 1024 * 1024;

/// The counters of a function: of the session that counted it first. Those of other sessions are looked up in them.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The number of that session, or [`Slot::FREE`].
    session: AtomicU64,
    counters: Counters,
}

impl Slot {
    /// The number of no session.
    pub(super) const FREE: u64 = 0;

    pub(crate) const fn new() -> Self {
        Slot { session: AtomicU64::new(Self::FREE), counters: Counters::new() }
    }

    /// The counters, if they are those of the session of this number.
    #[inline]
    pub(super) fn get(&self, session: u64) -> Option<&Counters> {
        // The counters are there whichever session is named: nothing has to be seen before that.
        (self.session.load(Relaxed) == session).then_some(&self.counters)
    }

    /// Makes the counters those of the session of this number, unless they are another's; whether they are its now.
    pub(super) fn take(&self, session: u64) -> bool {
        let taken = self.session.compare_exchange(Self::FREE, session, Relaxed, Relaxed);
        taken.is_ok() || taken == Err(session)
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// As one number, up to 584 years of computing.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    duration.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn all_that_threads_count_is_in_the_sum() {
        static COUNTERS: Counters = Counters::new();
        let count = || {
            for _ in 0..1000 {
                COUNTERS.hit(SECOND);
                COUNTERS.joined(2 * SECOND);
                COUNTERS.miss(3 * SECOND);
                COUNTERS.stored();
            }
        };
        thread::scope(|scope| {
            for _ in 0..2 * PARTS {
                scope.spawn(count);
            }
        });
        let all = 2000 * PARTS as u64;
        let (saved, computed) = (Duration::from_secs(3 * all), Duration::from_secs(3 * all));
        let expected = Usage { hits: all, misses: all, joined: all, computed, saved, last_use: None };
        assert_eq!((COUNTERS.read(), COUNTERS.read_stored()), (expected, all));
    }

    /// It costs time, no count, if they do.
    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn threads_seldom_count_in_one_part() {
        const THREADS: usize = 8;
        let all_run = Barrier::new(THREADS);
        let mut places: Vec<usize> = thread::scope(|scope| {
            let start = || {
                scope.spawn(|| {
                    all_run.wait();
                    place() % PARTS
                })
            };
            let threads: Vec<_> = (0..THREADS).map(|_| start()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > THREADS / 2, "{places:?}");
    }

    #[test]
    fn a_slot_is_that_of_one_session() {
        static SLOT: Slot = Slot::new();
        assert!(SLOT.get(7).is_none());
        assert!(SLOT.take(7) && SLOT.take(7) && !SLOT.take(8));
        assert!(SLOT.get(7).is_some() && SLOT.get(8).is_none());
    }
}
