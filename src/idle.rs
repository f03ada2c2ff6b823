//! Thread pools that nobody uses any more end.
//!
//! A program that is done with its batches keeps no threads of theirs. Where this library is in a process many times (each cell of a
//! notebook is a library of its own, with this one in it), they would add up.

use std::any::Any;
use std::mem;
use std::process;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::lock::lock;

/// A pool ends when it was not used for so long, or up to twice as long. To start one takes a fraction of a millisecond.
const PAUSE: Duration = Duration::from_secs(1);

/// A pool, and in how many looks in a row it was not in use.
type Looked = (Arc<dyn Any + Send + Sync>, u32);

#[derive(Default)]
struct Kept {
    pools: Vec<Looked>,
    /// The process whose thread looks.
    process: Option<u32>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { pools: Vec::new(), process: None });

/// Keeps a pool until it is not used any more: for a while nobody else has held it, or kept it anew.
pub(crate) fn keep<P: Any + Send + Sync>(pool: &Arc<P>) {
    let mut kept = lock(&KEPT);
    let process = process::id();
    if kept.process != Some(process) {
        // Of a forked process the threads of those from before are missing: to drop a pool might wait for them.
        mem::forget(mem::take(&mut kept.pools));
    }
    let pool: Arc<dyn Any + Send + Sync> = Arc::<P>::clone(pool);
    match kept.pools.iter_mut().find(|(known, _)| std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&pool))) {
        Some((_, looks)) => *looks = 0,
        None => kept.pools.push((pool, 0)),
    }
    if kept.process != Some(process) {
        let started = thread::Builder::new().name("rememo-keep".into()).stack_size(256 * 1024).spawn(look);
        // Without a thread that looks, who uses the pool keeps it.
        kept.process = started.is_ok().then_some(process);
        if kept.process.is_none() {
            kept.pools.pop();
        }
    }
}

/// Looks at what is kept, until that is nothing.
///
/// It waits at a condition that nobody signals: of a thread that sleeps it is not known that nothing of the program's depends on
/// it ([`crate::sys::others_wait`]).
fn look() {
    static PASSED: Condvar = Condvar::new();
    loop {
        let (mut kept, _) = PASSED.wait_timeout(lock(&KEPT), PAUSE).unwrap_or_else(PoisonError::into_inner);
        let looked = mem::take(&mut kept.pools).into_iter().map(looked_at);
        let (stay, end): (_, Vec<Looked>) = looked.partition(|(_, looks)| *looks < 2);
        kept.pools = stay;
        let is_done = kept.pools.is_empty();
        if is_done {
            kept.process = None;
        }
        drop(kept);
        drop(end);
        if is_done {
            return;
        }
    }
}

fn looked_at((pool, looks): Looked) -> Looked {
    let is_used = Arc::strong_count(&pool) > 1;
    (pool, if is_used { 0 } else { looks + 1 })
}
