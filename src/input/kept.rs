//! Digests of large files, kept for later processes: one small file each. The format is in docs/format.md.
//!
//! Trouble with them costs time and is passed over: the files that they save reading are all there.
//!
//! They lie beside the caches, not in one: the key of a call is made before any memory is asked,
//! and one file may be an argument in several. Files under 1 MiB are read and hashed in a fraction
//! of a millisecond, so nothing is kept of them.

use std::path::PathBuf;

use crate::checksum;
use crate::error::Result;
use crate::events;
use crate::sys::{self, Dir, Stamp};

/// Smaller files are hashed in less time than it is worth keeping a record of, which takes a block of the disk: with this,
/// at most 0.4 % of what the inputs take.
pub(super) const LEAST_BYTES: u64 = 1024 * 1024;
/// First bytes of a record; the last of them is the version.
const MAGIC: [u8; 8] = *b"rdigest\x02";
/// More records than this are not kept: those that were not used for longest go. Each takes a block of the disk, 4 KiB as a rule.
const MOST: usize = 10_000;
/// Bytes of a record: magic, checksum, stamp, session, digest.
const RECORD_BYTES: usize = 8 + 16 + 56 + 8 + 32;

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

    /// The digest of the file with this stamp, if there is a sound record of it. If the file had been changed a moment before, the
    /// record is of this session.
    pub(super) fn read(&self, stamp: &Stamp) -> Option<[u8; 32]> {
        if stamp.size < LEAST_BYTES {
            return None;
        }
        let record = self.try_read(stamp).unwrap_or_else(|error| {
            events::debug!(error = &error, "the digest of an input is not known");
            None
        })?;
        let digest = <[u8; 32]>::try_from(record.last_chunk::<32>()?.as_slice()).ok()?;
        let sessions = [Some(0), sys::session(stamp.mount)];
        sessions
            .into_iter()
            .flatten()
            .any(|session| record == record_of(stamp, session, &digest))
            .then_some(digest)
    }

    /// Keeps the digest of the file with this stamp, in place of what was kept of the file before. If the file is not `settled`, a power
    /// cut may leave it with its stamp and other bytes: then the digest is for this session alone.
    pub(super) fn write(&self, stamp: &Stamp, settled: bool, digest: &[u8; 32]) {
        let session = if settled { Some(0) } else { sys::session(stamp.mount) };
        let Some(session) = session.filter(|_| stamp.size >= LEAST_BYTES) else { return };
        if let Err(error) = self.try_write(stamp, session, digest) {
            events::debug!(error = &error, "the digest of an input is not kept");
        }
    }

    fn try_read(&self, stamp: &Stamp) -> Result<Option<Vec<u8>>> {
        let Some(dir) = Dir::open(&self.dir)? else { return Ok(None) };
        Ok(dir.read(&name(stamp), RECORD_BYTES as u64 + 1)?.map(|(record, _)| record))
    }

    fn try_write(&self, stamp: &Stamp, session: u64, digest: &[u8; 32]) -> Result<()> {
        let dir = Dir::create(&self.dir)?;
        sys::replace(&dir, &name(stamp), &[&record_of(stamp, session, digest)])?;
        // Not each time: the list is long by then.
        if digest[0].is_multiple_of(64) {
            sys::sweep(&dir)?;
            sys::prune(&dir, "", MOST)?;
        }
        Ok(())
    }
}

fn name(stamp: &Stamp) -> String {
    format!("{:x}-{:x}", stamp.device, stamp.inode)
}

fn record_of(stamp: &Stamp, session: u64, digest: &[u8; 32]) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..8].copy_from_slice(&MAGIC);
    let mut rest = &mut record[24..];
    for field in [
        &stamp.device.to_le_bytes()[..],
        &stamp.inode.to_le_bytes(),
        &stamp.size.to_le_bytes(),
        &stamp.modified.to_le_bytes(),
        &stamp.changed.to_le_bytes(),
        &session.to_le_bytes(),
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
    use std::fs;

    use super::*;

    const STAMP: Stamp =
        Stamp { device: 2, inode: 3, size: LEAST_BYTES, modified: 1_000_000_005, changed: -7, mount: 9 };

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// The vector of docs/format.md.
    #[test]
    fn a_record_is_pinned() {
        assert_eq!(
            hex(&record_of(&STAMP, 5, &[7; 32])),
            "7264696765737402\
             a3ff8c18cea900cec998c71d20ec5173\
             020000000000000003000000000000000000100000000000\
             05ca9a3b000000000000000000000000f9ffffffffffffffffffffffffffffff\
             0500000000000000\
             0707070707070707070707070707070707070707070707070707070707070707"
        );
    }

    #[test]
    fn a_record_is_believed_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(dir.path().join("digests"));
        assert_eq!(kept.read(&STAMP), None);
        kept.write(&STAMP, true, &[7; 32]);
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
        let path = kept.dir.join(name(&STAMP));
        let record = fs::read(&path).unwrap();
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(kept.read(&STAMP), None, "byte {at} changed");
            fs::write(&path, &record[..at]).unwrap();
            assert_eq!(kept.read(&STAMP), None, "cut off at {at}");
        }
        kept.write(&STAMP, true, &[8; 32]);
        assert_eq!(kept.read(&STAMP), Some([8; 32]), "written anew");
    }

    #[test]
    fn the_records_that_were_not_used_for_longest_go_when_there_are_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(dir.path().join("digests"));
        for inode in 0..9 {
            // A first byte that does not prune.
            kept.write(&Stamp { inode, ..STAMP }, true, &[7; 32]);
            let file = fs::File::options().write(true).open(kept.dir.join(format!("2-{inode:x}"))).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + inode);
            file.set_times(fs::FileTimes::new().set_modified(time).set_accessed(time)).unwrap();
        }
        let inodes = || (0..9).filter(|&inode| kept.read(&Stamp { inode, ..STAMP }).is_some());
        let prune = |most| sys::prune(&Dir::create(&kept.dir).unwrap(), "", most).unwrap();
        prune(9);
        prune(8);
        assert_eq!(inodes().collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_digest_of_a_file_that_is_not_settled_is_for_this_session() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(dir.path().join("digests"));
        kept.write(&STAMP, false, &[7; 32]);
        assert_eq!(kept.read(&STAMP), Some([7; 32]));
        assert_eq!(kept.read(&Stamp { mount: 10, ..STAMP }), None, "mounted again");
        kept.write(&STAMP, true, &[7; 32]);
        assert_eq!(kept.read(&Stamp { mount: 10, ..STAMP }), Some([7; 32]));
        kept.write(&Stamp { mount: 0, inode: 4, ..STAMP }, false, &[7; 32]);
        assert_eq!(kept.read(&Stamp { mount: 0, inode: 4, ..STAMP }), None, "nobody knows of which session");
    }

    #[test]
    fn small_files_leave_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(dir.path().join("digests"));
        kept.write(&Stamp { size: LEAST_BYTES - 1, ..STAMP }, true, &[7; 32]);
        assert!(!dir.path().join("digests").exists());
    }
}
