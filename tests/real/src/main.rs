//! Edits real packages at random, and measures what rememo keeps of functions that use them.
//!
//! For each package a program with some memoized functions is built against a copy of the package, and run. Then the
//! copy is edited, in one place at a time, and the program is built and run again with a copy of the cache. Each function
//! is called through the cache and without it, so each hit is known to be right or stale.
//!
//! A miss of a function that returns what it did is *justified* if the function runs what was edited. To tell, a program
//! of this function alone is linked, without rememo, and the linker removes what the function does not lead to. If its
//! debug information has a line of the edited item, the miss is justified, else *needless*. Constants, statics, macros
//! and what the compiler evaluates have no lines. There the miss is justified if the edit changes the content of
//! that program.
//!
//! Of needless misses it is told, by the same comparison, whether the compiler made other code of the function's program
//! (it inlines and divides code otherwise when something beside it changes), or rememo sees more than there is.
//!
//! One half of the edits is drawn from items that some function runs, the other half from all. One half of them has
//! lines added at the top of the file. The cache is copied for each edit, so each is compared with the package as it was.
//!
//! ```text
//! cargo run --release --manifest-path tests/real/Cargo.toml -- --package geo --edits 20 --seed 1 [--release]
//! ```

mod alone;
mod driver;
mod edit;
mod harmless;
mod judge;
mod mutate;
mod options;
mod random;
mod recipe;
mod report;
mod rewrite;
mod session;
mod sites;

use std::process::ExitCode;
use std::time::Instant;

use crate::judge::{HEAD, Sums};
use crate::options::Options;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let options = Options::parse(std::env::args().skip(1));
    let measured =
        options.and_then(|options| if options.harmless { run_harmless(&options) } else { Ok(run(&options)) });
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Edits the packages at random; whether all was measured and nothing was stale.
fn run(options: &Options) -> bool {
    let mut rows = Vec::new();
    let mut total = Sums::default();
    let mut is_well = true;
    for name in &options.packages {
        let started = Instant::now();
        match session::measure(name, options) {
            Ok((title, sums)) => {
                println!("{title}: {} s", started.elapsed().as_secs());
                rows.push(format!("| {title} | {sums}"));
                total += sums;
            }
            Err(error) => {
                println!("{name}: {error}");
                is_well = false;
            }
        }
    }
    println!("\n{HEAD}");
    println!("{}", rows.join("\n"));
    println!("| all | {total}");
    is_well && total.stale == 0
}

/// Makes edits that change nothing; whether nothing was lost.
fn run_harmless(options: &Options) -> Result<bool> {
    let mut rows = Vec::new();
    let mut all_lost = 0;
    for name in &options.packages {
        println!("{name}, edits that change nothing:");
        let (lost, row) = harmless::measure(name, options)?;
        all_lost += lost;
        rows.push(row);
    }
    println!("\n| package, build | functions | lost |\n| --- | ---: | --- |");
    println!("{}", rows.join("\n"));
    Ok(all_lost == 0)
}
