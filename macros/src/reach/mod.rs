//! The fingerprint: a digest of the code of a memoized function, and of all that it reaches.
//!
//! It depends on tokens alone, never on where a file is, how it is laid out or what its comments say.
//!
//! | step | where |
//! | --- | --- |
//! | what is being compiled | [`compilation`], [`project`], [`manifest`], [`lock`] |
//! | which sources there are | [`crates`], [`index`], [`world`] |
//! | tokens of a file | [`lexer`], [`tokens`], [`words`] |
//! | its items | [`items`] |
//! | what an item mentions | [`mentions`], [`predicates`], [`evaluate`] |
//! | what a function reaches, and what its callers may bring | [`closure`], [`generics`] |
//! | what of it counts | [`normalise`], [`digest`] |
//! | what it reads of the outside world | [`purity`] |
//! | which names of types mean one type | [`naming`], [`places`] |
//! | where a function stands | [`mod@standing`] |
//!
//! # Invariants
//! 1. *Widen when unsure.* A word reaches every item that has it for a name: nothing is resolved. Code of which it is not
//!    known where it stands reaches everything. A needless miss costs time, a missed item a wrong value.
//! 2. Nothing here fails a build or prints: a source that is missing or no Rust is one that everything reaches.
//! 3. Nothing is written. Files are read once in a run of the compiler, however many functions are memoized.
//!
//! Left out on purpose:
//! - doc attributes, which are comments (a derive that reads them is not noticed);
//! - the visibility of items, and attributes that cannot change what code does, such as lints;
//! - of the function itself `#[memo(…)]`: of its options, those that matter to the key join it by themselves;
//! - the function's own path, and the crate in paths of items: with `name = "…"` a function can
//!   move to another module or example (a helper that moves to another module is a change);
//! - `line!()` and `column!()`, which change with text around them.
//!
//! No path is resolved and no type is known: stable Rust shows a macro tokens alone. An earlier
//! version resolved imports, told fields from functions and looked into macros. On real packages it
//! was hardly narrower, and each rule had a way to be blind. Where machine code can be followed,
//! narrowness comes from there. A name reaches only items in modules where something is reached or
//! that are mentioned: `new`, `run` and `parse` are in too many.
//!
//! The rules, construct by construct, are in `docs/fingerprint.md`.

mod closure;
mod compilation;
mod crates;
mod digest;
mod evaluate;
mod generics;
mod index;
mod items;
mod lexer;
mod lock;
mod manifest;
mod mentions;
mod naming;
mod normalise;
mod places;
mod predicates;
mod project;
mod purity;
mod standing;
mod tokens;
mod words;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, ItemFn};

use self::closure::{Covered, Reach, Reached};
use self::index::{Index, ItemId};
pub(crate) use self::purity::Effect;
pub(crate) use self::standing::{COMPANIONS, Standing, is_crate, other_use_of_name, standing};
use self::tokens::Tokens;
use self::world::World;

/// How much code the fingerprint covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Track {
    /// The function, and all that it reaches.
    #[default]
    Reach,
    /// The function itself.
    Body,
    /// Nothing: only `version` tells old entries from new ones.
    None,
}

/// What is known of a function's code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) digest: [u8; 32],
    /// What it covers, a line each: sixteen digits of the digest, the path, the place, with tabs between.
    pub(crate) items: String,
    /// Predicates of `cfg` on which the code depends; only the compiler knows which of them hold.
    pub(crate) predicates: BTreeSet<String>,
    /// Whether it may ask for the key of the call that runs: where nothing is followed, it may.
    pub(crate) asks_for_key: bool,
    /// What it reads or changes of the outside world.
    pub(crate) effects: Vec<Effect>,
}

/// The domain of the digest of a set of items.
const CONTEXT: &str = "rememo fingerprint 2: what a function reaches";

/// How many items are listed one by one; of more, modules are.
const MAX_LISTED: usize = 500;

/// The fingerprint of `function`; zeros where nothing is tracked.
pub(crate) fn fingerprint(function: &ItemFn, track: Track) -> Fingerprint {
    let own = Tokens::of(code(function));
    let name = function.sig.ident.unraw().to_string();
    let body = Covered { path: name.clone(), digest: digest::digest(&[own.code()]), place: String::new() };
    match track {
        Track::None => Fingerprint { asks_for_key: true, ..Fingerprint::default() },
        Track::Body => Fingerprint::of(vec![body], Vec::new(), ""),
        Track::Reach if in_editor() => Fingerprint::of(vec![body], Vec::new(), ""),
        Track::Reach => World::with(|world| {
            let found = world.find(function);
            let crate_name = world.compilation.crate_name.clone();
            reach(world.index(), &crate_name, &own, body, &found)
        }),
    }
}

/// Whether the compiler may say of a predicate that it can never hold.
pub(crate) fn may_be_unexpected(predicate: &str) -> bool {
    World::with(|world| !predicates::is_expected(predicate, &world.compilation.expected))
}

/// What tells a function, and the types that it is called with, from others of their names; as the
/// library's `Definition` has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) package: String,
    pub(crate) types: String,
}

/// The names of `function`, which is a member of an impl block or not.
pub(crate) fn names(function: &ItemFn, track: Track, has_name: bool, is_associated: bool) -> Names {
    // Of a function that is covered with all that it reaches, another of equal path and code is the
    // same.
    let needs_package = track != Track::Reach && !has_name;
    let needs_types = is_associated || naming::has_types(&function.sig);
    if in_editor() || !(needs_package || needs_types) {
        return Names::default();
    }
    World::with(|world| {
        let package = if needs_package { naming::package(world) } else { String::new() };
        let types = if needs_types { naming::types(world, function, is_associated) } else { String::new() };
        Names { package, types }
    })
}

/// The fingerprint of a function that is, in the index, any of `found`; of one that is in none, all that there is.
fn reach(
    index: &mut Index,
    crate_name: &str,
    own: &Tokens,
    mut body: Covered,
    found: &[ItemId],
) -> Fingerprint {
    let name = body.path.clone();
    let mut is_open = generics::is_open(own.code());
    let mut source = None;
    for &item in found {
        let entry = index.entry(item);
        body.path = index.path_of(entry, &name);
        body.place = index.place(entry);
        source = entry.content.code.as_ref().map(|(source, _)| *source);
        if let Some(header) = index.header_of(entry) {
            is_open |= generics::is_open(header);
        }
    }
    let mut details = vec![index.details_of(&[own.code()], source)];
    let mut covered = vec![body];
    covered.extend(found.iter().filter_map(|&item| index.around(index.entry(item))));
    for &item in found {
        if let Some((header, of_header)) = index.header(item) {
            covered.push(header);
            details.push(of_header);
        }
    }
    let mut reach = Reach::new(index);
    if found.is_empty() {
        reach.widen();
    }
    for &item in found {
        reach.start(item);
    }
    for details in &details {
        reach.follow(details);
    }
    if is_open {
        reach.open();
    }
    let Reached { covered: mut items, predicates, items: reached, asks_for_key } = reach.finish();
    let effects = purity::effects(index, found, &reached);
    if index.is_torn || index.sources.is_empty() {
        items.push(never_again());
    }
    Fingerprint { predicates, asks_for_key, effects, ..Fingerprint::of(covered, items, crate_name) }
}

/// An item that no other compilation has. Sources changed while they were compiled, or there are none that could be read:
/// the code that runs may not be the code that is known here, so what it computes must never be found again.
fn never_again() -> Covered {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let digest = *blake3::hash(&now.as_nanos().to_le_bytes()).as_bytes();
    Covered { path: "sources that are not known".to_owned(), digest, place: String::new() }
}

impl Fingerprint {
    /// The digest of the function's `own` code, which counts wherever it stands, and of `items` by their places in the
    /// crate: the crate itself may have another name.
    fn of(own: Vec<Covered>, items: Vec<Covered>, crate_name: &str) -> Self {
        let in_crate = |path| match str::strip_prefix(path, crate_name) {
            Some(rest) if rest.starts_with("::") => rest,
            _ if str::strip_prefix(path, "crate ") == Some(crate_name) => "crate",
            _ => path,
        };
        let mut counted: Vec<(&str, &[u8; 32])> =
            own.iter().map(|Covered { digest, .. }| ("", digest)).collect();
        counted.extend(items.iter().map(|Covered { path, digest, .. }| (in_crate(path), digest)));
        counted.sort();
        let mut bytes = Vec::new();
        for (path, digest) in counted {
            bytes.extend_from_slice(&(path.len() as u64).to_le_bytes());
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend_from_slice(digest);
        }
        let digest = blake3::derive_key(CONTEXT, &bytes);
        let mut covered = own;
        covered.extend(items);
        // Mostly the path decides, and without an optimiser a derived order costs much more.
        covered.sort_unstable_by(|a, b| str::cmp(&a.path, &b.path).then_with(|| a.cmp(b)));
        Fingerprint { digest, items: list(covered), asks_for_key: true, ..Fingerprint::default() }
    }
}

/// The lines for people.
fn list(mut covered: Vec<Covered>) -> String {
    if covered.len() > MAX_LISTED {
        covered = by_module(&covered);
    }
    let mut lines = String::new();
    for Covered { path, digest, place } in covered {
        let start = digest.iter().take(8).fold(0, |start, &byte| (start << 8) | u64::from(byte));
        writeln!(lines, "{start:016x}\t{path}\t{place}").expect("writing to a string does not fail");
    }
    lines
}

/// One line for each module: the digest of its items' digests.
fn by_module(covered: &[Covered]) -> Vec<Covered> {
    let mut modules: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for Covered { path, digest, .. } in covered {
        // What comes before the last `::` outside of the header of an `impl`.
        let name = path.split('<').next().unwrap_or_default();
        let name = name.split(' ').next().unwrap_or_default();
        let module = name.rfind("::").map_or(path.as_str(), |end| &path[..end]);
        modules.entry(module).or_default().extend_from_slice(digest);
    }
    let line = |(module, digests): (&str, Vec<u8>)| Covered {
        path: format!("{module}::*"),
        digest: *blake3::hash(&digests).as_bytes(),
        place: String::new(),
    };
    let mut lines: Vec<Covered> = modules.into_iter().map(line).collect();
    lines.sort();
    lines
}

/// Editors keep a process for many states of the sources, and run nothing: to them all fingerprints are alike.
fn in_editor() -> bool {
    let executable = std::env::current_exe().unwrap_or_default();
    executable.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("rust-analyzer"))
}

/// The file and the line of a name, if they are known.
fn location(name: &Ident) -> Option<(PathBuf, u32)> {
    // In unit tests there is no compiler to ask.
    if !proc_macro::is_available() {
        return None;
    }
    let span = name.span().unwrap();
    let file = std::fs::canonicalize(span.local_file()?).ok()?;
    Some((file, u32::try_from(span.line()).ok()?))
}

/// The tokens of `function` that matter.
fn code(function: &ItemFn) -> TokenStream {
    let mut tokens = TokenStream::new();
    for attribute in function.attrs.iter().filter(|attribute| !is_memo(attribute)) {
        attribute.to_tokens(&mut tokens);
    }
    function.sig.to_tokens(&mut tokens);
    function.block.to_tokens(&mut tokens);
    tokens
}

/// The compiler takes the attribute away before it calls the macro, but a source file still has it.
fn is_memo(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "memo")
}

#[cfg(test)]
mod tests;
