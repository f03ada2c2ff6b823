//! What is in an item: its digest, and what it reaches.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Content, Crate, Entry, Index, ItemId, Source};
use crate::reach::closure::Covered;
use crate::reach::digest::digest;
use crate::reach::evaluate::{self, Spelled};
use crate::reach::mentions::{File, Mentions};
use crate::reach::predicates;
use crate::reach::tokens::{Code, Tokens};
use crate::reach::words::{self, WordId};

/// What reaching an item leads to.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) digest: [u8; 32],
    /// The names of items that the code mentions.
    pub(crate) words: Vec<WordId>,
    /// Names of which a macro may use all that is below.
    pub(crate) given: Vec<WordId>,
    /// Whether there is a `dyn`.
    pub(crate) is_dynamic: bool,
    /// Predicates of `cfg` that the crate being compiled can evaluate.
    pub(crate) predicates: Vec<String>,
    /// Files, variables and features that the code reads.
    pub(crate) extras: Vec<ItemId>,
}

/// What code reads that is not in the sources.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
struct Outside {
    files: Vec<(PathBuf, bool)>,
    variables: Vec<String>,
    features: bool,
    /// What the package's own build script wrote.
    generated: bool,
    /// All files of the package that are no Rust.
    data: bool,
    about: bool,
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
        let (mut details, mut outside) = self.read(&code, &entry.content, source);
        // What is linked, a build script may have compiled of some other language.
        outside.data |= entry.is_linked && self.has_build_script(source);
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
            mentions.read(part, &|name| self.macros.contains(name));
        }
        mentions.words.extend(content.names.iter().map(|name| words::id(name)));
        let mut details = Details { digest: digest(code), ..Details::default() };
        if !content.text.is_empty() {
            details.digest = with_text(details.digest, &content.text);
        }
        if mentions.reads_comments {
            let docs: Vec<&str> = code.iter().flat_map(|part| part.docs()).collect();
            details.digest = with_text(details.digest, &docs.join("\n"));
        }
        let outside = self.outside(&mentions, source, &mut details.predicates);
        details.is_dynamic = mentions.is_dynamic;
        (details.words, details.given) = (mentions.words, mentions.given);
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
        outside.generated = mentions.invokes_foreign && of.is_own;
        outside.data = mentions.reads_package;
        outside.about = mentions.reads_package;
        outside.variables = mentions.variables.iter().filter_map(|&name| evaluate::text(name, of)).collect();
        let is_set = |name: &str| evaluate::variable(name, of).is_some();
        let perhaps = mentions.perhaps_variables.iter().filter(|name| is_set(name));
        outside.variables.extend(perhaps.map(|&name| name.to_owned()));
        outside
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
            File::Perhaps(text) => return self.named(text, dir, of),
        };
        let files = match spelled {
            Spelled::File(path) => vec![path],
            Spelled::Below(dir) => files_below(&dir),
            Spelled::Unknown => Vec::new(),
        };
        let files = files.into_iter().filter_map(|path| fs::canonicalize(path).ok());
        files.filter(|path| path.is_file()).map(|path| (path, is_code)).collect()
    }

    /// The files that a macro may mean by a text: beside the source, or anywhere in the package. Of a directory, all.
    fn named(&self, text: &str, dir: &Path, of: &Crate) -> Vec<(PathBuf, bool)> {
        let text = text.strip_prefix("$CARGO_MANIFEST_DIR/").unwrap_or(text).trim_matches('/');
        if text.is_empty() || matches!(text, "." | "..") || text.contains(char::is_whitespace) {
            return Vec::new();
        }
        let mut files = Vec::new();
        let mut is_found = false;
        for path in [dir.join(text), of.dir.join(text), of.dir.join("src").join(text)] {
            is_found |= path.exists();
            if path.is_dir() {
                files.extend(files_below(&path));
            } else if path.is_file() {
                files.push(path);
            }
        }
        // As templates, which are named from the directory that has them all.
        if !is_found && text.contains(['.', '/']) {
            let package = self.package_files(&of.dir);
            let roots = package.iter().filter(|file| file.ends_with(text));
            let depth = Path::new(text).components().count();
            for root in roots.filter_map(|file| file.ancestors().nth(depth)) {
                files.extend(package.iter().filter(|file| file.starts_with(root)).cloned());
            }
        }
        files.sort();
        files.dedup();
        files.into_iter().filter_map(|path| fs::canonicalize(path).ok()).map(with_kind).collect()
    }

    /// Items for what code reads beside the sources.
    fn extras(&mut self, mut outside: Outside, source: Option<usize>) -> Vec<ItemId> {
        let in_crate = source.map_or(0, |source| self.sources[source].in_crate);
        let mut extras = Vec::new();
        if let Some(dir) = std::env::var_os("OUT_DIR").filter(|_| outside.generated) {
            outside.files.extend(files_below(Path::new(&dir)).into_iter().map(with_kind));
        }
        if outside.data {
            extras.extend(self.package_item(in_crate));
        }
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
        if outside.about {
            data.push((format!("manifest of {}", of.name), of.about.clone()));
        }
        if outside.features {
            data.push((format!("features of {}", of.name), of.features.clone()));
        }
        extras.extend(data.into_iter().map(|(path, value)| self.data_item(path, value.as_bytes())));
        extras
    }

    /// The files of the package in a directory, but for those of packages below, and for manifest and lock file.
    fn package_files(&self, dir: &Path) -> Arc<[PathBuf]> {
        let mut packages = self.packages.borrow_mut();
        let files = packages.entry(dir.to_owned()).or_insert_with(|| {
            let mut files = below(dir, |dir| !dir.join("Cargo.toml").exists());
            files.retain(|file| !file.ends_with("Cargo.toml") && !file.ends_with("Cargo.lock"));
            files.into()
        });
        Arc::clone(files)
    }

    fn has_build_script(&self, source: Option<usize>) -> bool {
        let of = source.and_then(|source| self.crates.get(self.sources[source].in_crate));
        of.is_some_and(|of| of.dir.join("build.rs").is_file() || of.about.contains("\"build\""))
    }

    /// All files of a package that are no Rust, as one item.
    fn package_item(&mut self, in_crate: usize) -> Option<ItemId> {
        let of = self.crates.get(in_crate)?;
        let (dir, key) = (of.dir.clone(), format!("files of {}", of.name));
        if let Some(&item) = self.extras.get(&key) {
            return Some(item);
        }
        let mut bytes = Vec::new();
        for file in self.package_files(&dir).iter().filter(|file| !is_code(file)) {
            let name = file.strip_prefix(&dir).unwrap_or(file).to_string_lossy().into_owned();
            let size = fs::metadata(file).map_or(0, |metadata| metadata.len());
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&size.to_le_bytes());
            if size <= LARGEST {
                bytes.extend_from_slice(blake3::hash(&self.read_file(file).unwrap_or_default()).as_bytes());
            }
        }
        Some(self.data_item(key, &bytes))
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

/// A larger file counts by its size.
const LARGEST: u64 = 1 << 24;

/// A path, and whether it is of code.
fn with_kind(path: PathBuf) -> (PathBuf, bool) {
    let is_code = is_code(&path);
    (path, is_code)
}

fn is_code(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn with_text(digest: [u8; 32], text: &str) -> [u8; 32] {
    blake3::derive_key(TEXT_CONTEXT, &[digest.as_slice(), text.as_bytes()].concat())
}

/// The files below a directory, but for hidden ones and those of target directories.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    below(dir, |_| true)
}

/// The first thousand, more than anyone puts there to be included.
fn below(dir: &Path, is_part: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    const MOST: usize = 1000;
    let (mut files, mut queue) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = queue.pop().filter(|_| files.len() < MOST) {
        let mut entries: Vec<_> =
            fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
        entries.sort();
        let (dirs, found): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
        files.extend(found);
        let is_target = |dir: &Path| dir.ends_with("target") || dir.join("CACHEDIR.TAG").exists();
        queue.extend(dirs.into_iter().filter(|dir| !dir.is_symlink() && !is_target(dir) && is_part(dir)));
    }
    files
}
