//! The work that `.ci/instructions` counts the instructions of: some operations of one kind, once.
//!
//! `instructions KIND COUNT` prepares the same whatever the count, then does so many operations. The difference of two counts
//! is that of operations alone. It has no clock of its own and measures nothing; without arguments, as `cargo bench` calls it,
//! it does a few of each kind.
//!
//! A call is of `fn(u64, &str) -> String`, whose values have 101 bytes: what the function does itself is one allocation and one
//! copy. The log layout; batches have one thread.

use std::hint::black_box;

use rememo::{Layout, Memory, Parallel, delayed, memo};

/// Most operations.
const MOST: u64 = 4000;

const TEXT: &str =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

#[memo]
fn value(seed: u64, label: &str) -> String {
    let _ = black_box((seed, label));
    TEXT.to_owned()
}

/// A kind of operation: what is stored and used before, and the operations.
struct Kind {
    name: &'static str,
    stored: u64,
    run: fn(&Memory, u64),
}

const KINDS: [Kind; 5] = [
    Kind { name: "hit", stored: 64, run: hits },
    Kind { name: "miss", stored: 0, run: misses },
    Kind { name: "hit-in-a-batch", stored: MOST, run: batch },
    Kind { name: "miss-in-a-batch", stored: 0, run: batch },
    Kind { name: "closure", stored: 0, run: closures },
];

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match &arguments[..] {
        [name, count] => {
            let kind = KINDS.iter().find(|kind| kind.name == name);
            let count = count.parse().ok().filter(|&count| count <= MOST);
            let (Some(kind), Some(count)) = (kind, count) else {
                panic!("usage: instructions KIND COUNT, COUNT up to {MOST}")
            };
            measure(kind, count);
        }
        _ => KINDS.iter().for_each(|kind| measure(kind, 10)),
    }
}

fn measure(kind: &Kind, count: u64) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::builder().dir(dir.path()).layout(Layout::Log).open().expect("a fresh directory");
    // Twice: the first use of an entry is noted.
    batch(&memory, kind.stored);
    batch(&memory, kind.stored);
    // What happens once in a process, has happened.
    memory.call(value::delayed(u64::MAX, "wine"));
    memory.call(value::delayed(u64::MAX, "wine"));
    (kind.run)(&memory, 1);
    let before = memory.stats();
    (kind.run)(&memory, count);
    let stats = memory.stats();
    let (hits, misses) = (stats.hits - before.hits, stats.misses - before.misses);
    // The first operation was done before.
    let expected = match kind.name {
        "hit" | "hit-in-a-batch" => (count, 0),
        "closure" => (0, 0),
        _ => (1, count - 1),
    };
    assert_eq!((hits, misses), expected, "{}", kind.name);
}

fn hits(memory: &Memory, count: u64) {
    for number in 0..count {
        black_box(memory.call(value::delayed(number * 7 % 64, "wine")));
    }
}

fn misses(memory: &Memory, count: u64) {
    for number in 0..count {
        black_box(memory.call(value::delayed(number, "wine")));
    }
}

fn batch(memory: &Memory, count: u64) {
    let calls = (0..count).map(|number| value::delayed(number, "wine"));
    black_box(Parallel::new().jobs(1).memory(memory).run(calls).expect("nothing fails"));
}

fn closures(_: &Memory, count: u64) {
    let calls = (0..count).map(|number| delayed(move || black_box(number) + 1));
    black_box(Parallel::new().jobs(1).memory(&Memory::disabled()).run(calls).expect("nothing fails"));
}
