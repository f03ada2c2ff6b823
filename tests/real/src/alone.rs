//! Programs into which one function alone is linked: what they are made of. The linker removes whatever the function
//! does not lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use object::{Object, ObjectSection, SectionKind};

use crate::Result;

/// What the program of one function is made of.
#[derive(Debug)]
pub(crate) struct Alone {
    /// By source file: the lines that its code comes from.
    lines: BTreeMap<PathBuf, BTreeSet<u32>>,
    /// The content of its sections.
    content: Vec<Vec<u8>>,
}

impl Alone {
    /// Reads a program; the lines are those of the files below `sources`.
    pub(crate) fn read(program: &Path, sources: &Path) -> Result<Self> {
        let mut alone = Alone { lines: BTreeMap::new(), content: content(program)? };
        let loader = Loader::new(program).map_err(|error| error.to_string())?;
        let mut has_lines = false;
        for (start, end) in code(program)? {
            let rows = loader.find_location_range(start, end).map_err(|error| error.to_string())?;
            for (_, _, location) in rows {
                if let (Some(file), Some(line)) = (location.file, location.line) {
                    has_lines = true;
                    alone.add(Path::new(file), line, sources);
                }
            }
        }
        // Of the package there may be none: a build script may have written all that a function runs of it.
        if !has_lines {
            return Err(format!("{} has no lines in its debug information", program.display()).into());
        }
        Ok(alone)
    }

    fn add(&mut self, file: &Path, line: u32, sources: &Path) {
        if !file.starts_with(sources) {
            return;
        }
        if let Some(lines) = self.lines.get_mut(file) {
            lines.insert(line);
        } else {
            self.lines.insert(file.to_owned(), BTreeSet::from([line]));
        }
    }

    /// Whether code of it comes from any of these lines, the last included.
    pub(crate) fn has_lines(&self, file: &Path, (first, last): (usize, usize)) -> bool {
        let number = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
        let lines = self.lines.get(file);
        lines.is_some_and(|lines| lines.range(number(first)..=number(last)).next().is_some())
    }

    /// Whether `program` has other code or data.
    pub(crate) fn differs_from(&self, program: &Path) -> Result<bool> {
        Ok(content(program)? != self.content)
    }
}

/// Where the code of a program is.
fn code(program: &Path) -> Result<Vec<(u64, u64)>> {
    let bytes = fs::read(program)?;
    let file = object::File::parse(&*bytes)?;
    let code = file.sections().filter(|section| section.kind() == SectionKind::Text);
    Ok(code.map(|section| (section.address(), section.address() + section.size())).collect())
}

/// Code and data, without what linkers and compilers note about them.
fn content(program: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = fs::read(program)?;
    let file = object::File::parse(&*bytes)?;
    let is_content = |section: &object::Section<'_, '_>| {
        let kinds = [
            SectionKind::Text,
            SectionKind::Data,
            SectionKind::ReadOnlyData,
            SectionKind::ReadOnlyDataWithRel,
            SectionKind::ReadOnlyString,
            SectionKind::Tls,
        ];
        kinds.contains(&section.kind()) && section.name().is_ok_and(|name| !name.starts_with(".note"))
    };
    let sections = file.sections().filter(is_content).map(|section| Ok(section.data()?.to_vec()));
    let sections: Vec<Vec<u8>> = sections.collect::<Result<_>>()?;
    if sections.len() < 3 {
        return Err(format!("{} has no code, constants or data", program.display()).into());
    }
    Ok(sections)
}
