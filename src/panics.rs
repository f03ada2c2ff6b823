//! Where a task panicked: only a panic hook is told. And whether this thread is inside a task, which the hook asks.
//!
//! The hook is chained before the one that is there when the first batch of the process runs, and calls that one. A hook that
//! the program sets later takes its place: then the places of panics are not known, and nothing else is lost.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::thread;

use crate::task_error::text_of;

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

/// Drops a value of the user's, whose `Drop` may panic.
///
/// # Errors
///
/// Fails with what it panicked with.
pub(crate) fn drop_guarded<T>(value: T) -> Result<(), Box<dyn Any + Send>> {
    panic::catch_unwind(AssertUnwindSafe(|| drop(value)))
}

/// Drops what a panic was given, whose `Drop` may panic, too.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = drop_guarded(payload) {
        // It may go on like this for ever.
        std::mem::forget(another);
    }
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
    use std::panic::{catch_unwind, resume_unwind};

    use super::*;

    fn place_of(act: impl FnOnce()) -> Option<String> {
        let payload = catch_unwind(AssertUnwindSafe(act)).unwrap_err();
        take_place(&*payload)
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
