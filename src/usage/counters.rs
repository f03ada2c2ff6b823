//! Counters that threads add to without waiting for each other.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Usage;

/// What the calls of one function in one memory come to, in as many parts as threads seldom exceed: two that count in one place
/// wait for each other. A part is made when it is first counted in.
#[derive(Debug, Default)]
pub(crate) struct Counters([OnceLock<Box<Part>>; PARTS]);

const PARTS: usize = 16;

/// What some of the threads have counted; in cache lines of its own (two, since processors fetch them in pairs).
#[derive(Debug, Default)]
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
    #[inline]
    pub(crate) fn hit(&self, saved: Duration) {
        let part = self.part();
        part.hits.fetch_add(1, Relaxed);
        part.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    pub(crate) fn joined(&self, saved: Duration) {
        let part = self.part();
        part.joined.fetch_add(1, Relaxed);
        part.nanos_saved.fetch_add(nanos(saved), Relaxed);
    }

    pub(crate) fn miss(&self, took: Duration) {
        let part = self.part();
        part.misses.fetch_add(1, Relaxed);
        part.nanos_computed.fetch_add(nanos(took), Relaxed);
    }

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
        self.0.iter().filter_map(OnceLock::get).map(|part| count(part).load(Relaxed)).sum()
    }

    /// The part that this thread counts in.
    #[inline]
    fn part(&self) -> &Part {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = NEXT.fetch_add(1, Relaxed) % PARTS;
        }
        // A thread that is ending, in a destructor of its own, has no place any more.
        self.0[PLACE.try_with(|&place| place).unwrap_or(0)].get_or_init(Box::default)
    }
}

/// Where a function finds its counters: those of the session that counted it first stand here, those of others are looked up.
#[derive(Debug)]
pub(crate) struct Slot(OnceLock<(u64, Arc<Counters>)>);

impl Slot {
    pub(crate) const fn new() -> Self {
        Slot(OnceLock::new())
    }

    /// The counters of the session of this number, if they stand here.
    #[inline]
    pub(super) fn get(&self, session: u64) -> Option<&Counters> {
        self.0.get().filter(|(first, _)| *first == session).map(|(_, counters)| &**counters)
    }

    /// Puts counters here, unless there are others.
    pub(super) fn offer(&self, session: u64, counters: &Arc<Counters>) {
        let _ = self.0.set((session, Arc::clone(counters)));
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
