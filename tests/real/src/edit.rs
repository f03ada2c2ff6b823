//! An edit: a site, and whether lines are added above it.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::alone::Alone;
use crate::random::Random;
use crate::sites::{Kind, Site};

/// As many attempts as there may be in vain.
const ATTEMPTS: usize = 1000;

const LINES_ABOVE: &str = "// A line more.\n\n// And another.\n";

pub(crate) struct Edit<'a> {
    pub(crate) site: &'a Site,
    adds_lines: bool,
}

/// Draws edits: one half where the code of a function comes from, the other half anywhere.
pub(crate) struct Drawing<'a> {
    near: Vec<&'a Site>,
    all: Vec<&'a Site>,
    drawn: Vec<&'a Site>,
    random: Random,
    count: usize,
}

impl<'a> Drawing<'a> {
    pub(crate) fn new(sites: &'a [Site], functions: &[Alone], seed: u64) -> Self {
        let is_near =
            |site: &&Site| functions.iter().any(|alone| alone.has_lines(&site.file, site.item.lines));
        Drawing {
            near: sites.iter().filter(is_near).collect(),
            all: sites.iter().collect(),
            drawn: Vec::new(),
            random: Random::new(seed),
            count: 0,
        }
    }

    /// One that was not drawn before: any kind is as likely as any other that there is.
    pub(crate) fn next(&mut self) -> Option<Edit<'a>> {
        for _ in 0..ATTEMPTS {
            self.count += 1;
            let kind = Kind::ALL[self.random.below(Kind::ALL.len())];
            let pool = if self.random.below(2) == 0 { &self.near } else { &self.all };
            let pool: Vec<&Site> = pool.iter().copied().filter(|site| site.kind == kind).collect();
            if pool.is_empty() {
                continue;
            }
            let site = pool[self.random.below(pool.len())];
            let is_new = !self.drawn.iter().any(|drawn| std::ptr::eq(*drawn, site));
            if is_new {
                self.drawn.push(site);
                return Some(Edit { site, adds_lines: self.random.below(2) == 0 });
            }
        }
        None
    }
}

impl Edit<'_> {
    /// Writes the edited file; the file is as it was when what is returned is dropped.
    pub(crate) fn apply(&self) -> Result<Applied> {
        self.write(self.adds_lines)
    }

    /// Writes the edited file without added lines.
    pub(crate) fn apply_in_place(&self) -> Result<Applied> {
        self.write(false)
    }

    fn write(&self, adds_lines: bool) -> Result<Applied> {
        let applied = Applied { file: self.site.file.clone(), text: fs::read_to_string(&self.site.file)? };
        let mut edited = applied.text.clone();
        edited.replace_range(self.site.bytes.clone(), &self.site.text);
        if adds_lines {
            edited.insert_str(0, LINES_ABOVE);
        }
        fs::write(&self.site.file, edited)?;
        Ok(applied)
    }

    /// What it does, in a line.
    pub(crate) fn describe(&self, base: &Path) -> Result<String> {
        let source = fs::read_to_string(&self.site.file)?;
        let old = short(source.get(self.site.bytes.clone()).unwrap_or_default());
        let file = self.site.file.strip_prefix(base).unwrap_or(&self.site.file);
        let line = source.get(..self.site.bytes.start).map_or(0, |before| before.matches('\n').count() + 1);
        let item = &self.site.item.name;
        let new = short(&self.site.text);
        Ok(format!("{self} in {item} ({}:{line}): `{old}` to `{new}`", file.display()))
    }
}

impl Display for Edit<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.site.kind, if self.adds_lines { ", lines above" } else { "" })
    }
}

/// A text in one line, cut off.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(30).collect();
    if cut == line { line } else { cut + "…" }
}

/// A file that was changed; it is as before when this is dropped.
pub(crate) struct Applied {
    file: PathBuf,
    text: String,
}

impl Drop for Applied {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.file, &self.text) {
            eprintln!("{}: {error}", self.file.display());
        }
    }
}
