//! What a run of the compiler knows of its sources, read once for all functions.

use std::sync::{Mutex, PoisonError};

use syn::ItemFn;
use syn::ext::IdentExt;

use super::compilation::Compilation;
use super::index::{Index, ItemId};
use super::project::Project;
use super::{crates, location};

/// What is compiled, and its sources.
#[derive(Debug)]
pub(super) struct World {
    pub(super) compilation: Compilation,
    pub(super) project: Project,
    /// Built when it is first asked for.
    pub(super) index: Option<Index>,
    /// Which names of types are certain, without and with those that dependents may bring.
    pub(super) certain: [Option<String>; 2],
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);

impl World {
    /// That of this process, which is another one when an editor compiles something else in it.
    pub(super) fn with<T>(act: impl FnOnce(&mut World) -> T) -> T {
        let mut world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
        let compilation = Compilation::of_this_process();
        act(match &mut *world {
            Some(known) if known.compilation == compilation => known,
            unknown => unknown.insert(World::new(compilation)),
        })
    }

    pub(super) fn new(compilation: Compilation) -> Self {
        World { project: Project::of(&compilation), compilation, index: None, certain: [None, None] }
    }

    pub(super) fn index(&mut self) -> &mut Index {
        self.index.get_or_insert_with(|| crates::index(&self.compilation, &self.project))
    }

    /// What `function` is in the index.
    pub(super) fn find(&mut self, function: &ItemFn) -> Vec<ItemId> {
        let Some((file, line)) = location(&function.sig.ident) else { return Vec::new() };
        self.index().functions(&file, line, &function.sig.ident.unraw().to_string())
    }
}
