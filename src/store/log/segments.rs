//! The segments of the log: files of up to a megabyte, written behind their ends and mapped for reading.
//!
//! # Invariants
//! 1. What is not there is `None`, and what cannot be read is an error: a slot may be given up for the first, never for the second.
//! 2. What is read is copied out, then checked: nobody can change it after the check.
//! 3. A segment that cannot be mapped, or of which a page was lost, is read with system calls instead. So are those beyond
//!    [`MAPPED`], since a process may have so many mappings and no more.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::address::{Address, SEGMENT};
use super::record::{self, HEAD, Head, Record, SHAPE, Shape, announced_length};
use crate::error::Result;
use crate::key::Key;
use crate::lock::lock;
use crate::sys::map::Window;
use crate::sys::{self, Access, Dir, FileSystem, Stat};

/// The directory of the segments.
pub(super) const LOG: &str = "log";

/// So many segments are mapped at once. (`vm.max_map_count` is 65,530 as a rule, and the program needs some, too.)
const MAPPED: usize = 8192;

/// A segment, open for reading.
#[derive(Debug)]
struct Segment {
    number: u64,
    /// Which file it is, should another get its name.
    stat: Stat,
    /// `None` if it is not mapped.
    window: Option<Window>,
    /// How long the file is known to be.
    length: AtomicU64,
}

impl Segment {
    /// The window, where in it the record at `start` begins, and the word that tells its shape; `None` if there is none as far as
    /// the file is known to reach.
    #[inline]
    fn mapped(&self, start: u64) -> Option<(&Window, usize, u32, Shape)> {
        let window = self.window.as_ref()?;
        let (start, known) = (usize::try_from(start).ok()?, self.length.load(Relaxed));
        // Not behind the end of the file: there is nothing to read.
        if (start + HEAD) as u64 > known {
            return None;
        }
        let word = window.number(start + SHAPE.start)?;
        let shape = Shape::of_word(word)?;
        if (start + shape.length()) as u64 > known { None } else { Some((window, start, word, shape)) }
    }

    /// The record at `start`, copied from where it is mapped.
    #[inline]
    fn mapped_record(&self, start: u64) -> Option<Record> {
        let (window, start, _, shape) = self.mapped(start)?;
        let bytes = window.read_vec(start, shape.length())?;
        // Zeros in place of a page that was lost are no answer.
        if window.is_lost() { None } else { Record::new(bytes) }
    }
}

/// The segments of a log, as one process has them open.
#[derive(Debug)]
pub(super) struct Log {
    dir: Arc<Dir>,
    /// What segments are opened for when they are read.
    access: Access,
    segments: ArcSwap<Segments>,
    /// How many they are.
    open: AtomicUsize,
    /// Held while `segments` is exchanged.
    changing: Mutex<()>,
    /// The segment that this process wrote to last.
    writer: ArcSwapOption<Writer>,
}

#[derive(Debug)]
struct Writer {
    number: u64,
    file: std::fs::File,
}

impl Log {
    pub(super) fn new(dir: &Arc<Dir>) -> Self {
        // An overlay copies a file when it is first opened for writing, and a mapping of the original does not see the copy.
        // Not known to be one: then it is not.
        let is_overlay = dir.file_system().is_ok_and(|kind| kind == FileSystem::Overlay);
        Log {
            dir: Arc::clone(dir),
            access: if is_overlay { Access::Write } else { Access::Read },
            segments: ArcSwap::default(),
            open: AtomicUsize::new(0),
            changing: Mutex::default(),
            writer: ArcSwapOption::empty(),
        }
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// How many segments are open.
    #[inline]
    pub(super) fn open_segments(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Exchanges the open segments; under the lock.
    fn exchange(&self, segments: Segments) {
        self.open.store(segments.list.len(), Relaxed);
        self.segments.store(Arc::new(segments));
    }

    /// The segments that are open now.
    pub(super) fn opened(&self) -> Arc<Segments> {
        self.segments.load_full()
    }

    /// The record at `address`; not checked. `None` if there is none.
    pub(super) fn record(&self, address: Address) -> Result<Option<Record>> {
        self.with(address.segment(), |segment| self.record_in(segment, address.offset()))
    }

    /// The same of one of these segments; `None` if it is in none of them, and so may be in one that is not open yet.
    #[inline]
    pub(super) fn record_among(
        &self,
        segments: &Segments,
        address: Address,
    ) -> Option<Result<Option<Record>>> {
        let segment = segments.get(address.segment())?;
        Some(self.record_in(segment, address.offset()))
    }

    /// The record at `address`, if it is that of an entry; not checked.
    pub(super) fn entry(&self, address: Address) -> Result<Option<Record>> {
        Ok(self.record(address)?.filter(Record::is_entry))
    }

    /// The key of the record at `address`; `None` if there is none.
    pub(super) fn key(&self, address: Address) -> Result<Option<Key>> {
        let mut bytes = [0; HEAD];
        let read =
            self.with(address.segment(), |segment| self.read(segment, address.offset(), &mut bytes))?;
        Ok(read.and_then(|()| record::key(&bytes)))
    }

    /// Whether the record at `address` is about `key`.
    pub(super) fn is_of(&self, address: Address, key: &Key) -> Result<bool> {
        Ok(self.key(address)?.is_some_and(|other| other == *key))
    }

    #[inline]
    fn record_in(&self, segment: &Segment, start: u64) -> Result<Option<Record>> {
        match segment.mapped_record(start) {
            Some(record) => Ok(Some(record)),
            None => self.read_record(segment, start),
        }
    }

    /// As [`record_in`](Self::record_in), where what is mapped was no record, or may have been lost: the file may be longer by now.
    fn read_record(&self, segment: &Segment, start: u64) -> Result<Option<Record>> {
        let mut word = [0; size_of::<u32>()];
        if self.read(segment, start + SHAPE.start as u64, &mut word)?.is_none() {
            return Ok(None);
        }
        let Some(length) = announced_length(u32::from_le_bytes(word)) else { return Ok(None) };
        if start + length as u64 > SEGMENT {
            return Ok(None);
        }
        let mut bytes = vec![0; length];
        Ok(self.read(segment, start, &mut bytes)?.and_then(|()| Record::new(bytes)))
    }

    /// Reads the bytes from `start` on; `None` if the segment has not so many.
    fn read(&self, segment: &Segment, start: u64, bytes: &mut [u8]) -> Result<Option<()>> {
        if !self.has(segment, start + bytes.len() as u64)? {
            return Ok(None);
        }
        if let (Some(window), Ok(start)) = (&segment.window, usize::try_from(start))
            && window.read(start, bytes)
            // Zeros in place of a page that was lost are no answer.
            && !window.is_lost()
        {
            return Ok(Some(()));
        }
        let name = name(segment.number);
        let Some((file, _)) = self.dir.find(&name, Access::Read)? else { return Ok(None) };
        let mut read = 0;
        while read < bytes.len() {
            let more = sys::read_into(&file, &mut bytes[read..], start + read as u64);
            match more.map_err(|error| self.dir.error("read", &name, error))? {
                0 => return Ok(None),
                more => read += more,
            }
        }
        Ok(Some(()))
    }

    /// Whether a segment has so many bytes; asks for its length again if it had not.
    #[inline]
    fn has(&self, segment: &Segment, bytes: u64) -> Result<bool> {
        if bytes > segment.length.load(Relaxed) {
            let stat = self.dir.stat(&name(segment.number))?.filter(|stat| stat.is_same_file(&segment.stat));
            segment.length.store(stat.map_or(0, |stat| stat.size.min(SEGMENT)), Relaxed);
        }
        Ok(bytes <= segment.length.load(Relaxed))
    }

    /// Reads from segment `number`; `None` if it does not exist.
    fn with<T>(&self, number: u64, read: impl FnOnce(&Segment) -> Result<Option<T>>) -> Result<Option<T>> {
        if let Some(segment) = self.segments.load().get(number) {
            return read(segment);
        }
        let Some(segment) = self.open(number)? else { return Ok(None) };
        let segment = Arc::new(segment);
        let _changing = lock(&self.changing);
        self.exchange(self.segments.load().with(&segment));
        read(&segment)
    }

    fn open(&self, number: u64) -> Result<Option<Segment>> {
        let name = name(number);
        let found = match self.dir.find(&name, self.access) {
            // It cannot be written, so nobody of this process does.
            Err(_) if self.access == Access::Write => self.dir.find(&name, Access::Read),
            found => found,
        };
        let Some((file, stat)) = found? else { return Ok(None) };
        let bytes = usize::try_from(SEGMENT).unwrap_or(usize::MAX);
        let is_mapped = self.open_segments() < MAPPED;
        // What cannot be mapped is read with system calls.
        let window = if is_mapped { Window::map(&file, bytes).ok() } else { None };
        Ok(Some(Segment { number, stat, window, length: AtomicU64::new(stat.size.min(SEGMENT)) }))
    }

    /// Writes `bytes`, which fit the segment, to `address`; makes the segment if it is new.
    pub(super) fn write(&self, address: Address, bytes: &[u8]) -> Result<()> {
        let number = address.segment();
        let writer = self.writer.load();
        let opened;
        let file = match &*writer {
            Some(writer) if writer.number == number => &writer.file,
            _ => {
                let (file, _) = self.dir.find_or_create(&name(number))?;
                opened = Arc::new(Writer { number, file });
                self.writer.store(Some(Arc::clone(&opened)));
                &opened.file
            }
        };
        sys::write_at(file, bytes, address.offset())
            .map_err(|error| self.dir.error("write to", &name(number), error))
    }

    /// Writes `bytes` over what is at `address`, if the segment is still there.
    pub(super) fn overwrite(&self, address: Address, bytes: &[u8]) -> Result<()> {
        let name = name(address.segment());
        let Some((file, _)) = self.dir.find(&name, Access::Write)? else { return Ok(()) };
        sys::write_at(&file, bytes, address.offset())
            .map_err(|error| self.dir.error("write to", &name, error))
    }

    /// Waits until a segment and its name are on the disk; nothing, if it was reduced away meanwhile.
    pub(super) fn sync(&self, number: u64) -> Result<()> {
        let name = name(number);
        let Some((file, _)) = self.dir.find(&name, Access::Read)? else { return Ok(()) };
        file.sync_all().map_err(|error| self.dir.error("sync", &name, error))?;
        self.dir.sync(LOG)
    }

    /// The segments there are, with their lengths, by number. Files of other names are passed over.
    pub(super) fn list(&self) -> Result<Vec<(u64, u64)>> {
        let mut segments = Vec::new();
        for file in self.dir.names(LOG)? {
            let Some(number) = number_of(&file) else { continue };
            if let Some(stat) = self.dir.stat(&name(number))?.filter(|stat| stat.is_file) {
                segments.push((number, stat.size));
            }
        }
        segments.sort_unstable();
        Ok(segments)
    }

    /// All bytes of a segment; none, if it does not exist.
    pub(super) fn bytes(&self, number: u64) -> Result<Vec<u8>> {
        let name = name(number);
        let Some((file, stat)) = self.dir.find(&name, Access::Read)? else { return Ok(Vec::new()) };
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size.min(SEGMENT)).unwrap_or(0));
        std::io::Read::read_to_end(&mut std::io::Read::take(file, SEGMENT), &mut bytes)
            .map_err(|error| self.dir.error("read", &name, error))?;
        Ok(bytes)
    }

    /// Closes the segments before `first`, and those of which a page was lost: they are opened again when they are wanted.
    pub(super) fn forget_before(&self, first: u64) {
        let _changing = lock(&self.changing);
        let segments = self.segments.load();
        let stays = |segment: &Segment| {
            segment.number >= first && !segment.window.as_ref().is_some_and(Window::is_lost)
        };
        if !segments.list.iter().all(|segment| stays(segment)) {
            let list = segments.list.iter().filter(|segment| stays(segment)).cloned().collect();
            self.exchange(Segments { list });
        }
    }

    /// Closes all segments: the files may be others now.
    pub(super) fn forget_all(&self) {
        let _changing = lock(&self.changing);
        self.exchange(Segments::default());
        self.writer.store(None);
    }

    /// Removes a segment; returns its length.
    pub(super) fn remove(&self, number: u64) -> Result<u64> {
        let name = name(number);
        let length = self.dir.stat(&name)?.map_or(0, |stat| stat.size);
        self.dir.remove(&name)?;
        Ok(length)
    }
}

/// Open segments, by number.
#[derive(Debug, Default)]
pub(super) struct Segments {
    list: Vec<Arc<Segment>>,
}

impl Segments {
    #[inline]
    fn get(&self, number: u64) -> Option<&Segment> {
        // As a rule they are all there from the first on.
        let first = self.list.first()?.number;
        let place = usize::try_from(number.checked_sub(first)?).ok()?;
        match self.list.get(place) {
            Some(segment) if segment.number == number => Some(segment),
            _ => self.place(number).ok().map(|place| &*self.list[place]),
        }
    }

    /// The record at `address`, copied to `room` from where it is mapped, and its shape; not checked. `None` if that has no room for
    /// it, or there may be no record: [`Log::record`] knows.
    #[inline]
    pub(super) fn short_record<'r>(
        &self,
        address: Address,
        room: &'r mut [MaybeUninit<u8>],
    ) -> Option<(&'r [u8], Shape)> {
        let (window, start, word, shape) = self.get(address.segment())?.mapped(address.offset())?;
        let bytes = window.read_to(start, room.get_mut(..shape.length())?)?;
        // Zeros in place of a page that was lost are no answer, nor is what was written over between the two looks.
        let is_whole = bytes.get(SHAPE)? == word.to_le_bytes() && !window.is_lost();
        is_whole.then_some((bytes, shape))
    }

    /// These and one more.
    fn with(&self, segment: &Arc<Segment>) -> Self {
        let mut list = self.list.clone();
        match self.place(segment.number) {
            Ok(place) => list[place] = Arc::clone(segment),
            Err(place) => list.insert(place, Arc::clone(segment)),
        }
        Segments { list }
    }

    fn place(&self, number: u64) -> Result<usize, usize> {
        self.list.binary_search_by_key(&number, |segment| segment.number)
    }
}

/// Where segment `number` is.
pub(super) fn name(number: u64) -> String {
    format!("{LOG}/{number:04}")
}

/// The number that the name of a file spells, if it is that of a segment.
fn number_of(file: &str) -> Option<u64> {
    let number = file.parse().ok().filter(|&number| number < Address::LIMIT.segment())?;
    (name(number).strip_prefix(LOG)?.strip_prefix('/')? == file).then_some(number)
}

/// Calls `visit` with every sound record of a segment, of which `bytes` are all the bytes.
pub(super) fn scan(number: u64, bytes: &[u8], mut visit: impl FnMut(Address, Record)) {
    for (address, record) in sound_records(number, bytes) {
        if let Some(record) = Record::new(record.to_vec()) {
            visit(address, record);
        }
    }
}

/// The bytes of every sound record of a segment, of which `bytes` are all the bytes, and where it is.
///
/// Where no record is (a hole that a killed writer left, or damage), the next is looked for at every multiple of eight. Nearly any
/// bytes may be the head of a record there, so that nothing is passed over but what the checksum is right of.
pub(super) fn sound_records(number: u64, bytes: &[u8]) -> impl Iterator<Item = (Address, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + HEAD <= bytes.len() {
            let address = Address::of_segment(number).after(at);
            let record = Head::parse(&bytes[at..])
                .and_then(|head| bytes.get(at..at + head.length()))
                .filter(|record| record::is_sound(record, address));
            at += record.map_or(record::ALIGN, <[u8]>::len);
            if let Some(record) = record {
                return Some((address, record));
            }
        }
        None
    })
}
