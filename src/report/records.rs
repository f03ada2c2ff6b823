//! The readable records of functions: `functions/<id>.json`, one for each function and state of its code.
//!
//! They are for people and for explaining misses; no look-up of a value reads them. What is written there may be damaged
//! or edited by hand: it costs an explanation, nothing else.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde_json::Value;

use super::CodeItem;
use crate::error::Result;
use crate::function::{Function, FunctionInfo, InstanceCode};
use crate::key::{FunctionId, FunctionMap};
use crate::lock::lock;
use crate::store::Extent;
use crate::sys::{self, Dir};
use crate::usage::Usage;

/// A function that has stored values, as its record tells; [`Memory::functions`](crate::Memory::functions) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionRecord {
    /// The name under which its entries are kept.
    pub name: String,
    /// The path under which it stands among its [`items`](Self::items), if it does: crate, modules (for a method its type)
    /// and name; empty for `get_or_compute`.
    pub path: String,
    /// The path of its module; empty for `get_or_compute`.
    pub module_path: String,
    /// The source file, as the compiler was given it.
    pub file: String,
    /// The line in it.
    pub line: u32,
    /// `version = …` as text, empty without.
    pub version: String,
    /// Names of the parameters in the key.
    pub parameters: Vec<String>,
    /// The digest of its code in hexadecimal digits.
    pub fingerprint: String,
    /// What the fingerprint covers; empty if that is nothing but the body, or nothing.
    pub items: Vec<CodeItem>,
    /// What it is seen to read or change of the outside world: each thing that its source shows, with its place
    /// ([`FunctionInfo::reads`](crate::report::FunctionInfo::reads)), then each function of the C library that its machine code can come to, with the
    /// way there ([`InstanceCode::reads`](crate::report::InstanceCode::reads)).
    pub reads: Vec<(String, String)>,
    /// Entries of the function in this state of its code. With the log layout of the first thousand functions of a directory
    /// only, and no walk is needed; the files layout reads the head of each entry.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often it was called in this state of its code, by all programs that have used the directory.
    pub usage: Usage,
}

impl FunctionRecord {
    /// What is to be recorded of a function as it stands in this program.
    pub(crate) fn of(function: &'static Function) -> Self {
        let info = function.info();
        let definition = function.definition();
        FunctionRecord {
            name: info.name().to_owned(),
            path: function.path().to_owned(),
            module_path: info.module_path().to_owned(),
            file: info.file().to_owned(),
            line: info.line(),
            version: info.version().to_owned(),
            parameters: definition.parameters.iter().map(|&name| name.to_owned()).collect(),
            fingerprint: info.fingerprint().to_string(),
            items: CodeItem::all(definition),
            reads: reads(info),
            entries: 0,
            bytes: 0,
            usage: Usage::default(),
        }
    }

    /// Whether both are records of the same code under the same conditions: whether they have one id.
    pub(crate) fn is_same_code(&self, other: &Self) -> bool {
        (&self.name, &self.version, &self.parameters, &self.fingerprint)
            == (&other.name, &other.version, &other.parameters, &other.fingerprint)
    }

    /// JSON for people: a line for each field, and one for each item.
    pub(crate) fn to_json(&self) -> String {
        let text = |text: &String| Value::from(text.as_str()).to_string();
        let items = self.items.iter().map(CodeItem::to_json);
        let reads = self.reads.iter().map(|(name, place)| format!("[{}, {}]", text(name), text(place)));
        let fields = [
            ("name", text(&self.name)),
            ("path", text(&self.path)),
            ("module_path", text(&self.module_path)),
            ("file", text(&self.file)),
            ("line", self.line.to_string()),
            ("version", text(&self.version)),
            ("parameters", format!("[{}]", self.parameters.iter().map(text).collect::<Vec<_>>().join(", "))),
            ("fingerprint", text(&self.fingerprint)),
            ("items", lines(items)),
            ("reads", lines(reads)),
        ];
        let fields = fields.map(|(field, value)| format!("  \"{field}\": {value}"));
        format!("{{\n{}\n}}\n", fields.join(",\n"))
    }

    /// Reads a record; `None` if it is none. Without `items`, `reads` or `path`, it is one that tells less.
    pub(crate) fn from_json(record: &Value) -> Option<Self> {
        let text = |field: &str| Some(record.get(field)?.as_str()?.to_owned());
        let parameters = record.get("parameters")?.as_array()?.iter();
        let list = |field: &str| record.get(field).and_then(Value::as_array).into_iter().flatten();
        Some(FunctionRecord {
            name: text("name")?,
            path: text("path").unwrap_or_default(),
            module_path: text("module_path")?,
            file: text("file")?,
            line: u32::try_from(record.get("line")?.as_u64()?).ok()?,
            version: text("version")?,
            parameters: parameters.map(|name| Some(name.as_str()?.to_owned())).collect::<Option<_>>()?,
            fingerprint: text("fingerprint")?,
            items: list("items").filter_map(CodeItem::from_json).collect(),
            reads: list("reads").filter_map(pair).collect(),
            entries: 0,
            bytes: 0,
            usage: Usage::default(),
        })
    }
}

/// What a function may read of the outside world: what the source shows, then what machine code can come to.
pub(crate) fn reads(info: FunctionInfo) -> Vec<(String, String)> {
    let of_source = info.reads().map(|(name, place)| (name.to_owned(), place.to_owned()));
    let mut reads: Vec<_> = of_source.collect();
    for read in info.code().instances().iter().flat_map(InstanceCode::reads) {
        if !reads.contains(&read) {
            reads.push(read);
        }
    }
    reads
}

/// An array of JSON with a line for each value.
fn lines(values: impl Iterator<Item = String>) -> String {
    let values: Vec<_> = values.map(|value| format!("\n    {value}")).collect();
    format!("[{}{}]", values.join(","), if values.is_empty() { "" } else { "\n  " })
}

/// Two texts.
fn pair(value: &Value) -> Option<(String, String)> {
    let [first, second] = value.as_array()?.as_slice() else { return None };
    Some((first.as_str()?.to_owned(), second.as_str()?.to_owned()))
}

/// A record, and when it was written.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) id: FunctionId,
    pub(crate) record: FunctionRecord,
    pub(crate) written: SystemTime,
}

/// The records below one cache directory.
#[derive(Debug)]
pub(crate) struct Records {
    dir: Arc<Dir>,
    /// In which generation of the store each record was seen last.
    seen: Mutex<FunctionMap<u64>>,
}

impl Records {
    /// The records of a cache directory.
    pub(crate) fn new(dir: &Arc<Dir>) -> Self {
        Records { dir: Arc::clone(dir), seen: Mutex::default() }
    }

    /// Writes the record of `function`, unless it is there. It is looked for once in each `generation` of the store, or, where
    /// that is not known, every time: others may clear the directory.
    pub(crate) fn write(&self, function: &'static Function, generation: Option<u64>) -> Result<()> {
        let id = function.id();
        if generation.is_some() && lock(&self.seen).get(&id).copied() == generation {
            return Ok(());
        }
        let name = format!("{FUNCTIONS}/{id}.json");
        // An empty one is what a power cut leaves.
        if self.dir.stat(&name)?.is_none_or(|stat| stat.size == 0) {
            sys::replace(&self.dir, &name, &[FunctionRecord::of(function).to_json().as_bytes()])?;
            self.prune(MOST)?;
        }
        if let Some(generation) = generation {
            lock(&self.seen).insert(id, generation);
        }
        Ok(())
    }

    /// Writes a record that came from elsewhere, unless there is one.
    #[cfg(feature = "cli")]
    pub(crate) fn write_as(&self, id: FunctionId, record: &FunctionRecord) -> Result<()> {
        let name = format!("{FUNCTIONS}/{id}.json");
        if self.dir.stat(&name)?.is_none_or(|stat| stat.size == 0) {
            sys::replace(&self.dir, &name, &[record.to_json().as_bytes()])?;
            self.prune(MOST)?;
        }
        Ok(())
    }

    /// All records, by name, with the entries, bytes and uses of their ids.
    pub(crate) fn read(
        &self,
        totals: &HashMap<FunctionId, Extent>,
        usages: &HashMap<FunctionId, Usage>,
    ) -> Result<Vec<FunctionRecord>> {
        let mut records = Vec::new();
        for Recorded { id, record, .. } in self.all()? {
            let extent = totals.get(&id).copied().unwrap_or_default();
            let usage = usages.get(&id).cloned().unwrap_or_default();
            records.push(FunctionRecord { entries: extent.entries, bytes: extent.bytes, usage, ..record });
        }
        records.sort_by(|a, b| {
            (&a.name, &a.fingerprint, &a.version).cmp(&(&b.name, &b.fingerprint, &b.version))
        });
        Ok(records)
    }

    /// The records of the functions of one name, in no particular order.
    pub(crate) fn of_name(&self, name: &str) -> Result<Vec<Recorded>> {
        let mut records = self.all()?;
        records.retain(|recorded| recorded.record.name == name);
        Ok(records)
    }

    /// All records, in no particular order.
    pub(crate) fn all(&self) -> Result<Vec<Recorded>> {
        let names = self.names_of_files()?;
        names.iter().filter_map(|name| self.read_one(name).transpose()).collect()
    }

    /// The names of the functions, by id.
    pub(crate) fn names(&self) -> Result<HashMap<FunctionId, String>> {
        Ok(self.all()?.into_iter().map(|recorded| (recorded.id, recorded.record.name)).collect())
    }

    /// The ids of the functions of one name.
    pub(crate) fn ids_of(&self, name: &str) -> Result<Vec<FunctionId>> {
        Ok(self.names()?.into_iter().filter(|(_, other)| other == name).map(|(id, _)| id).collect())
    }

    /// Removes all records.
    pub(crate) fn clear(&self) -> Result<()> {
        self.names_of_files()?.iter().try_for_each(|name| self.dir.remove(name).map(drop))
    }

    /// Removes the oldest records, if there are more than `most`. Its function writes a new one with its next entry.
    fn prune(&self, most: usize) -> Result<()> {
        let names = self.names_of_files()?;
        if names.len() <= most {
            return Ok(());
        }
        let mut records = Vec::new();
        for name in names {
            if let Some(stat) = self.dir.stat(&name)? {
                records.push((Reverse(stat.modified), name));
            }
        }
        records.sort_unstable();
        records.iter().skip(most / 4 * 3).try_for_each(|(_, name)| self.dir.remove(name).map(drop))
    }

    fn names_of_files(&self) -> Result<Vec<String>> {
        let names = self.dir.names(FUNCTIONS)?;
        Ok(names.into_iter().map(|name| format!("{FUNCTIONS}/{name}")).collect())
    }

    /// Reads one record; `None` if it is gone or is none.
    fn read_one(&self, name: &str) -> Result<Option<Recorded>> {
        let Some(id) = id_of(name) else { return Ok(None) };
        let Some((json, stat)) = self.dir.read(name, LARGEST)? else { return Ok(None) };
        // Damaged or edited by hand: it is none.
        let record = serde_json::from_slice(&json).ok().and_then(|json| FunctionRecord::from_json(&json));
        Ok(record.map(|record| Recorded { id, record, written: stat.modified }))
    }
}

/// Where the records are.
const FUNCTIONS: &str = "functions";

/// More records than this are not kept. With 28 KB each, those of a function that reaches a thousand items, they take 14 MB, and a
/// third of a second to read.
const MOST: usize = 512;

/// A longer record is none.
const LARGEST: u64 = 16 << 20;

/// The id that the name of a record's file spells.
fn id_of(name: &str) -> Option<FunctionId> {
    FunctionId::from_hex(name.strip_prefix(FUNCTIONS)?.strip_prefix('/')?.strip_suffix(".json")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> FunctionRecord {
        let item = |path: &str, digest: &str, place: &str| CodeItem {
            path: path.into(),
            digest: digest.into(),
            place: place.into(),
        };
        FunctionRecord {
            name: "the \"price\"".into(),
            path: "shop::price".into(),
            module_path: "shop".into(),
            file: "src\\lib.rs".into(),
            line: 7,
            version: "3".into(),
            parameters: vec!["item".into(), "day".into()],
            fingerprint: "07".repeat(32),
            items: vec![
                item("shop::tax::rate", "0123456789abcdef", "src/tax.rs:12"),
                item("cfg(feature = \"fast\")", "true", ""),
            ],
            reads: vec![("std::env::var".into(), "src/tax.rs:14".into())],
            entries: 0,
            bytes: 0,
            usage: Usage::default(),
        }
    }

    fn read_back(text: &str) -> Option<FunctionRecord> {
        FunctionRecord::from_json(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_record_is_json_that_a_person_can_read() {
        let text = record().to_json();
        let expected = r#"{
  "name": "the \"price\"",
  "path": "shop::price",
  "module_path": "shop",
  "file": "src\\lib.rs",
  "line": 7,
  "version": "3",
  "parameters": ["item", "day"],
  "fingerprint": "0707070707070707070707070707070707070707070707070707070707070707",
  "items": [
    {"path": "shop::tax::rate", "digest": "0123456789abcdef", "place": "src/tax.rs:12"},
    {"path": "cfg(feature = \"fast\")", "digest": "true", "place": ""}
  ],
  "reads": [
    ["std::env::var", "src/tax.rs:14"]
  ]
}
"#;
        assert_eq!(text, expected);
        assert_eq!(read_back(&text), Some(record()));
        let without =
            FunctionRecord { items: Vec::new(), parameters: Vec::new(), reads: Vec::new(), ..record() };
        assert_eq!(read_back(&without.to_json()), Some(without));
    }

    #[test]
    fn the_oldest_records_go_when_there_are_too_many() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Arc::new(Dir::create(temporary.path()).unwrap());
        let records = Records::new(&dir);
        for number in 0..9_u64 {
            let name = format!("{FUNCTIONS}/{number:016x}.json");
            let record = FunctionRecord { name: number.to_string(), ..record() };
            sys::replace(&dir, &name, &[record.to_json().as_bytes()]).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + number);
            std::fs::File::options().write(true).open(dir.at(&name)).unwrap().set_modified(time).unwrap();
        }
        records.prune(9).unwrap();
        assert_eq!(records.all().unwrap().len(), 9);
        records.prune(8).unwrap();
        let mut left: Vec<_> =
            records.all().unwrap().into_iter().map(|recorded| recorded.record.name).collect();
        left.sort();
        assert_eq!(left, ["3", "4", "5", "6", "7", "8"]);
    }

    #[test]
    fn a_record_with_damaged_items_tells_less_and_is_one_all_the_same() {
        for (damaged, left) in
            [("7", 0), ("null", 0), (r#"["x", {"path": "a"}, {"path": "a", "digest": "b"}]"#, 1)]
        {
            let mut value: Value = serde_json::from_str(&record().to_json()).unwrap();
            value["items"] = serde_json::from_str(damaged).unwrap();
            assert_eq!(FunctionRecord::from_json(&value).unwrap().items.len(), left, "{damaged}");
        }
        let mut value: Value = serde_json::from_str(&record().to_json()).unwrap();
        value.as_object_mut().unwrap().remove("items");
        assert_eq!(FunctionRecord::from_json(&value), Some(FunctionRecord { items: Vec::new(), ..record() }));
        value.as_object_mut().unwrap().remove("parameters");
        assert_eq!(FunctionRecord::from_json(&value), None);
    }
}
