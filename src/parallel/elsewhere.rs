//! Misses that run elsewhere, by an [`Execute`]: what is sent, and what is done with what comes back.
//!
//! # Invariants
//! 1. The flight and the lease of a key are held here while it is computed elsewhere: it is computed once, whoever asks.
//! 2. Jobs that hold leases go alone: one that waits, where it runs, for another that lies behind it would wait for ever.

use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::item::{Done, Item, Origin, Ran, Work, subject_of};
use crate::call::Call;
use crate::key::Key;
use crate::memory::{Begun, Computed, Memory, Outbox, RemoteMiss, Ticket};
use crate::panics;
use crate::remote::{Execute, Failure, Job, Place, Reply};
use crate::task_error::{TaskError, TaskErrorKind, text_of};

/// Where misses go.
#[derive(Debug)]
pub(super) struct Elsewhere {
    execute: Result<Arc<dyn Execute>, String>,
    place: Place,
    timeout: Option<Duration>,
}

/// An item that is about to be sent, and what belongs to it: `tag` is its owner's.
struct Outgoing<'m, C, R> {
    item: Item<C>,
    /// The right to compute its key, if it has one to be kept under.
    ticket: Option<Ticket<'m>>,
    tag: R,
}

/// Attempts at items that run elsewhere, and who is told of what came of them.
struct Attempts<'a, 'm, C: Call, R> {
    elsewhere: &'a Elsewhere,
    memory: &'m Memory,
    retries: u32,
    outbox: &'a mut Option<Outbox<'m>>,
    came: &'a mut dyn FnMut(R, Ran<C>),
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

    /// Makes an attempt at each item, as [`Item::run`] does on this thread; `came` is told of each, with its tag.
    pub(super) fn run<'m, C: Call, R>(
        &self,
        memory: &'m Memory,
        items: impl Iterator<Item = (R, Item<C>)>,
        (patient, retries): (bool, u32),
        outbox: &mut Option<Outbox<'m>>,
        came: &mut dyn FnMut(R, Ran<C>),
    ) {
        let mut attempts = Attempts { elsewhere: self, memory, retries, outbox, came };
        let mut together = Vec::new();
        for (tag, item) in items {
            let Some(outgoing) = attempts.prepare(tag, item, patient) else { continue };
            if outgoing.0.ticket.as_ref().is_some_and(Ticket::has_lease) {
                attempts.send(vec![outgoing]);
            } else {
                together.push(outgoing);
            }
        }
        attempts.send(together);
    }

    /// Makes an attempt at one item.
    pub(super) fn run_one<'m, C: Call>(
        &self,
        memory: &'m Memory,
        item: Item<C>,
        terms: (bool, u32),
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let mut came = None;
        self.run(memory, iter::once(((), item)), terms, outbox, &mut |(), ran| came = Some(ran));
        came.expect("something comes of every item")
    }
}

impl<'m, C: Call, R> Attempts<'_, 'm, C, R> {
    /// Makes a job of an item, if it is to be computed here and now.
    fn prepare(&mut self, tag: R, item: Item<C>, patient: bool) -> Option<(Outgoing<'m, C, R>, Job)> {
        let mut outgoing = Outgoing { item, ticket: None, tag };
        let item = &outgoing.item;
        let job = match (&self.elsewhere.execute, item.call.memo()) {
            (Err(reason), _) => Err(not_sent(reason)),
            (_, None) => {
                Err(not_sent("a closure cannot be sent to another process: call a function under `#[memo]`"))
            }
            (Ok(_), Some(memo)) => {
                let begun = match &item.work {
                    Work::Keyed(key, reason) => self.memory.begin(*key, reason, &memo, patient),
                    Work::Plain(_) => None,
                };
                match begun {
                    None => {}
                    Some(Begun::Leads(ticket)) => outgoing.ticket = Some(ticket),
                    Some(Begun::Busy) => {
                        (self.came)(outgoing.tag, Ran::Busy(outgoing.item));
                        return None;
                    }
                    Some(Begun::Done(computed)) => {
                        let origin = Origin::of(&computed.source);
                        self.done(outgoing, origin, computed);
                        return None;
                    }
                }
                let key = outgoing.ticket.as_ref().and(outgoing.item.key());
                guarded(|| self.elsewhere.place.job(&memo, key, false).map_err(|unsent| not_sent(&unsent.0)))
            }
        };
        match job {
            Ok(job) => Some((outgoing, job)),
            Err(failure) => {
                self.fail(outgoing, failure);
                None
            }
        }
    }

    /// Has jobs run, and keeps their values.
    fn send(&mut self, outgoing: Vec<(Outgoing<'m, C, R>, Job)>) {
        let elsewhere = self.elsewhere;
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
                result => self.arrive(outgoing, result),
            }
        });
        let silent = || Err(not_sent("its executor says nothing of it"));
        for outgoing in left.into_iter().flatten() {
            self.arrive(outgoing, silent());
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
            self.arrive(outgoing, result);
        }
    }

    /// Keeps what came back for an item.
    fn arrive(&mut self, mut outgoing: Outgoing<'m, C, R>, result: Result<Reply, Failure>) {
        let Item { call, work, .. } = &outgoing.item;
        let mut accept = |reply| {
            let accepted = match (outgoing.ticket.take(), work) {
                (Some(ticket), Work::Keyed(key, reason)) => {
                    let miss = RemoteMiss { key: *key, reason: reason.clone(), ticket };
                    self.memory.accept(miss, call, reply, self.outbox.as_mut())
                }
                (_, Work::Keyed(_, reason) | Work::Plain(reason)) => {
                    self.memory.accept_plain(call, reason.clone(), &reply)
                }
            };
            accepted.map_err(|why| not_sent(&why))
        };
        match result.and_then(|reply| guarded(|| accept(reply))) {
            Ok(computed) => self.done(outgoing, Origin::Computed, computed),
            Err(failure) => self.fail(outgoing, failure),
        }
    }

    fn done(&mut self, outgoing: Outgoing<'m, C, R>, origin: Origin, computed: Computed<C::Output>) {
        let Outgoing { item, tag, .. } = outgoing;
        let done: Option<Done> = item.key().map(|key| (key, Ok(computed.shared)));
        let ran = Ran::Done { index: item.index, result: Ok(computed.value), origin, done };
        (self.came)(tag, ran);
    }

    /// Tells of a failure, or that the item is to be tried again. The call is here still, so that needs no copy of it.
    fn fail(&mut self, outgoing: Outgoing<'m, C, R>, failure: Failure) {
        let Outgoing { mut item, ticket, tag } = outgoing;
        drop(ticket);
        if failure.kind.is_retryable() && item.failures < self.retries {
            item.failures += 1;
            (self.came)(tag, Ran::Again(item));
            return;
        }
        let Failure { kind, message, place, .. } = failure;
        let error = TaskError::new(subject_of(item.index, &item.call), kind, message, place);
        let done = item.key().map(|key| (key, Err(error.clone())));
        let ran = Ran::Done { index: item.index, result: Err(error), origin: Origin::Computed, done };
        (self.came)(tag, ran);
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

/// Does something that may run `Serialize` or `Deserialize` of the user's, which may panic.
fn guarded<T>(act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| {
        let place = panics::take_place(&*payload);
        let text = text_of(&*payload).unwrap_or("a panic whose payload is not text");
        Err(Failure { place, ..Failure::new(TaskErrorKind::Panicked, text) })
    })
}

fn not_sent(reason: &str) -> Failure {
    Failure::new(TaskErrorKind::NotSent, reason)
}
