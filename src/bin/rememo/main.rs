//! The command `rememo`: looks into a cache directory, and tidies it. Thin: what it shows and does is in the library.
//!
//! Exit status: 0, 1 if something was found wrong or could not be done, 2 if it was asked in a way that makes no sense or where
//! no cache is.

#![allow(clippy::print_stderr, reason = "a command tells its errors there")]

mod args;
mod chart;
mod doctor;
mod find;
mod list;
mod log;
mod output;
mod place;
mod prune;
mod remove;
mod report;
mod show;
mod stats;
mod transfer;
mod units;
mod verify;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Arguments, Command};
use crate::output::{Output, Stop, Verdict};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::new(arguments.json);
    let done = run(&arguments, &mut output).and_then(|verdict| {
        output.finish()?;
        Ok(verdict)
    });
    match done {
        Ok(Verdict::Right) => ExitCode::SUCCESS,
        Ok(Verdict::Wrong) => ExitCode::from(1),
        Err(stop) => {
            if let Some(message) = stop.message() {
                eprintln!("rememo: {message}");
            }
            stop.status()
        }
    }
}

fn run(arguments: &Arguments, output: &mut Output) -> Result<Verdict, Stop> {
    let place = arguments.dir.as_deref();
    match &arguments.command {
        Command::Ls(asked) => list::run(&place::to_read(place)?, asked, output),
        Command::Show { key } => show::run(&place::to_read(place)?, key, output),
        Command::Why { key } => why::run(&place::to_read(place)?, key, output),
        Command::Log { function } => log::run(&place::to_read(place)?, function, output),
        Command::Stats => stats::run(&place::to_read(place)?, output),
        Command::Prune(asked) => prune::run(place, asked, output),
        Command::Verify { remove } => verify::run(place, *remove, output),
        Command::Rm { what } => remove::run(&place::to_write(place)?, what, output),
        Command::Export { file, function } => {
            transfer::export(&place::to_read(place)?, file, function.as_deref(), output)
        }
        Command::Import { file } => transfer::import(&place::to_write(place)?, file, output),
        Command::Report { file } => report::run(&place::to_read(place)?, file, output),
        Command::Doctor => doctor::run(place, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "rememo", &mut script);
            output.bytes(&script)?;
            Ok(Verdict::Right)
        }
    }
}
