//! A million entries of 100 B: storing all, random hits, bytes on the disk, the first hit in a fresh process, clearing.
//!
//! One round, each peer alone. Stored twice, in two directories: one by one, and the best way that the store has for many. Hits are
//! one pass over all entries in random order. Outside the timing: opening, checking and dropping values. Bytes are those allocated
//! by the file system after a flush. What was stored one by one is cleared when all peers are done.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::Bench;
use crate::cache::Cache;
use crate::child;
use crate::goals::Goals;
use crate::peers::{Pace, Peer, REFERENCE};
use crate::place::Place;
use crate::python::Python;
use crate::table::{Table, megabytes, thousands, time};
use crate::timing::{self, Expected, median, whole};
use crate::work;

/// Entries that are stored by one call of `batch`: the values of all are checked after it.
const AT_ONCE: u64 = 100_000;
/// Of the design: bytes on the disk per byte of payload, and for each entry.
const PAYLOAD_FACTOR: f64 = 1.3;
const ENTRY_BYTES: f64 = 96.0;

/// The figures of one peer, times in nanoseconds.
struct Row<'a> {
    name: &'static str,
    entries: u64,
    one_by_one: f64,
    batch: Option<f64>,
    hit: f64,
    bytes: Option<u64>,
    first: Option<f64>,
    /// Clears the store: how long it takes. Run when all have stored, see [`Places`](crate::place::Places).
    clear: Box<dyn FnOnce() -> f64 + 'a>,
}

pub(crate) fn run(bench: &Bench<'_>, goals: &mut Goals) {
    let mut rows = Vec::new();
    for peer in bench.peers() {
        rows.push(measure(bench, peer));
    }
    let mut table = Table::new(&[
        "100 B each",
        "entries",
        "store all, one by one",
        "store all, in batches",
        "bytes on disk",
        "random hit",
        "first hit in a fresh process",
        "clear",
    ]);
    for name in bench.python_peers() {
        match bench.python {
            Ok(python) => rows.push(measure_python(bench, python, name)),
            Err(why) => table.row(&[name, why, "", "", "", "", "", ""]),
        }
    }
    note_goals(&rows[0], goals);
    for row in rows {
        table.row(&row.cells());
    }
    table.print("A million entries");
}

fn measure<'a>(bench: &Bench<'a>, peer: &'static Peer) -> Row<'a> {
    let entries = bench.options.sizes().million.of(peer.pace);
    let place = bench.places.place();
    let mut cache = peer.open(place.path());
    let seeds: Vec<u64> = (0..entries).collect();
    let stored = timing::calls(peer.name, &*cache, &seeds, Expected::Misses);
    let one_by_one = stored + flush(&*cache);
    let bytes = peer.on_disk.then(|| place.bytes_on_disk());
    let hit = timing::one_thread(peer.name, &*cache, &work::shuffled(entries), Expected::Hits);
    let mut first = None;
    if peer.on_disk {
        drop(cache);
        first = Some(first_hit(bench, peer, &place, entries));
        cache = peer.open(place.path());
    }
    let batch = in_batches(bench, peer, entries);
    let clear = Box::new(move || {
        let clearing = Instant::now();
        cache.clear();
        let time = whole(clearing.elapsed());
        assert!(!cache.call(0).hit, "{}: nothing is left", peer.name);
        time
    });
    Row { name: peer.name, entries, one_by_one: whole(one_by_one), batch, hit, bytes, first, clear }
}

/// Nanoseconds from `main` to the first hit in a new process.
fn first_hit(bench: &Bench<'_>, peer: &Peer, place: &Place, entries: u64) -> f64 {
    let starts = (0..bench.options.sizes().starts).map(|start| {
        let seed = entries / 2 + start;
        child::figures(&mut child::first_hit(peer, place.path(), seed))["first"]
    });
    median(&starts.collect::<Vec<_>>())
}

fn flush(cache: &dyn Cache) -> Duration {
    let started = Instant::now();
    cache.flush();
    started.elapsed()
}

/// How long it takes to store all in batches.
fn in_batches(bench: &Bench<'_>, peer: &Peer, entries: u64) -> Option<f64> {
    let place = bench.places.place();
    let cache = peer.open(place.path());
    let mut time = 0.0;
    for first in (0..entries).step_by(usize::try_from(AT_ONCE).expect("it fits")) {
        time += batch(peer, &*cache, first..entries.min(first + AT_ONCE))?;
    }
    Some(time + whole(flush(&*cache)))
}

fn batch(peer: &Peer, cache: &dyn Cache, seeds: Range<u64>) -> Option<f64> {
    let started = Instant::now();
    let values = cache.batch(seeds.clone())?;
    let time = started.elapsed();
    assert_eq!(values.len() as u64, seeds.end - seeds.start);
    for (seed, value) in seeds.zip(&values) {
        work::check(peer.name, seed, value);
    }
    Some(whole(time))
}

fn measure_python<'a>(bench: &Bench<'a>, python: &'a Python, name: &'static str) -> Row<'a> {
    let sizes = bench.options.sizes();
    let entries = sizes.million.of(Pace::Slow);
    let place = bench.places.place();
    let run =
        |what: &str, numbers: &[u64]| child::figures(&mut python.command(what, name, place.path(), numbers));
    let stored = run("store", &[entries]);
    let bytes = Some(place.bytes_on_disk());
    let first: Vec<f64> =
        (0..sizes.starts).map(|start| run("first", &[entries / 2 + start])["first"]).collect();
    let hit = stored["hits"] / figure(entries);
    let clear =
        Box::new(move || child::figures(&mut python.command("clear", name, place.path(), &[]))["clear"]);
    Row {
        name,
        entries,
        one_by_one: stored["store"],
        batch: None,
        hit,
        bytes,
        first: Some(median(&first)),
        clear,
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn figure(number: u64) -> f64 {
    number as f64
}

impl Row<'_> {
    fn cells(self) -> Vec<String> {
        let of_entry = |nanos: f64| format!("{} ({} each)", time(nanos), time(nanos / figure(self.entries)));
        let none = || "none".to_owned();
        vec![
            self.name.to_owned(),
            thousands(self.entries),
            of_entry(self.one_by_one),
            self.batch.map_or("one by one".to_owned(), of_entry),
            self.bytes.map_or_else(none, |bytes| {
                format!("{} ({:.0} B each)", megabytes(bytes), figure(bytes) / figure(self.entries))
            }),
            time(self.hit),
            self.first.map_or_else(none, time),
            time((self.clear)()),
        ]
    }
}

fn note_goals(reference: &Row<'_>, goals: &mut Goals) {
    assert_eq!(reference.name, REFERENCE);
    let batch = reference.batch.expect("rememo has batches");
    goals.at_most(&format!("store all of {}", thousands(reference.entries)), batch, 1e9);
    let first = reference.first.expect("rememo keeps on the disk");
    goals.at_most("first hit after `main` of a fresh process", first, 1e6);
    let payload = figure(work::VALUE_BYTES as u64);
    let limit = PAYLOAD_FACTOR * payload + ENTRY_BYTES;
    let each = figure(reference.bytes.expect("rememo keeps on the disk")) / figure(reference.entries);
    let reach = format!("≤ {limit:.0} B each ({PAYLOAD_FACTOR} × payload + {ENTRY_BYTES} B)");
    goals.push("bytes on disk", reach, format!("{each:.0} B each"), each <= limit);
}
