//! Running the misses of a batch, and taking note of what came of them.

use std::sync::Arc;
use std::time::Instant;

use super::{Batch, Settled, TAKE};
use crate::call::Call;
use crate::key::Key;
use crate::lease::{Awaited, Leave, Meanwhile, Watcher};
use crate::memory::Outbox;
use crate::parallel::attempt::{AttemptTerms, Done, Item, Ran, send};
use crate::parallel::progress::{Came, Run, Watch};
use crate::parallel::queue::Queue;
use crate::task_error::TaskError;

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// Makes an attempt at each of the items, stores their values together, and gives them to their duplicates. An item that
    /// somebody else computes is put away.
    pub(super) fn run_all<'m>(
        &'m self,
        items: Vec<Item<C>>,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let standing = self.standing.get().expect("a batch stands before it is worked at");
        let work = Arc::clone(standing) as Arc<dyn Awaited>;
        let watcher = |key: Key| -> Arc<dyn Watcher> { standing.watcher(key) };
        let meanwhile = Meanwhile::Leave(Leave { work: &work, watcher: &watcher });
        let terms = AttemptTerms { meanwhile, retries: self.policy.retries };
        let mut done = Vec::with_capacity(items.len());
        if let Some(dispatch) = &self.dispatch {
            // What is not sent is dropped with the rest of the batch.
            let (items, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|_| !self.is_stopped());
            let items = items.into_iter().map(|item| (self.watch.as_ref().map(Watch::run), item));
            dispatch.run(&self.memory, items, terms, outbox, &mut |run, ran| {
                if let Some(key) = self.settle(run, ran, settled) {
                    self.finish_duplicates(vec![key], settled);
                }
                if self.streams && !settled.is_empty() {
                    self.crew.change(|queue| queue.results.append(settled));
                }
            });
            send(outbox);
            return self.give_back(rest);
        }
        let mut sent = Instant::now();
        let mut items = items.into_iter();
        while let Some(item) = items.next() {
            if self.is_stopped() {
                self.give_back([item].into_iter().chain(items).collect());
                break;
            }
            let run = self.watch.as_ref().map(Watch::run);
            let ran = item.run(&self.memory, terms, outbox);
            done.extend(self.settle(run, ran, settled));
            // What waits has cost little: a killed process loses no more than that.
            if sent.elapsed() > TAKE {
                send(outbox);
                sent = Instant::now();
            }
        }
        send(outbox);
        self.finish_duplicates(done, settled);
    }

    fn is_stopped(&self) -> bool {
        self.crew.look(|queue, _| queue.is_stopped())
    }

    /// Puts back what is not run, as the batch was stopped: it is dropped with the rest.
    fn give_back(&self, items: Vec<Item<C>>) {
        if !items.is_empty() {
            self.crew.change(|queue| items.into_iter().for_each(|item| queue.run_last(item)));
        }
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
            Ran::Done { index, result, done } => {
                let came = match (&run, &result) {
                    (Some(run), Ok(outcome)) => run.came_from(&outcome.source),
                    _ => Came::Failed,
                };
                self.finish(index, came, result.map(|outcome| outcome.value), settled);
                done
            }
            Ran::Busy(key, item, by) => {
                run.into_iter().for_each(Run::leave);
                self.crew.change(|queue| queue.put_away(key, item, by));
                None
            }
            Ran::Again(item) => {
                run.into_iter().for_each(Run::leave);
                self.crew.change(|queue| queue.run_last(item));
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
            self.crew.change(Queue::stop);
        }
        settled.push((index, result));
    }

    /// Gives the duplicates of keys what came of them. Where a value cannot be shared (it is an `Err` that is not kept,
    /// say), they are run in their turn.
    fn finish_duplicates(&self, done: Vec<Done>, settled: &mut Vec<Settled<C::Output>>) {
        if done.is_empty() {
            return;
        }
        let duplicates: Vec<_> = self.crew.change(|queue| {
            let of = |(key, result): Done| {
                if let Err(error) = &result {
                    queue.fail(key, error.clone());
                }
                queue.duplicates_of(&key).into_iter().map(move |item| (item, result.clone()))
            };
            done.into_iter().flat_map(of).collect()
        });
        for (item, result) in duplicates {
            let index = item.index;
            match item.share(&self.memory, result) {
                Ok(result) => self.finish(index, Came::Merged, result, settled),
                Err(item) => {
                    if let Some(watch) = &self.watch {
                        watch.missed(1, None);
                    }
                    self.crew.change(|queue| queue.run_next(item));
                }
            }
        }
    }
}
