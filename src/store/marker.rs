//! Markers: why a blob need not be read to be believed.
//!
//! # The rule
//! A marker says that a file was whole and sound: when it had this inode, this size and these times, since the machine
//! was started and the file system mounted. Written or read bytes are in the page cache or on the disk then, and whoever changes
//! them changes a time of the file. Where the system does not tell one mount from another, there are no markers.
//!
//! Two changes within one tick of the kernel's clock may leave a file with the same times (the problem that git calls racy). So a
//! marker is made
//! - of a file that was just written, once its time of modification is set to some seconds *before* that: any write
//!   sets it to the present;
//! - of a file that was just verified, if its last change is older than the verification by several ticks.
//!
//! Not covered: who writes to the file in place and then sets its times back, within one tick; a disk that loses what it has
//! acknowledged while the machine runs.
//!
//! Why times are set back: to wait for the next tick would cost up to 10 ms for each blob.
//!
//! If the marker does not hold, the first hit verifies everything, and appends a record with a new
//! marker, which moves the slot as a reduction does. In the files layout there is no record, and
//! each hit verifies. A marker beside each file would be one more file to keep in step, in
//! directories on file systems where nothing is mapped anyway. Linux numbers mounts for good from
//! 6.8 on; before, each process verifies an array once.

use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sys::{self, Stamp};

/// How far back the time of modification of a new blob is set, before it is rounded to a number of even seconds, which every
/// file system can keep.
const BACK: u64 = 4;

/// What tells the state of a blob in which it was sound; but for its size, which its record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// A digest of the start of the machine and of the mount.
    session: u64,
    device: u64,
    inode: u64,
    /// In nanoseconds since 1970.
    modified: i64,
    changed: i64,
}

impl Marker {
    /// The marker of a file that has this stamp and is sound; `None` where there can be none.
    pub(super) fn of(stamp: &Stamp) -> Option<Self> {
        let time = |nanos: i128| i64::try_from(nanos).ok();
        let (modified, changed) = (time(stamp.modified)?, time(stamp.changed)?);
        let Stamp { device, inode, mount, .. } = *stamp;
        Some(Marker { session: sys::session(mount)?, device, inode, modified, changed })
    }

    /// Whether a file of this stamp is still the one, and as it was.
    pub(super) fn is_of(&self, stamp: &Stamp) -> bool {
        Marker::of(stamp).as_ref() == Some(self)
    }
}

/// As it stands in the records of the log.
#[cfg(target_os = "linux")]
impl Marker {
    /// How many bytes it takes.
    pub(super) const LENGTH: usize = 5 * size_of::<u64>();

    pub(super) fn to_bytes(self) -> [u8; Marker::LENGTH] {
        let Marker { session, device, inode, modified, changed } = self;
        let words = [session, device, inode, modified.cast_unsigned(), changed.cast_unsigned()];
        let mut bytes = [0; Marker::LENGTH];
        for (field, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *field = word.to_le_bytes();
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; Marker::LENGTH]) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[8 * at + i]));
        Marker {
            session: word(0),
            device: word(1),
            inode: word(2),
            modified: word(3).cast_signed(),
            changed: word(4).cast_signed(),
        }
    }
}

/// Sets the time of modification of a file that is whole back, so that it has a marker; returns that time, in nanoseconds since
/// 1970. Where that fails there is no marker, and the file is read before it is believed.
pub(super) fn set_back(file: &File) -> Option<i128> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs().saturating_sub(BACK);
    let since = Duration::from_secs(seconds - seconds % 2);
    file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + since)).ok()?;
    i128::try_from(since.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_write_right_after_the_marker_was_made_is_seen() {
        use std::os::unix::fs::FileExt;
        for _ in 0..200 {
            let file = tempfile::tempfile().unwrap();
            file.write_all_at(b"sound", 0).unwrap();
            set_back(&file).unwrap();
            let stamp = || sys::stat(&file).unwrap().stamp.unwrap();
            let marker = Marker::of(&stamp()).unwrap();
            assert!(marker.is_of(&stamp()));
            file.write_all_at(b"spoil", 0).unwrap();
            assert!(!marker.is_of(&stamp()));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_marker_comes_back_from_its_bytes() {
        let marker = Marker { session: 1, device: u64::MAX, inode: 3, modified: -4, changed: i64::MAX };
        assert_eq!(Marker::from_bytes(marker.to_bytes()), marker);
    }
}
