//! The current memory: where plain calls of memoized functions look.
//!
//! It is the innermost [`Memory::enter`] on this thread, else the default of the process, else the default place. Tasks
//! of [`Parallel`](crate::Parallel) and the bodies of memoized functions run entered.
//!
//! In the destructor of a thread-local value the library's own may be gone. Calls work there, but
//! the memory in which one runs cannot be noted: memoized calls inside of it go to the default one.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Instant;

use super::Memory;
use crate::events;
use crate::key::Key;
use crate::notebook;

thread_local! {
    static ENTERED: RefCell<Vec<Level>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

static DEFAULT: RwLock<Option<Memory>> = RwLock::new(None);

/// A memory that was entered.
struct Level {
    number: u64,
    memory: Memory,
    runs: Runs,
}

/// What runs while a memory is entered.
#[derive(Debug)]
pub(super) enum Runs {
    /// Whatever ran before.
    Same,
    /// Nothing that is kept under a key.
    Other,
    /// The body of a memoized function.
    Body(Body),
}

/// The body of a memoized function that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    /// That of the call; `None` if it has none.
    pub(super) key: Option<Key>,
    /// When it saved a [checkpoint](super::checkpoints).
    pub(super) saved: Option<Instant>,
    /// Whether that was when it was to [stop](super::checkpoints::stopping).
    pub(super) saved_last: bool,
    /// Whether there may be one.
    pub(super) has_checkpoint: bool,
}

/// Keeps a memory current on this thread until it is dropped; [`Memory::enter`] makes it.
#[must_use = "the memory is current only while this lives: write `let _entered = memory.enter();`"]
#[derive(Debug)]
pub struct Entered {
    number: u64,
    /// Belongs to the thread that made it.
    thread: PhantomData<*const ()>,
}

impl Memory {
    /// The memory that plain calls of memoized functions use here and now.
    ///
    /// It is the one of the innermost [`enter`](Self::enter) on this thread, else the one last given to
    /// [`make_default`](Self::make_default), else [`open_default`](Self::open_default). If that cannot be opened, the
    /// reason is logged once and the memory is a disabled one.
    pub fn current() -> Memory {
        // While the thread ends, in a destructor of its own, the list may be gone.
        let entered = ENTERED.try_with(|entered| entered.borrow().last().map(|level| level.memory.clone()));
        entered
            .ok()
            .flatten()
            .or_else(|| DEFAULT.read().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_else(at_default_place)
    }

    /// Makes this memory the current one on this thread until the returned guard is dropped.
    ///
    /// Guards nest. The threads of a [`Parallel`](crate::Parallel) enter its memory themselves;
    /// other threads started here do not inherit it, nor do threads of a rayon pool on which an
    /// iterator runs its pieces. In the destructor of a thread-local value it may do nothing, as
    /// the thread may have lost its list of memories by then.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn double(x: u64) -> u64 {
    ///     2 * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// {
    ///     let _entered = memory.enter();
    ///     assert_eq!(double(21), 42); // computed, and stored in `dir`
    /// }
    /// assert!(memory.contains(&double::delayed(21)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// In a cell of a notebook it ends with the cell, which is told once.
    pub fn enter(&self) -> Entered {
        notebook::tell_of_current_memory(self.root());
        self.enter_while(Runs::Same)
    }

    /// The same, where this library enters a memory to run something.
    pub(crate) fn enter_for_task(&self) -> Entered {
        self.enter_while(Runs::Other)
    }

    /// The same, to run the body of a memoized function whose call has this key, or none.
    pub(super) fn enter_body(&self, key: Option<Key>) -> Entered {
        self.enter_while(Runs::Body(Body { key, saved: None, saved_last: false, has_checkpoint: false }))
    }

    fn enter_while(&self, runs: Runs) -> Entered {
        let number = NEXT.get();
        NEXT.set(number + 1);
        let level = Level { number, memory: self.clone(), runs };
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(level));
        Entered { number, thread: PhantomData }
    }

    /// Makes this memory the one of all threads that have not entered another, from now on.
    ///
    /// In a cell of a notebook that lasts until the cell ends, which is told once, as with [`enter`](Self::enter). For all cells, set
    /// `REMEMO_DIR` in the first one.
    pub fn make_default(&self) {
        notebook::tell_of_current_memory(self.root());
        *DEFAULT.write().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
    }
}

/// The memoized function whose body runs on this thread, with the memory that its call was made in.
pub(super) fn body() -> Option<(Memory, Body)> {
    with_body(|memory, body| (memory.clone(), *body))
}

/// Does something with the body that runs on this thread, if one does.
pub(super) fn with_body<R>(act: impl FnOnce(&Memory, &mut Body) -> R) -> Option<R> {
    let found = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        let level = entered.iter_mut().rev().find(|level| !matches!(level.runs, Runs::Same))?;
        match &mut level.runs {
            Runs::Body(body) => Some(act(&level.memory, body)),
            Runs::Same | Runs::Other => None,
        }
    });
    found.ok().flatten()
}

impl Drop for Entered {
    fn drop(&mut self) {
        // By number, since guards may be dropped in any order. While the thread ends the list may be gone already.
        let _ = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            match entered.last() {
                Some(level) if level.number == self.number => drop(entered.pop()),
                _ => entered.retain(|level| level.number != self.number),
            }
        });
    }
}

fn at_default_place() -> Memory {
    static OPENED: OnceLock<Memory> = OnceLock::new();
    let open = || {
        Memory::open_default().unwrap_or_else(|error| {
            events::warn!(error = &error, "nothing will be remembered; set REMEMO_DIR to a directory to use");
            Memory::disabled()
        })
    };
    OPENED.get_or_init(open).clone()
}
