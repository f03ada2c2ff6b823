//! Misses that run elsewhere, by an [`Execute`]: what is sent, and what is done with what comes back.
//!
//! # Invariants
//! 1. The flight and the lease of a key are held here while it is computed elsewhere: it is computed once, whoever asks.
//! 2. Jobs that hold leases go alone: one that waits, where it runs, for another that lies behind it would wait for ever.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::{AttemptTerms, Done, Item, Origin, Ran, Work, end_of, send, subject_of};
use crate::call::Call;
use crate::memory::{Begun, Computed, Memory, Outbox, RemoteMiss, Sender, Ticket};
use crate::panics;
use crate::remote::{Execute, Failure, Job, Reply, Route};
use crate::task_error::TaskError;

/// Where misses go.
#[derive(Debug)]
pub(super) struct Dispatch {
    execute: Result<Arc<dyn Execute>, String>,
    sender: Sender,
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
    dispatch: &'a Dispatch,
    memory: &'m Memory,
    terms: AttemptTerms<'a>,
    outbox: &'a mut Option<Outbox<'m>>,
    came: &'a mut dyn FnMut(R, Ran<C>),
}

impl Dispatch {
    /// `execute` takes jobs, or nobody does, for a reason.
    pub(super) fn new(
        execute: Result<Arc<dyn Execute>, String>,
        memory: &Memory,
        route: Route,
        timeout: Option<Duration>,
    ) -> Self {
        Dispatch { execute, sender: Sender::new(memory, route), timeout }
    }

    /// Makes an attempt at each item, as [`Item::run`] does on this thread; `came` is told of each, with its tag.
    pub(super) fn run<'m, C: Call, R>(
        &self,
        memory: &'m Memory,
        items: impl Iterator<Item = (R, Item<C>)>,
        terms: AttemptTerms<'_>,
        outbox: &mut Option<Outbox<'m>>,
        came: &mut dyn FnMut(R, Ran<C>),
    ) {
        let mut attempts = Attempts { dispatch: self, memory, terms, outbox, came };
        let mut together = Vec::new();
        for (tag, item) in items {
            let Some(outgoing) = attempts.prepare(tag, item) else { continue };
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
        terms: AttemptTerms<'_>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let mut came = None;
        self.run(memory, iter::once(((), item)), terms, outbox, &mut |(), ran| came = Some(ran));
        came.expect("something comes of every item")
    }
}

impl<'m, C: Call, R> Attempts<'_, 'm, C, R> {
    /// Makes a job of an item, if it is to be computed here and now.
    fn prepare(&mut self, tag: R, item: Item<C>) -> Option<(Outgoing<'m, C, R>, Job)> {
        let mut outgoing = Outgoing { item, ticket: None, tag };
        let item = &outgoing.item;
        let job = match (&self.dispatch.execute, item.call.memo()) {
            (Err(reason), _) => Err(Failure::not_sent(reason)),
            (_, None) => Err(Failure::not_sent(
                "a closure cannot be sent to another process: call a function under `#[memo]`",
            )),
            (Ok(_), Some(memo)) => {
                let meanwhile = self.terms.meanwhile(item);
                let begun = guarded(|| {
                    Ok(match &item.work {
                        Work::Keyed(key, reason) => self.memory.begin(*key, reason, &memo, meanwhile),
                        Work::Plain(_) => None,
                    })
                });
                match begun {
                    Err(failure) => {
                        self.fail(outgoing, failure);
                        return None;
                    }
                    Ok(None) => {}
                    Ok(Some(Begun::Leads(ticket))) => outgoing.ticket = Some(ticket),
                    Ok(Some(Begun::Busy(by))) => {
                        let Work::Keyed(key, _) = outgoing.item.work else { return None };
                        (self.came)(outgoing.tag, Ran::Busy(key, outgoing.item, by));
                        return None;
                    }
                    Ok(Some(Begun::Done(computed))) => {
                        let origin = Origin::of(&computed.source);
                        self.done(outgoing, origin, computed);
                        return None;
                    }
                }
                let key = outgoing.ticket.as_ref().and(outgoing.item.key());
                guarded(|| {
                    self.dispatch.sender.job(&memo, key, false).map_err(|unsent| Failure::not_sent(unsent.0))
                })
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
        let elsewhere = self.dispatch;
        let Ok(execute) = &elsewhere.execute else { return };
        if outgoing.is_empty() {
            return;
        }
        let (outgoing, jobs): (Vec<_>, Vec<_>) = outgoing.into_iter().unzip();
        let mut left: Vec<_> = outgoing.into_iter().map(Some).collect();
        let mut again = Vec::new();
        let mut came = |event: Option<(usize, Result<Reply, Failure>)>| match event {
            Some((place, result)) => {
                if let Some(outgoing) = left.get_mut(place).and_then(Option::take) {
                    again.extend(self.arrive(outgoing, result));
                }
            }
            // What is done is stored before the next is waited for.
            None => send(self.outbox),
        };
        let run = || execute.run_in_steps(&jobs, elsewhere.timeout, &mut came);
        let failure = match panics::catch(run) {
            Ok(()) => silent(),
            Err(payload) => Failure::panicked(&payload),
        };
        for outgoing in left.into_iter().flatten() {
            self.fail(outgoing, failure.clone());
        }
        // A file could not be opened there, or somebody has cleared the store. This time the arguments go with the job; and if it was
        // the value that vanished, that is to come with the reply, since the job has no key.
        for outgoing in again {
            let mut result = Err(silent());
            let key = outgoing.ticket.as_ref().and(outgoing.item.key());
            let made = guarded(|| {
                let memo = outgoing.item.call.memo().ok_or_else(silent)?;
                elsewhere.sender.job(&memo, key, true).map_err(|unsent| Failure::not_sent(unsent.0))
            });
            match made {
                Ok(job) => {
                    let run = || execute.run(&[job], elsewhere.timeout, &mut |_, came| result = came);
                    if let Err(payload) = panics::catch(run) {
                        result = Err(Failure::panicked(&payload));
                    }
                }
                Err(failure) => result = Err(failure),
            }
            if let Some(outgoing) = self.arrive(outgoing, result) {
                self.fail(
                    outgoing,
                    Failure::not_sent("its arguments or its value vanished on their way, twice"),
                );
            }
        }
    }

    /// Keeps what came back for an item; the item, if it is to be sent again since something vanished from the store.
    fn arrive(
        &mut self,
        mut outgoing: Outgoing<'m, C, R>,
        result: Result<Reply, Failure>,
    ) -> Option<Outgoing<'m, C, R>> {
        let reply = match result {
            Ok(reply) => reply,
            Err(failure) if failure.is_missing => return Some(outgoing),
            Err(failure) => {
                self.fail(outgoing, failure);
                return None;
            }
        };
        let Item { call, work, .. } = &outgoing.item;
        let ticket = outgoing.ticket.take();
        let accepted = guarded(|| match (ticket, work) {
            (Some(ticket), Work::Keyed(key, reason)) => {
                let miss = RemoteMiss { key: *key, reason: reason.clone(), ticket };
                self.memory.accept(miss, call, reply, self.outbox.as_mut())
            }
            (_, Work::Keyed(_, reason) | Work::Plain(reason)) => {
                self.memory.accept_plain(call, reason.clone(), &reply)
            }
        });
        match accepted {
            Ok(computed) => self.done(outgoing, Origin::Computed, computed),
            Err(failure) if failure.is_missing => return Some(outgoing),
            Err(failure) => self.fail(outgoing, failure),
        }
        None
    }

    fn done(&mut self, outgoing: Outgoing<'m, C, R>, origin: Origin, computed: Computed<C::Output>) {
        let Outgoing { item, tag, .. } = outgoing;
        let done: Option<Done> = item.key().map(|key| (key, Ok(computed.shared)));
        let result = end_of(item.index, item.call, Ok(computed.value));
        (self.came)(tag, Ran::Done { index: item.index, result, origin, done });
    }

    /// Tells of a failure, or that the item is to be tried again. The call is here still, so that needs no copy of it.
    fn fail(&mut self, outgoing: Outgoing<'m, C, R>, failure: Failure) {
        let Outgoing { mut item, ticket, tag } = outgoing;
        drop(ticket);
        if failure.kind.is_retryable() && item.failures < self.terms.retries {
            item.failures += 1;
            (self.came)(tag, Ran::Again(item));
            return;
        }
        let Failure { kind, message, place, .. } = failure;
        let error = TaskError::new(subject_of(item.index, &item.call), kind, message, place);
        let done = item.key().map(|key| (key, Err(error.clone())));
        let result = end_of(item.index, item.call, Err(error));
        (self.came)(tag, Ran::Done { index: item.index, result, origin: Origin::Computed, done });
    }
}

/// Does something that may run `Serialize` or `Deserialize` of the user's, which may panic.
fn guarded<T>(act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panics::catch(act).unwrap_or_else(|payload| Err(Failure::panicked(&payload)))
}

fn silent() -> Failure {
    Failure::not_sent("its executor says nothing of it")
}
