//! Misses that an [`Execute`] runs in other processes: what is sent, and what is done with replies.
//!
//! # Invariants
//! 1. The flight and the lease of a key are held here while another process computes it, so that it
//!    is computed once. If the executor [gathers](Execute::gathers), the lease is held there.
//! 2. Jobs whose leases are held here go alone: one that waits, where it runs, for another that lies
//!    behind it would wait for ever.

use std::iter;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::{AttemptOptions, Item, Ran, returned, send, subject_of};
use super::policy::Policy;
use crate::call::Call;
use crate::codec::other;
use crate::memory::{Computation, Memory, NotLed, Outbox, Part, Sender};
use crate::panics;
use crate::remote::{Again, Execute, Failure, Job, Reply, Route};
use crate::task_error::TaskError;

/// Where misses go.
#[derive(Debug)]
pub(super) struct Dispatch {
    execute: Result<Arc<dyn Execute>, String>,
    gathers: bool,
    sender: Sender,
    timeout: Option<Duration>,
}

/// An item that is about to be sent, and what belongs to it: `tag` is its owner's.
struct Outgoing<'m, C: Call, R> {
    item: Item<C>,
    /// If it has a key.
    computation: Option<Computation<'m, C::Output>>,
    tag: R,
}

/// An item that is to be sent once more, how, and why.
type Returned<'m, C, R> = (Outgoing<'m, C, R>, Again, Failure);

/// Attempts at items that run in other processes, and who is told of their results.
struct Attempts<'a, 'm, C: Call, R> {
    dispatch: &'a Dispatch,
    execute: &'a dyn Execute,
    memory: &'m Memory,
    options: AttemptOptions<'a, C::Output>,
    outbox: &'a mut Option<Outbox<'m>>,
    tell: &'a mut dyn FnMut(R, Ran<C>),
    is_stopped: &'a dyn Fn() -> bool,
}

impl Dispatch {
    /// `execute` takes jobs, or nobody does, for a reason.
    pub(super) fn new(
        execute: Result<Arc<dyn Execute>, String>,
        memory: &Memory,
        route: Route,
        timeout: Option<Duration>,
    ) -> Self {
        let gathers = execute.as_ref().is_ok_and(|execute| execute.gathers());
        Dispatch { execute, gathers, sender: Sender::new(memory, route, !gathers), timeout }
    }

    /// Whether all misses go together.
    pub(super) fn gathers(&self) -> bool {
        self.gathers
    }

    /// Makes an attempt at each item, as [`Item::run`] does on this thread; `tell` gets the result of each, with its tag. What is
    /// not there when the batch `is_stopped` may be left.
    pub(super) fn run<'m, C: Call, R>(
        &self,
        memory: &'m Memory,
        items: impl Iterator<Item = (R, Item<C>)>,
        options: AttemptOptions<'_, C::Output>,
        outbox: &mut Option<Outbox<'m>>,
        tell: &mut dyn FnMut(R, Ran<C>),
        is_stopped: &dyn Fn() -> bool,
    ) {
        let execute = match &self.execute {
            Ok(execute) => &**execute,
            Err(reason) => {
                let refuse = |item| fail(item, Failure::not_sent(reason), options.policy);
                return items.for_each(|(tag, item)| tell(tag, refuse(item)));
            }
        };
        let mut attempts = Attempts { dispatch: self, execute, memory, options, outbox, tell, is_stopped };
        let mut together = Vec::new();
        for (tag, item) in items {
            let Some(outgoing) = attempts.prepare(tag, item) else { continue };
            if outgoing.0.computation.as_ref().is_some_and(|computation| computation.turn.has_lease()) {
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
        options: AttemptOptions<'_, C::Output>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let mut result = None;
        let tell = &mut |(), ran| result = Some(ran);
        self.run(memory, iter::once(((), item)), options, outbox, tell, &|| false);
        result.expect("every item has a result")
    }
}

impl<'m, C: Call, R> Attempts<'_, 'm, C, R> {
    /// Makes a job of an item, if it is to be computed now.
    fn prepare(&mut self, tag: R, item: Item<C>) -> Option<(Outgoing<'m, C, R>, Job)> {
        let part = if self.dispatch.gathers { Part::Sends } else { Part::All };
        let computation = match guarded(|| Ok(item.begin(self.memory, self.options, part))) {
            Ok(Ok(computation)) => Some(computation),
            Ok(Err(NotLed::NoKey)) => None,
            Ok(Err(NotLed::Frozen(why))) => {
                (self.tell)(tag, item.refuse(&why, self.options.policy));
                return None;
            }
            Ok(Err(NotLed::Busy(key, by))) => {
                (self.tell)(tag, Ran::Busy(key, item, by));
                return None;
            }
            Ok(Err(NotLed::Done(computed))) => {
                (self.tell)(tag, item.end(Ok(computed), self.options.policy));
                return None;
            }
            Err(failure) => {
                self.fail(Outgoing { item, computation: None, tag }, failure);
                return None;
            }
        };
        let outgoing = Outgoing { item, computation, tag };
        match self.job(&outgoing, None) {
            Ok(job) => Some((outgoing, job)),
            Err(failure) => {
                self.fail(outgoing, failure);
                None
            }
        }
    }

    fn job(&self, outgoing: &Outgoing<'m, C, R>, again: Option<Again>) -> Result<Job, Failure> {
        let Outgoing { item, computation, .. } = outgoing;
        // Of one that is sent again since its value vanished, the computation is over. What was lent for it here is free, so that
        // it has no key; who holds the lease there has the value.
        let is_kept = computation.is_some() || self.dispatch.gathers && again.is_some();
        let key = item.key().filter(|_| is_kept);
        guarded(|| self.dispatch.sender.job(&item.call, key, &item.miss.reason, again))
    }

    /// Has jobs run, and keeps their values.
    fn send(&mut self, outgoing: Vec<(Outgoing<'m, C, R>, Job)>) {
        if outgoing.is_empty() {
            return;
        }
        let (execute, timeout) = (self.execute, self.dispatch.timeout);
        let (outgoing, jobs): (Vec<_>, Vec<_>) = outgoing.into_iter().unzip();
        let mut left: Vec<_> = outgoing.into_iter().map(Some).collect();
        let mut again = Vec::new();
        let mut event = |event: Option<(usize, Result<Reply, Failure>)>| {
            match event {
                Some((place, result)) => {
                    if let Some(outgoing) = left.get_mut(place).and_then(Option::take) {
                        again.extend(self.arrive(outgoing, result));
                    }
                }
                // What is done is stored before the next is waited for.
                None => send(self.outbox),
            }
            if (self.is_stopped)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let run = || execute.run_in_steps(&jobs, timeout, &mut event);
        let failure = match panics::catch(run) {
            Ok(()) => silent(),
            Err(payload) => Failure::panicked(&payload),
        };
        for outgoing in left.into_iter().flatten() {
            self.fail(outgoing, failure.clone());
        }
        let together = if self.dispatch.gathers { again.len() } else { 1 };
        let mut again = again.into_iter();
        while again.len() > 0 {
            self.send_again(again.by_ref().take(together).collect());
        }
    }

    /// Sends jobs once more. Something was missing: a file could not be opened there, or somebody has
    /// cleared the store. This time the arguments go with the job, and its value comes with the reply
    /// if it was the value that vanished. Or an argument does not arrive
    /// in the encoding that it was in: the next calls of the function go in the one that works.
    fn send_again(&mut self, again: Vec<Returned<'m, C, R>>) {
        let mut results = Vec::new();
        let mut jobs = Vec::new();
        let mut places = Vec::new();
        for (place, (outgoing, again, _)) in again.iter().enumerate() {
            match self.job(outgoing, Some(*again)) {
                Ok(job) => {
                    jobs.push(job);
                    places.push(place);
                    results.push(Err(silent()));
                }
                Err(failure) => results.push(Err(failure)),
            }
        }
        let run = || {
            self.execute.run(&jobs, self.dispatch.timeout, &mut |index, reply| {
                if let Some(&place) = places.get(index) {
                    results[place] = reply;
                }
            });
        };
        if let Err(payload) = panics::catch(run) {
            let failure = Failure::panicked(&payload);
            for &place in &places {
                results[place] = Err(failure.clone());
            }
        }
        for ((outgoing, again, _), result) in again.into_iter().zip(results) {
            self.arrive_again(outgoing, again, result);
        }
    }

    fn arrive_again(&mut self, outgoing: Outgoing<'m, C, R>, again: Again, result: Result<Reply, Failure>) {
        let arrives = !matches!(result, Err(Failure { again: Some(Again::NotIn(_)), .. }));
        if let Again::NotIn(encoding) = again
            && arrives
            && let Some(memo) = outgoing.item.call.memo()
        {
            memo.call.function.arguments().set(other(encoding));
        }
        if let Some((outgoing, again, failure)) = self.arrive(outgoing, result) {
            let vanished = || Failure::not_sent("its arguments or its value vanished on their way, twice");
            self.fail(outgoing, if again == Again::Inside { vanished() } else { failure });
        }
    }

    /// Takes in the result of a job; the item, if it is to be sent again, with how and why.
    fn arrive(
        &mut self,
        outgoing: Outgoing<'m, C, R>,
        result: Result<Reply, Failure>,
    ) -> Option<Returned<'m, C, R>> {
        let Outgoing { item, mut computation, tag } = outgoing;
        let policy = self.options.policy;
        let mut is_to_retry = false;
        let is_final = |value: &C::Output| {
            is_to_retry = policy.is_to_retry(value, item.failures);
            !is_to_retry
        };
        let accepted = result.and_then(|reply| {
            let (computation, outbox) = (computation.take(), self.outbox.as_mut());
            let (call, reason) = (&item.call, &item.miss.reason);
            guarded(|| self.memory.accept(call, reason, computation, reply, outbox, is_final))
        });
        match accepted {
            Ok(computed) if is_to_retry => {
                panics::drop_quietly(computed);
                let failure = returned(subject_of(item.index, &item.call));
                (self.tell)(tag, item.again(failure, policy));
            }
            Ok(computed) => (self.tell)(tag, item.end(Ok(computed), policy)),
            Err(failure) => {
                let outgoing = Outgoing { item, computation, tag };
                match failure.again {
                    Some(again) => return Some((outgoing, again, failure)),
                    None => self.fail(outgoing, failure),
                }
            }
        }
        None
    }

    /// Tells of a failure, or that the item is to be tried again.
    fn fail(&mut self, outgoing: Outgoing<'m, C, R>, failure: Failure) {
        let Outgoing { item, computation, tag } = outgoing;
        drop(computation);
        (self.tell)(tag, fail(item, failure, self.options.policy));
    }
}

/// What becomes of an item that has no reply. Its call was not run here, so that another attempt needs no copy of it.
fn fail<C: Call>(item: Item<C>, failure: Failure, policy: &Policy<C::Output>) -> Ran<C> {
    let Failure { kind, message, place, .. } = failure;
    let error = TaskError::new(subject_of(item.index, &item.call), kind, message, place);
    item.fail(error, policy)
}

/// Does something that may run `Serialize` or `Deserialize` of the user's, which may panic.
fn guarded<T>(act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panics::catch(act).unwrap_or_else(|payload| Err(Failure::panicked(&payload)))
}

fn silent() -> Failure {
    Failure::not_sent("its executor says nothing of it")
}
