//! Running the misses of a batch, and taking note of what came of them.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Batch, Indexed};
use crate::call::Call;
use crate::events;
use crate::key::Key;
use crate::lease::{Awaited, Leave, Meanwhile, Watcher};
use crate::lock::lock;
use crate::memory::{MissReason, Outbox};
use crate::panics;
use crate::parallel::attempt::{AttemptOptions, Done, Item, Ran, Retry, panicked, send, subject_of};
use crate::parallel::progress::{Counted, Run, Tally};
use crate::parallel::queue::{GATHERED, Taken};
use crate::parallel::timer;
use crate::task_error::{TaskError, TaskSubject};

/// An input that gives nothing for so long is not waited for, and is looked at so often.
const QUIET: Duration = Duration::from_millis(40);
const GLANCE: Duration = Duration::from_millis(2);

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
        results: &mut Vec<Indexed<C::Output>>,
    ) {
        let standing = self.standing.get().expect("a batch stands before it is worked at");
        let work = Arc::clone(standing) as Arc<dyn Awaited>;
        let watcher = |key: Key| -> Arc<dyn Watcher> { standing.watcher(key) };
        let meanwhile = Meanwhile::Leave(Leave { work: &work, watcher: &watcher });
        let options = AttemptOptions { meanwhile, policy: &self.policy };
        let mut done = Vec::with_capacity(items.len());
        if let Some(dispatch) = &self.dispatch {
            let items = if dispatch.gathers() { self.gather(items, results) } else { items };
            // What is not sent is dropped with the rest of the batch.
            let (items, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|_| !self.is_stopped());
            let items = items.into_iter().map(|item| (self.tally.as_ref().map(Tally::run), item));
            let tell = &mut |run, ran| {
                if let Some(key) = self.settle(run, ran, results) {
                    self.finish_duplicates(&[key], results);
                }
                if self.streams && !results.is_empty() {
                    self.crew.change(|queue| queue.results.append(results));
                }
            };
            dispatch.run(&self.memory, items, options, outbox, tell, &|| self.is_stopped());
            send(outbox);
            return self.give_back(rest);
        }
        let mut items = items.into_iter();
        while let Some(item) = items.next() {
            if self.is_stopped() {
                self.give_back([item].into_iter().chain(items).collect());
                break;
            }
            if self.is_bare_closure(&item) {
                self.run_closure(item, results);
                continue;
            }
            let run = self.tally.as_ref().map(Tally::run);
            let ran = item.run(&self.memory, options, outbox);
            done.extend(self.settle(run, ran, results));
            // What waits has cost little.
            if outbox.as_ref().is_some_and(Outbox::is_due) {
                send(outbox);
            }
        }
        send(outbox);
        self.finish_duplicates(&done, results);
    }

    /// Whether the item is a closure of which nobody wants to know more than its result.
    fn is_bare_closure(&self, item: &Item<C>) -> bool {
        let is_closure = matches!(item.miss.reason, MissReason::NotMemoized);
        is_closure && self.tally.is_none() && self.policy.retries == 0
    }

    /// Runs a bare closure.
    fn run_closure(&self, item: Item<C>, results: &mut Vec<Indexed<C::Output>>) {
        let Item { index, call, .. } = item;
        let result = panics::catch(|| call.run());
        let result = result.map_err(|payload| panicked(TaskSubject::unknown(index), &payload));
        let is_failure = result.as_ref().is_ok_and(|value| self.policy.is_failure(value));
        let subject = is_failure.then(|| Box::new(TaskSubject::unknown(index)));
        self.finish(index, Counted::Failed, subject, result, results);
    }

    /// Adds to the items what else can be started, until the input has come to its end, or nothing has come for a moment: an
    /// input may take its time, or wait for what an earlier call does.
    fn gather(&self, mut items: Vec<Item<C>>, results: &mut Vec<Indexed<C::Output>>) -> Vec<Item<C>> {
        let mut last = Instant::now();
        while items.len() < GATHERED && !self.is_stopped() {
            let (taken, is_complete) =
                self.crew.change(|queue| (queue.take(GATHERED - items.len(), 1), queue.is_complete()));
            match taken {
                Some(Taken::LookUps(calls)) => {
                    self.look_up(calls, results);
                    if self.streams && !results.is_empty() {
                        self.crew.change(|queue| queue.results.append(results));
                    }
                }
                Some(Taken::Items(more)) => items.extend(more),
                None if is_complete || last.elapsed() > QUIET => break,
                None => {
                    thread::sleep(GLANCE);
                    continue;
                }
            }
            last = Instant::now();
        }
        items
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
        results: &mut Vec<Indexed<C::Output>>,
    ) -> Option<Done> {
        match ran {
            Ran::Done { index, result, done, subject } => {
                let counted = match (&run, &result) {
                    (Some(run), Ok(outcome)) => run.counted(outcome),
                    _ => Counted::Failed,
                };
                self.finish(index, counted, subject, result.map(|outcome| outcome.value), results);
                done
            }
            Ran::Busy(key, item, by) => {
                run.into_iter().for_each(Run::leave);
                self.crew.change(|queue| queue.put_away(key, item, by));
                None
            }
            Ran::Again(retry) => {
                run.into_iter().for_each(Run::leave);
                self.try_again(retry);
                None
            }
        }
    }

    /// Puts an item that has failed to the end of the queue, or puts it off.
    fn try_again(&self, retry: Retry<C>) {
        let (attempt, due) = (retry.attempt(self.policy.retries), retry.due());
        let Retry { item, failure, .. } = retry;
        events::debug!("{failure}, {attempt}");
        if let Some(tally) = &self.tally {
            tally.retry(&failure, attempt);
        }
        let Some(due) = due else { return self.crew.change(|queue| queue.run_last(item)) };
        self.crew.change(|queue| queue.put_off(due, item));
        let standing = self.standing.get().expect("a batch stands before it is worked at");
        if !timer::tell_at(due, standing) {
            self.crew.change(|queue| queue.release(due));
        }
    }

    /// Takes note of what came of a call, and how; `subject` is what was called, if that is to be
    /// told.
    #[inline]
    pub(super) fn finish(
        &self,
        index: usize,
        counted: Counted,
        subject: Option<Box<TaskSubject>>,
        result: Result<C::Output, TaskError>,
        results: &mut Vec<Indexed<C::Output>>,
    ) {
        if result.is_ok() && self.tally.is_none() && self.policy.failure.is_none() {
            results.push((index, result));
        } else {
            self.finish_noted(index, counted, subject, result, results);
        }
    }

    /// The same where somebody is told, or it may be a failure.
    fn finish_noted(
        &self,
        index: usize,
        counted: Counted,
        subject: Option<Box<TaskSubject>>,
        result: Result<C::Output, TaskError>,
        results: &mut Vec<Indexed<C::Output>>,
    ) {
        if let Some(tally) = &self.tally {
            self.tell(tally, counted, subject.as_deref(), &result);
        }
        if let (Ok(value), Some(subject)) = (&result, subject)
            && self.policy.is_failure(value)
        {
            lock(&self.failures).push(*subject);
        }
        if self.policy.stops(&result) {
            self.stop();
        }
        results.push((index, result));
    }

    fn tell(
        &self,
        tally: &Tally,
        counted: Counted,
        subject: Option<&TaskSubject>,
        result: &Result<C::Output, TaskError>,
    ) {
        let failure = match result {
            Ok(value) => self.policy.failure_text(value),
            Err(error) => Some(error as &dyn fmt::Display),
        };
        let counted = if failure.is_some() { Counted::Failed } else { counted };
        tally.count(counted);
        match (result, subject, failure) {
            (Err(error), _, _) => tally.say(counted, error),
            (Ok(_), Some(subject), Some(text)) => {
                tally.say(counted, &format_args!("{subject} failed: {text}"));
            }
            (Ok(_), Some(subject), None) => tally.say(counted, subject),
            (Ok(_), None, _) => {}
        }
    }

    /// Gives the duplicates of keys what came of them. Where a value cannot be shared (it is an `Err` that is not kept,
    /// say), they are run in their turn.
    fn finish_duplicates(&self, done: &[Done], results: &mut Vec<Indexed<C::Output>>) {
        if done.is_empty() {
            return;
        }
        let mut duplicates = Vec::new();
        self.crew.change(|queue| {
            for (key, result) in done {
                if let Err(error) = result {
                    queue.fail(*key, error.clone());
                }
                // As a rule there are none.
                for item in queue.duplicates_of(key) {
                    duplicates.push((item, result.clone()));
                }
            }
        });
        for (item, result) in duplicates {
            let index = item.index;
            // Whether it is a failure is known only behind the call.
            let is_named = self.names_hits || self.policy.failure.is_some();
            let subject = is_named.then(|| Box::new(subject_of(index, &item.call)));
            match item.share(&self.memory, result) {
                Ok(result) => self.finish(index, Counted::Merged, subject, result, results),
                Err(item) => {
                    if let Some(tally) = &self.tally {
                        tally.missed(1, None);
                    }
                    self.crew.change(|queue| queue.run_next(item));
                }
            }
        }
    }
}
