//! Running the misses of a batch, and taking note of what came of them.

use std::time::Instant;

use super::{Batch, Settled, TAKE};
use crate::call::Call;
use crate::lock::lock;
use crate::memory::Outbox;
use crate::parallel::item::{AttemptTerms, Done, Item, Ran};
use crate::parallel::progress::{Came, Run, Watch};
use crate::task_error::TaskError;

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// Makes an attempt at each of the items, stores their values together, and gives them to their duplicates. An item that somebody
    /// else computes is deferred, unless this thread is `patient`.
    pub(super) fn run_all<'m>(
        &'m self,
        items: Vec<Item<C>>,
        patient: bool,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let terms = AttemptTerms { patient, retries: self.policy.retries };
        let mut done = Vec::with_capacity(items.len());
        if let Some(elsewhere) = &self.elsewhere {
            let items = items.into_iter().take_while(|_| !self.is_stopped());
            let items = items.map(|item| (self.watch.as_ref().map(Watch::run), item));
            elsewhere.run(&self.memory, items, terms, outbox, &mut |run, ran| {
                done.extend(self.settle(run, ran, settled));
            });
            outbox.iter_mut().for_each(Outbox::send);
            return self.finish_duplicates(done, settled);
        }
        let mut sent = Instant::now();
        for item in items {
            if self.is_stopped() {
                break;
            }
            let run = self.watch.as_ref().map(Watch::run);
            let ran = item.run(&self.memory, terms, outbox);
            done.extend(self.settle(run, ran, settled));
            // What waits has cost little: a killed process loses no more than that.
            if let Some(outbox) = outbox
                && sent.elapsed() > TAKE
            {
                outbox.send();
                sent = Instant::now();
            }
        }
        if let Some(outbox) = outbox {
            outbox.send();
        }
        self.finish_duplicates(done, settled);
    }

    /// Takes note of what came of an attempt: an item whose key somebody else computes is deferred. Returns the key and what came of
    /// it, if it had one and is done.
    fn settle(
        &self,
        run: Option<Run<'_>>,
        ran: Ran<C>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Option<Done> {
        match ran {
            Ran::Done { index, result, origin, done } => {
                let came = run.as_ref().map_or(Came::Failed, |run| run.came_from(origin));
                self.finish(index, came, result, settled);
                done
            }
            Ran::Busy(item) => {
                run.into_iter().for_each(Run::leave);
                lock(&self.state).deferred.push_back(item);
                None
            }
            Ran::Again(item) => {
                run.into_iter().for_each(Run::leave);
                lock(&self.state).run_last(item);
                self.bell.ring();
                None
            }
        }
    }

    /// Takes note of what came of a call, and how.
    pub(super) fn finish(
        &self,
        index: usize,
        came: Came,
        result: Result<C::Output, TaskError>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        if let Some(watch) = &self.watch {
            watch.count(if self.policy.fails(&result) { Came::Failed } else { came });
        }
        if self.policy.stops(&result) {
            self.stop();
        }
        settled.push((index, result));
    }

    /// Gives the duplicates of keys what came of them. Where a value cannot be shared (it is an `Err` that is not kept,
    /// say), they are run in their turn.
    fn finish_duplicates(&self, done: Vec<Done>, settled: &mut Vec<Settled<C::Output>>) {
        if done.is_empty() {
            return;
        }
        let mut state = lock(&self.state);
        let duplicates: Vec<_> = done
            .into_iter()
            .flat_map(|(key, result)| {
                state.duplicates_of(&key).into_iter().map(move |item| (item, result.clone()))
            })
            .collect();
        drop(state);
        for (item, result) in duplicates {
            let index = item.index;
            match item.share(&self.memory, result) {
                Ok(result) => self.finish(index, Came::Merged, result, settled),
                Err(item) => {
                    if let Some(watch) = &self.watch {
                        watch.missed(1, None);
                    }
                    lock(&self.state).run_next(item);
                    self.bell.ring();
                }
            }
        }
    }
}
