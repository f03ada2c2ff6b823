//! Four processes that store and find 5,000 calls each, at the same time, in one directory.
//!
//! The time is from a common start signal, given when all have opened the store, until the last is done; it includes checking the
//! values. Afterwards all entries must be there. After a round of more than [`ENOUGH`] a peer gets no other.

use std::process::Command;
use std::time::Duration;

use super::Bench;
use crate::child;
use crate::goals::Goals;
use crate::peers::{Peer, REFERENCE, Sharing};
use crate::python::Python;
use crate::table::{self, Table, compared, thousands};
use crate::timing::{self, Expected, median, whole};

/// Processes at once.
const PROCESSES: u64 = 4;
/// A round that took longer is the last of its peer.
const ENOUGH: Duration = Duration::from_secs(3);

/// Of one peer.
struct Row {
    name: &'static str,
    source: Source,
    /// Nanoseconds of each round, or why there is none.
    times: Result<Vec<f64>, String>,
    enough: bool,
}

enum Source {
    Rust(&'static Peer),
    Python,
}

pub(crate) fn run(bench: &Bench<'_>, goals: &mut Goals) {
    let rust = bench.peers().into_iter().map(|peer| Row::new(peer.name, Source::Rust(peer)));
    let python = bench.python_peers().into_iter().map(|name| Row::new(name, Source::Python));
    let mut rows: Vec<Row> = rust.chain(python).collect();
    for _ in 0..bench.options.sizes().rounds {
        for row in &mut rows {
            row.measure(bench);
        }
    }
    let each = thousands(bench.options.sizes().process_calls);
    let mut table = Table::new(&["", "until all are done", "a store and a hit, overall"]);
    let reference = rows[0].median().expect("rememo shares its directory");
    for row in &rows {
        let cells = match (row.median(), &row.times) {
            (Some(time), _) => row.cells(bench, time, reference),
            (None, Err(why)) => [row.name.to_owned(), why.clone(), String::new()],
            (None, Ok(_)) => unreachable!("measured, or it says why not"),
        };
        table.row(&cells);
    }
    table.print(&format!(
        "{PROCESSES} processes × {each} calls, each stored and then found, in one directory"
    ));
    goals.at_most(&format!("{PROCESSES} processes × {each} store and hit"), reference, 50e6);
}

impl Row {
    fn new(name: &'static str, source: Source) -> Self {
        Row { name, source, times: Ok(Vec::new()), enough: false }
    }

    fn measure(&mut self, bench: &Bench<'_>) {
        let Ok(times) = &mut self.times else { return };
        if self.enough {
            return;
        }
        let result = match (&self.source, bench.python) {
            (Source::Rust(peer), _) if !peer.on_disk => Err("of one process only".to_owned()),
            (Source::Rust(peer), _) => round(bench, peer),
            (Source::Python, Ok(python)) => python_round(bench, python, self.name),
            (Source::Python, Err(why)) => Err(why.clone()),
        };
        match result {
            Ok(time) => {
                times.push(whole(time));
                self.enough = time > ENOUGH;
            }
            Err(why) => self.times = Err(why),
        }
    }

    fn median(&self) -> Option<f64> {
        self.times.as_ref().ok().map(|times| median(times))
    }

    fn cells(&self, bench: &Bench<'_>, time: f64, reference: f64) -> [String; 3] {
        let calls = u32::try_from(PROCESSES * bench.options.sizes().process_calls).expect("few");
        let other = Some(reference).filter(|_| self.name != REFERENCE);
        [self.name.to_owned(), compared(time, other), table::time(time / f64::from(calls))]
    }
}

fn round(bench: &Bench<'_>, peer: &Peer) -> Result<Duration, String> {
    let calls = bench.options.sizes().process_calls;
    let place = bench.places.place();
    // Made before the processes start: who may make a directory is another question.
    drop((peer.open)(place.path(), Sharing::Processes)?);
    let time = together(calls, |first| child::beside_others(peer, place.path(), first, calls))
        .map_err(|why| format!("refuses the second process: {why}"))?;
    let all: Vec<u64> = (0..PROCESSES * calls).collect();
    let cache = (peer.open)(place.path(), Sharing::Processes)?;
    timing::calls(peer.name, &*cache, &all, Expected::Hits);
    Ok(time)
}

fn python_round(bench: &Bench<'_>, python: &Python, name: &str) -> Result<Duration, String> {
    let calls = bench.options.sizes().process_calls;
    let place = bench.places.place();
    let time = together(calls, |first| python.command("beside", name, place.path(), &[first, calls]))?;
    child::figures(&mut python.command("verify", name, place.path(), &[0, PROCESSES * calls]));
    Ok(time)
}

fn together(calls: u64, command: impl Fn(u64) -> Command) -> Result<Duration, String> {
    child::together((0..PROCESSES).map(|process| command(process * calls)).collect())
}
