//! A hit and a miss of 100 B, on one thread and on two, and misses in a batch.
//!
//! In every round each peer gets a fresh directory, in turn. Misses come first, each for a call that is new; then hits, over the
//! entries in random order, after each has been read once. Outside the timing: opening, checking and dropping values.

use std::time::Instant;

use super::Bench;
use crate::cache::Cache;
use crate::child;
use crate::goals::Goals;
use crate::options::Sizes;
use crate::peers::{LMDB, MAP, Pace, Peer, REFERENCE};
use crate::python;
use crate::table::{Table, compared, thousands};
use crate::timing::{self, Expected, median};
use crate::work;

/// The columns, and the names that the script in Python has for them.
const COLUMNS: [(&str, &str); 5] = [
    ("hit", "hit_1"),
    ("hit, each of 2 threads", "hit_2"),
    ("miss and store", "miss_1"),
    ("miss and store, each of 2 threads", "miss_2"),
    ("miss and store, in a batch", "batch"),
];
const HIT: usize = 0;
const MISS: usize = 2;
const BATCH: usize = 4;

/// Nanoseconds of one peer: for each column a figure for each round, or none at all.
struct Row {
    name: &'static str,
    figures: [Vec<f64>; COLUMNS.len()],
}

impl Row {
    fn new(name: &'static str) -> Self {
        Row { name, figures: Default::default() }
    }

    fn note(&mut self, round: [Option<f64>; COLUMNS.len()]) {
        for (figures, figure) in self.figures.iter_mut().zip(round) {
            figures.extend(figure);
        }
    }

    fn median(&self, column: usize) -> Option<f64> {
        Some(&self.figures[column]).filter(|figures| !figures.is_empty()).map(|figures| median(figures))
    }
}

pub(crate) fn run(bench: &Bench<'_>, goals: &mut Goals) {
    let sizes = bench.options.sizes();
    let mut rows: Vec<(&Peer, Row)> =
        bench.peers().into_iter().map(|peer| (peer, Row::new(peer.name))).collect();
    let mut python_rows: Vec<Row> = bench.python_peers().into_iter().map(Row::new).collect();
    for _ in 0..sizes.rounds {
        for (peer, row) in &mut rows {
            row.note(round(bench, peer, sizes));
        }
        for row in &mut python_rows {
            row.note(python_round(bench, row.name, sizes));
        }
    }
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).chain(python_rows).collect();
    print(bench, &rows, sizes);
    note_goals(&rows, goals);
}

fn round(bench: &Bench<'_>, peer: &Peer, sizes: &Sizes) -> [Option<f64>; COLUMNS.len()] {
    let place = bench.places.place();
    let cache = peer.open(place.path());
    let count = sizes.entries.of(peer.pace);
    let misses: Vec<u64> = (0..2 * count).collect();
    let (first, second) = misses.split_at(misses.len() / 2);
    let miss = timing::one_thread(peer.name, &*cache, first, Expected::Misses);
    let miss_threads = timing::threads(peer.name, &*cache, second, Expected::Misses);
    let batch = batch(peer, &*cache, 2 * count, count);
    timing::calls(peer.name, &*cache, first, Expected::Hits);
    let pass = work::shuffled(count);
    let hits: Vec<u64> = (0..sizes.passes.of(peer.pace)).flat_map(|_| pass.iter().copied()).collect();
    let hit = timing::one_thread(peer.name, &*cache, &hits, Expected::Hits);
    let hit_threads = timing::threads(peer.name, &*cache, &hits, Expected::Hits);
    [Some(hit), Some(hit_threads), Some(miss), Some(miss_threads), batch]
}

fn batch(peer: &Peer, cache: &dyn Cache, first: u64, count: u64) -> Option<f64> {
    let started = Instant::now();
    let values = cache.batch(first..first + count)?;
    let time = started.elapsed();
    for (seed, value) in (first..).zip(&values) {
        work::check(peer.name, seed, value);
    }
    assert_eq!(values.len() as u64, count);
    Some(timing::per_call(time, values.len()))
}

fn python_round(bench: &Bench<'_>, name: &str, sizes: &Sizes) -> [Option<f64>; COLUMNS.len()] {
    let Ok(python) = bench.python else { return Default::default() };
    let place = bench.places.place();
    let numbers = [sizes.entries.of(Pace::Slow), sizes.passes.of(Pace::Slow)];
    let figures = child::figures(&mut python.command("calls", name, place.path(), &numbers));
    COLUMNS.map(|(_, key)| figures.get(key).copied())
}

fn print(bench: &Bench<'_>, rows: &[Row], sizes: &Sizes) {
    let mut header = vec!["100 B"];
    header.extend(COLUMNS.map(|(title, _)| title));
    let mut table = Table::new(&header);
    for row in rows {
        let mut cells = vec![row.name.to_owned()];
        cells.extend((0..COLUMNS.len()).map(|column| match row.median(column) {
            Some(figure) => compared(figure, rows[0].median(column).filter(|_| row.name != REFERENCE)),
            None => missing(bench, row.name),
        }));
        table.row(&cells);
    }
    let [fast, slow] = [Pace::Fast, Pace::Slow].map(|pace| thousands(sizes.entries.of(pace)));
    table.print(&format!("A hit and a miss: {fast} entries, {slow} where each is a file or Python's"));
}

/// Why there is no figure.
fn missing(bench: &Bench<'_>, name: &str) -> String {
    match bench.python {
        Err(why) if python::PEERS.contains(&name) => why.clone(),
        _ => "one by one".to_owned(),
    }
}

fn note_goals(rows: &[Row], goals: &mut Goals) {
    let reference = &rows[0];
    let of = |name: &str, column: usize| rows.iter().find(|row| row.name == name)?.median(column);
    let own = |column: usize| reference.median(column).expect("rememo can do all of it");
    if let Some(map) = of(MAP, HIT) {
        goals.ratio("hit, 100 B", own(HIT), ("a map in memory", map), 1.3);
    }
    if let Some(lmdb) = of(LMDB, HIT) {
        goals.ratio("hit, 100 B", own(HIT), ("LMDB", lmdb), 1.0);
    }
    goals.at_most("miss and store, 100 B", own(MISS), 2_000.0);
    goals.at_most("miss and store in a batch, 100 B", own(BATCH), 1_000.0);
    if let Some(joblib) = of("joblib", MISS) {
        goals.ratio("miss and store, 100 B", own(MISS), ("joblib", joblib), 0.01);
    }
}
