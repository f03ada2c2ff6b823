//! The large arguments that this process lends, so that calls that share one share its file.
//!
//! # When an argument goes
//! - While a job needs it, it stays.
//! - One that only one call has needed goes when the next call is sent.
//! - One that several calls have needed goes after [`RECENT`] calls without it.
//! - When no batch and no submitted call is left that sends jobs, all go.
//!
//! Which calls will come cannot be known: their arguments are seen when they are sent. What has gone and is needed again is
//! written again, and stays longer then.
//!
//! An argument is known by its length and checksum, so equal arguments at several places share a
//! file.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use super::lent::Lent;
use crate::checksum::Running;
use crate::codec::Encoded;
use crate::lock::lock;

/// An argument that calls share stays for so many calls that do not need it.
const RECENT: u64 = 64;

/// So many calls it is remembered that there was an argument.
const REMEMBERED: u64 = 1024;

/// The arguments of this process.
pub(crate) static SHELF: Mutex<Shelf> = Mutex::new(Shelf { senders: 0, calls: 0, arguments: None });

/// What tells arguments apart: length and checksum of their bytes.
type Id = (usize, [u8; 16]);

/// `None` where it could not be written.
type File = Arc<OnceLock<Option<Arc<Lent>>>>;

/// Arguments that are lent, or were a while ago.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// Batches and submitted calls that may send jobs.
    senders: usize,
    /// Calls that were sent.
    calls: u64,
    arguments: Option<HashMap<Id, Argument>>,
}

#[derive(Debug)]
struct Argument {
    file: Option<File>,
    is_shared: bool,
    /// The call that needed it first.
    first: u64,
    /// How many calls had been sent when it was needed last.
    last: u64,
}

impl Shelf {
    /// A sender of jobs begins.
    pub(crate) fn enter(&mut self) {
        self.senders += 1;
    }

    /// A sender of jobs ends.
    pub(crate) fn leave(&mut self) {
        self.senders -= 1;
        if self.senders == 0 {
            self.arguments = None;
        }
    }

    /// The number of a call that is about to be sent, for what it needs. Others may be numbered before it asks.
    pub(super) fn next_call(&mut self) -> u64 {
        self.calls += 1;
        let now = self.calls;
        let Some(arguments) = &mut self.arguments else { return now };
        arguments.retain(|_, argument| {
            let age = now - argument.last;
            let is_needed = argument.file.as_ref().is_some_and(is_needed);
            if !is_needed && age > if argument.is_shared { RECENT } else { 1 } {
                argument.file = None;
            }
            is_needed || age <= REMEMBERED
        });
        now
    }

    /// The file of an argument that a call needs, which may not be written yet.
    fn file(&mut self, id: Id, call: u64) -> File {
        let now = self.calls;
        let arguments = self.arguments.get_or_insert_default();
        let argument =
            arguments.entry(id).or_insert(Argument { file: None, is_shared: false, first: call, last: now });
        argument.is_shared |= argument.first != call;
        argument.last = now;
        Arc::clone(argument.file.get_or_insert_default())
    }
}

/// Whether anything but the shelf refers to it.
fn is_needed(file: &File) -> bool {
    Arc::strong_count(file) > 1
        || file.get().is_some_and(|lent| lent.as_ref().is_some_and(|lent| Arc::strong_count(lent) > 1))
}

/// Lends an argument to a call: one of the same bytes that is on the shelf, or this. `None` if there is no memory for its
/// file.
pub(super) fn lend(shelf: &Mutex<Shelf>, argument: &Encoded<'_>, call: u64) -> Option<Arc<Lent>> {
    let file = lock(shelf).file(id_of(argument), call);
    // Not under the lock of the shelf: to write it takes its time, and others that need it wait.
    file.get_or_init(|| Lent::new(&argument.bytes).ok().map(Arc::new)).clone()
}

/// The checksum has a seed that only this process knows, so that nobody can make two arguments that have one.
fn id_of(argument: &Encoded<'_>) -> Id {
    static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("arguments"));
    let mut checksum = Running::with_seed(*SEED);
    checksum.update(&[argument.codec]);
    argument.bytes.parts().for_each(|part| checksum.update(part));
    (argument.bytes.len(), checksum.finish())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::Weak;

    use super::*;
    use crate::codec::POSITIONAL;
    use crate::payload::Bytes;

    /// A shelf with a sender.
    fn shelf() -> Mutex<Shelf> {
        Mutex::new(Shelf { senders: 1, calls: 0, arguments: None })
    }

    fn lend_byte(shelf: &Mutex<Shelf>, byte: u8, call: u64) -> Arc<Lent> {
        let argument = Encoded { codec: POSITIONAL, bytes: Bytes::Owned(vec![byte; 1000]) };
        lend(shelf, &argument, call).expect("there is memory")
    }

    /// A call that needs these; what it was lent.
    fn call(shelf: &Mutex<Shelf>, bytes: &[u8]) -> Vec<Arc<Lent>> {
        let call = lock(shelf).next_call();
        bytes.iter().map(|&byte| lend_byte(shelf, byte, call)).collect()
    }

    /// The same, once it is over.
    fn call_and_return(shelf: &Mutex<Shelf>, bytes: &[u8]) -> Vec<Weak<Lent>> {
        call(shelf, bytes).iter().map(Arc::downgrade).collect()
    }

    #[test]
    fn calls_that_share_arguments_share_their_files_though_none_is_under_way() {
        let shelf = shelf();
        let first = call_and_return(&shelf, &[1, 2]);
        for _ in 0..50 {
            let again = call(&shelf, &[1, 2]);
            assert!(first.iter().zip(&again).all(|(first, again)| first.as_ptr() == Arc::as_ptr(again)));
        }
    }

    #[test]
    fn an_argument_of_one_call_goes_with_the_call_after_the_next() {
        let shelf = shelf();
        let first = call_and_return(&shelf, &[1]);
        let second = call_and_return(&shelf, &[2]);
        assert!(first[0].upgrade().is_some(), "it was the last");
        call(&shelf, &[3]);
        assert!(first[0].upgrade().is_none() && second[0].upgrade().is_some());
    }

    #[test]
    fn a_shared_argument_stays_for_a_while_and_then_goes() {
        let shelf = shelf();
        call(&shelf, &[1]);
        let shared = call_and_return(&shelf, &[1]);
        for _ in 0..RECENT {
            call(&shelf, &[]);
        }
        assert!(shared[0].upgrade().is_some());
        call(&shelf, &[]);
        assert!(shared[0].upgrade().is_none());
        // It is known to be shared when it comes again.
        let again = call_and_return(&shelf, &[1]);
        call(&shelf, &[]);
        call(&shelf, &[]);
        assert!(again[0].upgrade().is_some());
    }

    /// Regression: both were taken for the second, so the argument went while the next two made themselves ready.
    #[test]
    fn calls_that_are_made_ready_at_the_same_time_share_their_arguments() {
        let shelf = shelf();
        let both = [(); 2].map(|()| lock(&shelf).next_call());
        let file = both.map(|call| Arc::downgrade(&lend_byte(&shelf, 1, call)))[1].clone();
        let next = [(); 2].map(|()| lock(&shelf).next_call());
        assert!(next.iter().all(|&call| Arc::as_ptr(&lend_byte(&shelf, 1, call)) == file.as_ptr()));
        // One that asks twice is one call.
        let once = lock(&shelf).next_call();
        let own = [lend_byte(&shelf, 2, once), lend_byte(&shelf, 2, once)].map(|lent| Arc::downgrade(&lent));
        call(&shelf, &[]);
        call(&shelf, &[]);
        assert!(own[0].upgrade().is_none());
    }

    #[test]
    fn what_a_job_needs_stays_and_is_shared() {
        let shelf = shelf();
        let needed = call(&shelf, &[1]);
        for byte in 0..=u8::MAX {
            call(&shelf, &[byte]);
        }
        (0..2 * REMEMBERED).for_each(|_| drop(call(&shelf, &[])));
        assert!(Arc::ptr_eq(&needed[0], &call(&shelf, &[1])[0]));
    }

    #[test]
    fn nothing_stays_when_nobody_sends_any_more() {
        let shelf = shelf();
        lock(&shelf).enter();
        let lent = call_and_return(&shelf, &[1, 2]);
        lock(&shelf).leave();
        assert!(lent.iter().all(|lent| lent.upgrade().is_some()));
        lock(&shelf).leave();
        assert!(lent.iter().all(|lent| lent.upgrade().is_none()));
    }

    #[test]
    fn equal_bytes_in_other_parts_are_one_argument_and_another_encoding_is_another() {
        let whole = Encoded { codec: POSITIONAL, bytes: Bytes::Owned(vec![1, 2, 3]) };
        let parts = Bytes::Parts(vec![vec![1].into(), vec![2, 3].into()]);
        assert_eq!(id_of(&whole), id_of(&Encoded { codec: POSITIONAL, bytes: parts }));
        assert_ne!(id_of(&whole), id_of(&Encoded { codec: crate::codec::RAW, ..whole.clone() }));
    }
}
