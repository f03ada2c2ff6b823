//! Misses of a batch that run elsewhere, by an [`Execute`]: what is sent, and what is done with what comes back.
//!
//! # Invariants
//! 1. The flight and the lease of a key are held here while it is computed elsewhere: it is computed once, whoever asks.
//! 2. Jobs that hold leases go alone: one that waits, where it runs, for another that lies behind it would wait for ever.

use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batch, Done, Settled, lock, subject_of};
use super::queue::{Item, Work};
use crate::call::Call;
use crate::key::Key;
use crate::memory::{Begun, Computed, Memory, Outbox, RemoteMiss};
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

/// An item that is about to be run elsewhere.
struct Outgoing<'m, C> {
    index: usize,
    call: C,
    job: Job,
    work: Ready<'m>,
}

/// What becomes of the value.
enum Ready<'m> {
    /// Nothing is kept.
    Plain,
    Keyed(RemoteMiss<'m>),
}

/// What came of preparing an item.
enum Prepared<'m, C> {
    /// It is done, or waits for somebody else.
    Settled(Option<Done>),
    Goes(Box<Outgoing<'m, C>>),
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
            match self.prepare(elsewhere, item, patient, settled) {
                Prepared::Settled(settled) => done.extend(settled),
                Prepared::Goes(outgoing) => {
                    let goes_alone = match &outgoing.work {
                        Ready::Keyed(miss) => miss.ticket.has_lease(),
                        Ready::Plain => false,
                    };
                    if goes_alone {
                        done.extend(self.send(elsewhere, vec![*outgoing], outbox, settled));
                    } else {
                        together.push(*outgoing);
                    }
                }
            }
        }
        done.extend(self.send(elsewhere, together, outbox, settled));
        done
    }

    /// Makes a job of an item, if it is to be computed here and now.
    fn prepare<'m>(
        &'m self,
        elsewhere: &'m Elsewhere,
        item: Item<C>,
        patient: bool,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Prepared<'m, C> {
        let Item { index, call, work } = item;
        let refused = |key: Option<Key>, failure: Failure, settled: &mut Vec<_>| {
            let error = error_of(index, &call, failure);
            self.finish(index, Err(error.clone()), settled);
            Prepared::Settled(key.map(|key| (key, Err(error))))
        };
        let key = match &work {
            Work::Keyed(key, _) => Some(*key),
            Work::Plain(_) => None,
        };
        if let Err(reason) = &elsewhere.execute {
            return refused(key, not_sent(reason), settled);
        }
        let Some(memo) = call.memo() else {
            let reason = "a closure cannot be sent to another process: call a function under `#[memo]`";
            return refused(key, not_sent(reason), settled);
        };
        let ready = match work {
            Work::Plain(_) => Ready::Plain,
            Work::Keyed(key, reason) => match self.memory().begin(key, &reason, &memo, patient) {
                None => Ready::Plain,
                Some(Begun::Done(Computed { value, shared, .. })) => {
                    self.finish(index, Ok(value), settled);
                    return Prepared::Settled(Some((key, Ok(shared))));
                }
                Some(Begun::Busy) => {
                    self.defer(Item { index, call, work: Work::Keyed(key, reason) });
                    return Prepared::Settled(None);
                }
                Some(Begun::Leads(ticket)) => Ready::Keyed(RemoteMiss { key, reason, ticket }),
            },
        };
        match elsewhere.place.job(&memo, key, false) {
            Ok(job) => Prepared::Goes(Box::new(Outgoing { index, call, job, work: ready })),
            Err(unsent) => refused(key, not_sent(&unsent.0), settled),
        }
    }

    /// Has jobs run, and keeps their values.
    fn send<'m>(
        &'m self,
        elsewhere: &'m Elsewhere,
        outgoing: Vec<Outgoing<'m, C>>,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Vec<Done> {
        let Ok(execute) = &elsewhere.execute else { return Vec::new() };
        let (mut jobs, mut left) = (Vec::with_capacity(outgoing.len()), Vec::with_capacity(outgoing.len()));
        for Outgoing { index, call, job, work } in outgoing {
            jobs.push(job);
            left.push(Some((index, call, work)));
        }
        let mut done = Vec::with_capacity(jobs.len());
        let mut again = Vec::new();
        execute.run(&jobs, elsewhere.timeout, &mut |place, result| {
            let Some((index, call, work)) = left.get_mut(place).and_then(Option::take) else { return };
            match result {
                Err(failure) if failure.argument_gone => again.push((index, call, work)),
                result => done.extend(self.arrive(index, &call, work, result, outbox, settled)),
            }
        });
        let silent = || not_sent("its executor says nothing of it");
        for (index, call, work) in left.into_iter().flatten() {
            done.extend(self.arrive(index, &call, work, Err(silent()), outbox, settled));
        }
        // Somebody has cleared the store: this time the arguments go with the job.
        for (index, call, work) in again {
            let mut result = Err(silent());
            match call.memo().map(|memo| elsewhere.place.job(&memo, work.key(), true)) {
                Some(Ok(job)) => execute.run(&[job], elsewhere.timeout, &mut |_, came| result = came),
                Some(Err(unsent)) => result = Err(not_sent(&unsent.0)),
                None => {}
            }
            done.extend(self.arrive(index, &call, work, result, outbox, settled));
        }
        done
    }

    /// Keeps what came back for an item.
    fn arrive<'m>(
        &'m self,
        index: usize,
        call: &C,
        work: Ready<'m>,
        result: Result<Reply, Failure>,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Option<Done> {
        let key = work.key();
        let accepted = result.and_then(|reply| {
            let accepted = match work {
                Ready::Plain => self.memory().accept_plain(call, &reply).map(|value| (value, None)),
                Ready::Keyed(miss) => {
                    let accepted = self.memory().accept(miss, call, reply, outbox.as_mut());
                    accepted.map(|computed| (computed.value, computed.shared))
                }
            };
            accepted.map_err(|why| not_sent(&why))
        });
        match accepted {
            Ok((value, shared)) => {
                self.finish(index, Ok(value), settled);
                key.map(|key| (key, Ok(shared)))
            }
            Err(failure) => {
                let error = error_of(index, call, failure);
                self.finish(index, Err(error.clone()), settled);
                key.map(|key| (key, Err(error)))
            }
        }
    }

    fn defer(&self, item: Item<C>) {
        lock(&self.state).deferred.push_back(item);
    }
}

impl Ready<'_> {
    fn key(&self) -> Option<Key> {
        match self {
            Ready::Plain => None,
            Ready::Keyed(miss) => Some(miss.key),
        }
    }
}

fn not_sent(reason: &str) -> Failure {
    Failure::new(TaskErrorKind::NotSent, reason)
}

fn error_of<C: Call>(index: usize, call: &C, failure: Failure) -> TaskError {
    TaskError::new(subject_of(index, call), failure.kind, failure.message, failure.place)
}
