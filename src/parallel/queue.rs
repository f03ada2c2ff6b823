//! What is left to do: calls to be looked up, misses to be run, and what waits for an equal call or for somebody else.

use std::cmp::{Ordering, Reverse};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::mem;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::attempt::Item;
use super::crew;
use crate::key::{Key, KeyMap};
use crate::memory::{MissReason, WORTH_ORDERING};
use crate::task_error::TaskError;

/// Most calls that are drawn ahead of what is done.
pub(super) const WINDOW: usize = 1024;

/// Most items that go together to an executor that gathers.
pub(super) const GATHERED: usize = 1 << 16;

/// The caller of a batch draws on when so few calls can be started.
pub(super) const LOW_WATER: usize = WINDOW / 2;

/// Calls that a thread looks up at a time.
const LOOK_UPS: usize = 64;

/// The calls that are not done, and the results that nobody has taken.
#[derive(Debug)]
pub(super) struct Queue<C, R> {
    /// Calls to be looked up.
    drawn: VecDeque<(usize, C)>,
    /// Misses, and calls that have no key.
    ready: VecDeque<Item<C>>,
    /// Misses that are known to take a while, which are run after those of which nothing is known: longest first, so that
    /// in the end there are short ones to fill up with.
    long: BinaryHeap<Long<C>>,
    /// Items whose key somebody outside computes, with the thread that does, if it is one of this process: they are ready
    /// again when [`wake`](Self::wake) is told the key.
    away: KeyMap<Vec<(Item<C>, Option<ThreadId>)>>,
    /// Items that are tried again later; [`release`](Self::release) makes them ready.
    /// The number tells those of one moment apart.
    put_off: BTreeMap<(Instant, u64), Item<C>>,
    /// How many items were put off so far.
    put_off_ever: u64,
    /// Keys that [`wake`](Self::wake) was told before their item was put away, and how often.
    woken: KeyMap<usize>,
    /// The keys that are ready, away or running, with the items of equal key that came later.
    duplicates: KeyMap<Vec<Item<C>>>,
    /// How many items are among the duplicates.
    parked: usize,
    /// What came of keys that failed: those of equal key that come later get it, too.
    failed: KeyMap<TaskError>,
    /// No more calls will come.
    is_complete: bool,
    /// Nothing more is to be started.
    is_stopped: bool,
    pub(super) results: Vec<R>,
}

/// A miss that is known to take a while.
#[derive(Debug)]
struct Long<C> {
    /// How long it took when it was computed before.
    time: Duration,
    item: Item<C>,
}

/// What a thread takes.
#[derive(Debug)]
pub(super) enum Taken<C> {
    /// Calls to look up.
    LookUps(Vec<(usize, C)>),
    /// Items to run.
    Items(Vec<Item<C>>),
}

impl<C: Send, R: Send> crew::Queue for Queue<C, R> {
    fn startable(&self) -> usize {
        if self.is_stopped {
            return 0;
        }
        self.drawn.len().div_ceil(LOOK_UPS) + self.ready.len() + self.long.len()
    }
}

impl<C, R> Queue<C, R> {
    /// How many calls could be started.
    pub(super) fn waiting(&self) -> usize {
        self.drawn.len() + self.ready.len() + self.long.len()
    }

    /// Whether more calls are to be drawn: few can be started, and not too many wait in all.
    pub(super) fn has_room(&self) -> bool {
        self.waiting() <= LOW_WATER && !self.is_full()
    }

    /// Whether enough calls are drawn.
    pub(super) fn is_full(&self) -> bool {
        self.waiting() + self.away() + self.put_off.len() + self.parked >= WINDOW
    }

    fn away(&self) -> usize {
        // Next to always none.
        self.away.values().map(Vec::len).sum()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.away.is_empty() && self.put_off.is_empty()
    }

    /// Whether all is done but for what runs.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopped || self.is_complete && self.is_empty()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Starts nothing more.
    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Says that no more calls will come.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Whether no more calls will come.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Takes in a call to be looked up.
    pub(super) fn push(&mut self, index: usize, call: C) {
        self.drawn.push_back((index, call));
    }

    /// Takes in an item to be run, or a duplicate of one; whether it is to be run. `time` is how long it took before, if
    /// that is known.
    pub(super) fn add(&mut self, item: Item<C>, time: Option<Duration>) -> bool {
        if let Some(key) = item.key() {
            match self.duplicates.entry(key) {
                Entry::Occupied(duplicates) => {
                    duplicates.into_mut().push(item);
                    self.parked += 1;
                    return false;
                }
                Entry::Vacant(place) => place.insert(Vec::new()),
            };
        }
        match time.filter(|&time| time >= WORTH_ORDERING) {
            Some(time) => self.long.push(Long { time, item }),
            None => self.ready.push_back(item),
        }
        true
    }

    /// Takes in a closure, which has no key.
    #[inline]
    pub(super) fn add_closure(&mut self, index: usize, call: C) {
        self.ready.push_back(Item::new(index, call, MissReason::NotMemoized.into()));
    }

    /// Takes in an item that is to be run before all others, though it may equal one that was run.
    pub(super) fn run_next(&mut self, item: Item<C>) {
        self.ready.push_front(item);
    }

    /// Takes in an item that is to be run after all others.
    pub(super) fn run_last(&mut self, item: Item<C>) {
        if self.long.is_empty() {
            self.ready.push_back(item);
        } else {
            self.long.push(Long { time: Duration::ZERO, item });
        }
    }

    /// Puts an item off that is to be run after all others, and not before it is due.
    pub(super) fn put_off(&mut self, due: Instant, item: Item<C>) {
        self.put_off.insert((due, self.put_off_ever), item);
        self.put_off_ever += 1;
    }

    /// Makes the items ready that were put off and are due.
    pub(super) fn release(&mut self, now: Instant) {
        while let Some(first) = self.put_off.first_entry()
            && first.key().0 <= now
        {
            let item = first.remove();
            self.run_last(item);
        }
    }

    /// Puts an item away whose key somebody else computes, until [`wake`](Self::wake) is told the key; that may have been
    /// told already.
    pub(super) fn put_away(&mut self, key: Key, item: Item<C>, by: Option<ThreadId>) {
        if let Some(times) = self.woken.get_mut(&key) {
            *times -= 1;
            if *times == 0 {
                self.woken.remove(&key);
            }
            self.ready.push_front(item);
        } else {
            self.away.entry(key).or_default().push((item, by));
        }
    }

    /// Makes the items ready that wait for somebody who computes `key`. Told once for each item that is put away, before or
    /// after.
    pub(super) fn wake(&mut self, key: Key) {
        match self.away.remove(&key) {
            Some(items) => items.into_iter().for_each(|(item, _)| self.ready.push_front(item)),
            None => *self.woken.entry(key).or_default() += 1,
        }
    }

    /// The threads that compute what items of this queue wait for.
    pub(super) fn awaited(&self) -> impl Iterator<Item = ThreadId> {
        self.away.values().flatten().filter_map(|(_, by)| *by)
    }

    /// Makes the items ready, to be computed here, that wait for one of `threads`.
    pub(super) fn wake_all_of(&mut self, is_one: impl Fn(ThreadId) -> bool) {
        for items in self.away.values_mut() {
            for (mut item, _) in items.extract_if(.., |(_, by)| by.is_some_and(&is_one)) {
                item.alone = true;
                self.ready.push_front(item);
            }
        }
        self.away.retain(|_, items| !items.is_empty());
    }

    /// Takes note that a key has failed, for good.
    pub(super) fn fail(&mut self, key: Key, error: TaskError) {
        self.failed.insert(key, error);
    }

    /// How an equal call has failed.
    pub(super) fn failure_of(&self, item: &Item<C>) -> Option<&TaskError> {
        self.failed.get(&item.key()?)
    }

    /// The duplicates of a key that is done with.
    pub(super) fn duplicates_of(&mut self, key: &Key) -> Vec<Item<C>> {
        let duplicates = self.duplicates.remove(key).unwrap_or_default();
        self.parked = self.parked.saturating_sub(duplicates.len());
        duplicates
    }

    /// The first of the duplicates of a key takes the place of the item that they wait for, which will not be run.
    pub(super) fn pass_on(&mut self, key: &Key) {
        let mut duplicates = self.duplicates_of(key).into_iter();
        if let Some(first) = duplicates.next() {
            let rest: Vec<_> = duplicates.collect();
            self.parked += rest.len();
            self.duplicates.insert(*key, rest);
            self.run_next(first);
        }
    }

    /// All that has not started, to be dropped.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = C> + use<C, R> {
        self.parked = 0;
        let drawn = mem::take(&mut self.drawn).into_iter().map(|(_, call)| call);
        let long = mem::take(&mut self.long).into_iter().map(|long| long.item);
        let away = mem::take(&mut self.away).into_values().flatten().map(|(item, _)| item);
        let duplicates = mem::take(&mut self.duplicates).into_values().flatten();
        let put_off = mem::take(&mut self.put_off).into_values();
        let ready = mem::take(&mut self.ready).into_iter();
        let items = ready.chain(long).chain(away).chain(put_off).chain(duplicates);
        drawn.chain(items.map(|item| item.call))
    }

    /// Takes calls to look up, else items that are ready, else one that takes long. `workers` share the rest; at most `most`
    /// items are taken.
    pub(super) fn take(&mut self, most: usize, workers: usize) -> Option<Taken<C>> {
        if self.is_stopped {
            return None;
        }
        // A fair share at most, so that no thread sits on work while another is idle.
        let share = |length: usize, most: usize| most.min(length.div_ceil(2 * workers));
        if !self.drawn.is_empty() {
            let count = share(self.drawn.len(), LOOK_UPS);
            return Some(Taken::LookUps(self.drawn.drain(..count).collect()));
        }
        if !self.ready.is_empty() {
            let count = share(self.ready.len(), most);
            return Some(Taken::Items(self.ready.drain(..count).collect()));
        }
        self.long.pop().map(|Long { item, .. }| Taken::Items(vec![item]))
    }
}

impl<C> Ord for Long<C> {
    /// The longest is the greatest; of equally long ones the first in the input.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |long: &Self| (long.time, Reverse(long.item.index));
        rank(self).cmp(&rank(other))
    }
}

impl<C> PartialOrd for Long<C> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> PartialEq for Long<C> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<C> Eq for Long<C> {}

// Not derived: that would ask for `Default` of the calls and the results.
impl<C, R> Default for Queue<C, R> {
    fn default() -> Self {
        Queue {
            drawn: VecDeque::new(),
            ready: VecDeque::new(),
            long: BinaryHeap::new(),
            away: KeyMap::default(),
            put_off: BTreeMap::new(),
            put_off_ever: 0,
            woken: KeyMap::default(),
            duplicates: KeyMap::default(),
            parked: 0,
            failed: KeyMap::default(),
            is_complete: false,
            is_stopped: false,
            results: Vec::new(),
        }
    }
}
