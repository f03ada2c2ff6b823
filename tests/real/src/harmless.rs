//! Edits that change nothing of what runs: all functions must be found after each of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::driver;
use crate::options::Options;
use crate::rewrite;
use crate::session::Session;

/// Derives are tried on as many types as this until one compiles.
const DERIVES: usize = 10;

const UNUSED: &str = "
#[allow(dead_code)]
fn __unused(x: u64) -> u64 {
    x.wrapping_mul(3) + __UNUSED
}

#[allow(dead_code)]
const __UNUSED: u64 = 7;
";

const TESTS: &str = "
#[cfg(test)]
mod __more_tests {
    #[test]
    fn one_and_one_is_two() {
        assert_eq!(1 + 1, 2);
    }
}
";

/// Makes the edits; how many calls were lost, and a row of the table.
pub(crate) fn measure(name: &str, options: &Options) -> Result<(usize, String)> {
    let session = Session::start(name, options)?;
    let mut lost = Vec::new();
    let mut count = 0;
    let mut look = |what: &str, missed: Vec<String>| {
        count += missed.len();
        let told = if missed.is_empty() { "hits".to_owned() } else { missed.join(", ") };
        println!("    {what}: {told}");
        if !missed.is_empty() {
            lost.push(format!("{what}: {told}"));
        }
    };
    for (what, rewritten) in rewritings() {
        let _files = Rewritten::all(&session, rewritten)?;
        look(what, session.missed()?);
    }
    look("a derive", a_derive(&session)?);
    look("a bench", a_bench(&session)?);
    look("checked between", checked(&session)?);
    look("moved", moved(&session)?);
    look("another target directory", another_target(&session)?);
    let told = if lost.is_empty() { "none".to_owned() } else { lost.join("; ") };
    Ok((count, format!("| {} | {} | {told} |", session.title(), session.driver.recipe.functions.len())))
}

/// What becomes of the text of a source file.
type Rewriting = fn(&str) -> Option<String>;

fn rewritings() -> [(&'static str, Rewriting); 7] {
    [
        ("format", formatted),
        ("comments", |text| rewrite::above_items(text, "// A comment.\n")),
        ("docs", |text| rewrite::above_documented(text, "/// More of the documentation.\n")),
        ("items in another order", rewrite::swapped),
        ("unused items", |text| Some(format!("{text}{UNUSED}"))),
        ("tests", |text| Some(format!("{text}{TESTS}"))),
        ("pub", |text| rewrite::made_public(text, 3)),
    ]
}

/// Source files with other texts, until this is dropped.
struct Rewritten(Vec<(PathBuf, String)>);

impl Rewritten {
    fn all(session: &Session, rewriting: Rewriting) -> Result<Self> {
        let mut rewritten = Rewritten(Vec::new());
        for file in session.driver.compiled_files()? {
            rewritten.rewrite(file, rewriting)?;
        }
        if rewritten.0.is_empty() {
            return Err("no file can be rewritten".into());
        }
        Ok(rewritten)
    }

    fn rewrite(&mut self, file: PathBuf, rewriting: impl Fn(&str) -> Option<String>) -> Result<()> {
        let text = fs::read_to_string(&file)?;
        if let Some(other) = rewriting(&text) {
            fs::write(&file, other)?;
            self.0.push((file, text));
        }
        Ok(())
    }
}

impl Drop for Rewritten {
    fn drop(&mut self) {
        for (file, text) in &self.0 {
            if let Err(error) = fs::write(file, text) {
                eprintln!("{}: {error}", file.display());
            }
        }
    }
}

/// Broken into other lines; `None` if rustfmt cannot read it.
fn formatted(text: &str) -> Option<String> {
    let file = std::env::temp_dir().join(format!("rememo-real-{}.rs", std::process::id()));
    fs::write(&file, text).ok()?;
    let input = fs::File::open(&file).ok()?;
    let settings = ["--edition", "2021", "--config", "max_width=60,hard_tabs=true"];
    let output = Command::new("rustfmt").args(settings).stdin(input).output();
    fs::remove_file(&file).ok()?;
    let output = output.ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().filter(|other| other != text)
}

fn a_derive(session: &Session) -> Result<Vec<String>> {
    let mut tried = 0;
    for file in session.driver.compiled_files()? {
        for text in rewrite::with_derives(&fs::read_to_string(&file)?) {
            let mut rewritten = Rewritten(Vec::new());
            rewritten.rewrite(file.clone(), |_| Some(text.clone()))?;
            tried += 1;
            if session.driver.build()?.is_ok() {
                return session.missed();
            }
            if tried == DERIVES {
                return Err("no derive compiles".into());
            }
        }
    }
    Err("there is no type for another derive".into())
}

fn a_bench(session: &Session) -> Result<Vec<String>> {
    let file = session.driver.copy_of(&session.driver.recipe.edited[0]).join("benches/__more.rs");
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
    fs::write(&file, "fn main() {}\n")?;
    let missed = session.missed();
    fs::remove_file(&file)?;
    missed
}

fn checked(session: &Session) -> Result<Vec<String>> {
    let _files = Rewritten::all(session, |text| Some(format!("{text}{UNUSED}")))?;
    if !session.driver.cargo(&["check", "--quiet"]).status()?.success() {
        return Err("cargo check fails".into());
    }
    session.missed()
}

/// The program with its packages in another directory.
fn moved(session: &Session) -> Result<Vec<String>> {
    let dir = session.driver.dir.with_file_name(format!("{}_moved", session.driver.recipe.name));
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    for part in ["src", "packages"] {
        driver::copy(&session.driver.dir.join(part), &dir.join(part))?;
    }
    for part in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(session.driver.dir.join(part), dir.join(part))?;
    }
    let missed = session.missed_by(&session.driver.elsewhere(dir.clone(), session.driver.target.clone()));
    fs::remove_dir_all(&dir)?;
    missed
}

fn another_target(session: &Session) -> Result<Vec<String>> {
    let target = session.driver.target.with_file_name("another_target");
    session.missed_by(&session.driver.elsewhere(session.driver.dir.clone(), target))
}
