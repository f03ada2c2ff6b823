//! Looking up the calls of a batch: many at a time, before anything is computed.

use std::time::Duration;

use super::{Batch, Indexed};
use crate::call::Call;
use crate::panics;
use crate::parallel::attempt::{Item, end_of, panicked, subject_of};
use crate::parallel::progress::Counted;

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// Looks calls up in one go; hits are done with, distinct misses join the queue, duplicates the one that they equal.
    pub(super) fn look_up(&self, calls: Vec<(usize, C)>, results: &mut Vec<Indexed<C::Output>>) {
        let looked_up = calls.len();
        // As a rule all of them are hits, or all are misses.
        let mut missed = Vec::new();
        let mut miss = |item, took| {
            if missed.is_empty() {
                missed.reserve(looked_up);
            }
            missed.push((item, took));
        };
        let (mut keys, mut keyed) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
        for (index, call) in calls {
            match self.guarded(index, &call, |call| self.memory.keyed(call), results) {
                Some(Ok(under)) => {
                    keys.push(under.call.key);
                    keyed.push((index, call, under));
                }
                Some(Err(reason)) => miss(Item::new(index, call, reason.into()), None),
                None => panics::drop_quietly(call),
            }
        }
        // A store that panics does so for a single call, too, and is heard then.
        let _ = panics::catch(|| self.memory.read_ahead(&keys));
        for (index, call, under) in keyed {
            match self.guarded(index, &call, |_| under.look_up(), results) {
                Some((took, Ok(value))) => {
                    let counted = Counted::Remembered(took.unwrap_or_default());
                    let is_named = self.names_hits || self.policy.is_failure(&value);
                    let subject = is_named.then(|| Box::new(subject_of(index, &call)));
                    self.finish(index, counted, subject, end_of(index, call, Ok(value)), results);
                }
                Some((took, Err(reason))) => miss(Item::new(index, call, reason), took),
                None => panics::drop_quietly(call),
            }
        }
        if let Some(tally) = &self.tally {
            tally.looked_up(looked_up);
            tally.changed();
        }
        if !missed.is_empty() {
            self.queue(missed, results);
        }
    }

    /// Queues calls that missed, each with the time that it took before, if its entry tells.
    fn queue(&self, mut missed: Vec<(Item<C>, Option<Duration>)>, results: &mut Vec<Indexed<C::Output>>) {
        // Who takes results as they come wants the first ones first.
        if self.streams {
            for (_, time) in &mut missed {
                *time = None;
            }
        } else {
            let earlier = || self.memory.earlier_times(missed.iter().map(|(item, _)| &item.call));
            // If the `Serialize` of an argument panics, it has done so before, and will be told of then.
            let earlier = panics::catch(earlier).unwrap_or_default();
            for ((_, time), earlier) in missed.iter_mut().zip(earlier) {
                *time = time.or(earlier);
            }
        }
        let function = missed.first().and_then(|(item, _)| item.call.memo()).map(|memo| memo.call.function);
        let failed: Vec<_> = self.crew.change(|queue| {
            let (mut failed, mut queued) = (Vec::new(), 0);
            for (item, time) in missed {
                match queue.failure_of(&item) {
                    Some(error) => failed.push((error.clone(), item)),
                    None => queued += usize::from(queue.add(item, time)),
                }
            }
            if let Some(tally) = &self.tally {
                tally.missed(queued, function);
            }
            failed
        });
        for (error, item) in failed {
            let index = item.index;
            if let Ok(result) = item.share(&self.memory, Err(error)) {
                self.finish(index, Counted::Merged, None, result, results);
            }
        }
    }

    /// Does something for a call that may run code of the user's; `None` if that panicked, which is what came of the call.
    fn guarded<R>(
        &self,
        index: usize,
        call: &C,
        act: impl FnOnce(&C) -> R,
        results: &mut Vec<Indexed<C::Output>>,
    ) -> Option<R> {
        let acted = panics::catch(|| act(call));
        acted
            .map_err(|payload| {
                let error = panicked(subject_of(index, call), &payload);
                self.finish(index, Counted::Failed, None, Err(error), results);
            })
            .ok()
    }
}
