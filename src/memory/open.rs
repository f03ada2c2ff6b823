//! Where a memory is opened: an explicit directory, `$REMEMO_DIR`, or the user's cache directory.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::switch::{Switch, switch};
use super::{Manners, Memory};
use crate::error::{Error, Result};
use crate::events;
use crate::payload::Level;
use crate::remote::MemorySettings;
use crate::store::{Durability, Layout, Options};

/// Of less the files of an empty cache may leave nothing.
const LEAST_BUDGET: u64 = 64 << 10;

/// Says where and how to open a [`Memory`]; [`Memory::builder`] makes it.
#[must_use = "a builder opens nothing until `open`"]
#[derive(Clone, Debug, Default)]
pub struct MemoryBuilder {
    dir: Option<PathBuf>,
    options: Options,
    compress: Option<Level>,
    manners: Manners,
    /// Whatever `REMEMO` says.
    ignores_switch: bool,
}

impl MemoryBuilder {
    /// Sets the directory. Default: that of [`Memory::open_default`].
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Keeps the directory to so many bytes, as `du` counts them. Default: no budget.
    ///
    /// When a store exceeds it, what is worth least goes: the fewest seconds of computing saved per byte, weighted by how often and
    /// how lately it was used. What was used in the last minute goes last. The directory may take a sixteenth more than the
    /// budget, and 4 MiB, beside what is being written at the moment. A value that is larger than the budget is not stored. The
    /// files of the cache itself count: a budget of less than 64 KiB may keep little or nothing, and is logged as a warning.
    ///
    /// The work is done by those who store: with the log layout a millisecond at a time, in one process at a time; with the
    /// files layout by a look at each entry whenever a sixteenth of the budget was stored, without regard to how often
    /// entries were used.
    pub fn budget(mut self, bytes: u64) -> Self {
        self.options.budget = Some(bytes);
        self
    }

    /// Sets how entries are laid out in a new directory. Default: [`Layout::Auto`].
    pub fn layout(mut self, layout: Layout) -> Self {
        self.options.layout = layout;
        self
    }

    /// Sets what a power cut may take. Default: [`Durability::None`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// Compresses values with zstd at `level` (1 to 22; 3 is a good one), but for functions that say otherwise by
    /// `#[memo(compress = …)]`, which has the details. Default: values are kept as they are. Entries that are there stay as they
    /// are and are found, whatever is set here.
    ///
    /// # Panics
    ///
    /// Panics if there is no such level.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn table(n: u64) -> Vec<u64> {
    ///     (0..n).collect()
    /// }
    ///
    /// let memory = Memory::builder().dir(dir.path()).compress(3).open()?;
    /// memory.call(table::delayed(100_000)); // 800,000 bytes
    /// assert!(memory.stats().bytes < 400_000);
    /// assert_eq!(memory.call(table::delayed(100_000)), table::uncached(100_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "zstd")]
    #[track_caller]
    pub fn compress(mut self, level: i32) -> Self {
        let level = Level::new(level).unwrap_or_else(|| panic!("`{level}` is no level of zstd: 1 to 22 are"));
        self.compress = Some(level);
        self
    }

    /// Refuses to compute: a memoized call without an entry fails, and the error says which call, why it would be computed, and
    /// what changed. Plain closures run. Default: no; with `REMEMO=frozen` in the environment all memories do.
    ///
    /// For a program whose results are all there: an edit that would start eight hours of computing over is told before they
    /// begin. [`Memory::call`] and plain calls panic with the error, [`Memory::try_call`] returns it, and a batch
    /// fails with [`TaskErrorKind::Frozen`](crate::TaskErrorKind::Frozen). [`Parallel::plan`](crate::Parallel::plan) tells the
    /// same of all calls without a failure.
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
    /// Memory::open(dir.path())?.call(cube::delayed(3));
    ///
    /// let frozen = Memory::builder().dir(dir.path()).frozen(true).open()?;
    /// assert_eq!(frozen.call(cube::delayed(3)), 27);
    /// let error = frozen.try_call(cube::delayed(4)).unwrap_err().to_string();
    /// assert!(error.contains("(4)` is not computed, as the memory is frozen; new arguments: "), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn frozen(mut self, yes: bool) -> Self {
        self.manners.is_frozen = yes;
        self
    }

    /// Computes a share of the hits again, from 0 to 1, and compares. Default: none; with `REMEMO=verify` in the environment all
    /// hits of all memories, with `REMEMO=verify=0.01` one of a hundred.
    ///
    /// To find functions whose value depends on more than their arguments and their code, such as the time, a file that is
    /// not an argument, or the order of a hash map. A hit that is computed again counts as a miss, for the reason
    /// [`MissReason::Verified`](crate::MissReason::Verified), and costs what the function costs. If the value means the same as the kept one, the
    /// entry stays; hash maps may be in another order, and a NaN equals itself. If not, the logger is told (at
    /// `error`) with the call and both values in short, the standard error is told once, it is counted in
    /// [`Stats::mismatches`](crate::Stats::mismatches), and the new value is returned and kept. A [frozen](Self::frozen) memory
    /// verifies nothing, and [`Memory::lookup`] neither.
    ///
    /// # Panics
    ///
    /// Panics if `share` is not from 0 to 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use std::time::{SystemTime, UNIX_EPOCH};
    ///
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn id(name: &str) -> String {
    ///     let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    ///     format!("{name} {}", now.as_nanos())
    /// }
    ///
    /// Memory::open(dir.path())?.call(id::delayed("first"));
    ///
    /// let memory = Memory::builder().dir(dir.path()).verify_hits(1.0).warnings(false).open()?;
    /// memory.call(id::delayed("first"));
    /// assert_eq!(memory.stats().mismatches, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn verify_hits(mut self, share: f64) -> Self {
        assert!((0.0..=1.0).contains(&share), "`{share}` is no share of the hits: from 0 to 1");
        self.manners.verified = share;
        self
    }

    /// Sets whether the standard error is told, once for each function, of a value that cannot be kept. Default: yes.
    ///
    /// The logger is told in any case (`warn`, under the target `rememo`). `REMEMO_QUIET=1` in the environment is the
    /// same for all memories.
    pub fn warnings(mut self, told: bool) -> Self {
        self.manners.is_quiet = !told;
        self
    }

    /// Sets whether a value that cannot be kept is an error. Default: no, it is returned and told of.
    ///
    /// [`Memory::try_call`] and batches return the error; a task fails as [`TaskErrorKind::NotKept`](crate::TaskErrorKind::NotKept).
    /// [`Memory::call`], [`Memory::call_info`], [`Memory::recompute`] and plain calls panic with it. The
    /// value is lost then: this is for tests, and for the beginning of long runs.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Fit {
    ///     #[serde(skip_deserializing)] // written, and never read
    ///     slope: f64,
    /// }
    ///
    /// #[memo]
    /// fn fit(n: u32) -> Fit {
    ///     Fit { slope: f64::from(n) }
    /// }
    ///
    /// let memory = Memory::builder().dir(dir.path()).strict(true).open()?;
    /// let error = memory.try_call(fit::delayed(3)).err().unwrap();
    /// assert!(error.to_string().starts_with("cannot keep a value of"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn strict(mut self, strict: bool) -> Self {
        self.manners.is_strict = strict;
        self
    }

    /// Sets whether `REMEMO` in the environment counts. Default: yes. For programs that look after a directory, whatever those
    /// are told that use it.
    pub fn environment(mut self, counts: bool) -> Self {
        self.ignores_switch = !counts;
        self
    }

    /// Opens the memory.
    ///
    /// # Errors
    ///
    /// As [`Memory::open`]; also if no directory was set and there is no default place, or if the directory has another layout
    /// than the one that is asked for.
    pub fn open(self) -> Result<Memory> {
        let switch = if self.ignores_switch { Switch::On } else { switch() };
        if switch == Switch::Off {
            return Ok(Memory::disabled());
        }
        let dir = self.dir.map_or_else(default_dir, Ok)?;
        refuse_unmeant(&dir)?;
        if self.options.budget.is_some_and(|budget| budget < LEAST_BUDGET) {
            events::warn!("a budget of less than {LEAST_BUDGET} bytes may keep nothing: `{}`", dir.display());
        }
        // Absolute, so that a later change of the working directory does not move it.
        let root = std::path::absolute(&dir).map_err(|error| Error::io("find", dir, error))?;
        let settings = MemorySettings { root, options: self.options, compress: self.compress };
        Memory::with_settings(Arc::new(settings), self.manners.under(switch))
    }

    /// Opens a memory that is there, to read it alone: see [`Memory::open_existing`].
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); also if there is no cache in the directory.
    pub fn open_existing(mut self) -> Result<Memory> {
        self.options.read_only = true;
        self.open()
    }
}

impl Memory {
    /// Opens the cache in `dir`, creating the directory if it is missing.
    ///
    /// Any number of threads and processes may share `dir`. Nothing is read but the directory's format, so opening costs
    /// the same however much is stored. With `REMEMO=off` in the environment the memory is a
    /// [`disabled`](Self::disabled) one and `dir` is not touched.
    ///
    /// # Errors
    ///
    /// Fails, with [`Error::path`] in or equal to `dir`, if the directory cannot be created, is a file, holds files
    /// that are not a cache's, or was made in a format that this version does not know; or if `dir` begins with `~`, which
    /// shells expand and system calls do not.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn slow_sum(numbers: &[u64]) -> u64 {
    ///     numbers.iter().sum()
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// assert!(!memory.call_info(slow_sum::delayed(&[1, 2, 3])).is_hit());
    /// assert!(memory.call_info(slow_sum::delayed(&[1, 2, 3])).is_hit());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(dir: impl AsRef<Path>) -> Result<Memory> {
        Memory::builder().dir(dir.as_ref()).open()
    }

    /// Opens the cache in `dir` if there is one, to read it alone: nothing in the directory is made or changed.
    ///
    /// Hits are read as by any memory. Misses are computed, and their values are not stored. Whatever would change the
    /// directory, such as [`insert`](Self::insert) or [`clear`](Self::clear), fails. For a cache of somebody else, and for a path
    /// that may be mistyped.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); also if there is no cache in `dir`.
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
    /// let mistyped = dir.path().join("cahce");
    /// assert!(Memory::open_existing(&mistyped).is_err());
    /// assert!(!mistyped.exists());
    ///
    /// let dir = dir.path().join("cache");
    /// Memory::open(&dir)?.call(cube::delayed(3));
    /// let reader = Memory::open_existing(&dir)?;
    /// assert!(reader.call_info(cube::delayed(3)).is_hit());
    /// assert_eq!(reader.call(cube::delayed(4)), 64);
    /// assert!(!reader.contains(&cube::delayed(4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_existing(dir: impl AsRef<Path>) -> Result<Memory> {
        Memory::builder().dir(dir.as_ref()).open_existing()
    }

    /// Opens the cache in `$REMEMO_DIR` if that is set and not empty, else in `rememo` below the user's cache directory
    /// (`~/.cache` on Linux). A `~` at the start of the variable is the user's home directory.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); also if there is no home directory.
    pub fn open_default() -> Result<Memory> {
        Memory::builder().open()
    }

    /// Says where and how to open a memory.
    pub fn builder() -> MemoryBuilder {
        MemoryBuilder::default()
    }

    /// A memory that remembers nothing: every call computes.
    pub fn disabled() -> Memory {
        Memory { inner: None }
    }
}

fn default_dir() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("REMEMO_DIR").filter(|dir| !dir.is_empty()) {
        let dir = PathBuf::from(dir);
        // Files of settings, unlike shells, leave it as it is.
        return Ok(match (dir.strip_prefix(HOME), dirs::home_dir()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => dir,
        });
    }
    let cache = dirs::cache_dir().ok_or_else(|| {
        Error::directory("~/.cache/rememo", "this user has no home directory; set REMEMO_DIR")
    })?;
    Ok(cache.join("rememo"))
}

/// What shells expand to the user's home directory.
const HOME: &str = "~";

/// Refuses an empty path, and one that a shell would have changed.
fn refuse_unmeant(dir: &Path) -> Result<()> {
    if dir.as_os_str().is_empty() {
        return Err(Error::directory(
            dir,
            "its path is empty; `.` is the directory in which the program runs",
        ));
    }
    if dir.starts_with(HOME) {
        let reason =
            "`~` is the home directory to shells alone; give its path, or `./~` for a directory of that name";
        return Err(Error::directory(dir, reason));
    }
    Ok(())
}
