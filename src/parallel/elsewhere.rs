//! Misses of a batch that run elsewhere, by an [`Execute`]: what is sent, and what is done with what comes back.
//!
//! # Invariants
//! 1. The flight and the lease of a key are held here while it is computed elsewhere: it is computed once, whoever asks.
//! 2. Jobs that hold leases go alone: one that waits, where it runs, for another that lies behind it would wait for ever.

use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batch, Settled};
use super::item::{Done, Item, Work, subject_of};
use super::progress::{Came, Run, Watch};
use crate::call::Call;
use crate::key::Key;
use crate::memory::{Begun, Computed, Memory, Outbox, RemoteMiss, Ticket};
use crate::remote::{Execute, Failure, Job, Place, Reply};
use crate::task_error::{TaskError, TaskErrorKind};

/// Where the misses of a batch go.
#[derive(Debug)]
pub(super) struct Elsewhere {
    execute: Result<Arc<dyn Execute>, String>,
    place: Place,
    timeout: Option<Duration>,
}

impl Elsewhere {
    /// `execute` takes jobs, or nobody does, for a reason.
    pub(super) fn new(
        execute: Result<Arc<dyn Execute>, String>,
        memory: Memory,
        timeout: Option<Duration>,
    ) -> Self {
        Elsewhere { execute, place: Place::new(memory), timeout }
    }
}

/// An item that is about to be run elsewhere, counted as running.
struct Outgoing<'m, C> {
    item: Item<C>,
    /// The right to compute its key, if it has one to be kept under.
    ticket: Option<Ticket<'m>>,
    run: Option<Run<'m>>,
}

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// Has items run elsewhere, and their values kept; what came of those that had keys.
    pub(super) fn run_elsewhere<'m>(
        &'m self,
        elsewhere: &'m Elsewhere,
        items: Vec<Item<C>>,
        patient: bool,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Vec<Done> {
        let mut done = Vec::with_capacity(items.len());
        let mut together = Vec::new();
        for item in items {
            if self.is_stopped() {
                break;
            }
            let Some(outgoing) = self.prepare(elsewhere, item, patient, &mut done, settled) else { continue };
            if outgoing.0.ticket.as_ref().is_some_and(Ticket::has_lease) {
                self.send(elsewhere, vec![outgoing], outbox, &mut done, settled);
            } else {
                together.push(outgoing);
            }
        }
        self.send(elsewhere, together, outbox, &mut done, settled);
        done
    }

    /// Makes a job of an item, if it is to be computed here and now.
    fn prepare<'m>(
        &'m self,
        elsewhere: &'m Elsewhere,
        item: Item<C>,
        patient: bool,
        done: &mut Vec<Done>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Option<(Outgoing<'m, C>, Job)> {
        let run = self.watch.as_ref().map(Watch::run);
        let mut outgoing = Outgoing { item, ticket: None, run };
        let item = &outgoing.item;
        let job = match (&elsewhere.execute, item.call.memo()) {
            (Err(reason), _) => Err(not_sent(reason)),
            (_, None) => {
                Err(not_sent("a closure cannot be sent to another process: call a function under `#[memo]`"))
            }
            (Ok(_), Some(memo)) => {
                if let Work::Keyed(key, reason) = &item.work {
                    match self.memory.begin(*key, reason, &memo, patient) {
                        None => {}
                        Some(Begun::Leads(ticket)) => outgoing.ticket = Some(ticket),
                        Some(Begun::Busy) => {
                            outgoing.run.into_iter().for_each(Run::leave);
                            self.defer(outgoing.item);
                            return None;
                        }
                        Some(Begun::Done(Computed { value, shared, source })) => {
                            let came =
                                outgoing.run.as_ref().map_or(Came::Merged, |run| run.came_from(&source));
                            done.push((*key, Ok(shared)));
                            self.finish(item.index, came, Ok(value), settled);
                            return None;
                        }
                    }
                }
                let key = outgoing.ticket.as_ref().and(item.key());
                elsewhere.place.job(&memo, key, false).map_err(|unsent| not_sent(&unsent.0))
            }
        };
        match job {
            Ok(job) => Some((outgoing, job)),
            Err(failure) => {
                self.fail(outgoing, failure, done, settled);
                None
            }
        }
    }

    /// Has jobs run, and keeps their values.
    fn send<'m>(
        &'m self,
        elsewhere: &'m Elsewhere,
        outgoing: Vec<(Outgoing<'m, C>, Job)>,
        outbox: &mut Option<Outbox<'m>>,
        done: &mut Vec<Done>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let Ok(execute) = &elsewhere.execute else { return };
        if outgoing.is_empty() {
            return;
        }
        let (outgoing, jobs): (Vec<_>, Vec<_>) = outgoing.into_iter().unzip();
        let mut left: Vec<_> = outgoing.into_iter().map(Some).collect();
        let mut again = Vec::new();
        execute.run(&jobs, elsewhere.timeout, &mut |place, result| {
            let Some(outgoing) = left.get_mut(place).and_then(Option::take) else { return };
            match result {
                Err(failure) if failure.argument_gone => again.push(outgoing),
                result => self.arrive(outgoing, result, outbox, done, settled),
            }
        });
        let silent = || Err(not_sent("its executor says nothing of it"));
        for outgoing in left.into_iter().flatten() {
            self.arrive(outgoing, silent(), outbox, done, settled);
        }
        // Somebody has cleared the store: this time the arguments go with the job.
        for outgoing in again {
            let mut result = silent();
            let key = outgoing.ticket.as_ref().and(outgoing.item.key());
            match outgoing.item.call.memo().map(|memo| elsewhere.place.job(&memo, key, true)) {
                Some(Ok(job)) => execute.run(&[job], elsewhere.timeout, &mut |_, came| result = came),
                Some(Err(unsent)) => result = Err(not_sent(&unsent.0)),
                None => {}
            }
            self.arrive(outgoing, result, outbox, done, settled);
        }
    }

    /// Keeps what came back for an item.
    fn arrive<'m>(
        &'m self,
        mut outgoing: Outgoing<'m, C>,
        result: Result<Reply, Failure>,
        outbox: &mut Option<Outbox<'m>>,
        done: &mut Vec<Done>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let item = &outgoing.item;
        let accepted = result.and_then(|reply| {
            let took = reply.took;
            let accepted = match (outgoing.ticket.take(), &item.work) {
                (Some(ticket), Work::Keyed(key, reason)) => {
                    let miss = RemoteMiss { key: *key, reason: reason.clone(), ticket };
                    let computed = self.memory.accept(miss, &item.call, reply, outbox.as_mut());
                    computed.map(|computed| (computed.value, computed.shared))
                }
                _ => self.memory.accept_plain(&item.call, &reply).map(|value| (value, None)),
            };
            accepted.map(|accepted| (accepted, took)).map_err(|why| not_sent(&why))
        });
        match accepted {
            Ok(((value, shared), took)) => {
                done.extend(item.key().map(|key| (key, Ok(shared))));
                self.finish(item.index, Came::Computed(took), Ok(value), settled);
            }
            Err(failure) => self.fail(outgoing, failure, done, settled),
        }
    }

    /// Takes note of a failure, or sees that it is tried again. The call is here still, so that needs no copy of it.
    fn fail(
        &self,
        outgoing: Outgoing<'_, C>,
        failure: Failure,
        done: &mut Vec<Done>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let Outgoing { mut item, ticket, run } = outgoing;
        drop(ticket);
        if failure.kind.is_retryable() && item.failures < self.policy.retries {
            run.into_iter().for_each(Run::leave);
            item.failures += 1;
            self.try_again(item);
            return;
        }
        let Failure { kind, message, place, .. } = failure;
        let error = TaskError::new(subject_of(item.index, &item.call), kind, message, place);
        done.extend(item.key().map(|key| (key, Err(error.clone()))));
        self.finish(item.index, Came::Failed, Err(error), settled);
    }
}

impl<C> Item<C> {
    fn key(&self) -> Option<Key> {
        match self.work {
            Work::Plain(_) => None,
            Work::Keyed(key, _) => Some(key),
        }
    }
}

fn not_sent(reason: &str) -> Failure {
    Failure::new(TaskErrorKind::NotSent, reason)
}
