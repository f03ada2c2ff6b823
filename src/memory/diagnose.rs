//! Tries whether a cache directory is in order, and tells what it found.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::Memory;
use super::inner::Inner;
use crate::error::{Result, chain};
use crate::report::{Finding, Recorded, Span};
use crate::store::Layout;
use crate::sys::{Access, FileSystem, trial};

/// Where executors for clusters make their folders.
pub(crate) const JOBS: &str = "jobs";

/// With less space than this, storing will fail before long.
const LITTLE_SPACE: u64 = 64 << 20;

/// Clocks that differ by more than this make entries seem to be of another age.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

impl Memory {
    /// Tries whether the directory is in order: reading, writing, locks, mapped files, space, clock, what jobs of a cluster have left. Where
    /// it can be written, some files are made below it and removed. Then each function whose code, in the latest state that is recorded, may read what
    /// is not in its key, such as a variable of the environment; nothing is wrong with that if it changes no value.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let memory = rememo::Memory::open(dir.path())?;
    /// assert!(memory.diagnose().iter().all(|finding| !finding.is_wrong));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn diagnose(&self) -> Vec<Finding> {
        let Some(inner) = &self.inner else {
            return vec![Finding::wrong("cache", "it is disabled")];
        };
        let mut findings = vec![
            Finding::right("directory", inner.settings.root.display().to_string()),
            Finding::right("layout", inner.layout_and_why()),
            judged("reading", self.check_readable().map(|()| Finding::right("reading", "works"))),
        ];
        let writing = inner.store.check_writable();
        let is_writable = writing.is_ok();
        findings.push(judged("writing", writing.map(|()| Finding::right("writing", "works"))));
        if is_writable {
            findings.push(judged("locks", inner.try_locks()));
            findings.extend(inner.try_mappings());
            findings.push(judged("clock", inner.compare_clocks()));
        }
        findings.extend(inner.look_at_space());
        findings.extend(inner.look_at_job_folders());
        findings.extend(inner.look_at_functions());
        findings
    }
}

impl Inner {
    fn layout_and_why(&self) -> String {
        let file_system = match self.dir.file_system() {
            Ok(FileSystem::Other) => "a file system that is not known to be local",
            #[cfg(target_os = "linux")]
            Ok(FileSystem::Overlay) => "an overlay",
            #[cfg(target_os = "linux")]
            Ok(FileSystem::Local) => "a local file system",
            Err(_) => "an unknown file system",
        };
        match self.store.layout() {
            Layout::Log => format!("log: small entries in segments, on {file_system}"),
            _ => format!("files: one for each entry, on {file_system}"),
        }
    }

    fn try_locks(&self) -> Result<Finding> {
        Ok(if trial::locks(&self.dir)? {
            Finding::right("locks", "work")
        } else {
            Finding::wrong("locks", "a locked file can be locked again: two processes may compute one call")
        })
    }

    #[cfg(target_os = "linux")]
    #[expect(clippy::unnecessary_wraps, reason = "the signature that all systems share")]
    fn try_mappings(&self) -> Option<Finding> {
        let tried = trial::mappings(&self.dir).map(|works| match (works, self.store.layout()) {
            (true, _) => Finding::right("mapped files", "work"),
            (false, Layout::Log) => {
                Finding::wrong("mapped files", "do not show what is written: use another directory")
            }
            (false, _) => Finding::right("mapped files", "do not work, and are not needed in this layout"),
        });
        Some(judged("mapped files", tried))
    }

    #[cfg(not(target_os = "linux"))]
    fn try_mappings(&self) -> Option<Finding> {
        None
    }

    fn compare_clocks(&self) -> Result<Finding> {
        let difference = trial::clock_difference(&self.dir)?;
        Ok(if difference < CLOCKS_DIFFER {
            Finding::right("clock", "as that of the file system")
        } else {
            Finding::wrong("clock", format!("{} from that of the file system", Span(difference)))
        })
    }

    /// What executors for clusters have left. A job may have no task yet, so that nobody uses its folder.
    fn look_at_job_folders(&self) -> Vec<Finding> {
        let names = match self.dir.names(JOBS) {
            Ok(names) => names,
            Err(error) => return vec![Finding::wrong("job folder", chain(&error).to_string())],
        };
        let look = |name: String| {
            let path = format!("{JOBS}/{name}");
            let stat = self.dir.stat(&path).ok().flatten()?;
            let age = SystemTime::now().duration_since(stat.modified).unwrap_or_default();
            let is_used = ["callers", "tasks"].iter().any(|users| {
                let found = self.dir.find(&format!("{path}/{users}"), Access::Look);
                found.ok().flatten().is_some_and(|(file, _)| file.try_lock().is_err())
            });
            let left = if is_used { "in use" } else { "left behind, unless its job waits: remove it" };
            Some(Finding::right("job folder", format!("{path}, {} old: {left}", Span(age))))
        };
        names.into_iter().filter(|name| name != "lock").filter_map(look).collect()
    }

    /// What functions may read of the outside world, by their names.
    fn look_at_functions(&self) -> Vec<Finding> {
        // That they cannot be read is told above.
        let mut recorded = self.records.all().unwrap_or_default();
        recorded.sort_by_key(|recorded| recorded.written);
        let of_name = |recorded: Recorded| (recorded.record.name.clone(), recorded.record);
        // The latest state of each replaces those before it.
        let latest: BTreeMap<_, _> = recorded.into_iter().map(of_name).collect();
        latest.into_values().filter(|function| !function.reads.is_empty()).map(Finding::reads).collect()
    }

    fn look_at_space(&self) -> Option<Finding> {
        let looked = self.dir.space().transpose()?;
        Some(judged(
            "space",
            looked.map(|left| {
                let text = format!("{} MiB left", left >> 20);
                if left < LITTLE_SPACE {
                    Finding::wrong("space", text)
                } else {
                    Finding::right("space", text)
                }
            }),
        ))
    }
}

/// What was found, or what went wrong when it was looked for.
fn judged(subject: &'static str, found: Result<Finding>) -> Finding {
    found.unwrap_or_else(|error| Finding::wrong(subject, chain(&error).to_string()))
}
