//! Measures rememo beside other stores and caches, all under the same work in the same run, and prints tables in Markdown.
//!
//! What is measured, and what is inside the timing, is said at the top of each of [`sections`]; [`cache`] says what a peer has to
//! bring. Any wrong value, and any hit or miss that should be the other, ends the program.

mod cache;
mod child;
mod goals;
mod options;
mod peers;
mod place;
mod python;
mod sections;
mod table;
mod timing;
mod work;

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use goals::Goals;
use options::{Options, Section, USAGE};
use place::Places;
use python::Python;
use sections::Bench;

/// The packages whose versions are printed.
const PACKAGES: [&str; 8] = ["heed", "redb", "cached", "rusqlite", "cacache", "papaya", "bincode", "rayon"];

fn main() -> ExitCode {
    let main_began = Instant::now();
    rememo::init();
    if child::run_as_child(main_began) {
        return ExitCode::SUCCESS;
    }
    match Options::from_arguments() {
        Ok(options) => {
            run(&options);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) {
    let dir = options.dir.clone().unwrap_or_else(|| place::beside_the_program("peers-stores"));
    let places = Places::new(&dir);
    let python = Python::prepare();
    describe(options, &python);
    let bench = Bench { options, places: &places, python: &python };
    let mut goals = Goals::default();
    for section in &options.sections {
        match section {
            Section::Hit => sections::hit::run(&bench, &mut goals),
            Section::Million => sections::million::run(&bench, &mut goals),
            Section::Processes => sections::processes::run(&bench, &mut goals),
            Section::Sweep => sections::sweep::run(&bench, &mut goals),
            Section::Large => sections::large::run(&bench, &mut goals),
            Section::Parallel => sections::parallel::run(&bench, &mut goals),
        }
    }
    goals.print();
}

fn describe(options: &Options, python: &Result<Python, String>) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let versions = PACKAGES.map(|name| format!("{name} {}", version(name))).join(", ");
    let python = match python {
        Ok(python) => &python.versions,
        Err(why) => why,
    };
    println!("{cores} cores; {versions}; {python}.");
    let rounds = options.sizes().rounds;
    println!("Medians of {rounds} rounds but for large values; in brackets the ratio to rememo's log.");
    if options.quick {
        println!("\n**Quick: all of it works, and the figures mean nothing.**");
    }
}

/// The version that the lock file of this package has.
fn version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = lock.split_once(&entry).expect("a dependency");
    rest.split_once('"').expect("a lock file").0
}
