//! What is in an item: its digest, and what it reaches.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Content, Entry, Index, ItemId, Source, WordId};
use crate::reach::closure::Covered;
use crate::reach::digest::digest;
use crate::reach::evaluate::{self, Spelled};
use crate::reach::mentions::{File, Mentions};
use crate::reach::predicates;
use crate::reach::tokens::{Code, Tokens};

/// What reaching an item leads to.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) digest: [u8; 32],
    /// Names that may be of any item.
    pub(crate) paths: Vec<WordId>,
    /// Names of methods and fields.
    pub(crate) members: Vec<WordId>,
    /// Names of traits behind `dyn`.
    pub(crate) dynamic: Vec<WordId>,
    /// Names of which a macro may use all that is below.
    pub(crate) wholes: Vec<WordId>,
    /// Predicates of `cfg` that the crate being compiled can evaluate.
    pub(crate) predicates: Vec<String>,
    /// Files, variables and features that the code reads.
    pub(crate) extras: Vec<ItemId>,
}

/// What code reads that is not in the sources.
#[derive(Default)]
struct Outside {
    files: Vec<(PathBuf, bool)>,
    variables: Vec<String>,
    features: bool,
}

const TEXT_CONTEXT: &str = "rememo fingerprint 2: an item with a text";
const DATA_CONTEXT: &str = "rememo fingerprint 2: what code reads";

impl Index {
    /// The details of an item, read when they are first asked for.
    pub(crate) fn details(&mut self, item: ItemId) -> Arc<Details> {
        if let Some(details) = &self.entry(item).details {
            return Arc::clone(details);
        }
        let entry = self.entry(item);
        let code = self.code(entry);
        let source = entry.content.code.as_ref().map(|(source, _)| *source);
        let (mut details, outside) = self.read(&code, &entry.content, source);
        details.extras = self.extras(outside, source);
        let details = Arc::new(details);
        self.items[item as usize].details = Some(Arc::clone(&details));
        details
    }

    /// The details of code that is not in the index, but stands in `source`.
    pub(crate) fn details_of(&mut self, code: &[Code<'_>], source: Option<usize>) -> Details {
        let (mut details, outside) = self.read(code, &Content::default(), source);
        details.extras = self.extras(outside, source);
        details
    }

    /// The header of the `impl` around a method, on its own.
    pub(crate) fn header(&mut self, method: ItemId) -> Option<(Covered, Details)> {
        let entry = self.entry(method);
        let code = self.header_of(entry)?;
        let path = entry.path.rsplit_once("::").map_or(entry.path.as_str(), |(path, _)| path);
        let path = format!("impl {path}");
        let source = entry.content.code.as_ref().map(|(source, _)| *source);
        let (mut details, outside) = self.read(&[code], &Content::default(), source);
        let covered = Covered { path, digest: details.digest, place: self.place(entry) };
        details.extras = self.extras(outside, source);
        Some((covered, details))
    }

    fn read(&self, code: &[Code<'_>], content: &Content, source: Option<usize>) -> (Details, Outside) {
        let mut mentions = Mentions::default();
        for &part in code {
            let is_own_module = |name: &str| {
                self.word(name).is_some_and(|word| {
                    let is_module = |&item: &ItemId| self.entry(item).opens.is_some();
                    self.items_named(word).iter().any(is_module) || self.aliases.contains_key(&word)
                })
            };
            mentions.read(part, &|name| self.macros.contains(name), &is_own_module);
        }
        mentions.paths.extend(content.names.iter().map(String::as_str));
        let mut details = Details { digest: digest(code), ..Details::default() };
        if !content.text.is_empty() {
            let bytes = [details.digest.as_slice(), content.text.as_bytes()].concat();
            details.digest = blake3::derive_key(TEXT_CONTEXT, &bytes);
        }
        details.paths = self.numbers(&mentions.paths);
        details.members = self.numbers(&mentions.members);
        details.dynamic = self.numbers(&mentions.dynamic);
        details.wholes = self.numbers(&mentions.wholes);
        let outside = self.outside(&mentions, source, &mut details.predicates);
        (details, outside)
    }

    /// What code in `source` reads beside the sources, and the predicates that are evaluated where it is compiled.
    fn outside(
        &self,
        mentions: &Mentions<'_>,
        source: Option<usize>,
        predicates: &mut Vec<String>,
    ) -> Outside {
        let mut outside = Outside { features: mentions.any_predicate, ..Outside::default() };
        let in_crate = source.map_or(0, |source| self.sources[source].in_crate);
        let Some(of) = self.crates.get(in_crate) else { return outside };
        for predicate in &mentions.predicates {
            let is_common = predicates::is_common(predicate);
            outside.features |= !of.is_own && !is_common;
            if (of.is_own || is_common) && !predicates::is_gated(predicate) {
                predicates.push(predicate.clone());
            }
        }
        if let Some(source) = source {
            let mut dirs = vec![self.dir(source)];
            if mentions.reads_elsewhere {
                dirs.extend((0..self.sources.len()).map(|source| self.dir(source)));
                dirs.sort();
                dirs.dedup();
            }
            let files = dirs.iter().flat_map(|dir| mentions.files.iter().map(move |file| (*file, dir)));
            outside.files = files.flat_map(|(file, dir)| self.files(file, dir, source)).collect();
        }
        outside.variables = mentions.variables.iter().filter_map(|&name| evaluate::text(name, of)).collect();
        let is_set = |name: &str| evaluate::variable(name, of).is_some();
        let perhaps = mentions.perhaps_variables.iter().filter(|name| is_set(name));
        outside.variables.extend(perhaps.map(|&name| name.to_owned()));
        outside
    }

    /// The names among `words` that reach anything, each once.
    fn numbers(&self, words: &[&str]) -> Vec<WordId> {
        let mut numbers = Vec::new();
        for word in words {
            numbers.extend(self.word(word));
            // An import alone makes no item of the name.
            if self
                .word(word)
                .is_none_or(|number| self.items_named(number).iter().all(|&item| self.is_import(item)))
            {
                numbers.extend(made_from(word).into_iter().filter_map(|stem| self.word(stem)));
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn is_import(&self, item: ItemId) -> bool {
        !self.entry(item).content.names.is_empty()
    }

    /// The directory of a source.
    fn dir(&self, source: usize) -> &Path {
        self.sources[source].path.parent().unwrap_or(Path::new(""))
    }

    /// The files that code in `source` reads by this from `dir`, or may read, and whether they are code.
    fn files(&self, file: File<'_>, dir: &Path, source: usize) -> Vec<(PathBuf, bool)> {
        let of = &self.crates[self.sources[source].in_crate];
        let (spelled, is_code) = match file {
            File::Source(code) => (evaluate::path(code, dir, of), true),
            File::Data(code) => (evaluate::path(code, dir, of), false),
            File::Perhaps(text) => {
                let text = text.strip_prefix("$CARGO_MANIFEST_DIR/").unwrap_or(text);
                let places = [dir.join(text), of.dir.join(text), of.dir.join("src").join(text)];
                let found = places.into_iter().find(|path| path.exists());
                let spelled = match found {
                    Some(path) if path.is_dir() => Spelled::Below(path),
                    Some(path) => Spelled::File(path),
                    None => Spelled::Unknown,
                };
                (spelled, false)
            }
        };
        let files = match spelled {
            Spelled::File(path) => vec![path],
            Spelled::Below(dir) => files_below(&dir),
            Spelled::Unknown => Vec::new(),
        };
        let files = files.into_iter().filter_map(|path| fs::canonicalize(path).ok());
        files.filter(|path| path.is_file()).map(|path| (path, is_code)).collect()
    }

    /// Items for what code reads beside the sources.
    fn extras(&mut self, outside: Outside, source: Option<usize>) -> Vec<ItemId> {
        let in_crate = source.map_or(0, |source| self.sources[source].in_crate);
        let mut extras = Vec::new();
        for (path, is_code) in outside.files {
            extras.push(self.file_item(&path, is_code, in_crate));
        }
        let Some(of) = self.crates.get(in_crate) else { return extras };
        let name = |what: &str| if of.is_own { what.to_owned() } else { format!("{what} of {}", of.name) };
        let mut data = Vec::new();
        for variable in &outside.variables {
            // The directory that a build script writes to says nothing about what it wrote.
            if variable != "OUT_DIR" {
                let value =
                    evaluate::variable(variable, of).map_or("unset".to_owned(), |value| format!("={value}"));
                data.push((format!("env {}", name(variable)), value));
            }
        }
        if outside.features {
            data.push((format!("features of {}", of.name), of.features.clone()));
        }
        extras.extend(data.into_iter().map(|(path, value)| self.data_item(path, value.as_bytes())));
        extras
    }

    fn file_item(&mut self, path: &Path, is_code: bool, in_crate: usize) -> ItemId {
        let shown = self.sources.iter().find(|source| source.path == path).map(|source| source.shown.clone());
        let shown = shown.unwrap_or_else(|| self.shown(path));
        let key = if is_code { format!("code {shown}") } else { format!("file {shown}") };
        if let Some(&item) = self.extras.get(&key) {
            return item;
        }
        let bytes = self.read_file(path).unwrap_or_default();
        let code = is_code.then(|| String::from_utf8(bytes.clone()).ok().and_then(Tokens::lex)).flatten();
        let Some(tokens) = code else { return self.data_item(key, &bytes) };
        let range = (0, tokens.code().end);
        self.sources.push(Source { path: path.to_owned(), shown, in_crate, tokens });
        let content = Content { code: Some((self.sources.len() - 1, vec![range])), ..Content::default() };
        let item = self.add(Entry { content, ..Entry::new(key.clone(), None) });
        self.extras.insert(key, item);
        item
    }

    fn data_item(&mut self, path: String, bytes: &[u8]) -> ItemId {
        if let Some(&item) = self.extras.get(&path) {
            return item;
        }
        let details = Details { digest: blake3::derive_key(DATA_CONTEXT, bytes), ..Details::default() };
        let item = self.add(Entry { details: Some(Arc::new(details)), ..Entry::new(path.clone(), None) });
        self.extras.insert(path, item);
        item
    }
}

/// The files below a directory, but for hidden ones: the first thousand, more than anyone puts there to be included.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    const MOST: usize = 1000;
    let (mut files, mut queue) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = queue.pop().filter(|_| files.len() < MOST) {
        let mut entries: Vec<_> =
            fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
        entries.sort();
        let (dirs, found): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
        files.extend(found);
        queue.extend(dirs.into_iter().filter(|dir| !dir.is_symlink() && !dir.ends_with("target")));
    }
    files
}

/// The names from which macros make `word`: `FooBuilder` from `Foo`, the companions of a memoized method.
fn made_from(word: &str) -> Vec<&str> {
    if let Some(stem) = ["_delayed", "_uncached", "_info"].into_iter().find_map(|end| word.strip_suffix(end))
    {
        return vec![stem];
    }
    if !word.starts_with(char::is_uppercase) {
        return Vec::new();
    }
    let boundaries = word.char_indices().skip(1).filter(|(_, c)| c.is_uppercase());
    boundaries.flat_map(|(at, _)| [&word[..at], &word[at..]]).collect()
}
