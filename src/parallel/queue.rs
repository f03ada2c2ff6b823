//! What is left to do of a batch: calls to be looked up, misses to be run, and what waits for somebody else.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::mem;
use std::time::Duration;

use super::item::{Item, Work};
use crate::key::{Key, KeyMap};
use crate::memory::WORTH_ORDERING;
use crate::panics::Quiet;

/// Most calls that are drawn ahead of what is done.
pub(super) const WINDOW: usize = 1024;

/// The feeder draws on when so few calls wait.
pub(super) const LOW_WATER: usize = WINDOW / 2;

/// Calls that a helper looks up at a time.
const LOOK_UPS: usize = 64;

/// The calls of a batch that are not done, and how many helpers there are for them.
#[derive(Debug)]
pub(super) struct State<C> {
    /// Calls to be looked up.
    pub(super) drawn: VecDeque<(usize, Quiet<C>)>,
    /// Misses, and calls that have no key.
    queue: VecDeque<Item<C>>,
    /// Misses that are known to take a while, which are run after those of which nothing is known: longest first, so that in the end
    /// there are short ones to fill up with.
    long: BinaryHeap<Long<C>>,
    /// Items whose key somebody outside this batch computes: waited for when nothing else is left to do.
    pub(super) deferred: VecDeque<Item<C>>,
    /// The keys that are queued, deferred or running, with the items of equal key that came later.
    duplicates: KeyMap<Vec<Item<C>>>,
    /// How many items are among the duplicates.
    parked: usize,
    /// The input has come to its end, or rests until something is done.
    pub(super) exhausted: bool,
    /// Helpers whose task has not ended.
    pub(super) helpers: usize,
    /// Those of them that look for work.
    pub(super) at_work: usize,
}

/// A miss that is known to take a while.
#[derive(Debug)]
struct Long<C> {
    /// How long it took when it was computed before.
    time: Duration,
    item: Item<C>,
}

/// What a worker takes.
#[derive(Debug)]
pub(super) enum Taken<C> {
    /// Calls to look up.
    LookUps(Vec<(usize, Quiet<C>)>),
    /// Items to run.
    Items(Vec<Item<C>>),
    /// An item to run or to wait for.
    Deferred(Item<C>),
}

impl<C> State<C> {
    /// Whether deferred items are to be waited for: nothing else will come, or they fill the window.
    fn waits_for_deferred(&self) -> bool {
        self.exhausted || self.deferred.len() + self.parked > LOW_WATER
    }

    /// A helper looks for work no longer.
    pub(super) fn leave(&mut self) {
        self.at_work -= 1;
    }

    /// How many helpers more could be of use; no more than `most` are to work at a time.
    pub(super) fn wanted_helpers(&self, most: usize) -> usize {
        let on_their_way = self.helpers - self.at_work;
        self.startable().saturating_sub(on_their_way).min(most - self.helpers)
    }

    /// Whether nothing waits and nobody works.
    pub(super) fn is_idle(&self) -> bool {
        self.helpers == 0 && self.startable() == 0
    }

    /// Whether there is work, and no thread has come to a helper.
    pub(super) fn is_forsaken(&self) -> bool {
        self.at_work == 0 && self.startable() > 0
    }

    /// How many items helpers could start with.
    pub(super) fn startable(&self) -> usize {
        let deferred = if self.waits_for_deferred() { self.deferred.len() } else { 0 };
        self.drawn.len().div_ceil(LOOK_UPS) + self.queue.len() + self.long.len() + deferred
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        self.drawn.len() + self.queue.len() + self.long.len() + self.deferred.len() + self.parked
    }

    /// Takes in an item to be run, or a duplicate of one; whether it is to be run. `time` is how long it took before, if that is
    /// known.
    pub(super) fn queue(&mut self, item: Item<C>, time: Option<Duration>) -> bool {
        if let Work::Keyed(key, _) = item.work {
            if let Some(duplicates) = self.duplicates.get_mut(&key) {
                duplicates.push(item);
                self.parked += 1;
                return false;
            }
            self.duplicates.insert(key, Vec::new());
        }
        match time.filter(|&time| time >= WORTH_ORDERING) {
            Some(time) => self.long.push(Long { time, item }),
            None => self.queue.push_back(item),
        }
        true
    }

    /// Takes in an item that is to be run before all others, though it may equal one that was run.
    pub(super) fn run_next(&mut self, item: Item<C>) {
        self.queue.push_front(item);
    }

    /// Takes in an item that is to be run after all others.
    pub(super) fn run_last(&mut self, item: Item<C>) {
        if self.long.is_empty() {
            self.queue.push_back(item);
        } else {
            self.long.push(Long { time: Duration::ZERO, item });
        }
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

    /// What could be started, or waits for somebody else.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &C> {
        self.queue.iter().chain(&self.deferred).map(|item| &*item.call)
    }

    /// All that has not started, to be dropped.
    pub(super) fn take_all(&mut self) -> impl Sized + use<C> {
        self.parked = 0;
        let State { drawn, queue, long, deferred, duplicates, .. } = self;
        (mem::take(drawn), mem::take(queue), mem::take(long), mem::take(deferred), mem::take(duplicates))
    }

    /// Takes calls to look up, else items from the queue, else one that takes long, else one that was deferred. `workers` share
    /// the rest; at most `most` items are taken.
    pub(super) fn take(&mut self, most: usize, workers: usize) -> Option<Taken<C>> {
        // A fair share at most, so that no thread sits on work while another is idle.
        let share = |length: usize, most: usize| most.min(length.div_ceil(2 * workers));
        if !self.drawn.is_empty() {
            let count = share(self.drawn.len(), LOOK_UPS);
            return Some(Taken::LookUps(self.drawn.drain(..count).collect()));
        }
        if !self.queue.is_empty() {
            let count = share(self.queue.len(), most);
            return Some(Taken::Items(self.queue.drain(..count).collect()));
        }
        if let Some(Long { item, .. }) = self.long.pop() {
            return Some(Taken::Items(vec![item]));
        }
        if self.waits_for_deferred() {
            return self.deferred.pop_front().map(Taken::Deferred);
        }
        None
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

// Not derived: that would ask for `C: Default`.
impl<C> Default for State<C> {
    fn default() -> Self {
        State {
            drawn: VecDeque::new(),
            queue: VecDeque::new(),
            long: BinaryHeap::new(),
            deferred: VecDeque::new(),
            duplicates: KeyMap::default(),
            parked: 0,
            exhausted: false,
            helpers: 0,
            at_work: 0,
        }
    }
}
