//! Calls in the destructor of a thread-local value, when the library's own are gone.

use std::cell::RefCell;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;

use rememo::{Layout, Memory, Parallel, as_completed, delayed, memo};

use super::expect;
use crate::support::hit;

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[memo]
fn table(x: u64) -> Vec<u64> {
    (0..20_000).map(|i| i * x).collect()
}

/// Calls another memoized function.
#[memo]
fn outer(x: u64) -> u64 {
    square(x) + 1
}

#[memo]
fn fallible(x: u64) -> Result<Option<u64>, String> {
    if x.is_multiple_of(2) { Ok(Some(x)) } else { Err("odd".into()) }
}

/// Does everything when it is dropped.
struct Last {
    memory: Memory,
    done: Sender<()>,
}

impl Drop for Last {
    fn drop(&mut self) {
        let Last { memory, done } = self;
        everything(memory, 20);
        done.send(()).unwrap();
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

fn everything(memory: &Memory, x: u64) {
    for _ in 0..2 {
        assert_eq!(memory.call(square::delayed(x)), x * x);
        assert_eq!(memory.call(table::delayed(x)).len(), 20_000);
        assert_eq!(memory.call(outer::delayed(x)), x * x + 1);
        assert_eq!(memory.call(fallible::delayed(x)), Ok(Some(x)));
        assert!(memory.call(fallible::delayed(x + 1)).is_err());
        assert_eq!(memory.get_or_compute("sum", &x, || x + 1), x + 1);
    }
    hit(memory, square::delayed(x));
    let _entered = memory.enter();
    assert_eq!(square(x), x * x);
    let _ = memory.why(&square::delayed(x + 7));
    let _ = (memory.stats(), memory.verify().unwrap(), Memory::current());
    let parallel = Parallel::new().jobs(2).memory(memory);
    let calls = || (0..20).map(|i| square::delayed(i + x));
    let expected: Vec<u64> = (0..20).map(|i| (i + x) * (i + x)).collect();
    assert_eq!(parallel.run(calls()).unwrap(), expected);
    assert_eq!(parallel.stream(calls()).map(Result::unwrap).collect::<Vec<_>>(), expected);
    let tasks = || calls().map(|call| parallel.submit(call)).collect::<Vec<_>>();
    assert_eq!(tasks().into_iter().map(|task| task.wait().unwrap()).collect::<Vec<_>>(), expected);
    assert_eq!(as_completed(tasks()).count(), 20);
    assert!(parallel.run_all([delayed(|| panic!("as usual"))]).iter().all(Result::is_err));
}

pub fn play(role: &str, cache: &Path) {
    let layout = if role == "files" { Layout::Files } else { Layout::Auto };
    let memory = Memory::builder().dir(cache).layout(layout).open().unwrap();
    // Where inner calls go, since the memory that they are made in cannot be noted any more.
    memory.make_default();
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        // Made first, so dropped last: of what the thread has, the library's is gone by then.
        LAST.with_borrow_mut(|last| *last = Some(Last { memory: memory.clone(), done }));
        everything(&memory, 10);
    });
    thread.join().unwrap();
    is_done.recv().unwrap();
}

#[test]
fn with_the_log_layout() {
    expect("ending log");
}

#[test]
fn with_the_files_layout() {
    expect("ending files");
}
