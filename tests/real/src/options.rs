//! What the command line says.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::recipe::Recipe;

pub(crate) struct Options {
    pub(crate) packages: Vec<String>,
    /// How many edits of each package; those that do not compile do not count.
    pub(crate) edits: usize,
    pub(crate) seed: u64,
    pub(crate) release: bool,
    /// Whether edits are made that change nothing, in the place of random ones.
    pub(crate) harmless: bool,
    /// Where programs are written and built.
    pub(crate) work: PathBuf,
}

const USAGE: &str =
    "[--package NAME]... [--all] [--edits N] [--seed S] [--release] [--harmless] [--work DIRECTORY]";

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let work = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/real");
        let mut options =
            Options { packages: Vec::new(), edits: 20, seed: 1, release: false, harmless: false, work };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value; {USAGE}"));
            match argument.as_str() {
                "--package" => options.packages.push(value()?),
                "--all" => options.packages = Recipe::names()?,
                "--edits" => options.edits = value()?.parse()?,
                "--seed" => options.seed = value()?.parse()?,
                "--release" => options.release = true,
                "--harmless" => options.harmless = true,
                "--work" => options.work = value()?.into(),
                _ => return Err(format!("{argument} is unknown; {USAGE}").into()),
            }
        }
        if options.packages.is_empty() {
            return Err(format!("no package; {USAGE}").into());
        }
        Ok(options)
    }
}
