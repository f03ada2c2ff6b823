//! The readable records of functions: `functions/<id>.json`, one for each function and fingerprint.
//!
//! They are for people and for explaining misses; no look-up of a value reads them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::function::Function;
use crate::sys::whole_file;

/// A function that has stored values, as its record tells; [`Memory::functions`](crate::Memory::functions) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionRecord {
    /// The name under which its entries are kept.
    pub name: String,
    /// The path of its module; empty for `get_or_compute`.
    pub module_path: String,
    /// The source file, as the compiler was given it.
    pub file: String,
    /// The line in it.
    pub line: u32,
    /// `version = …` as text, empty without.
    pub version: String,
    /// The digest of its code in hexadecimal digits.
    pub fingerprint: String,
}

/// The records below one cache directory.
#[derive(Debug)]
pub(crate) struct Records {
    dir: PathBuf,
    tmp: PathBuf,
}

impl Records {
    /// The records of the cache directory `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Records { dir: root.join("functions"), tmp: root.join("tmp") }
    }

    /// Writes the record of `function`, unless it is there.
    pub(crate) fn write(&self, function: &'static Function) -> Result<()> {
        let path = self.dir.join(format!("{}.json", function.id()));
        // Looked for every time, since others may have cleared the directory. An empty one is what a power cut leaves.
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
            return Ok(());
        }
        let info = function.info();
        let record = json!({
            "name": info.name(),
            "module_path": info.module_path(),
            "file": info.file(),
            "line": info.line(),
            "version": info.version(),
            "fingerprint": info.fingerprint().to_string(),
        });
        whole_file::write(&self.tmp, &path, &[format!("{record:#}\n").as_bytes()])
    }

    /// All records, by name.
    pub(crate) fn read(&self) -> Result<Vec<FunctionRecord>> {
        let mut records: Vec<_> = self.files()?.iter().filter_map(|path| read(path)).collect();
        records.sort_by(|a, b| (&a.name, &a.fingerprint).cmp(&(&b.name, &b.fingerprint)));
        Ok(records)
    }

    /// Removes all records.
    pub(crate) fn clear(&self) -> Result<()> {
        for path in self.files()? {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::io("remove", path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        match fs::read_dir(&self.dir) {
            Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("list", &self.dir, error)),
        }
    }
}

/// Reads one record; a file that is none is passed over.
fn read(path: &Path) -> Option<FunctionRecord> {
    let record: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let text = |field: &str| Some(record.get(field)?.as_str()?.to_owned());
    Some(FunctionRecord {
        name: text("name")?,
        module_path: text("module_path")?,
        file: text("file")?,
        line: u32::try_from(record.get("line")?.as_u64()?).ok()?,
        version: text("version")?,
        fingerprint: text("fingerprint")?,
    })
}
