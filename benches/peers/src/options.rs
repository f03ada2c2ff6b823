//! The command line, and the sizes that follow from it.

use std::env;
use std::path::PathBuf;

use crate::peers::Pace;

pub(crate) const USAGE: &str = "\
usage: rememo-peers [hit] [million] [processes] [sweep] [large] [parallel] [--quick] [--dir DIRECTORY] [--only NAME,NAME,…]
                    [--size SIZE,SIZE,…]
  sections    all if none is named
  --quick     small sizes: shows that all of it works, measures nothing
  --dir       where the stores are made and removed; default: beside the program, below the target directory
  --only      peers whose names contain one of these; rememo's log is always there
  --size      sizes of the section `large`, of 1MB, 100MB and 1GB; default: all
";

/// Parts of the benchmark, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Hit,
    Million,
    Processes,
    Sweep,
    Large,
    Parallel,
}

/// What was asked for.
pub(crate) struct Options {
    pub(crate) sections: Vec<Section>,
    pub(crate) quick: bool,
    pub(crate) dir: Option<PathBuf>,
    /// Parts of names, in lower case; empty: everybody.
    pub(crate) only: Vec<String>,
    /// Sizes of large values; empty: all.
    large: Vec<&'static Large>,
}

impl Options {
    /// What the command line says; an `Err` is for the user.
    pub(crate) fn from_arguments() -> Result<Self, String> {
        let mut options =
            Options { sections: Vec::new(), quick: false, dir: None, only: Vec::new(), large: Vec::new() };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut operand = || arguments.next().ok_or(format!("{argument} wants an operand"));
            match argument.as_str() {
                "hit" => options.sections.push(Section::Hit),
                "million" => options.sections.push(Section::Million),
                "processes" => options.sections.push(Section::Processes),
                "sweep" => options.sections.push(Section::Sweep),
                "large" => options.sections.push(Section::Large),
                "parallel" => options.sections.push(Section::Parallel),
                "--quick" => options.quick = true,
                "--dir" => options.dir = Some(operand()?.into()),
                "--only" => options.only.extend(operand()?.split(',').map(str::to_lowercase)),
                "--size" => {
                    for name in operand()?.split(',') {
                        let size = LARGE.iter().find(|size| size.is_called(name));
                        options.large.push(size.ok_or(format!("`{name}` is no size"))?);
                    }
                }
                other => return Err(format!("`{other}` is not known")),
            }
        }
        if options.sections.is_empty() {
            options.sections = vec![
                Section::Hit,
                Section::Million,
                Section::Processes,
                Section::Sweep,
                Section::Large,
                Section::Parallel,
            ];
        }
        Ok(options)
    }

    /// Whether the peer of this name is to be measured.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.to_lowercase().contains(part))
    }

    /// The sizes of large values that are to be measured, and arguments, and files.
    pub(crate) fn large(&self) -> Vec<&'static Large> {
        match &*self.large {
            _ if self.quick => vec![&LARGE_QUICK],
            [] => LARGE.iter().collect(),
            chosen => chosen.to_vec(),
        }
    }

    pub(crate) fn sizes(&self) -> &'static Sizes {
        if self.quick { &QUICK } else { &FULL }
    }
}

/// A number of entries or calls: for most, and for those that are slow.
pub(crate) struct Count {
    fast: u64,
    slow: u64,
}

impl Count {
    pub(crate) fn of(&self, pace: Pace) -> u64 {
        match pace {
            Pace::Fast => self.fast,
            Pace::Slow => self.slow,
        }
    }
}

/// How much work is done.
pub(crate) struct Sizes {
    /// Entries among which hits wander, and misses that are timed.
    pub(crate) entries: Count,
    /// Hits timed in a round, for each entry.
    pub(crate) passes: Count,
    /// Rounds of everything but the million.
    pub(crate) rounds: u64,
    /// Entries of the large store.
    pub(crate) million: Count,
    /// Processes that are started for a first hit.
    pub(crate) starts: u64,
    /// Calls of each of the four processes, stored and then found.
    pub(crate) process_calls: u64,
    /// Calls of the sweep.
    pub(crate) sweep: Count,
    pub(crate) parallel: ParallelSizes,
}

/// How much is measured in a round of section `parallel`.
pub(crate) struct ParallelSizes {
    pub(crate) rounds: u64,
    /// Trivial tasks of a batch.
    pub(crate) tasks: u64,
    /// Tasks of 10 ms of a batch.
    pub(crate) long_tasks: u64,
    /// Trivial tasks one after the other.
    pub(crate) trips: u64,
    /// Starts of two processes.
    pub(crate) starts: u64,
    /// Batches of two tasks of 1 ms.
    pub(crate) pairs: u64,
}

const FULL: Sizes = Sizes {
    entries: Count { fast: 10_000, slow: 500 },
    passes: Count { fast: 10, slow: 2 },
    rounds: 5,
    million: Count { fast: 1_000_000, slow: 20_000 },
    starts: 5,
    process_calls: 5000,
    sweep: Count { fast: 100_000, slow: 10_000 },
    parallel: ParallelSizes { rounds: 5, tasks: 10_000, long_tasks: 200, trips: 1000, starts: 5, pairs: 20 },
};

const QUICK: Sizes = Sizes {
    entries: Count { fast: 200, slow: 50 },
    passes: Count { fast: 1, slow: 1 },
    rounds: 2,
    million: Count { fast: 3000, slow: 200 },
    starts: 1,
    process_calls: 50,
    sweep: Count { fast: 2000, slow: 400 },
    parallel: ParallelSizes { rounds: 1, tasks: 100, long_tasks: 4, trips: 20, starts: 1, pairs: 2 },
};

/// A size of large values.
pub(crate) struct Large {
    pub(crate) name: &'static str,
    /// How many `f64` it is.
    pub(crate) count: usize,
    pub(crate) rounds: usize,
    /// Hits in each round, if they are long.
    pub(crate) hits: usize,
}

impl Large {
    /// Whether `name` is its name, blanks and case aside.
    fn is_called(&self, name: &str) -> bool {
        self.name.replace(' ', "").eq_ignore_ascii_case(name)
    }
}

const LARGE: [Large; 3] = [
    Large { name: "1 MB", count: 125_000, rounds: 9, hits: 4 },
    Large { name: "100 MB", count: 12_500_000, rounds: 5, hits: 4 },
    Large { name: "1 GB", count: 125_000_000, rounds: 3, hits: 2 },
];
const LARGE_QUICK: Large = Large { name: "1 MB", count: 125_000, rounds: 2, hits: 2 };
