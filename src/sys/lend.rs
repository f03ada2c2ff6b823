//! Lends a function that borrows to threads that may outlive the borrow.
//!
//! A batch borrows what its calls borrow, and the threads of a pool do not know when the batch is over. So they get a
//! [`LentFunction`]: as long as the lender is inside [`LentFunction::while_lent`] they may call the function; afterwards a call does
//! nothing. The lender does not leave before the last call has returned. That is what scoped threads do, for threads that
//! are not started for the scope.

use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::lock::lock;

/// A function on loan.
pub(crate) struct LentFunction<A: 'static, R: 'static> {
    state: Mutex<LoanState<A, R>>,
    /// Notified when the last call of a loan that has ended returns.
    returned: Condvar,
}

type Function<A, R> = dyn Fn(A) -> R + Sync;

struct LoanState<A: 'static, R: 'static> {
    /// `None` when the loan has ended.
    function: Option<NonNull<Function<A, R>>>,
    /// Calls that have not returned.
    calls: usize,
}

// SAFETY: the pointer is a shared reference to a function that is `Sync`, so that any thread may call it. Arguments and
// results go from one thread to another only by the caller's own hand, who makes the former and takes the latter.
unsafe impl<A, R> Send for LentFunction<A, R> {}
// SAFETY: as above; the pointer is only touched under the lock.
unsafe impl<A, R> Sync for LentFunction<A, R> {}

impl<A: 'static, R: 'static> LentFunction<A, R> {
    /// Lends `function` for as long as `act` runs, then waits until no call of it runs any more.
    pub(crate) fn while_lent<T>(
        function: &(dyn Fn(A) -> R + Sync + '_),
        act: impl FnOnce(&Arc<Self>) -> T,
    ) -> T {
        // SAFETY: only the lifetime of what the function borrows is changed. `call` uses the pointer between counting itself
        // in and counting itself out, and `End` removes the pointer and waits until nobody is counted, before this function
        // returns or unwinds: so it is never used after the borrow has ended. `End` lives on this stack, cannot be
        // forgotten, and its waiting cannot be skipped.
        let function: &'static Function<A, R> = unsafe { std::mem::transmute(function) };
        let state = LoanState { function: Some(NonNull::from(function)), calls: 0 };
        let lent = Arc::new(LentFunction { state: Mutex::new(state), returned: Condvar::new() });
        let _end = End(&lent);
        act(&lent)
    }

    /// Calls the function, unless the loan has ended.
    pub(crate) fn call(&self, argument: A) -> Option<R> {
        let function = {
            let mut state = lock(&self.state);
            let function = state.function?;
            state.calls += 1;
            function
        };
        let _returned = Returned(self);
        // SAFETY: the call is counted, so the lender waits for it (see `while_lent`).
        Some(unsafe { function.as_ref() }(argument))
    }
}

/// Ends the loan when it is dropped.
struct End<'l, A: 'static, R: 'static>(&'l LentFunction<A, R>);

impl<A, R> Drop for End<'_, A, R> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.function = None;
        while state.calls > 0 {
            state = self.0.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Counts a call out when it is dropped, also by a panic of the function.
struct Returned<'l, A: 'static, R: 'static>(&'l LentFunction<A, R>);

impl<A, R> Drop for Returned<'_, A, R> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.calls -= 1;
        // Under the lock: the lender may drop its borrow, but not this, which is behind an `Arc`, before it is unlocked.
        if state.calls == 0 && state.function.is_none() {
            self.0.returned.notify_all();
        }
    }
}

impl<A, R> fmt::Debug for LentFunction<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        write!(f, "LentFunction(ended: {}, calls: {})", state.function.is_none(), state.calls)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_loan_ends_only_when_the_last_call_has_returned() {
        let (begun, has_begun) = mpsc::channel();
        let inside = AtomicUsize::new(0);
        let text = String::from("borrowed");
        let function = |begun: mpsc::Sender<()>| {
            inside.fetch_add(1, SeqCst);
            begun.send(()).unwrap();
            thread::sleep(Duration::from_millis(20));
            inside.fetch_sub(1, SeqCst);
            text.len()
        };
        let (caller, lent) = LentFunction::while_lent(&function, |lent| {
            let theirs = Arc::clone(lent);
            let caller = thread::spawn(move || theirs.call(begun));
            has_begun.recv().unwrap();
            (caller, Arc::clone(lent))
        });
        assert_eq!(inside.load(SeqCst), 0);
        assert_eq!(caller.join().unwrap(), Some(8));
        assert_eq!(lent.call(mpsc::channel().0), None, "it has ended");
    }

    #[test]
    fn a_panic_on_either_side_ends_a_call_and_the_loan() {
        let function = |x: u8| {
            assert!(x != 3, "three");
            x
        };
        let mut kept = None;
        let lending = AssertUnwindSafe(|| {
            LentFunction::while_lent(&function, |lent| {
                kept = Some(Arc::clone(lent));
                assert!(catch_unwind(AssertUnwindSafe(|| lent.call(3))).is_err());
                assert_eq!(lent.call(4), Some(4));
                panic!("the lender gives up");
            })
        });
        assert!(catch_unwind(lending).is_err());
        assert_eq!(kept.unwrap().call(4), None);
    }
}
