//! Reading and writing at offsets, and the limit that a process may have set on the size of its files.
//!
//! Whoever makes a file larger than `RLIMIT_FSIZE` gets a signal that ends the program. So the limit is looked at before, and is
//! an error. All that makes a file larger comes by here.

use std::fs::File;
use std::io;

/// Fails if a file may not have so many bytes.
#[cfg(target_os = "linux")]
pub(crate) fn may_grow_to(bytes: u64) -> io::Result<()> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    match limit.current {
        Some(most) if bytes > most => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("files may have {most} bytes at most (`ulimit -f`)"),
        )),
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the signature that all systems share")]
pub(crate) fn may_grow_to(_bytes: u64) -> io::Result<()> {
    Ok(())
}

/// Writes all of `bytes` from `offset` on.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    may_grow_to(offset.saturating_add(bytes.len() as u64))?;
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

/// Reads into `bytes` from `offset` on, by one system call; returns how many bytes were read, none at the end of the file.
pub(crate) fn read_into(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, bytes, offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_where_they_belong() {
        let file = tempfile::tempfile().unwrap();
        write_at(&file, b"behind", 5).unwrap();
        write_at(&file, b"front", 0).unwrap();
        let mut bytes = Vec::new();
        let mut reader = &file;
        io::Seek::seek(&mut reader, io::SeekFrom::Start(0)).unwrap();
        io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        assert_eq!(bytes, b"frontbehind");
    }
}
