//! Files: where modules are, and reading each once.
//!
//! By the rules of the [reference](https://doc.rust-lang.org/reference/items/modules.html#module-source-filenames).

use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Content, Entry, Source, Trigger};
use super::{At, Builder};
use crate::reach::evaluate::{self, Spelled};
use crate::reach::items::Item;
use crate::reach::mentions::string;
use crate::reach::tokens::{Code, Kind, Tokens};

/// Where the modules of a module are.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Of those without a `#[path]`.
    modules: PathBuf,
    /// Of those with one: relative to this.
    paths: PathBuf,
}

impl Folder {
    /// The folder of a crate's root, or of a file named `mod.rs` or by a `#[path]`.
    pub(super) fn of_root(file: &Path) -> Self {
        let dir = file.parent().unwrap_or(Path::new("")).to_owned();
        Folder { modules: dir.clone(), paths: dir }
    }

    /// The folder of any other module's file: `a/b.rs` has its modules in `a/b`.
    fn of_file(file: &Path) -> Self {
        Folder { modules: file.with_extension(""), ..Folder::of_root(file) }
    }

    /// The folder of a module that is written in its parent's file.
    pub(super) fn inline(&self, name: &str, path: Option<&str>) -> Self {
        let dir = path.map_or_else(|| self.modules.join(name), |path| self.paths.join(path));
        Folder { modules: dir.clone(), paths: dir }
    }

    /// The files in which the module may be, and their folders.
    pub(super) fn module(&self, name: &str, paths: &[String]) -> Vec<(PathBuf, Folder)> {
        let of_path = paths.iter().map(|path| self.paths.join(path)).map(|file| {
            let folder = Folder::of_root(&file);
            (file, folder)
        });
        let beside = self.modules.join(format!("{name}.rs"));
        let inside = self.modules.join(name).join("mod.rs");
        let folders = [Folder::of_file(&beside), Folder::of_root(&inside)];
        of_path.chain([beside, inside].into_iter().zip(folders)).filter(|(file, _)| file.is_file()).collect()
    }
}

/// What attributes say in `path = "…"`, also inside of a `cfg_attr`.
pub(super) fn path_attributes(code: Code<'_>) -> Vec<String> {
    let value = |index| {
        let literal = code.get(index + 2).filter(|token| token.kind == Kind::Literal)?;
        let is_path = code.is_word(index, "path") && code.is_punct(index + 1, '=');
        is_path.then(|| string(code.text(literal)).map(str::to_owned)).flatten()
    };
    (code.start..code.end).filter_map(value).collect()
}

impl Builder {
    /// Reads a file, once. One that is no Rust is an item that everything reaches.
    pub(super) fn load(&mut self, file: &Path, in_crate: usize) -> Option<usize> {
        let path = fs::canonicalize(file).ok()?;
        if let Some(source) = self.loaded.get(&(path.clone(), in_crate)) {
            return *source;
        }
        let shown = self.index.shown(&path);
        let bytes = self.index.read_file(&path).ok()?;
        let hash = blake3::hash(&bytes);
        let tokens = String::from_utf8(bytes).ok().and_then(Tokens::lex);
        let source = tokens.map(|tokens| {
            self.index.sources.push(Source { path: path.clone(), shown: shown.clone(), in_crate, tokens });
            self.index.sources.len() - 1
        });
        if source.is_none() {
            self.index.add(Entry {
                content: Content { text: hash.to_hex().to_string(), ..Content::default() },
                trigger: Some(Trigger::always()),
                ..Entry::new(format!("file {shown}"), None)
            });
        }
        self.loaded.insert((path, in_crate), source);
        source
    }

    /// The items of a file that is included among items; whether it is known which that is.
    pub(super) fn included(&mut self, item: &Item, at: &At) -> bool {
        let Source { in_crate, ref path, .. } = self.index.sources[at.source];
        let code = self.tokens(at.source).range(item.start, item.end);
        let group = (item.keyword..item.end).find_map(|index| code.group(index));
        let dir = path.parent().unwrap_or(Path::new(""));
        let spelled = group.map(|group| evaluate::path(group, dir, &self.index.crates[in_crate]));
        let Some(Spelled::File(file)) = spelled else { return false };
        if let Some(source) = self.load(&file, in_crate) {
            let folder = Folder::of_root(&self.index.sources[source].path);
            self.file(&At { source, folder, depth: at.depth + 1, ..at.clone() });
        }
        file.is_file()
    }
}
