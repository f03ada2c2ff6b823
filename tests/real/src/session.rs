//! One package: its program as it is, then after each edit.

use std::fs;
use std::path::PathBuf;

use crate::Result;
use crate::alone::Alone;
use crate::driver::{self, Driver};
use crate::edit::{Drawing, Edit};
use crate::judge::{Sums, Verdict};
use crate::options::Options;
use crate::recipe::Recipe;
use crate::report::Report;
use crate::sites::{self, Site};

/// A package and its program, built and run as they are.
pub(crate) struct Session {
    pub(crate) driver: Driver,
    packages: PathBuf,
    cache: PathBuf,
    base: Report,
    alone: Vec<Alone>,
}

/// Edits a package; what it is called, and what the edits did.
pub(crate) fn measure(name: &str, options: &Options) -> Result<(String, Sums)> {
    let session = Session::start(name, options)?;
    let sites = session.sites()?;
    let seed = options
        .seed
        .wrapping_add(name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
    let mut drawing = Drawing::new(&sites, &session.alone, seed);
    let mut sums = Sums::default();
    while sums.edits < options.edits {
        let Some(edit) = drawing.next() else { break };
        session.try_edit(&edit, &mut sums)?;
    }
    Ok((session.title(), sums))
}

impl Session {
    pub(crate) fn start(name: &str, options: &Options) -> Result<Self> {
        let driver = Driver::write(Recipe::read(name)?, options.release, &options.work)?;
        driver.build()??;
        let functions = driver.recipe.functions.clone();
        driver.build_alone(&functions)?;
        let packages = driver.dir.canonicalize()?.join("packages");
        let alone =
            functions.iter().map(|function| Alone::read(&driver.executable(Some(function)), &packages));
        let alone = alone.collect::<Result<_>>()?;
        let cache = driver.dir.join("cache");
        let first = driver.run(&cache)?.ok_or_else(|| driver.trouble())?;
        let base = driver.run(&cache)?.ok_or_else(|| driver.trouble())?;
        for function in &functions {
            if base.is_missed(function) || base.is_stale(function) || !first.is_missed(function) {
                return Err(format!("{function} cannot be kept: {}", base.values(function)).into());
            }
        }
        Ok(Session { driver, packages, cache, base, alone })
    }

    /// The package with its version, and how it is built.
    pub(crate) fn title(&self) -> String {
        let recipe = &self.driver.recipe;
        let about = &recipe.edited[0];
        let line = recipe.dependencies.iter().find(|line| line.starts_with(about.as_str()));
        let version = line.and_then(|line| line.split_once("\"=")?.1.split('"').next()).unwrap_or_default();
        format!("{about} {version}, {}", if self.driver.release { "release" } else { "debug" })
    }

    fn sites(&self) -> Result<Vec<Site>> {
        let mut sites = Vec::new();
        for file in self.driver.compiled_files()? {
            sites.extend(sites::find(&file, &fs::read_to_string(&file)?));
        }
        let count = |kind| sites.iter().filter(|site: &&Site| site.kind == kind).count();
        let counts = sites::Kind::ALL.map(|kind| format!("{} {kind:?}", count(kind)));
        println!("{}: {} functions; sites: {}", self.title(), self.alone.len(), counts.join(", "));
        Ok(sites)
    }

    fn try_edit(&self, edit: &Edit<'_>, sums: &mut Sums) -> Result<()> {
        let described = edit.describe(&self.packages)?;
        let applied = edit.apply()?;
        if self.driver.build()?.is_err() {
            return Ok(());
        }
        let Some(report) = self.driver.run(&self.copy_of_cache()?)? else {
            println!("    {described}: does not end well, not counted");
            return Ok(());
        };
        drop(applied);
        sums.edits += 1;
        let verdicts = self.verdicts(edit, &report)?;
        let mut told = Vec::new();
        for (function, verdict) in self.driver.recipe.functions.iter().zip(&verdicts) {
            sums.add(*verdict);
            match verdict {
                Verdict::Kept => {}
                Verdict::Stale => told.push(format!("{function} STALE: {}", report.values(function))),
                _ => told.push(format!("{function} {verdict:?}")),
            }
        }
        println!(
            "{:3} {described}: {}",
            sums.edits,
            if told.is_empty() { "hits".into() } else { told.join("; ") }
        );
        Ok(())
    }

    /// The cache as it was before all edits.
    fn copy_of_cache(&self) -> Result<PathBuf> {
        let cache = self.driver.dir.join("edited_cache");
        if cache.exists() {
            fs::remove_dir_all(&cache)?;
        }
        driver::copy(&self.cache, &cache)?;
        Ok(cache)
    }

    /// The functions that are computed anew after a change that must change nothing.
    pub(crate) fn missed(&self) -> Result<Vec<String>> {
        self.missed_by(&self.driver)
    }

    /// Those that the program of `driver` computes anew.
    pub(crate) fn missed_by(&self, driver: &Driver) -> Result<Vec<String>> {
        driver.build()??;
        let report = driver.run(&self.copy_of_cache()?)?.ok_or_else(|| driver.trouble())?;
        Ok(report.those(|function| report.is_missed(function) || report.is_stale(function)))
    }

    fn verdicts(&self, edit: &Edit<'_>, report: &Report) -> Result<Vec<Verdict>> {
        let functions = &self.driver.recipe.functions;
        let mut verdicts = Vec::new();
        let mut unsure = Vec::new();
        for (number, function) in functions.iter().enumerate() {
            let has_lines = self.alone[number].has_lines(&edit.site.file, edit.site.item.lines);
            verdicts.push(if report.is_stale(function) {
                Verdict::Stale
            } else if !report.is_missed(function) {
                Verdict::Kept
            } else if !report.has_values_of(&self.base, function) {
                Verdict::Changed
            } else if has_lines {
                Verdict::Justified
            } else {
                unsure.push(number);
                Verdict::Needless { otherwise: false }
            });
        }
        for (number, differs) in self.compiled_otherwise(edit, &unsure)? {
            let by_content = differs && !edit.site.item.has_lines;
            verdicts[number] =
                if by_content { Verdict::Justified } else { Verdict::Needless { otherwise: differs } };
        }
        Ok(verdicts)
    }

    /// Whether each of these functions has a program of its own that the edit changes.
    fn compiled_otherwise(&self, edit: &Edit<'_>, functions: &[usize]) -> Result<Vec<(usize, bool)>> {
        if functions.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> =
            functions.iter().map(|number| self.driver.recipe.functions[*number].clone()).collect();
        let _applied = edit.apply_in_place()?;
        self.driver.build_alone(&names)?;
        let differs = functions.iter().zip(&names).map(|(number, name)| {
            Ok((*number, self.alone[*number].differs_from(&self.driver.executable(Some(name)))?))
        });
        differs.collect()
    }
}
