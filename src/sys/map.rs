//! Files mapped into memory.
//!
//! A page of a mapping can be lost: behind the end of a file that somebody cut off, on a bad sector, on a full disk. Mappings of
//! [`Words`] and [`Window`]s are [guarded](super::guard): zeros come in its place, and whoever asks is told that it happened.
//! A [`Mapped`] file is not: what is seen there is a value.
//!
//! A log that is only read is mapped as a private copy, so that a stray write raises no signal either.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use memmap2::{MmapMut, MmapOptions, MmapRaw};

use super::guard::Guard;
use super::raw::Bits;

/// 64-bit words that processes share, in a mapped file.
#[derive(Debug)]
pub(crate) struct Words {
    /// Before the mapping, which it guards: fields are dropped in order.
    guard: Option<Guard>,
    /// `None` for [`nothing`](Self::nothing).
    map: Option<MmapRaw>,
}

/// Zeros, for who has no memory.
static NOTHING: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];

impl Words {
    /// Maps the first `bytes` of `file`, which must be open for writing. Its space should be allocated, or a write may find the
    /// disk full and is lost; see [`allocate`](super::allocate).
    pub(crate) fn shared(file: &File, bytes: usize) -> io::Result<Self> {
        Words::guarded(file, bytes, MmapOptions::new().len(bytes).map_raw(file))
    }

    /// Maps the first `bytes` of `file`, which is open for reading: changes of others are seen, own ones stay in this process.
    pub(crate) fn copied(file: &File, bytes: usize) -> io::Result<Self> {
        // SAFETY: The mapping is seen through atomics alone, as a shared one is, so that it may change at any time.
        let map = unsafe { MmapOptions::new().len(bytes).map_copy(file) };
        Words::guarded(file, bytes, map.map(MmapRaw::from))
    }

    fn guarded(file: &File, bytes: usize, map: io::Result<MmapRaw>) -> io::Result<Self> {
        if file.metadata()?.len() < bytes as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let map = map?;
        Ok(Words { guard: Some(guard(&map)), map: Some(map) })
    }

    /// Words that only this process has, all zero. Their memory is taken as they are written.
    pub(crate) fn private(bytes: usize) -> io::Result<Self> {
        Ok(Words { guard: None, map: Some(MmapOptions::new().len(bytes).map_anon()?.into()) })
    }

    /// Some zeros, which nobody writes to, and for which no memory is needed.
    pub(crate) fn nothing() -> Self {
        Words { guard: None, map: None }
    }

    #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins at a page")]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        let Some(map) = &self.map else { return &NOTHING };
        let (start, count) = (map.as_ptr().cast::<AtomicU64>(), map.len() / size_of::<u64>());
        // SAFETY: The mapping is valid for reads and writes of `len` bytes as long as `self` lives, and begins at a page, so it is
        // aligned. It is only ever accessed through atomics, here and in other processes, so that concurrent changes are no
        // data races. A page that is lost is replaced by one that can be read and written.
        unsafe { slice::from_raw_parts(start, count) }
    }

    /// Whether a part of the words was lost, and what was written there with it.
    pub(crate) fn is_lost(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::is_lost)
    }
}

fn guard(map: &MmapRaw) -> Guard {
    let start = map.as_ptr();
    Guard::new(start..start.wrapping_add(map.len()))
}

/// Bytes that only this process has, in pages of their own: they go back to the system when they are
/// dropped.
#[derive(Debug)]
pub(crate) struct Private(MmapMut);

impl Private {
    pub(crate) fn copy_of(bytes: &[u8]) -> io::Result<Self> {
        let mut map = MmapOptions::new().len(bytes.len()).map_anon()?;
        map.copy_from_slice(bytes);
        Ok(Private(map))
    }
}

impl Deref for Private {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A stretch of a file, mapped for reading; it may reach beyond the end of the file.
#[derive(Debug)]
pub(crate) struct Window {
    /// Before the mapping, which it guards: fields are dropped in order.
    guard: Guard,
    map: MmapRaw,
}

impl Window {
    /// Maps the first `bytes` of `file`.
    pub(crate) fn map(file: &File, bytes: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(bytes).map_raw_read_only(file)?;
        Ok(Window { guard: guard(&map), map })
    }

    /// Whether something was read that the file does not have, so that zeros came instead.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// The little-endian number at `start`; `None` if it is not within the window, or `start` is no multiple of 4.
    #[expect(clippy::cast_ptr_alignment, reason = "checked")]
    #[inline]
    pub(crate) fn number(&self, start: usize) -> Option<u32> {
        if !start.is_multiple_of(4) || start.checked_add(4)? > self.map.len() {
            return None;
        }
        // SAFETY: The four bytes are within the mapping (checked above), which begins at a page, so that they are aligned.
        // They are read by one atomic load, so that a process that writes to them meanwhile makes no data race.
        let word = unsafe { &*self.map.as_ptr().add(start).cast::<AtomicU32>() };
        Some(u32::from_le(word.load(Relaxed)))
    }

    /// Copies the bytes from `start` on; whether they are within the window.
    pub(crate) fn read(&self, start: usize, bytes: &mut [u8]) -> bool {
        if !self.holds(start, bytes.len()) {
            return false;
        }
        // SAFETY: The source is within the mapping (checked above) and does not overlap the target, since nothing but the kernel
        // has memory in the mapping. No reference to mapped bytes is made: another process may write to the file at any
        // time, and what is copied is checked afterwards.
        unsafe { ptr::copy_nonoverlapping(self.map.as_ptr().add(start), bytes.as_mut_ptr(), bytes.len()) };
        true
    }

    /// As [`read`](Self::read), into a vector of its own, which is not filled with zeros first: that takes longer than all else.
    #[inline]
    pub(crate) fn read_vec(&self, start: usize, count: usize) -> Option<Vec<u8>> {
        if !self.holds(start, count) {
            return None;
        }
        let mut bytes = Vec::with_capacity(count);
        // SAFETY: As above; the target is the allocation of the vector, which has room for `count` bytes, all of which are
        // written before they are made its length.
        unsafe {
            ptr::copy_nonoverlapping(self.map.as_ptr().add(start), bytes.as_mut_ptr(), count);
            bytes.set_len(count);
        }
        Some(bytes)
    }

    /// As [`read`](Self::read), into room that has no values yet; what it has then.
    #[inline]
    pub(crate) fn read_to<'r>(&self, start: usize, room: &'r mut [MaybeUninit<u8>]) -> Option<&'r [u8]> {
        if !self.holds(start, room.len()) {
            return None;
        }
        // SAFETY: As above; all bytes of the room are written before they are taken for values.
        unsafe {
            ptr::copy_nonoverlapping(self.map.as_ptr().add(start), room.as_mut_ptr().cast(), room.len());
            Some(room.assume_init_ref())
        }
    }

    #[inline]
    fn holds(&self, start: usize, count: usize) -> bool {
        start.checked_add(count).is_some_and(|end| end <= self.map.len())
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

    fn file_of(bytes: u64) -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        file.set_len(bytes).unwrap();
        (dir, file)
    }

    #[test]
    fn words_are_shared_between_mappings_and_copied_ones_keep_what_is_written_to_themselves() {
        let (dir, file) = file_of(4096);
        assert!(Words::shared(&file, 8192).is_err(), "more than the file has");
        let one = Words::shared(&file, 4096).unwrap();
        let two = Words::copied(&File::open(dir.path().join("file")).unwrap(), 4096).unwrap();
        one.words()[511].store(7, SeqCst);
        assert_eq!((two.words()[511].load(SeqCst), two.words().len()), (7, 512));
        two.words()[511].store(8, SeqCst);
        assert_eq!(one.words()[511].load(SeqCst), 7);
        assert!(!one.is_lost() && !two.is_lost());
        let private = Words::private(4096).unwrap();
        private.words()[0].store(9, SeqCst);
        assert!(!private.is_lost());
        assert!(Words::private(usize::MAX / 4096 * 2048).is_err(), "more than there is memory");
    }

    #[test]
    fn pages_behind_the_end_of_a_file_that_was_cut_off_are_zeros_and_that_is_told() {
        let (_dir, file) = file_of(3 * 4096);
        file.write_all_at(&[0xff; 3 * 4096], 0).unwrap();
        let words = Words::shared(&file, 3 * 4096).unwrap();
        let window = Window::map(&file, 3 * 4096).unwrap();
        let other = Window::map(&file, 3 * 4096).unwrap();
        assert_eq!(words.words()[1024].load(SeqCst), u64::MAX);
        file.set_len(4096).unwrap();
        assert!(!words.is_lost() && !window.is_lost());
        assert_eq!(words.words()[1024].load(SeqCst), 0);
        words.words()[1025].store(5, SeqCst);
        assert_eq!((words.words()[0].load(SeqCst), words.words()[1025].load(SeqCst)), (u64::MAX, 5));
        let mut bytes = [1; 8192];
        assert!(window.read(2048, &mut bytes));
        assert!(
            bytes[..2048].iter().all(|&byte| byte == 0xff) && bytes[2048..].iter().all(|&byte| byte == 0)
        );
        assert!(words.is_lost() && window.is_lost() && !other.is_lost());
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
        let mut room = [MaybeUninit::uninit(); 8];
        assert_eq!(window.read_to(5000, &mut room[..5]), Some(&b"later"[..]));
        assert_eq!(window.read_to((1 << 20) - 4, &mut room[..5]), None);
        file.write_all_at(b"four", 4096).unwrap();
        assert_eq!(window.number(4096), Some(u32::from_le_bytes(*b"four")));
        assert_eq!((window.number(4097), window.number(1 << 20)), (None, None));
    }
}
