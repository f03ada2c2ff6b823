//! Digests of large files, kept for later processes: one small file each. The format is in docs/format.md.
//!
//! Trouble with them costs time and is passed over: the files that they save reading are all there.

use std::fs;
use std::path::PathBuf;

use crate::checksum;
use crate::sys::{Stamp, whole_file};

/// Smaller files are hashed in less time than it is worth keeping a record of, which takes a block of the disk: with this,
/// at most 0.4 % of what the inputs take.
pub(super) const LEAST_BYTES: u64 = 1024 * 1024;
/// First bytes of a record; the last of them is the version.
const MAGIC: [u8; 8] = *b"rdigest\x01";
/// Bytes of a record: magic, checksum, stamp, digest.
const RECORD_BYTES: usize = 8 + 16 + 56 + 32;

/// A directory of records.
#[derive(Debug)]
pub(super) struct Kept {
    dir: PathBuf,
}

impl Kept {
    /// The records of this user; `None` if there is no home directory.
    pub(super) fn in_cache_directory() -> Option<Self> {
        Some(Self::at(dirs::cache_dir()?.join("rememo-digests")))
    }

    pub(super) fn at(dir: PathBuf) -> Self {
        Kept { dir }
    }

    /// The digest of the file with this stamp, if there is a sound record of it.
    pub(super) fn read(&self, stamp: &Stamp) -> Option<[u8; 32]> {
        if stamp.size < LEAST_BYTES {
            return None;
        }
        let record = fs::read(self.path(stamp)).ok()?;
        let digest = <[u8; 32]>::try_from(record.last_chunk::<32>()?.as_slice()).ok()?;
        (record == record_of(stamp, &digest)).then_some(digest)
    }

    /// Keeps the digest of the file with this stamp, in place of what was kept of the file before.
    pub(super) fn write(&self, stamp: &Stamp, digest: &[u8; 32]) {
        if stamp.size < LEAST_BYTES {
            return;
        }
        let written =
            whole_file::write(&self.dir.join("tmp"), &self.path(stamp), &[&record_of(stamp, digest)]);
        if let Err(error) = written {
            event!(Debug, "the digest of an input is not kept: {error}");
        }
    }

    fn path(&self, stamp: &Stamp) -> PathBuf {
        self.dir.join(format!("{:x}-{:x}", stamp.device, stamp.inode))
    }
}

fn record_of(stamp: &Stamp, digest: &[u8; 32]) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..8].copy_from_slice(&MAGIC);
    let mut rest = &mut record[24..];
    for field in [
        &stamp.device.to_le_bytes()[..],
        &stamp.inode.to_le_bytes(),
        &stamp.size.to_le_bytes(),
        &stamp.modified.to_le_bytes(),
        &stamp.changed.to_le_bytes(),
        digest,
    ] {
        let (place, behind) = rest.split_at_mut(field.len());
        place.copy_from_slice(field);
        rest = behind;
    }
    let checksum = checksum::of(&record[24..], 0);
    record[8..24].copy_from_slice(&checksum);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp =
        Stamp { device: 2, inode: 3, size: LEAST_BYTES, modified: 1_000_000_005, changed: -7 };

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// The vector of docs/format.md.
    #[test]
    fn a_record_is_pinned() {
        assert_eq!(
            hex(&record_of(&STAMP, &[7; 32])),
            "7264696765737401\
             b14298270c3d9e6ee7fc17fec089e95b\
             020000000000000003000000000000000000100000000000\
             05ca9a3b000000000000000000000000f9ffffffffffffffffffffffffffffff\
             0707070707070707070707070707070707070707070707070707070707070707"
        );
    }

    #[test]
    fn a_record_is_believed_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(dir.path().join("digests"));
        assert_eq!(kept.read(&STAMP), None);
        kept.write(&STAMP, &[7; 32]);
        assert_eq!(kept.read(&STAMP), Some([7; 32]));
        for other in [
            Stamp { size: STAMP.size + 1, ..STAMP },
            Stamp { modified: 0, ..STAMP },
            Stamp { changed: 0, ..STAMP },
            Stamp { inode: 4, ..STAMP },
            Stamp { device: 4, ..STAMP },
        ] {
            assert_eq!(kept.read(&other), None, "{other:?}");
        }
        let path = kept.path(&STAMP);
        let record = fs::read(&path).unwrap();
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(kept.read(&STAMP), None, "byte {at} changed");
            fs::write(&path, &record[..at]).unwrap();
            assert_eq!(kept.read(&STAMP), None, "cut off at {at}");
        }
        kept.write(&STAMP, &[8; 32]);
        assert_eq!(kept.read(&STAMP), Some([8; 32]), "written anew");
    }

    #[test]
    fn small_files_leave_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(dir.path().join("digests"));
        kept.write(&Stamp { size: LEAST_BYTES - 1, ..STAMP }, &[7; 32]);
        assert!(!dir.path().join("digests").exists());
    }
}
