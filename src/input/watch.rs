//! Inputs that are looked at again once the function has run: its value is that of the content in the key only if nothing has
//! changed in between.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Unreadable;

/// What tells one state of an input from another. It takes looks at files, and reads them only where the system tells no times.
pub(super) type Look = fn(&Path) -> Result<[u8; 32], Unreadable>;

/// Whether any key of this process was made of an input.
static IS_USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread has met an input since it was asked last.
    static WAS_MET: Cell<bool> = const { Cell::new(false) };
    /// Those that are met, where somebody wants them.
    static WANTED: RefCell<Option<Vec<Input>>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Input {
    path: PathBuf,
    look: Look,
    /// `None` if it could not be looked at.
    before: Option<[u8; 32]>,
}

/// The inputs of a call, as they were right before its function ran.
#[derive(Debug)]
pub(crate) struct Inputs {
    inputs: Vec<Input>,
    /// The first that was another afterwards.
    changed: OnceCell<Option<PathBuf>>,
}

impl Inputs {
    /// Those that `make` makes a key of, and what it returns.
    pub(crate) fn of<R>(make: impl FnOnce() -> R) -> (Self, R) {
        // A thread that ends, whose locals are gone, watches nothing any more.
        let want = |wanted| WANTED.try_with(|all| all.replace(wanted)).ok().flatten();
        let outer = want(Some(Vec::new()));
        let key = make();
        let inputs = want(outer).unwrap_or_default();
        (Inputs { inputs, changed: OnceCell::new() }, key)
    }

    /// Says that they are not what the key was made of.
    pub(crate) fn have_changed(&self) {
        let first = self.inputs.first().map(|input| input.path.clone());
        let _ = self.changed.set(Some(first.unwrap_or_default()));
    }

    /// The first input that is not what it was; looked for once, when the function has run.
    pub(crate) fn changed(&self) -> Option<&Path> {
        let is_same =
            |input: &Input| input.before.is_some() && (input.look)(&input.path).ok() == input.before;
        let look = || self.inputs.iter().find(|input| !is_same(input)).map(|input| input.path.clone());
        self.changed.get_or_init(look).as_deref()
    }
}

/// Takes note of an input of which a key is about to be made.
pub(super) fn meet(path: &Path, look: Look) {
    IS_USED.store(true, Relaxed);
    WAS_MET.set(true);
    let _ = WANTED.try_with(|wanted| {
        if let Some(wanted) = &mut *wanted.borrow_mut() {
            // The function may go to another directory.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            wanted.push(Input { before: look(&path).ok(), path, look });
        }
    });
}

/// Whether the key that this thread has just made is of inputs.
#[inline]
pub(crate) fn were_met() -> bool {
    IS_USED.load(Relaxed) && WAS_MET.take()
}
