//! What is written of a package in `packages/NAME.rs`: its versions, and the functions that use it.
//!
//! Lines `//@ geo = "=0.29.3"` are lines of the manifest; `//@ edited: regex regex-syntax` says which
//! packages are edited, if not the one of the recipe's name. Functions under `#[memo]` take a seed and
//! return what the standard library has.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

const EDITED: &str = "edited:";

/// Helpers of all recipes.
const PRELUDE: &str = include_str!("../packages/prelude.in");

#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    /// Lines of `[dependencies]`.
    pub(crate) dependencies: Vec<String>,
    /// Packages that are copied and edited; the first is what the recipe is about.
    pub(crate) edited: Vec<String>,
    /// Memoized functions, by name.
    pub(crate) functions: Vec<String>,
    source: String,
}

impl Recipe {
    pub(crate) fn read(name: &str) -> Result<Self> {
        let path = directory().join(format!("{name}.rs"));
        let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let told = source.lines().filter_map(|line| line.strip_prefix("//@ "));
        let (edited, dependencies): (Vec<_>, Vec<_>) = told.partition(|line| line.starts_with(EDITED));
        let edited: Vec<String> = edited
            .iter()
            .flat_map(|line| line[EDITED.len()..].split_whitespace())
            .map(str::to_owned)
            .collect();
        let functions = memoized(&source)?;
        Ok(Recipe {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(|line| (*line).to_owned()).collect(),
            edited: if edited.is_empty() { vec![name.to_owned()] } else { edited },
            functions,
            source,
        })
    }

    /// All recipes, by name.
    pub(crate) fn names() -> Result<Vec<String>> {
        let mut names = Vec::new();
        for file in fs::read_dir(directory())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// The program that calls all functions through a cache and without: for each call a line `function seed
    /// hit|miss value truth`, with tabs between.
    pub(crate) fn program(&self) -> String {
        let calls = self.functions.iter().map(|name| {
            format!(
                "        show(\"{name}\", seed, &|| {{ let outcome = memory.call_info({name}::delayed(seed)); \
                 (outcome.is_hit(), format!(\"{{:?}}\", outcome.value)) }}, &|| format!(\"{{:?}}\", \
                 {name}::uncached(seed)));\n"
            )
        });
        let calls: Vec<String> = calls.collect();
        format!("use rememo::memo;\n{}\n{PRELUDE}\n{}", self.source, MAIN.replace("CALLS", &calls.concat()))
    }

    /// A program that calls one function, and knows nothing of caches.
    pub(crate) fn program_of(&self, function: &str) -> String {
        let source = self.source.replace("#[memo]\n", "");
        format!(
            "{source}\n{PRELUDE}\nfn main() {{\n    for seed in SEEDS {{\n        \
             std::hint::black_box({function}(std::hint::black_box(seed)));\n    }}\n}}\n"
        )
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packages")
}

fn memoized(source: &str) -> Result<Vec<String>> {
    let functions = syn::parse_file(source)?.items.into_iter().filter_map(|item| match item {
        syn::Item::Fn(function) if function.attrs.iter().any(|it| it.path().is_ident("memo")) => {
            Some(function.sig.ident.to_string())
        }
        _ => None,
    });
    Ok(functions.collect())
}

const MAIN: &str = r#"
fn show(name: &str, seed: u64, called: &dyn Fn() -> (bool, String), truth: &dyn Fn() -> String) {
    let quiet = |f: &dyn Fn() -> (bool, String)| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
        caught.unwrap_or_else(|_| (false, "it panics".to_owned()))
    };
    let (is_hit, value) = quiet(called);
    let (_, truth) = quiet(&|| (false, truth()));
    println!("{name}\t{seed}\t{}\t{value}\t{truth}", if is_hit { "hit" } else { "miss" });
}

fn main() {
    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
    std::panic::set_hook(Box::new(|_| ()));
    for seed in SEEDS {
CALLS    }
}
"#;
