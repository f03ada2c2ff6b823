//! A sweep that was interrupted, run again: 99 of 100 calls are remembered, the others take 1 ms each.
//!
//! The baseline is the same misses alone, on as many threads, with nothing looked up or stored. The misses of each round are new.
//! Outside the timing: storing what is remembered, and checking the values.

use std::time::{Duration, Instant};

use super::Bench;
use crate::cache::{Cache, THREADS, Work, shared_out};
use crate::child;
use crate::goals::Goals;
use crate::options::Sizes;
use crate::peers::{Pace, Peer, REFERENCE};
use crate::python::Python;
use crate::table::{Table, digits, thousands, time};
use crate::timing::{median, whole};
use crate::work::{self, LABEL};

/// One call in so many is not remembered.
const EVERY: u64 = 100;
/// How long the function takes.
const COST: Duration = Duration::from_millis(1);
/// Distance between the misses of two rounds.
const FRESH: u64 = 1 << 32;

/// Of one peer, in nanoseconds, a figure for each round.
struct Row {
    name: &'static str,
    calls: u64,
    alone: Vec<f64>,
    sweep: Vec<f64>,
}

/// A peer whose store is filled.
struct Filled {
    peer: &'static Peer,
    cache: Box<dyn Cache>,
    row: Row,
}

pub(crate) fn run(bench: &Bench<'_>, goals: &mut Goals) {
    let sizes = bench.options.sizes();
    let mut filled: Vec<Filled> = bench.peers().into_iter().map(|peer| fill(bench, peer, sizes)).collect();
    for round in 1..=sizes.rounds {
        for store in &mut filled {
            measure(store, round);
        }
    }
    let mut rows: Vec<Row> = filled.into_iter().map(|store| store.row).collect();
    let mut table = Table::new(&["", "calls", "the misses alone", "the sweep", "sweep : misses alone"]);
    for name in bench.python_peers() {
        match bench.python {
            Ok(python) => rows.push(python_row(bench, python, name, sizes)),
            Err(why) => table.row(&[name, why, "", "", ""]),
        }
    }
    for row in &rows {
        let (alone, sweep) = (median(&row.alone), median(&row.sweep));
        let ratio = format!("{} ×", digits(sweep / alone));
        table.row(&[row.name.to_owned(), thousands(row.calls), time(alone), time(sweep), ratio]);
    }
    table.print("A resumed sweep: 99 % remembered, 1 ms a miss, 2 threads");
    let reference = &rows[0];
    assert_eq!(reference.name, REFERENCE);
    let baseline = ("the misses alone", median(&reference.alone));
    goals.ratio("resumed sweep", median(&reference.sweep), baseline, 1.06);
}

fn fill(bench: &Bench<'_>, peer: &'static Peer, sizes: &Sizes) -> Filled {
    let place = bench.places.place();
    let cache = peer.open(place.path());
    let calls = sizes.sweep.of(peer.pace);
    let remembered: Vec<Work> =
        (0..calls).filter(|seed| seed % EVERY != 0).map(|seed| Work { seed, cost: Duration::ZERO }).collect();
    cache.sweep(&remembered);
    let row = Row { name: peer.name, calls, alone: Vec::new(), sweep: Vec::new() };
    Filled { peer, cache, row }
}

fn measure(store: &mut Filled, round: u64) {
    let calls: Vec<Work> = (0..store.row.calls)
        .map(|seed| Work { seed: if seed % EVERY == 0 { seed + round * FRESH } else { seed }, cost: COST })
        .collect();
    let misses: Vec<Work> = calls.iter().filter(|call| call.seed >= FRESH).copied().collect();
    let started = Instant::now();
    shared_out(&misses, |call| work::work::uncached(call.seed, LABEL, call.cost));
    store.row.alone.push(whole(started.elapsed()));
    let started = Instant::now();
    let values = store.cache.sweep(&calls);
    let time = started.elapsed();
    store.row.sweep.push(whole(time));
    assert_eq!(values.len(), calls.len());
    for (call, value) in calls.iter().zip(&values) {
        work::check(store.peer.name, call.seed, value);
    }
    // All threads were busy with the misses, and not with more.
    let least = |calls: usize| COST * u32::try_from(calls / THREADS).expect("it fits");
    assert!(time >= least(misses.len()), "{}: misses ran", store.peer.name);
    assert!(time < least(calls.len()), "{}: what is remembered did not", store.peer.name);
}

fn python_row(bench: &Bench<'_>, python: &Python, name: &'static str, sizes: &Sizes) -> Row {
    let place = bench.places.place();
    let calls = sizes.sweep.of(Pace::Slow);
    let micros = u64::try_from(COST.as_micros()).expect("it fits");
    let numbers = [calls, EVERY, micros, sizes.rounds];
    let figures = child::figures(&mut python.command("sweep", name, place.path(), &numbers));
    let all = |name: &str| (0..sizes.rounds).map(|round| figures[&format!("{name}_{round}")]).collect();
    Row { name, calls, alone: all("alone"), sweep: all("sweep") }
}
