//! What is compiled belongs to: the package, and the lock file that says what else the program is
//! made of.
//!
//! Cargo runs the compiler in the directory of the workspace, with a relative path, if the package
//! stands below it. For other packages the target directory tells, where it is in its usual place.

use std::fs;
use std::path::{Path, PathBuf};

use super::compilation::Compilation;
use super::lock::Lock;
use super::manifest::Manifest;

/// A package, and the workspace in which it is compiled.
#[derive(Debug, Default)]
pub(crate) struct Project {
    pub(crate) own: Option<Manifest>,
    /// The directory of the lock file, if it is certain which that is.
    pub(crate) workspace: Option<PathBuf>,
    pub(crate) lock: Option<Lock>,
}

impl Project {
    pub(crate) fn of(compilation: &Compilation) -> Self {
        let own = compilation.package.as_deref().and_then(Manifest::read);
        let locked = |dir: &Path| Some((dir.to_owned(), Lock::read(dir)?));
        let found = if let Some(workspace) = &compilation.workspace {
            locked(workspace)
        } else if compilation.root.is_some() {
            // Of a package that stands elsewhere, the lock file beside it is another. It may be
            // that where the compiler writes to, as is usual, is below the right one; then that has
            // the package.
            let has_own = |lock: &Lock| {
                own.as_ref().is_some_and(|own| lock.count(&own.package, Some(&compilation.version)) > 0)
            };
            let mut above = compilation.out_dir.iter().flat_map(|dir| dir.ancestors());
            above.find_map(locked).filter(|(_, lock)| has_own(lock))
        } else {
            own.as_ref().and_then(|own| locked(&own.workspace))
        };
        let (workspace, lock) = found.unzip();
        Project { own, workspace, lock }
    }
}

impl Lock {
    /// The lock file in a directory.
    fn read(dir: &Path) -> Option<Self> {
        fs::read_to_string(dir.join("Cargo.lock")).ok().map(|text| Lock::parse(&text))
    }
}

#[cfg(test)]
mod tests;
