//! A large vector that is stored compressed and found again, beside joblib's compressed files.
//!
//! The numbers are readings of an instrument of 12 bits, as `f64`, evenly spread: of each eight bytes most are zero. (Those of the other
//! tables do not shrink, and rememo keeps such as they are.) Inside and outside of the timing is what `values` says. Files are in the
//! page cache.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rememo::{Memory, memo};

use super::data::{self, Digest, SEED};
use super::rememo::open;
use super::{Bench, Joblib};
use crate::options::Large;
use crate::table::{Table, compared, megabytes};
use crate::timing::{median, whole};

/// A call for so many numbers: whether it was a hit, and the numbers.
type Call = fn(&Memory, usize) -> (bool, Vec<f64>);

#[memo]
fn plain(seed: u64, count: usize) -> Vec<f64> {
    data::prepared_or(seed, count, data::readings)
}

#[memo(compress)]
fn usual(seed: u64, count: usize) -> Vec<f64> {
    data::prepared_or(seed, count, data::readings)
}

#[memo(compress = 1)]
fn fast(seed: u64, count: usize) -> Vec<f64> {
    data::prepared_or(seed, count, data::readings)
}

/// What a memoized function makes of a call.
macro_rules! call {
    ($function:ident) => {
        |memory, count| {
            let outcome = memory.call_info($function::delayed(SEED, count));
            (outcome.is_hit(), outcome.value)
        }
    };
}

const OURS: [(&str, Call); 3] = [
    ("rememo, not compressed", call!(plain)),
    ("rememo, `compress`, that is level 3", call!(usual)),
    ("rememo, `compress = 1`", call!(fast)),
];
/// Those in Python: name, what the script calls it, and whether it takes seconds for 100 MB.
const IN_PYTHON: [(&str, &str, bool); 2] =
    [("joblib", "joblib", false), ("joblib, `compress=3`", "joblib-compressed-3", true)];
/// Numbers above which a slow one is left out.
const SLOW_MOST: usize = 12_500_000;
const ROUNDS: usize = 2;
const COLUMNS: [&str; 3] = ["hit", "first store", "on disk"];

/// Nanoseconds, and bytes, of one candidate.
#[derive(Default)]
struct Row {
    hits: Vec<f64>,
    stores: Vec<f64>,
    bytes: u64,
}

pub(super) fn run(bench: &Bench<'_>, size: &Large, python: Result<&mut Joblib, &mut &String>) {
    let expected = Digest::of(&data::readings(SEED, size.count));
    let mut rows: Vec<(&str, Row)> = Vec::new();
    for (name, call) in OURS {
        rows.push((name, Row::default()));
        let (_, row) = rows.last_mut().expect("just pushed");
        for _ in 0..size.rounds.min(ROUNDS) {
            measure(bench, call, size, &expected, row);
        }
    }
    let wanted = |name: &str, slow| bench.options.wants(name) && !(slow && size.count > SLOW_MOST);
    let no_python = match python {
        Ok(child) => {
            for (name, key, slow) in IN_PYTHON {
                if wanted(name, slow) {
                    let mut row = Row::default();
                    for _ in 0..size.rounds.min(ROUNDS) {
                        measure_python(bench, key, if slow { 1 } else { size.hits }, child, &mut row);
                    }
                    rows.push((name, row));
                }
            }
            None
        }
        Err(why) => Some(&**why),
    };
    print(&rows, size, no_python.map(String::as_str));
}

fn print(rows: &[(&str, Row)], size: &Large, no_python: Option<&str>) {
    let mut header = vec![size.name];
    header.extend(COLUMNS);
    let mut table = Table::new(&header);
    let medians = |row: &Row| [median(&row.hits), median(&row.stores)];
    let reference = medians(&rows[0].1);
    for (place, (name, row)) in rows.iter().enumerate() {
        let times = medians(row).into_iter().zip(reference);
        let times = times.map(|(time, reference)| compared(time, (place > 0).then_some(reference)));
        let cells: Vec<String> =
            [(*name).to_owned()].into_iter().chain(times).chain([megabytes(row.bytes)]).collect();
        table.row(&cells);
    }
    if let Some(why) = no_python {
        table.row(&["joblib", why, "", ""]);
    }
    table.print(&format!(
        "A compressible value of {}; in brackets the ratio to rememo's, not compressed",
        size.name
    ));
}

fn measure(bench: &Bench<'_>, call: Call, size: &Large, expected: &Digest, row: &mut Row) {
    let place = bench.places.place();
    let memory = open(place.path());
    call(&memory, 1); // what is done once for a function is outside the timing
    data::prepare(data::readings(SEED, size.count));
    let (time, (is_hit, _)) = timed(|| call(&memory, size.count));
    assert!(!is_hit, "the first call is a miss");
    row.stores.push(whole(time));
    for _ in 0..size.hits {
        let (time, (is_hit, numbers)) = timed(|| call(&memory, size.count));
        row.hits.push(whole(time));
        assert!(is_hit && expected.some_are_in(&numbers), "a hit with the right elements");
        assert!(expected.sum_is(data::sum(&numbers)), "a hit with the right elements");
    }
    row.bytes = memory.stats().bytes;
    drop(memory);
    place.remove();
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = run();
    (started.elapsed(), result)
}

fn measure_python(bench: &Bench<'_>, key: &str, hits: usize, child: &mut Joblib, row: &mut Row) {
    let place = bench.places.place();
    let order = format!("readings\t{key}\t{}\t{hits}", place.path().display());
    for (name, figure) in child.0.order(&order) {
        match &*name {
            "store" => row.stores.push(figure),
            "hit" => row.hits.push(figure),
            other => unreachable!("a figure called {other}"),
        }
    }
    row.bytes = bytes_below(place.path());
    place.remove();
}

/// The bytes of all files below a directory.
fn bytes_below(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("our own directory").map(|entry| entry.expect("our own file"));
    let bytes = entries.map(|entry| {
        let metadata = entry.metadata().expect("our own file");
        if metadata.is_dir() { bytes_below(&entry.path()) } else { metadata.len() }
    });
    bytes.sum()
}
