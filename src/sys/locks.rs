//! Advisory locks on ranges of a file, which the kernel drops with their owner. A signal that interrupts a wait does not end it.
//!
//! There are two kinds, with different owners.
//! - Of an *open file*: whoever opened the file anew is another owner, in the same process too. A child after `fork` shares its
//!   parent's. (`F_OFD_SETLK`, Linux 3.15)
//! - Of a *process*: its threads are one owner, a child after `fork` is another, and the system tells who holds one. All locks
//!   of a process on a file are gone when it closes the file, however often it is open. (`F_SETLK`)

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Whose a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    OpenFile,
    Process,
}

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Having one like it, or a shared one.
    Exclusive,
    /// Having an exclusive one.
    Shared,
}

/// Takes a lock on the byte at `offset`, in place of one of the same owner, if nobody's stands against it; whether it was taken.
pub(crate) fn try_lock(file: &File, offset: u32, lock: Lock, owner: Owner) -> io::Result<bool> {
    let command = match owner {
        Owner::OpenFile => libc::F_OFD_SETLK,
        Owner::Process => libc::F_SETLK,
    };
    match call(file, command, kind(lock), offset) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes a lock on the byte at `offset`, waiting for whoever holds one against it; `false` if the kernel sees a circle of processes
/// that wait for one another, so that the lock was not taken.
pub(crate) fn lock(file: &File, offset: u32, lock: Lock, owner: Owner) -> io::Result<bool> {
    let command = match owner {
        Owner::OpenFile => libc::F_OFD_SETLKW,
        Owner::Process => libc::F_SETLKW,
    };
    match call(file, command, kind(lock), offset) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EDEADLK) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a lock back. It cannot fail for a file that was locked.
pub(crate) fn unlock(file: &File, offset: u32, owner: Owner) {
    let command = match owner {
        Owner::OpenFile => libc::F_OFD_SETLK,
        Owner::Process => libc::F_SETLK,
    };
    let _ = call(file, command, libc::F_UNLCK, offset);
}

/// The process that holds a lock of [`Owner::Process`] on the byte at `offset`, if another one does and it can be named here.
pub(crate) fn holder(file: &File, offset: u32) -> Option<u32> {
    let found = call(file, libc::F_GETLK, libc::F_WRLCK, offset).ok()?;
    let is_held = i32::from(found.l_type) != libc::F_UNLCK;
    u32::try_from(found.l_pid).ok().filter(|&process| is_held && process > 0)
}

fn kind(lock: Lock) -> libc::c_int {
    match lock {
        Lock::Exclusive => libc::F_WRLCK,
        Lock::Shared => libc::F_RDLCK,
    }
}

#[allow(clippy::unnecessary_fallible_conversions, reason = "`off_t` is narrower on some machines")]
fn call(file: &File, command: libc::c_int, kind: libc::c_int, offset: u32) -> io::Result<libc::flock> {
    // SAFETY: All zeros are a `flock`: numbers.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::c_short::try_from(kind).expect("kinds of locks are small");
    range.l_whence = libc::c_short::try_from(libc::SEEK_SET).expect("it is zero");
    range.l_start = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    range.l_len = 1;
    loop {
        // SAFETY: The descriptor is open, and `range` lives longer than the call, which reads it or writes to it.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut range) } != -1 {
            return Ok(range);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (tempfile::NamedTempFile, File) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let again = File::options().read(true).write(true).open(file.path()).unwrap();
        (file, again)
    }

    #[test]
    fn two_open_files_exclude_each_other_and_a_shared_lock_replaces_an_exclusive_one() {
        let (one, two) = opened();
        let one = one.as_file();
        assert!(try_lock(one, 1, Lock::Exclusive, Owner::OpenFile).unwrap());
        assert!(!try_lock(&two, 1, Lock::Shared, Owner::OpenFile).unwrap());
        assert!(try_lock(&two, 0, Lock::Exclusive, Owner::OpenFile).unwrap(), "another byte");
        assert!(lock(one, 1, Lock::Shared, Owner::OpenFile).unwrap());
        assert!(try_lock(&two, 1, Lock::Shared, Owner::OpenFile).unwrap());
        assert!(!try_lock(&two, 1, Lock::Exclusive, Owner::OpenFile).unwrap());
        unlock(one, 1, Owner::OpenFile);
        assert!(try_lock(&two, 1, Lock::Exclusive, Owner::OpenFile).unwrap());
    }

    #[test]
    fn another_process_sees_who_holds_a_lock() {
        let (file, again) = opened();
        assert!(try_lock(file.as_file(), u32::MAX / 2, Lock::Exclusive, Owner::Process).unwrap());
        assert_eq!(holder(&again, u32::MAX / 2), None, "its own is in nobody's way");
        let asked = std::process::Command::new("python3")
            .arg("-c")
            .arg(
                "import fcntl, os, struct, sys\n\
                  fd = os.open(sys.argv[1], os.O_RDWR)\n\
                  query = struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 2**31 - 1, 1, 0)\n\
                  print(struct.unpack('hhqqi4x', fcntl.fcntl(fd, fcntl.F_GETLK, query))[4])",
            )
            .arg(file.path())
            .output();
        if let Ok(asked) = asked {
            assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), std::process::id().to_string());
        }
    }
}
