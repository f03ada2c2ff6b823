//! The program of the scenarios: one batch, on the executor that it is told. It prints a line for each call.
//!
//! Each run of a call leaves a line in the file `runs` when it begins and one when it ends. So what was computed twice is seen.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use rememo::{Executor, Layout, Memory, Parallel, memo};
use serde::{Deserialize, Serialize};

const VARIABLE: &str = "REMEMO_CLUSTER_PROGRAM";

/// What is asked of the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Has the cache and the runs.
    pub place: PathBuf,
    pub calls: Calls,
    pub engine: Engine,
    pub files_layout: bool,
    /// Nothing is remembered.
    pub is_off: bool,
    pub keep_going: bool,
    /// Milliseconds that a call may take.
    pub timeout: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Calls {
    /// So many calls that take so many milliseconds.
    Alike(u64, u64),
    /// The same; some of them panic, abort, or never end.
    Mixed(u64, u64),
    /// The same; the sixth panics.
    OneFails(u64, u64),
    /// One call of so many steps, of so many milliseconds each.
    Walk(u32, u64),
    Seeds(u64),
    /// Values too large for a reply.
    Large(u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Engine {
    Threads,
    Processes,
    Slurm(Slurm),
    Launcher(Vec<String>),
}

/// Settings of `Executor::slurm()`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Slurm {
    pub partition: Option<String>,
    pub tasks: Option<usize>,
    pub cpus_per_task: Option<usize>,
    pub seconds: Option<u64>,
    pub options: Vec<String>,
    pub setup: Option<String>,
    pub folder: Option<PathBuf>,
    pub cancel_on_drop: bool,
}

impl Program {
    /// The environment that makes this binary the program.
    pub fn variable(&self) -> (&'static str, String) {
        (VARIABLE, serde_json::to_string(self).unwrap())
    }
}

pub fn is_asked_for() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// What a call does in the end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Ending {
    Return,
    Panic,
    Abort,
    Hang,
}

/// How call `number` of a mixed batch ends.
pub fn ending(number: u64) -> Ending {
    match number % 20 {
        5 => Ending::Panic,
        9 => Ending::Abort,
        13 => Ending::Hang,
        _ => Ending::Return,
    }
}

pub fn expected(number: u64) -> u64 {
    number * number + 1
}

/// Where `walk` comes to.
pub fn destination(steps: u32) -> u64 {
    (0..steps).fold(1, |at, _| at * 31 % 1_000_003)
}

fn note(place: &Path, what: &str, number: u64) {
    let node = env::var("SLURMD_NODENAME").unwrap_or_else(|_| "-".into());
    let job = env::var("SLURM_JOB_ID").unwrap_or_else(|_| "-".into());
    let line = format!("{what} {number} {node} {job} {}\n", process::id());
    let mut runs = File::options().append(true).create(true).open(place.join("runs")).unwrap();
    runs.write_all(line.as_bytes()).unwrap();
}

#[memo(ignore(place))]
fn work(number: u64, millis: u64, ending: Ending, place: &Path) -> u64 {
    note(place, "begins", number);
    thread::sleep(Duration::from_millis(millis));
    match ending {
        Ending::Return => {}
        Ending::Panic => panic!("{number} is a bad number"),
        Ending::Abort => process::abort(),
        Ending::Hang => loop {
            thread::park();
        },
    }
    note(place, "ends", number);
    expected(number)
}

/// Saves where it is after each step, and at once when it is told to stop.
#[memo(ignore(place))]
fn walk(steps: u32, millis: u64, place: &Path) -> u64 {
    let (mut step, mut at) = rememo::checkpoint().unwrap_or((0_u32, 1_u64));
    let mut is_told = false;
    while step < steps {
        note(place, "step", u64::from(step));
        let end = Instant::now() + Duration::from_millis(millis);
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(millis.min(10)));
            if rememo::stopping() && !is_told {
                is_told = true;
                note(place, "stopping", u64::from(step));
            }
        }
        at = at * 31 % 1_000_003;
        step += 1;
        rememo::save(&(step, at));
    }
    at
}

/// A megabyte.
#[memo(ignore(place))]
fn large(number: u64, place: &Path) -> Vec<u64> {
    note(place, "begins", number);
    let numbers = (0..131_072).map(|at| at * number).collect();
    note(place, "ends", number);
    numbers
}

#[memo]
fn seeded(_number: u64) -> [u8; 32] {
    rememo::seed()
}

/// Does what the environment asks for.
pub fn play() {
    let program: Program = serde_json::from_str(&env::var(VARIABLE).unwrap()).unwrap();
    let layout = if program.files_layout { Layout::Files } else { Layout::Auto };
    let memory = if program.is_off {
        Memory::disabled()
    } else {
        Memory::builder().dir(program.place.join("cache")).layout(layout).open().unwrap()
    };
    let mut parallel = Parallel::new().memory(&memory).executor(program.engine.executor());
    if let Some(millis) = program.timeout {
        parallel = parallel.timeout(Duration::from_millis(millis));
    }
    let place = &*program.place;
    match program.calls {
        Calls::Alike(count, millis) => {
            let calls = (0..count).map(|number| work::delayed(number, millis, Ending::Return, place));
            program.run(&parallel, calls);
        }
        Calls::OneFails(count, millis) => {
            let ending = |number| if number == 5 { Ending::Panic } else { Ending::Return };
            let calls = (0..count).map(|number| work::delayed(number, millis, ending(number), place));
            program.run(&parallel, calls);
        }
        Calls::Mixed(count, millis) => {
            let calls = (0..count).map(|number| work::delayed(number, millis, ending(number), place));
            program.run(&parallel, calls);
        }
        Calls::Walk(steps, millis) => program.run(&parallel, [walk::delayed(steps, millis, place)]),
        Calls::Seeds(count) => program.run(&parallel, (0..count).map(seeded::delayed)),
        Calls::Large(count) => {
            let values = parallel.run((0..count).map(|number| large::delayed(number, place))).unwrap();
            for (number, value) in (0..).zip(values) {
                assert_eq!(value, large::uncached(number, place));
                println!("value {number} {}", expected(number));
            }
        }
    }
    let stats = memory.stats();
    println!("stats {} hits {} misses {} troubles", stats.hits, stats.misses, stats.troubles);
}

impl Program {
    /// Prints `value <number> <value>`, `error <number> <kind> <message>` and, for the first of a batch that stops, `stopped
    /// <error>`.
    fn run<C>(&self, parallel: &Parallel, calls: impl IntoIterator<Item = C>)
    where
        C: rememo::Call<Output: std::fmt::Debug + Send> + Send,
    {
        let results = if self.keep_going {
            parallel.run_all(calls)
        } else {
            match parallel.run(calls) {
                Ok(values) => values.into_iter().map(Ok).collect(),
                Err(error) => return println!("stopped {:?}", format!("{:#}", Chain(&error))),
            }
        };
        for (number, result) in results.into_iter().enumerate() {
            match result {
                Ok(value) => println!("value {number} {value:?}"),
                Err(error) => println!("error {number} {:?} {:?}", error.kind(), error.to_string()),
            }
        }
    }
}

/// An error with its sources.
struct Chain<'e>(&'e dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        self.0.source().map_or(Ok(()), |source| write!(f, ": {}", Chain(source)))
    }
}

impl Engine {
    fn executor(&self) -> Executor {
        match self {
            Engine::Threads => Executor::threads(),
            Engine::Processes => Executor::processes(),
            Engine::Launcher(command) => Executor::launcher(command),
            Engine::Slurm(slurm) => slurm.executor(),
        }
    }
}

impl Slurm {
    fn executor(&self) -> Executor {
        let mut executor = Executor::slurm().cancel_on_drop(self.cancel_on_drop);
        if let Some(partition) = &self.partition {
            executor = executor.partition(partition);
        }
        if let Some(tasks) = self.tasks {
            executor = executor.tasks(tasks);
        }
        if let Some(cpus) = self.cpus_per_task {
            executor = executor.cpus_per_task(cpus);
        }
        if let Some(seconds) = self.seconds {
            executor = executor.time(Duration::from_secs(seconds));
        }
        for option in &self.options {
            executor = executor.option(option);
        }
        if let Some(setup) = &self.setup {
            executor = executor.setup(setup);
        }
        if let Some(folder) = &self.folder {
            executor = executor.folder(folder);
        }
        executor
    }
}
