//! Panics of the user's code: they are caught here, and what is left of them, and of values that it
//! made, is dropped here.
//!
//! # Where a task panicked
//! Only a panic hook is told. It is chained before the one that is there when the first batch of
//! the process runs, and calls that one. A hook that the program sets later takes its place: then
//! the places of panics are not known, and nothing else is lost. The hook asks whether this thread
//! is inside a task.
//!
//! # What is dropped
//! A `Drop` of the user's may panic: of arguments, of values, of what a task panicked with. Where
//! the library drops such a thing, it goes no further ([`Quiet`]): nobody could take note of it but
//! a batch or a wait that has nothing to do with it.
//!
//! A panic of the user's code that unwound the library would end a helper, and with it whatever
//! waits for it. As long as something is to come of a call, a panic of its argument is that; a
//! `Serialize` of a value that panics costs its entry. Things are dropped each by itself: two that
//! panic in one vector would end the process.
//!
//! The place of a panic is believed only if the text that was noted with it is that of the payload.
//! A panic that rayon carried over from another thread would otherwise get the place of an earlier
//! one.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::events;
use crate::task_error::text_of;

/// A value of the user's. If its `Drop` panics, that is told once in a process, and goes no
/// further.
#[derive(Debug)]
pub(crate) struct Quiet<T>(Option<T>);

/// What a panic carried.
pub(crate) type Payload = Quiet<Box<dyn Any + Send>>;

impl<T> Quiet<T> {
    pub(crate) fn new(value: T) -> Self {
        Quiet(Some(value))
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.0.take().expect("it is there until it is taken out, which is the end of this")
    }
}

impl<T> Deref for Quiet<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is taken out, which is the end of this")
    }
}

impl<T> Drop for Quiet<T> {
    fn drop(&mut self) {
        if mem::needs_drop::<T>()
            && let Some(value) = self.0.take()
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        {
            // It may be of the same kind: dropped, it might panic for ever.
            mem::forget(payload);
            tell();
        }
    }
}

/// Drops a value of the user's.
pub(crate) fn drop_quietly<T>(value: T) {
    drop(Quiet::new(value));
}

/// Drops values of the user's one by one: together, the second that panics would end the process.
pub(crate) fn drop_each_quietly<T>(values: impl IntoIterator<Item = T>) {
    values.into_iter().for_each(drop_quietly);
}

/// Runs code of the user's; what it panicked with, if it did.
pub(crate) fn catch<T>(act: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(act)).map_err(Quiet::new)
}

fn tell() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::Relaxed) {
        events::warn!(
            "an argument, a value or what a task panicked with panicked when it was dropped; results are not \
             affected, and this is told once"
        );
    }
}

/// The last panic on this thread.
struct Noted {
    text: Option<String>,
    place: String,
}

thread_local! {
    static LAST: RefCell<Option<Noted>> = const { RefCell::new(None) };
    /// Whether this thread is inside a task.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a task.
pub(crate) fn is_inside_task() -> bool {
    INSIDE.get()
}

/// Notes whether this thread is inside a task; whether it was before.
pub(crate) fn set_inside_task(inside: bool) -> bool {
    INSIDE.replace(inside)
}

/// Sees that the places of panics are noted from now on; the first call in a process counts.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    // A thread that panics may not touch the hook; the next batch of another thread will.
    if INSTALLED.is_completed() || thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            note(info);
            before(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    if is_inside_task()
        && let Some(place) = info.location()
    {
        let noted = Noted { text: info.payload_as_str().map(str::to_owned), place: place.to_string() };
        // While the thread ends there may be no place to note it.
        let _ = LAST.try_with(|last| last.replace(Some(noted)));
    }
}

/// Where the panic with `payload`, which was just caught on this thread inside a task, happened.
///
/// `None` if it was not noted: the last panic here had another text, since this one was taken over from another thread.
pub(crate) fn take_place(payload: &(dyn Any + Send)) -> Option<String> {
    let noted = LAST.try_with(RefCell::take).ok()??;
    (noted.text.as_deref() == text_of(payload)).then_some(noted.place)
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    fn place_of(act: impl FnOnce()) -> Option<String> {
        take_place(&**catch(act).unwrap_err())
    }

    /// Panics when it is dropped, with itself as long as it counts.
    struct Bomb<'c>(u32, &'c Cell<u32>);

    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.1.set(self.1.get() + 1);
            panic!("bomb {}", self.0);
        }
    }

    #[test]
    fn what_panics_when_it_is_dropped_is_dropped_once_and_quietly() {
        let dropped = Cell::new(0);
        drop_quietly(Bomb(0, &dropped));
        assert_eq!(dropped.get(), 1);
        drop_each_quietly((0..5).map(|number| Bomb(number, &dropped)));
        drop((0..5).map(|number| Quiet::new(Bomb(number, &dropped))).collect::<Vec<_>>());
        assert_eq!(dropped.get(), 11);
        let taken = Quiet::new(Bomb(7, &dropped)).into_inner();
        assert_eq!((taken.0, dropped.get()), (7, 11));
        assert!(catch(|| drop(taken)).is_err());
    }

    #[test]
    fn what_a_panic_carried_is_dropped_quietly_and_can_go_on() {
        struct Payload;
        impl Drop for Payload {
            fn drop(&mut self) {
                panic::panic_any(Payload);
            }
        }
        drop(catch(|| panic::panic_any(Payload)).unwrap_err());
        let caught = catch(|| panic!("on its way")).unwrap_err();
        let again = catch(|| panic::resume_unwind(caught.into_inner())).unwrap_err();
        assert_eq!(text_of(&**again), Some("on its way"));
    }

    #[test]
    fn the_place_of_a_panic_inside_a_task_is_noted_once() {
        install();
        assert_eq!(place_of(|| panic!("not in a task")), None);
        let before = set_inside_task(true);
        let line = line!() + 1;
        let place = place_of(|| panic!("in a task, {}", 7)).unwrap();
        assert!(place.starts_with(&format!("{}:{line}:", file!())), "{place}");
        assert_eq!(place_of(|| resume_unwind(Box::new("from elsewhere"))), None);
        let other = || {
            let _ = catch_unwind(|| panic!("caught"));
            resume_unwind(Box::new("from elsewhere"));
        };
        assert_eq!(place_of(other), None, "the place of another panic");
        set_inside_task(before);
    }
}
