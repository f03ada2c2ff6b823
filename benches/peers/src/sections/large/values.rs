//! A large vector that is stored and found again.
//!
//! In every round each candidate has its turn with a fresh directory: a first store, then hits one after the other, then hits with the
//! sum of all elements after each, so that the processor's caches hold other things when the next one comes; then its files are
//! removed, so that one of them is there at a time and the disk does not get to write it. Files are in the page cache, since they
//! have just been written.
//!
//! Inside the timing: of a store all that comes after the function has its vector ready, of a hit all until the elements can be
//! read, of a hit and sum the sum too, which Rust adds in 16 lanes and numpy as it does. Outside: opening, making vectors,
//! dropping them, comparing (of each hit three elements, of each hit and sum the sum too).

use std::time::{Duration, Instant};

use super::data::{self, Digest};
use super::stores::{ARRAY, CANDIDATES, Candidate, PREALLOCATED, VEC, WRITE};
use super::{Bench, Joblib};
use crate::goals::Goals;
use crate::options::Large;
use crate::table::{Table, compared};
use crate::timing::{median, whole};

/// A row of the table that is measured in Python.
struct PythonCandidate {
    name: &'static str,
    /// What the script calls it.
    key: &'static str,
    /// Whether it takes seconds for 100 MB: one hit in each of two rounds, and nothing larger.
    slow: bool,
}

/// Hits in a round, and the time after which only as many are measured as the size wants: short ones are many.
const MOST_HITS: usize = 20;
const ENOUGH: Duration = Duration::from_millis(50);

/// Of the figures of a row.
const COLUMNS: [&str; 4] = ["hit", "hit after a sum", "hit and sum", "first store"];
const HIT: usize = 0;
const STORE: usize = 3;

const JOBLIB: &str = "joblib";
const IN_PYTHON: [PythonCandidate; 5] = [
    PythonCandidate { name: JOBLIB, key: "joblib", slow: false },
    PythonCandidate { name: "joblib, `compress=True`", key: "joblib-compressed", slow: true },
    PythonCandidate { name: "joblib, `mmap_mode='r'`", key: "joblib-mapped", slow: false },
    PythonCandidate { name: "`numpy.save`, `numpy.load`", key: "numpy", slow: false },
    PythonCandidate { name: "the same, `mmap_mode='r'`", key: "numpy-mapped", slow: false },
];
/// Numbers above which a slow one is left out.
const SLOW_MOST: usize = 12_500_000;
const SLOW_ROUNDS: usize = 2;

/// Nanoseconds of one candidate.
struct Row {
    name: &'static str,
    hits: Vec<f64>,
    /// Hits that come after a sum.
    cold: Vec<f64>,
    sums: Vec<f64>,
    stores: Vec<f64>,
}

impl Row {
    fn new(name: &'static str) -> Self {
        Row { name, hits: Vec::new(), cold: Vec::new(), sums: Vec::new(), stores: Vec::new() }
    }

    /// The medians of the columns.
    fn medians(&self) -> [Option<f64>; COLUMNS.len()] {
        [&self.hits, &self.cold, &self.sums, &self.stores]
            .map(|figures| (!figures.is_empty()).then(|| median(figures)))
    }
}

pub(super) fn run(
    bench: &Bench<'_>,
    size: &Large,
    python: Result<&mut Joblib, &mut &String>,
    goals: &mut Goals,
) {
    let wanted = |name: &str| name.starts_with("rememo") || bench.options.wants(name);
    let expected = {
        let numbers = data::numbers(data::SEED, size.count);
        Digest::of(&numbers)
    };
    let mut rows: Vec<(&Candidate, Row)> = CANDIDATES
        .iter()
        .filter(|candidate| wanted(candidate.name))
        .map(|candidate| (candidate, Row::new(candidate.name)))
        .collect();
    let mut python_rows: Vec<(&PythonCandidate, Row)> = IN_PYTHON
        .iter()
        .filter(|candidate| wanted(candidate.name) && !(candidate.slow && size.count > SLOW_MOST))
        .map(|candidate| (candidate, Row::new(candidate.name)))
        .collect();
    let mut child = python;
    for round in 0..size.rounds {
        for (candidate, row) in &mut rows {
            measure(bench, candidate, size, &expected, row);
        }
        for (candidate, row) in &mut python_rows {
            if let Ok(child) = &mut child
                && !(candidate.slow && round >= SLOW_ROUNDS)
            {
                measure_python(bench, candidate, size, child, row);
            }
        }
    }
    let rows = rows.into_iter().map(|(_, row)| row);
    let rows: Vec<Row> = rows.chain(python_rows.into_iter().map(|(_, row)| row)).collect();
    print(&rows, size, child.err().map(|why| &**why));
    note_goals(&rows, size, goals);
}

fn measure(bench: &Bench<'_>, candidate: &Candidate, size: &Large, expected: &Digest, row: &mut Row) {
    let place = bench.places.place();
    let mut store = (candidate.open)(place.path(), size.count);
    let stored = store.store(data::numbers(data::SEED, size.count));
    if candidate.stores {
        row.stores.push(whole(stored));
    }
    for summing in [false, true] {
        let begun = Instant::now();
        for number in 0..if candidate.hits { MOST_HITS } else { 0 } {
            if number >= size.hits && begun.elapsed() > ENOUGH {
                break;
            }
            store.before_hit();
            let started = Instant::now();
            store.hit(&mut |numbers| {
                let hit = started.elapsed();
                assert!(expected.some_are_in(numbers), "{}: wrong elements", candidate.name);
                if !summing {
                    return row.hits.push(whole(hit));
                }
                let sum = data::sum(numbers);
                row.sums.push(whole(started.elapsed()));
                row.cold.push(whole(hit));
                assert!(expected.sum_is(sum), "{}: wrong elements", candidate.name);
            });
        }
    }
    drop(store);
    place.remove();
}

fn measure_python(
    bench: &Bench<'_>,
    candidate: &PythonCandidate,
    size: &Large,
    child: &mut Joblib,
    row: &mut Row,
) {
    let place = bench.places.place();
    let hits = if candidate.slow { 1 } else { size.hits };
    let limits = format!("{hits}\t{MOST_HITS}\t{}", ENOUGH.as_nanos());
    let order = format!("values\t{}\t{}\t{limits}", candidate.key, place.path().display());
    for (name, figure) in child.0.order(&order) {
        match &*name {
            "store" => row.stores.push(figure),
            "hit" => row.hits.push(figure),
            "cold" => row.cold.push(figure),
            "sum" => row.sums.push(figure),
            other => unreachable!("a figure called {other}"),
        }
    }
    place.remove();
}

fn print(rows: &[Row], size: &Large, no_python: Option<&String>) {
    let mut header = vec![size.name];
    header.extend(COLUMNS);
    let mut table = Table::new(&header);
    let reference = rows[0].medians();
    for row in rows {
        let mut cells = vec![row.name.to_owned()];
        let figures = row.medians();
        if figures == [None; COLUMNS.len()] {
            cells.push(no_python.cloned().unwrap_or_default());
            cells.resize(header.len(), String::new());
        } else {
            cells.extend(figures.iter().zip(reference).map(|(figure, reference)| match figure {
                Some(figure) => compared(*figure, reference.filter(|_| row.name != VEC)),
                None => String::new(),
            }));
        }
        table.row(&cells);
    }
    table.print(&format!("A value of {}; in brackets the ratio to rememo's `Vec<f64>`", size.name));
}

fn note_goals(rows: &[Row], size: &Large, goals: &mut Goals) {
    let of = |name: &str, column: usize| rows.iter().find(|row| row.name == name)?.medians()[column];
    let name = size.name;
    if let Some(array) = of(ARRAY, HIT) {
        goals.at_most(&format!("hit, `Array` of {name}"), array, 20_000.0);
    }
    if let (Some(vec), Some(joblib)) = (of(VEC, HIT), of(JOBLIB, HIT)) {
        goals.ratio(&format!("hit, `Vec` of {name}"), vec, ("joblib's hit", joblib), 1.0);
    }
    for (kind, row) in [("Vec", VEC), ("Array", ARRAY)] {
        for (baseline, floor) in [("one `write`", WRITE), ("one `write` into space", PREALLOCATED)] {
            if let (Some(own), Some(floor)) = (of(row, STORE), of(floor, STORE)) {
                goals.ratio(&format!("first store, `{kind}` of {name}"), own, (baseline, floor), 1.3);
            }
        }
    }
}
