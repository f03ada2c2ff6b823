//! Files mapped into memory.
//!
//! # What can and what cannot be guarded
//! A mapping outlives changes of its file. Touching a page that lies behind the end of the file raises a signal (SIGBUS), so
//! whoever uses a mapping asks for the length of the file first, and again from time to time. A file that somebody cuts off
//! between the question and the use is beyond any guard: nothing but a program that truncates a cache under its
//! users does that.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use memmap2::{MmapOptions, MmapRaw};

use super::raw::Bits;

/// A file of 64-bit words that processes share, mapped as a whole. Its space is allocated, or writing to it could raise a
/// signal on a full disk; see [`allocate`](super::allocate).
#[derive(Debug)]
pub(crate) struct Words(Backing);

#[derive(Debug)]
enum Backing {
    File {
        map: MmapRaw,
        file: File,
        writable: bool,
    },
    /// Memory that only this process has.
    Private(Box<[AtomicU64]>),
}

impl Words {
    /// Maps the first `bytes` of `file`, which must be open for writing if `writable`.
    pub(crate) fn map(file: File, bytes: usize, writable: bool) -> io::Result<Self> {
        if file.metadata()?.len() < bytes as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut options = MmapOptions::new();
        options.len(bytes);
        let map = if writable { options.map_raw(&file)? } else { options.map_raw_read_only(&file)? };
        Ok(Words(Backing::File { map, file, writable }))
    }

    /// Words that only this process has, all zero.
    pub(crate) fn private(bytes: usize) -> Self {
        Words(Backing::Private((0..bytes / size_of::<u64>()).map(|_| AtomicU64::new(0)).collect()))
    }

    #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins at a page")]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        match &self.0 {
            Backing::Private(words) => words,
            // SAFETY: The mapping is valid for reads of `len` bytes as long as `self` lives, and begins at a page, so it is
            // aligned. It is only ever accessed through atomics, here and in other processes, so that concurrent changes are
            // no data races. Those who write ask `is_writable` first: writing to a read-only mapping would raise a signal.
            Backing::File { map, .. } => unsafe {
                slice::from_raw_parts(map.as_ptr().cast::<AtomicU64>(), map.len() / size_of::<u64>())
            },
        }
    }

    /// Whether the words may be written.
    pub(crate) fn is_writable(&self) -> bool {
        matches!(self.0, Backing::Private(_) | Backing::File { writable: true, .. })
    }

    /// Whether the file still has a name and its full length.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Backing::Private(_) => true,
            Backing::File { map, file, .. } => file
                .metadata()
                .is_ok_and(|metadata| metadata.nlink() > 0 && metadata.len() >= map.len() as u64),
        }
    }

    /// Waits until the words are on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match &self.0 {
            Backing::Private(_) => Ok(()),
            Backing::File { file, .. } => file.sync_data(),
        }
    }
}

/// A stretch of a file, mapped for reading; it may reach beyond the end of the file.
#[derive(Debug)]
pub(crate) struct Window(MmapRaw);

impl Window {
    /// Maps the first `bytes` of `file`.
    pub(crate) fn map(file: &File, bytes: usize) -> io::Result<Self> {
        MmapOptions::new().len(bytes).map_raw_read_only(file).map(Window)
    }

    /// The little-endian number at `start`, which the file must have; `None` if it is not within the window, or `start` is no
    /// multiple of 4.
    #[expect(clippy::cast_ptr_alignment, reason = "checked")]
    pub(crate) fn number(&self, start: usize) -> Option<u32> {
        if !start.is_multiple_of(4) || start.checked_add(4)? > self.0.len() {
            return None;
        }
        // SAFETY: The four bytes are within the mapping (checked above), which begins at a page, so that they are aligned.
        // They are read by one atomic load, so that a process that writes to them meanwhile makes no data race.
        let word = unsafe { &*self.0.as_ptr().add(start).cast::<AtomicU32>() };
        Some(u32::from_le(word.load(Relaxed)))
    }

    /// Copies the bytes from `start` on, which the file must have; whether they are within the window.
    pub(crate) fn read(&self, start: usize, bytes: &mut [u8]) -> bool {
        if !self.holds(start, bytes.len()) {
            return false;
        }
        // SAFETY: The source is within the mapping (checked above) and does not overlap the target, since nothing but the kernel
        // has memory in the mapping. No reference to mapped bytes is made: another process may write to the file at any
        // time, and what is copied is checked afterwards.
        unsafe { ptr::copy_nonoverlapping(self.0.as_ptr().add(start), bytes.as_mut_ptr(), bytes.len()) };
        true
    }

    /// As [`read`](Self::read), into a vector of its own, which is not filled with zeros first: that takes longer than all else.
    pub(crate) fn read_vec(&self, start: usize, count: usize) -> Option<Vec<u8>> {
        if !self.holds(start, count) {
            return None;
        }
        let mut bytes = Vec::with_capacity(count);
        // SAFETY: As above; the target is the allocation of the vector, which has room for `count` bytes, all of which are
        // written before they are made its length.
        unsafe {
            ptr::copy_nonoverlapping(self.0.as_ptr().add(start), bytes.as_mut_ptr(), count);
            bytes.set_len(count);
        }
        Some(bytes)
    }

    fn holds(&self, start: usize, count: usize) -> bool {
        start.checked_add(count).is_some_and(|end| end <= self.0.len())
    }
}

/// A whole file, mapped for reading. It stays mapped, and as it is, when the file loses its name.
///
/// Unlike a [`Window`] it is seen as slices. So nobody may change the file while it is mapped, and nobody of this crate
/// does: what has a name among the blobs is replaced or removed, never written to.
#[derive(Debug)]
pub(crate) struct Mapped(MmapRaw);

impl Mapped {
    /// Maps `bytes` of `file`, which it has: a page behind its end would raise a signal.
    pub(crate) fn map(file: &File, bytes: usize) -> io::Result<Self> {
        MmapOptions::new().len(bytes).map_raw_read_only(file).map(Mapped)
    }

    /// `count` values from `start` on; `None` if they are not within the mapping or not aligned, or not any bytes are values.
    pub(crate) fn slice<W, T: Bits<W>>(&self, start: usize, count: usize) -> Option<&[T]> {
        let end = count.checked_mul(size_of::<T>())?.checked_add(start)?;
        let is_fit = T::ANY && start.is_multiple_of(align_of::<T>()) && end <= self.0.len();
        // SAFETY: The bytes are within the mapping (checked above), which begins at a page, so that the values are aligned, and lives
        // as long as `self`. Any bytes are values (`ANY`). They do not change, as far as this crate goes, see above.
        is_fit.then(|| unsafe { slice::from_raw_parts(self.0.as_ptr().add(start).cast::<T>(), count) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::sys::raw::Primitive;

    #[test]
    fn words_are_shared_between_mappings_and_know_when_their_file_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("words");
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        assert!(Words::map(file.try_clone().unwrap(), 4096, true).is_err(), "an empty file");
        file.set_len(4096).unwrap();
        let one = Words::map(file, 4096, true).unwrap();
        let two = Words::map(File::open(&path).unwrap(), 4096, false).unwrap();
        one.words()[511].store(7, SeqCst);
        assert_eq!(two.words()[511].load(SeqCst), 7);
        assert_eq!((two.words().len(), two.is_writable(), one.is_writable()), (512, false, true));
        assert!(one.is_whole() && two.is_whole());
        std::fs::remove_file(&path).unwrap();
        assert!(!one.is_whole() && !two.is_whole());
        assert!(Words::private(4096).is_whole());
    }

    #[test]
    fn a_mapped_file_is_seen_as_aligned_slices_also_when_its_name_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, [vec![0; 64], 1.5f64.to_bits().to_le_bytes().to_vec(), vec![1; 8]].concat())
            .unwrap();
        let mapped = Mapped::map(&File::open(&path).unwrap(), 80).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(mapped.slice::<Primitive, u64>(64, 1).unwrap()[0].to_le(), 1.5f64.to_bits());
        assert_eq!(mapped.slice::<Primitive, u8>(72, 8), Some(&[1; 8][..]));
        assert_eq!(mapped.slice::<Primitive, f64>(68, 1), None, "not aligned");
        assert_eq!(mapped.slice::<Primitive, f64>(64, 3), None, "beyond the end");
        assert_eq!(mapped.slice::<Primitive, f64>(64, usize::MAX / 8), None, "far beyond");
        assert_eq!(mapped.slice::<Primitive, bool>(72, 8), None, "not any bytes are a `bool`");
    }

    #[test]
    fn a_window_sees_what_is_written_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        let window = Window::map(&file, 1 << 20).unwrap();
        file.write_all_at(b"later", 5000).unwrap();
        let mut bytes = [0; 5];
        assert!(window.read(5000, &mut bytes));
        assert_eq!(&bytes, b"later");
        assert!(!window.read((1 << 20) - 4, &mut bytes) && !window.read(usize::MAX, &mut bytes));
        assert_eq!(window.read_vec(5000, 5).unwrap(), b"later");
        assert_eq!((window.read_vec((1 << 20) - 4, 5), window.read_vec(usize::MAX, 5)), (None, None));
        file.write_all_at(b"four", 4096).unwrap();
        assert_eq!(window.number(4096), Some(u32::from_le_bytes(*b"four")));
        assert_eq!((window.number(4097), window.number(1 << 20)), (None, None));
    }
}
