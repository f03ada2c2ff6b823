//! A library that crashes on some inputs, run safely: each input in a worker process, whose end costs that input alone.
//!
//! `render` stands for a binding to such a library. It recurses without end on some documents, allocates without bounds on others,
//! and hangs on a third kind. Run it twice: the second run takes what went well from the cache and tries only the rest again.
//!
//! `cargo run --release --example isolated`. Without `$REMEMO_DIR` the cache is in `target/isolated-cache`.

#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rememo::{Executor, Memory, Parallel, TaskErrorKind, memo};

/// The "library": fails in its own way on every document of a bad kind.
#[memo]
fn render(document: &str) -> usize {
    match document.split(' ').next() {
        Some("nested") => depth(document, 0),
        Some("huge") => vec![7_u8; 1 << 34].iter().map(|&byte| usize::from(byte)).sum(),
        Some("endless") => loop {
            std::thread::park();
        },
        Some("odd") => std::process::abort(),
        _ => document.bytes().map(usize::from).sum(),
    }
}

/// Recurses until the stack is full.
#[expect(unconditional_recursion, reason = "the fault of the library")]
fn depth(document: &str, level: usize) -> usize {
    let here = std::hint::black_box([level; 100]);
    depth(&document[..document.len() / 2], level + 1) + here[0]
}

#[rememo::main]
fn main() -> rememo::Result<()> {
    let dir = env::var_os("REMEMO_DIR").map_or_else(|| "target/isolated-cache".into(), PathBuf::from);
    let memory = Memory::open(dir)?;
    let documents: Vec<String> = (0..200)
        .map(|number| match number % 50 {
            10 => format!("nested {number}"),
            20 => format!("huge {number}"),
            30 => format!("endless {number}"),
            40 => format!("odd {number}"),
            _ => format!("plain {number}"),
        })
        .collect();

    let started = Instant::now();
    let results = Parallel::new()
        .memory(&memory)
        .executor(Executor::processes().memory_limit(1 << 30))
        .timeout(Duration::from_millis(500))
        .run_all(documents.iter().map(|document| render::delayed(document)));

    let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    for error in failures.iter().take(4) {
        println!("{error}");
    }
    let count = |kind| failures.iter().filter(|error| error.kind() == kind).count();
    let stats = memory.stats();
    println!(
        "{} of {} documents rendered, {} from the cache; {} crashed, {} ran out of memory, {} timed out, in {:.1} s",
        results.len() - failures.len(),
        results.len(),
        stats.hits,
        count(TaskErrorKind::Crashed),
        count(TaskErrorKind::OutOfMemory),
        count(TaskErrorKind::TimedOut),
        started.elapsed().as_secs_f64(),
    );
    assert_eq!(results.len() - failures.len(), 184);
    assert_eq!(count(TaskErrorKind::Crashed), 8);
    assert_eq!((count(TaskErrorKind::OutOfMemory), count(TaskErrorKind::TimedOut)), (4, 4));
    Ok(())
}
