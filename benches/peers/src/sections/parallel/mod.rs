//! Many tasks at once, none of them remembered: what it costs to hand them to threads and to worker processes.
//!
//! Each of [`QUESTIONS`] is a table; its first row is the reference. In every round all rows of a table have their turn, each on two threads
//! or two processes, which are started and warm but where their start is what is asked for. Inside the timing: from the call
//! with the inputs until all values are there, in order. Outside: making memories and pools, comparing values. Every value is
//! compared; where rememo has a memory, every call is asserted to be a miss.
//!
//! Trivial tasks add one to a number. Tasks of 10 ms use a core for 10 ms of the clock of their thread, so that a core that others
//! use makes them longer. Tasks of 1 ms sleep. joblib's processes are loky's.

mod ours;

use std::time::Duration;

use self::ours::Ours;
use super::Bench;
use crate::child::Measuring;
use crate::goals::Goals;
use crate::options::{ParallelSizes, Sizes};
use crate::python;
use crate::table::{Table, digits, ratio, thousands, time};
use crate::timing::median;

/// Threads or processes, and tasks of a batch that is to be as short as can be.
const WORKERS: u64 = crate::cache::THREADS as u64;
/// What a task costs whose speed-up is measured.
const TASK: Duration = Duration::from_millis(10);

/// A table.
struct Question {
    title: &'static str,
    /// How much is measured in a round.
    count: fn(&ParallelSizes) -> u64,
    /// Whether a figure is of one of them, not of all.
    each: bool,
    rows: &'static [Row],
}

struct Row {
    name: &'static str,
    how: How,
    /// One that is slow does one in so many.
    one_in: u64,
}

#[derive(Clone, Copy)]
enum How {
    Here(fn(&mut Ours, u64) -> Duration),
    /// By the standard library of Python, as `python_parallel.py` calls it.
    Python(&'static str),
    /// The same by joblib, in a process of its own: numpy, which joblib imports, would make the others' processes start later.
    Joblib(&'static str),
}
use How::{Here, Joblib, Python};

const fn row(name: &'static str, how: How) -> Row {
    Row { name, how, one_in: 1 }
}

const DISPATCH: usize = 0;
const CPU: usize = 1;
const TRIP: usize = 2;
const STREAM: usize = 3;
const START: usize = 4;
const PAIR: usize = 5;

const QUESTIONS: [Question; 6] = [
    Question {
        title: "A trivial task to a thread: each of {} in a batch",
        count: |sizes| sizes.tasks,
        each: true,
        rows: &[
            row("rememo, closures", Here(Ours::dispatch)),
            row("rayon, one task an item", Here(Ours::dispatch_rayon)),
            row("joblib, threading", Joblib("dispatch-joblib")),
            row("`ThreadPoolExecutor.map`", Python("dispatch-threads")),
        ],
    },
    Question {
        title: "{} tasks of 10 ms of computing",
        count: |sizes| sizes.long_tasks,
        each: false,
        rows: &[
            row("one after the other", Here(Ours::cpu_serial)),
            row("rememo, threads", Here(Ours::cpu_threads)),
            row("rememo, processes", Here(Ours::cpu_processes)),
            row("rayon, one task an item", Here(Ours::cpu_rayon)),
            row("Python, one after the other", Python("cpu-serial")),
            row("joblib, processes", Joblib("cpu-loky")),
            row("`multiprocessing.Pool.map`", Python("cpu-pool")),
            row("`ProcessPoolExecutor.map`", Python("cpu-futures")),
        ],
    },
    Question {
        title: "A trivial task to a process and back, one after the other",
        count: |sizes| sizes.trips,
        each: true,
        rows: &[
            row("rememo, `jobs(1)`", Here(Ours::one_trips)),
            row("rememo, `jobs(2)`", Here(Ours::trips)),
            row("rememo, `jobs(1)`, missed and stored", Here(Ours::one_trips_remembering)),
            row("rememo, `jobs(2)`, missed and stored", Here(Ours::trips_remembering)),
            row("`multiprocessing.Pool.apply`", Python("trip-pool")),
            row("`ProcessPoolExecutor.submit`", Python("trip-futures")),
            row("loky's `submit`", Joblib("trip-loky")),
            Row { name: "joblib, `Parallel` of one task", how: Joblib("trip-joblib"), one_in: 20 },
        ],
    },
    Question {
        title: "A trivial task through processes: each of {} in a batch",
        count: |sizes| sizes.tasks,
        each: true,
        rows: &[
            row("rememo", Here(Ours::stream)),
            row("rememo, missed and stored", Here(Ours::stream_remembering)),
            row("`multiprocessing.Pool.map`, chunks of an eighth", Python("stream-map")),
            row("`multiprocessing.Pool.imap`", Python("stream-imap")),
            row("`ProcessPoolExecutor.map`", Python("stream-futures")),
            row("joblib", Joblib("stream-loky")),
        ],
    },
    Question {
        title: "Two processes started, until both have done a task of 1 ms",
        count: |sizes| sizes.starts,
        each: true,
        rows: &[
            row("rememo", Here(Ours::starts)),
            row("`multiprocessing.Pool`, fork", Python("start-fork")),
            row("`multiprocessing.Pool`, spawn", Python("start-spawn")),
            row("`ProcessPoolExecutor`, fork", Python("start-futures")),
            row("joblib", Joblib("start-loky")),
        ],
    },
    Question {
        title: "A batch of two tasks that sleep for 1 ms",
        count: |sizes| sizes.pairs,
        each: true,
        rows: &[
            row("rememo, threads", Here(Ours::pairs)),
            row("rememo, processes", Here(Ours::pairs_in_processes)),
            row("rayon, one task an item", Here(Ours::pairs_rayon)),
            row("joblib, threading", Joblib("floor-threading")),
            row("joblib, threading, entered once", Joblib("floor-threading-kept")),
            row("joblib, processes", Joblib("floor-loky")),
            row("joblib, processes, entered once", Joblib("floor-loky-kept")),
            row("`ThreadPoolExecutor.map`", Python("floor-threads")),
            row("`multiprocessing.Pool.map`", Python("floor-pool")),
            row("`ProcessPoolExecutor.map`", Python("floor-futures")),
        ],
    },
];

/// Nanoseconds of one row, a figure for each round.
struct Measured {
    row: &'static Row,
    rounds: Vec<f64>,
}

/// Pythons that measure what they are told to.
struct Children {
    standard: Measuring,
    joblib: Measuring,
}

impl Children {
    fn start(python: &python::Python) -> Self {
        let [standard, joblib] = [(), ()].map(|()| Measuring::start(python.parallel_command()).0);
        Children { standard, joblib }
    }
}

pub(crate) fn run(bench: &Bench<'_>, goals: &mut Goals) {
    let place = bench.places.place();
    let mut ours = Ours::new(super::large::rememo::open(&place.path().join("cache")));
    let mut python = bench.python.as_ref().map(Children::start);
    let sizes = bench.options.sizes();
    let answers: Vec<Vec<Measured>> = QUESTIONS
        .iter()
        .map(|question| {
            let measured = measure(bench, question, sizes, &mut ours, &mut python);
            print(question, &measured, sizes, python.as_ref().err().copied());
            measured
        })
        .collect();
    if let Ok(Children { standard, joblib }) = python {
        standard.end();
        joblib.end();
    }
    note_goals(&answers, goals);
}

fn measure(
    bench: &Bench<'_>,
    question: &'static Question,
    sizes: &Sizes,
    ours: &mut Ours,
    python: &mut Result<Children, &String>,
) -> Vec<Measured> {
    let wanted = |row: &Row| matches!(row.how, Here(_)) || bench.options.wants(row.name);
    let rows = question.rows.iter().filter(|row| wanted(row));
    let mut measured: Vec<Measured> = rows.map(|row| Measured { row, rounds: Vec::new() }).collect();
    for _ in 0..sizes.parallel.rounds {
        for Measured { row, rounds } in &mut measured {
            let count = ((question.count)(&sizes.parallel) / row.one_in).max(1);
            let all = match (row.how, &mut *python) {
                (Here(run), _) => crate::timing::whole(run(ours, count)),
                (Python(way), Ok(children)) => children.standard.order(&format!("{way} {count}"))[0].1,
                (Joblib(way), Ok(children)) => children.joblib.order(&format!("{way} {count}"))[0].1,
                (Python(_) | Joblib(_), Err(_)) => continue,
            };
            rounds.push(if question.each { all / as_float(count) } else { all });
        }
    }
    measured
}

fn print(question: &Question, measured: &[Measured], sizes: &Sizes, no_python: Option<&String>) {
    let reference = median(&measured[0].rounds);
    let against = if question.each { ": rememo" } else { "one after the other : it" };
    let mut table = Table::new(&["", "median", "rounds", against]);
    for Measured { row, rounds } in measured {
        if rounds.is_empty() {
            table.row(&[row.name, no_python.map_or("", |why| why), "", ""]);
            continue;
        }
        let median = median(rounds);
        let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rounds.iter().copied().fold(0.0, f64::max);
        let compared = if question.each { ratio(median / reference) } else { digits(reference / median) };
        let spread = format!("{} to {}", time(least), time(most));
        table.row(&[row.name.to_owned(), time(median), spread, format!("{compared} ×")]);
    }
    let count = thousands((question.count)(&sizes.parallel));
    table.print(&format!("{}; two threads or processes", question.title.replace("{}", &count)));
}

fn note_goals(answers: &[Vec<Measured>], goals: &mut Goals) {
    let figure = |question: usize, row: usize| median(&answers[question][row].rounds);
    goals.at_most("dispatch of a trivial task to a thread", figure(DISPATCH, 0), 100.0);
    for (row, name) in [(1, "threads"), (2, "processes")] {
        let speed_up = figure(CPU, 0) / figure(CPU, row);
        let (reach, measured) = ("≥ 1.95 ×".to_owned(), format!("{} ×", digits(speed_up)));
        goals.push(
            &format!("tasks of 10 ms on 2 {name}, to one after the other"),
            reach,
            measured,
            speed_up >= 1.95,
        );
    }
    for row in [0, 1] {
        let name = QUESTIONS[TRIP].rows[row].name;
        goals.at_most(&format!("task to a process and back, {name}"), figure(TRIP, row), 60_000.0);
    }
    goals.at_most("task through processes", figure(STREAM, 0), 5_000.0);
    goals.at_most("start of 2 processes to a result of each", figure(START, 0), 5e6);
    goals.at_most("batch of two tasks of 1 ms, threads", figure(PAIR, 0), 2e6);
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn as_float(count: u64) -> f64 {
    count as f64
}
