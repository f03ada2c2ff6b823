//! Entries in one file, for a colleague or an archive: a tar file with a manifest. Specified in `docs/format.md`, "Exported entries".
//!
//! # Invariants
//! 1. Nothing in a file is believed: each entry is taken only if its name, key, length and checksum agree, and its function is
//!    described in the file. Paths in it are compared with what is expected, and never opened.
//! 2. What is there stays: an entry of a key that the directory has, a record, and what is known of the states of the code.
//! 3. An exported file appears whole.
//!
//! The states of the code go along. A key contains the state that a function was in, and only the directory knows that code with
//! other source was in the same one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tar::{Archive, Builder, EntryType, Header};

use super::Memory;
use super::inner::Inner;
use crate::error::{Error, Result, chain};
use crate::function::Function;
use crate::key::{FunctionId, Key};
use crate::payload::ByteSource;
use crate::report::{Exported, FunctionRecord, Imported};
use crate::store::{Author, Draft, Entry, Lookup, Payload, read_info, single};
use crate::sys::Temporary;

/// What a file says that it is.
const FORMAT: &str = "rememo export 1";

/// A longer part of a file than this is none, unless it is an entry.
const LARGEST: u64 = 16 << 20;

impl Memory {
    /// Writes entries to a file: those of the function of this name, or all. The file appears whole, in place of any there. A device or
    /// a pipe is written to as it is, `/dev/stdout` too.
    ///
    /// It takes the memory that the largest value takes, encoded. What is stored meanwhile may be in the file or not. Needs the
    /// feature `cli`.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written, an entry cannot be read, or no function of this name is recorded. Damaged entries are
    /// left out, and counted.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// let here = Memory::open(dir.path().join("here"))?;
    /// here.call(cube::delayed(3));
    /// here.export(dir.path().join("cubes.tar"), Some(cube::info().name()))?;
    ///
    /// let there = Memory::open(dir.path().join("there"))?;
    /// assert_eq!(there.import(dir.path().join("cubes.tar"))?.entries, 1);
    /// assert!(there.call_info(cube::delayed(3)).is_hit());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn export(&self, file: impl AsRef<Path>, function: Option<&str>) -> Result<Exported> {
        let Some(inner) = &self.inner else { return Ok(Exported::default()) };
        // What a link leads to is replaced, not the link.
        let path = &fs::canonicalize(&file).unwrap_or_else(|_| file.as_ref().to_owned());
        let mut failed = None;
        let mut write = |file: &File| {
            let mut to = Builder::new(BufWriter::new(file));
            let exported = inner.export_to(&mut to, function).map_err(|error| match error {
                Fault::Io(error) => error,
                Fault::Cache(error) => {
                    failed = Some(error);
                    io::ErrorKind::Other.into()
                }
            })?;
            to.into_inner()?.flush()?;
            Ok(exported)
        };
        // A device or a pipe is written to: nothing is put in its place.
        let is_special = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
        if fs::metadata(path).is_ok_and(is_special) {
            let opened =
                File::options().write(true).open(path).map_err(|error| Error::io("open", path, error))?;
            let exported = write(&opened).map_err(|error| Error::io("write", path, error));
            return exported.map_err(|error| failed.unwrap_or(error));
        }
        let (dir, name) = single::parent(path)?;
        let temporary = Temporary::create_beside(&dir)?;
        let exported = temporary.write(&mut write).map_err(|error| failed.unwrap_or(error))?;
        temporary.place(&name)?;
        Ok(exported)
    }

    /// Stores the entries of a file that [`export`](Self::export) has written, of whatever layout; those that are there stay.
    ///
    /// Nothing in the file is believed: what is damaged, or is no entry of a function that the file describes, is refused, and
    /// counted. But whoever made the file says what the values are: take one only from whom you would take results.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or is none of `export`, or cut off; or if an entry cannot be stored. Entries before that
    /// are there.
    pub fn import(&self, file: impl AsRef<Path>) -> Result<Imported> {
        let Some(inner) = &self.inner else { return Ok(Imported::default()) };
        let path = file.as_ref();
        let opened = File::open(path).map_err(|error| Error::io("open", path, error))?;
        let mut import = Import { inner, path, functions: HashMap::new(), imported: Imported::default() };
        let is_whole = import.all(&mut Archive::new(BufReader::new(opened)))?;
        if !is_whole {
            let entries = import.imported.entries;
            return Err(Error::file(
                path,
                format!("it is cut off; {entries} entries before that were stored"),
            ));
        }
        Ok(import.imported)
    }
}

/// Why exporting did not go on.
enum Fault {
    Io(io::Error),
    Cache(Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Cache(error)
    }
}

impl Inner {
    fn export_to(&self, to: &mut Builder<impl Write>, function: Option<&str>) -> Result<Exported, Fault> {
        let recorded = match function {
            Some(name) => self.records.of_name(name)?,
            None => self.records.all()?,
        };
        if let (Some(name), []) = (function, recorded.as_slice()) {
            let reason = format!("no function `{name}` is recorded in it");
            return Err(Error::directory(&self.settings.root, reason).into());
        }
        let records: BTreeMap<FunctionId, FunctionRecord> =
            recorded.into_iter().map(|recorded| (recorded.id, recorded.record)).collect();
        append(to, "manifest.json", json!({ "format": FORMAT }).to_string().as_bytes(), SystemTime::now())?;
        for (id, record) in &records {
            append(to, &format!("functions/{id}.json"), record.to_json().as_bytes(), SystemTime::now())?;
        }
        let sources = records.values().filter_map(|record| blake3::Hash::from_hex(&record.fingerprint).ok());
        let sources: HashSet<[u8; 32]> = sources.map(|source| *source.as_bytes()).collect();
        for (name, text) in self.states.of_sources(&sources)? {
            append(to, &name, text.as_bytes(), SystemTime::now())?;
        }
        let mut exported = Exported::default();
        for key in self.keys_of(&records)? {
            self.export_entry(to, &key, &records, &mut exported)?;
        }
        let end = json!({ "entries": exported.entries }).to_string();
        append(to, "end.json", end.as_bytes(), SystemTime::now())?;
        Ok(exported)
    }

    /// The keys of the entries of some functions.
    fn keys_of(&self, records: &BTreeMap<FunctionId, FunctionRecord>) -> Result<Vec<Key>> {
        let mut keys = Vec::new();
        self.store.scan(&mut |info| {
            if records.contains_key(&info.function_id) {
                keys.push(info.key);
            }
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }

    fn export_entry(
        &self,
        to: &mut Builder<impl Write>,
        key: &Key,
        records: &BTreeMap<FunctionId, FunctionRecord>,
        exported: &mut Exported,
    ) -> Result<(), Fault> {
        let entry = match self.store.get(key)? {
            Lookup::Found(entry) => entry,
            // It went meanwhile.
            Lookup::Absent => return Ok(()),
            Lookup::Damaged(_) => {
                exported.damaged += 1;
                return Ok(());
            }
        };
        let info = self.store.info(&entry, "");
        let Some(record) = records.get(&info.function_id) else { return Ok(()) };
        let Some(payload) = stored_bytes(&entry, &self.settings.root)? else {
            exported.damaged += 1;
            return Ok(());
        };
        let draft = Draft {
            key: *key,
            function: info.function_id,
            function_name: Function::by_name(&record.name).name(),
            arguments: info.arguments.into(),
            created: info.created,
            compute_time: info.compute_time,
            author: Author::Other(info.writer),
            codec: entry.value().codec,
            payload: payload.into(),
        };
        let bytes = draft.whole();
        append(to, &format!("entries/{key}"), &bytes, info.created)?;
        exported.entries += 1;
        exported.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// The bytes of a value as they are stored, checked; `None` if they are damaged.
fn stored_bytes(entry: &Entry, root: &Path) -> Result<Option<Vec<u8>>> {
    use crate::payload::ReadError;

    let content = entry.value();
    let read = content.check().and_then(|()| match content.source {
        ByteSource::Memory(bytes) => Ok(bytes.to_vec()),
        ByteSource::File(file) => Ok(file.read_whole()?),
    });
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Damaged(_)) => Ok(None),
        Err(ReadError::Io(error)) => Err(Error::io("read an entry of", root, error)),
        Err(error) => Err(Error::directory(root, chain(&error).to_string())),
    }
}

fn append(to: &mut Builder<impl Write>, name: &str, bytes: &[u8], time: SystemTime) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_mtime(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    to.append_data(&mut header, name, bytes)
}

/// What is read of a file.
struct Import<'i> {
    inner: &'i Inner,
    path: &'i Path,
    functions: HashMap<FunctionId, FunctionRecord>,
    imported: Imported,
}

impl Import<'_> {
    /// Whether the file is whole.
    fn all(&mut self, archive: &mut Archive<impl Read>) -> Result<bool> {
        let no_archive = |error: io::Error| Error::file(self.path, format!("it is no tar file: {error}"));
        let mut is_first = true;
        for part in archive.entries().map_err(no_archive)? {
            // What is missing at the end is told below.
            let Ok(mut part) = part else { break };
            let name = String::from_utf8_lossy(&part.path_bytes()).into_owned();
            if std::mem::take(&mut is_first) {
                self.expect_manifest(&name, &mut part)?;
                continue;
            }
            if name == "end.json" {
                return Ok(true);
            }
            let Ok(bytes) = read(&mut part, if name.starts_with("entries/") { u64::MAX } else { LARGEST })
            else {
                break;
            };
            self.part(&name, bytes)?;
        }
        if is_first {
            return Err(Error::file(self.path, "it is empty, or no tar file"));
        }
        Ok(false)
    }

    fn expect_manifest(&self, name: &str, part: &mut impl Read) -> Result<()> {
        let bytes = read(part, LARGEST).map_err(|error| Error::io("read", self.path, error))?;
        let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match manifest.get("format").and_then(Value::as_str) {
            Some(FORMAT) if name == "manifest.json" => Ok(()),
            Some(other) if name == "manifest.json" => {
                let reason = format!("it is `{}`, and this version reads `{FORMAT}`", other.escape_debug());
                Err(Error::file(self.path, reason))
            }
            _ => Err(Error::file(self.path, "it was not written by `export`")),
        }
    }

    fn part(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        match name.split_once('/') {
            Some(("functions", file)) => self.function(file, &bytes),
            Some(("states", file)) => {
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    self.inner.states.merge(file, text)?;
                }
                Ok(())
            }
            Some(("entries", key)) => match self.entry(key, bytes)? {
                Ok(()) => Ok(()),
                Err(reason) => {
                    self.imported.refused.push(format!("{name}: {reason}"));
                    Ok(())
                }
            },
            // Of a later version, perhaps.
            _ => Ok(()),
        }
    }

    fn function(&mut self, file: &str, bytes: &[u8]) -> Result<()> {
        let id = file.strip_suffix(".json").and_then(FunctionId::from_hex);
        let record = serde_json::from_slice(bytes).ok().and_then(|json| FunctionRecord::from_json(&json));
        if let (Some(id), Some(record)) = (id, record) {
            self.inner.records.write_as(id, &record)?;
            self.functions.insert(id, record);
        }
        Ok(())
    }

    /// Stores an entry, or says why it is refused.
    fn entry(&mut self, key: &str, bytes: Vec<u8>) -> Result<Result<(), String>> {
        let Some(key) = Key::from_hex(key) else { return Ok(Err("its name is no key".into())) };
        let Some(info) = read_info(&bytes) else { return Ok(Err("it is no entry".into())) };
        let Some(record) = self.functions.get(&info.function_id) else {
            return Ok(Err("its function is not described".into()));
        };
        if record.name != info.function {
            return Ok(Err("it is of another function".into()));
        }
        let length = bytes.len() as u64;
        let entry = match Entry::open(bytes, &key) {
            Ok(entry) => entry,
            Err(how) => return Ok(Err(how)),
        };
        let content = entry.value();
        let ByteSource::Memory(payload) = content.source else { return Ok(Err("it has no value".into())) };
        if self.inner.store.holds(&key)? {
            self.imported.known += 1;
            return Ok(Ok(()));
        }
        self.inner.store.put(&Draft {
            key,
            function: info.function_id,
            function_name: Function::by_name(&record.name).name(),
            arguments: info.arguments.into(),
            created: info.created,
            compute_time: entry.compute_time(),
            author: Author::Other(info.writer),
            codec: content.codec,
            payload: payload.to_vec().into(),
        })?;
        self.imported.entries += 1;
        self.imported.bytes += length;
        Ok(Ok(()))
    }
}

/// All of a part, which may be so long; memory is taken for what is there, whatever its header says.
fn read(part: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = part.take(most).read_to_end(&mut bytes)?;
    if read as u64 == most { Err(io::ErrorKind::InvalidData.into()) } else { Ok(bytes) }
}
