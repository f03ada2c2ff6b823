//! Tries in a directory what the library relies on there; for people who want to know whether it works.

use std::fs::TryLockError;
use std::time::{Duration, SystemTime};

use super::{Access, Dir, Temporary};
use crate::error::Result;

/// Whether a lock on a file keeps others out.
pub(crate) fn locks(dir: &Dir) -> Result<bool> {
    let temporary = Temporary::create(dir)?;
    let name = temporary.name();
    // It is locked already, but for systems where that would keep others from reading it.
    temporary.write(|file| file.try_lock().map_err(Into::into))?;
    // Opened anew, so that it is somebody else's.
    let Some((other, _)) = dir.find(name, Access::Read)? else { return Ok(false) };
    match other.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(dir.error("lock", name, error)),
    }
}

/// Whether what is written to a file is seen where the file is mapped.
#[cfg(target_os = "linux")]
pub(crate) fn mappings(dir: &Dir) -> Result<bool> {
    use std::sync::atomic::Ordering::SeqCst;

    Temporary::create(dir)?.write(|file| {
        super::allocate(file, size_of::<u64>() as u64)?;
        let words = super::map::Words::shared(file, size_of::<u64>())?;
        // The same in either byte order.
        super::write_at(file, &[7; size_of::<u64>()], 0)?;
        Ok(words.words()[0].load(SeqCst) == u64::from_le_bytes([7; 8]) && !words.is_lost())
    })
}

/// How far the clock of the file system is from that of this machine.
pub(crate) fn clock_difference(dir: &Dir) -> Result<Duration> {
    let temporary = Temporary::create(dir)?;
    temporary.write(|file| super::write_at(file, &[0], 0))?;
    let stat = temporary.write(super::stat)?;
    let now = SystemTime::now();
    Ok(now.duration_since(stat.modified).unwrap_or_else(|error| error.duration()))
}
