//! The lock under which upkeep is done: who waits for it, and for how long.

use std::fs::File;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::super::control::{CONTROL, TURNS, UPKEEP};
use crate::error::Result;
use crate::sys::locks::{self, Lock, Owner};
use crate::sys::{self, Access, Dir};

/// Whoever does upkeep, or mends a log, is waited for so long, from when he began: it takes a second for millions of entries. Then what waits fails, which
/// is a store and not a call, and nothing is stored for a while.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lock under which upkeep is done; held until it is dropped.
#[derive(Debug)]
pub(in crate::store::log) struct Upkeep {
    file: File,
}

impl Upkeep {
    /// Takes the lock, waiting for whoever holds it; `None` if the file is gone that it is on: the log is to be opened anew.
    pub(in crate::store::log) fn lock(dir: &Dir) -> Result<Option<Self>> {
        let Some(file) = Upkeep::open(dir)? else { return Ok(None) };
        let lock = || Ok(Upkeep::try_on(&file)?.then_some(()));
        patiently(lock, || turns(&file)).map_err(|error| dir.error("lock", CONTROL, error))?;
        Ok(Some(Upkeep { file }))
    }

    /// Takes the lock if nobody holds it, and there is one.
    pub(in crate::store::log) fn try_lock(dir: &Dir) -> Result<Option<Self>> {
        let Some(file) = Upkeep::open(dir)? else { return Ok(None) };
        let is_locked = Upkeep::try_on(&file).map_err(|error| dir.error("lock", CONTROL, error))?;
        Ok(is_locked.then_some(Upkeep { file }))
    }

    fn try_on(file: &File) -> io::Result<bool> {
        let is_locked = locks::try_lock(file, UPKEEP, Lock::Exclusive, Owner::OpenFile)?;
        if is_locked {
            // Without it, those who wait are less patient.
            let _ = sys::write_at(file, &turns(file).wrapping_add(1).to_le_bytes(), TURNS);
        }
        Ok(is_locked)
    }

    /// Opened anew, so that threads exclude each other, too.
    fn open(dir: &Dir) -> Result<Option<File>> {
        Ok(dir.find(CONTROL, Access::Write)?.map(|(file, _)| file))
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        // A child that was forked meanwhile has the file open, too.
        locks::unlock(&self.file, UPKEEP, Owner::OpenFile);
    }
}

/// How often the lock was taken.
fn turns(file: &File) -> u64 {
    let mut turns = [0; 8];
    let read = sys::read_into(file, &mut turns, TURNS);
    read.map_or(0, |_| u64::from_le_bytes(turns))
}

/// Tries something until it gives something, but not for ever: as long as there is progress, a number that changes.
pub(in crate::store::log) fn patiently<T>(
    mut attempt: impl FnMut() -> io::Result<Option<T>>,
    progress: impl Fn() -> u64,
) -> io::Result<T> {
    let (mut started, mut seen) = (Instant::now(), progress());
    let mut pause = Duration::from_micros(50);
    loop {
        if let Some(got) = attempt()? {
            return Ok(got);
        }
        let now = progress();
        if now != seen {
            // Somebody else was faster: the lock goes round.
            (started, seen) = (Instant::now(), now);
        } else if started.elapsed() > PATIENCE {
            let fault =
                format!("another process has held the lock for {PATIENCE:?}; it may have been stopped");
            return Err(io::Error::new(io::ErrorKind::TimedOut, fault));
        }
        thread::sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::address::Address;
    use super::super::super::control::Control;
    use super::*;

    #[test]
    fn a_lock_that_goes_round_is_waited_for_and_one_that_is_held_is_not() {
        let begun = Instant::now();
        // It is taken by others every second, for longer than anybody is patient.
        let until = PATIENCE + Duration::from_secs(2);
        let attempt = || Ok((begun.elapsed() > until).then_some(()));
        patiently(attempt, || begun.elapsed().as_secs()).unwrap();
        let held = patiently(|| Ok(None::<()>), || 7).unwrap_err();
        assert_eq!(held.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn each_turn_is_counted_in_the_file() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::create(temporary.path()).unwrap();
        Control::create(&dir, Address::FIRST).unwrap();
        let file = Upkeep::open(&dir).unwrap().unwrap();
        for turn in 0..3 {
            assert_eq!(turns(&file), turn);
            drop(Upkeep::lock(&dir).unwrap().unwrap());
        }
    }
}
