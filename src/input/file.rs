//! A file as an argument.

use std::path::{Path, PathBuf};

use super::remembered::DIGESTS;

/// A file that a function reads: its *content* is in the key, its path is not.
///
/// A changed file is another argument; one that was copied, moved or touched is the same. A function whose result depends on the
/// path too takes that as an argument of its own.
///
/// # Cost
///
/// The first key of a file costs reading it, on several threads from 1 MiB on, but for keys made inside of a
/// [`Parallel`](crate::Parallel) or rayon thread. After that it costs a look at the file, some microseconds: the digest is remembered
/// under its device, inode, size and times of modification and change, in memory (100 bytes) and, from 1 MiB on,
/// for later processes too (one small file each in `rememo-digests`, in the user's cache directory, which may be deleted at any
/// time). Where the system does not tell these, as on Windows, every key costs reading the file.
///
/// # What is noticed, and what is not
///
/// Every change sets the time of change, which nobody can set back. A file that was changed within the last two seconds is not
/// remembered, since another change might fall on the same tick of a clock, and is read again for the next key. Not noticed is what
/// sets no time: writes through a mapping that the system has not seen yet, and a network file system whose clock
/// is seconds behind.
///
/// The file is read when the key is made, and again by the function. In a batch the key is made when the call is drawn, before its
/// turn. So the file is looked at again right before the function runs, and afterwards: if it has changed since the key was made, the
/// value is returned, not kept, and the trouble counted ([`Stats::troubles`](crate::Stats::troubles)) and logged.
///
/// # Errors
///
/// Of a file that is missing, cannot be read, is a directory or changes while it is read there is no key: the call is
/// computed and not remembered, and the trouble counted ([`Stats::troubles`](crate::Stats::troubles)) and logged with its path;
/// [`Memory::try_call`](crate::Memory::try_call) fails.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("readings.csv");
/// use rememo::{InputFile, Memory, memo};
///
/// #[memo]
/// fn lines(readings: &InputFile) -> usize {
///     std::fs::read_to_string(readings).map_or(0, |text| text.lines().count())
/// }
///
/// let memory = Memory::open(dir.path().join("cache"))?;
/// let readings = InputFile::new(path);
/// std::fs::write(&readings, "1\n2\n")?;
/// assert_eq!(memory.call(lines::delayed(&readings)), 2);
/// assert!(memory.call_info(lines::delayed(&readings)).is_hit());
/// std::fs::write(&readings, "1\n2\n3\n")?;
/// assert_eq!(memory.call(lines::delayed(&readings)), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputFile(pub PathBuf);

impl InputFile {
    /// The file at `path`, which is not touched before a key is made.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        InputFile(path.into())
    }
}

path_argument! { InputFile, |path| DIGESTS.digest(path), |path| DIGESTS.state(path) }
