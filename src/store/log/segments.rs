//! The segments of the log: files of up to a megabyte, written behind their ends and mapped for reading.
//!
//! # Invariants
//! 1. Nothing is read behind the end of a file, as it was when its length was last asked for: when it was mapped, when more of it
//!    is asked for than was there, and again every few milliseconds.
//! 2. What is read is copied out, then checked: nobody can change it after the check.
//! 3. A segment that cannot be mapped is read with system calls instead.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::address::{Address, SEGMENT};
use super::record::{HEAD, Head, LENGTHS, Record, announced_length};
use crate::error::{Error, Result};
use crate::sys::map::Window;

/// A segment, open for reading.
#[derive(Debug)]
struct Segment {
    number: u64,
    path: PathBuf,
    /// Which file it is, should another get its name.
    inode: u64,
    /// `None` if it cannot be mapped: there is a limit to the number of mappings.
    window: Option<Window>,
    /// How long the file is known to be.
    length: AtomicU64,
    /// When its length was asked for last, in ticks of the store.
    checked: AtomicU64,
}

impl Segment {
    /// Opens segment `number`, at `tick`; fails with `NotFound` if it does not exist.
    fn open(log: &Path, number: u64, tick: u64) -> io::Result<Self> {
        let path = path(log, number);
        let file = File::open(&path)?;
        let metadata = file.metadata()?;
        let length = AtomicU64::new(metadata.len().min(SEGMENT));
        let bytes = usize::try_from(SEGMENT).unwrap_or(usize::MAX);
        let window = Window::map(&file, bytes).ok();
        Ok(Segment { number, path, inode: metadata.ino(), window, length, checked: AtomicU64::new(tick) })
    }

    /// Asks for the length again if that was not done at this `tick`, or `bytes` are more than it was.
    fn has(&self, bytes: u64, tick: u64) -> bool {
        if self.checked.load(Relaxed) != tick || bytes > self.length.load(Relaxed) {
            let same = fs::metadata(&self.path).ok().filter(|metadata| metadata.ino() == self.inode);
            let length = same.map_or(0, |metadata| metadata.len());
            self.length.store(length.min(SEGMENT), Relaxed);
            self.checked.store(tick, Relaxed);
        }
        bytes <= self.length.load(Relaxed)
    }

    /// Notes that this process has written up to `end`.
    fn grew_to(&self, end: u64) {
        self.length.fetch_max(end, Relaxed);
    }

    /// Reads the bytes from `start` on; whether they could be read.
    fn read(&self, start: u64, bytes: &mut [u8], tick: u64) -> bool {
        if !self.has(start + bytes.len() as u64, tick) {
            return false;
        }
        match (&self.window, usize::try_from(start)) {
            (Some(window), Ok(start)) => window.read(start, bytes),
            _ => File::open(&self.path).and_then(|file| file.read_exact_at(bytes, start)).is_ok(),
        }
    }

    /// The head of the record at `address`, which is in this segment; `None` if there is none.
    fn head(&self, address: Address, tick: u64) -> Option<Head> {
        let mut bytes = [0; HEAD];
        self.read(address.offset(), &mut bytes, tick).then_some(())?;
        Head::parse(&bytes)
    }

    /// The record at `address`, which is in this segment; not checked. `None` if there is none.
    fn record(&self, address: Address, tick: u64) -> Option<Record> {
        let start = address.offset();
        let length = announced_length(self.number(start + LENGTHS.start as u64, tick)?);
        if start + length as u64 > SEGMENT {
            return None;
        }
        if let Some(window) = &self.window {
            self.has(start + length as u64, tick).then_some(())?;
            return Record::new(window.read_vec(usize::try_from(start).ok()?, length)?);
        }
        let mut bytes = vec![0; length];
        self.read(start, &mut bytes, tick).then_some(())?;
        Record::new(bytes)
    }

    /// The little-endian number at `start`.
    fn number(&self, start: u64, tick: u64) -> Option<u32> {
        if let Some(window) = &self.window {
            return self.has(start + 4, tick).then(|| window.number(usize::try_from(start).ok()?)).flatten();
        }
        let mut bytes = [0; 4];
        self.read(start, &mut bytes, tick).then_some(u32::from_le_bytes(bytes))
    }
}

/// The segments of a log, as one process has them open.
#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    segments: ArcSwap<Segments>,
    /// Held while `segments` is exchanged.
    changing: Mutex<()>,
    /// The segment that this process wrote to last.
    writer: ArcSwapOption<Writer>,
}

#[derive(Debug)]
struct Writer {
    number: u64,
    file: File,
}

impl Log {
    pub(super) fn new(dir: PathBuf) -> Self {
        Log { dir, segments: ArcSwap::default(), changing: Mutex::default(), writer: ArcSwapOption::empty() }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many segments are open.
    pub(super) fn open_segments(&self) -> usize {
        self.segments.load().list.len()
    }

    /// The head of the record at `address`; `None` if there is none.
    pub(super) fn head(&self, address: Address, tick: u64) -> Option<Head> {
        self.with(address.segment(), tick, |segment| segment.head(address, tick))
    }

    /// The record at `address`; not checked. `None` if there is none.
    pub(super) fn record(&self, address: Address, tick: u64) -> Option<Record> {
        self.with(address.segment(), tick, |segment| segment.record(address, tick))
    }

    /// The record at `address`, if it is that of an entry; not checked.
    pub(super) fn entry(&self, address: Address, tick: u64) -> Option<Record> {
        self.record(address, tick).filter(Record::is_entry)
    }

    fn with<T>(&self, number: u64, tick: u64, read: impl FnOnce(&Segment) -> Option<T>) -> Option<T> {
        let segments = self.segments.load();
        if let Some(segment) = segments.get(number) {
            return read(segment);
        }
        let segment = Arc::new(Segment::open(&self.dir, number, tick).ok()?);
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.segments.store(Arc::new(self.segments.load().with(Arc::clone(&segment))));
        read(&segment)
    }

    /// Writes `bytes`, which fit the segment, to `address`.
    pub(super) fn write(&self, address: Address, bytes: &[u8]) -> Result<()> {
        let number = address.segment();
        let path = || path(&self.dir, number);
        let writer = self.writer.load();
        let opened;
        let file = match &*writer {
            Some(writer) if writer.number == number => &writer.file,
            _ => {
                let file = self.open_for_writing(number).map_err(|error| Error::io("open", path(), error))?;
                opened = Arc::new(Writer { number, file });
                self.writer.store(Some(Arc::clone(&opened)));
                &opened.file
            }
        };
        file.write_all_at(bytes, address.offset()).map_err(|error| Error::io("write to", path(), error))?;
        if let Some(segment) = self.segments.load().get(number) {
            segment.grew_to(address.offset() + bytes.len() as u64);
        }
        Ok(())
    }

    fn open_for_writing(&self, number: u64) -> io::Result<File> {
        let open = || File::options().write(true).create(true).truncate(false).open(path(&self.dir, number));
        open().or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            fs::create_dir_all(&self.dir)?;
            open()
        })
    }

    /// Closes the segments before `first`.
    pub(super) fn forget_before(&self, first: u64) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let segments = self.segments.load();
        if segments.base < first && !segments.list.is_empty() {
            self.segments.store(Arc::new(segments.from(first)));
        }
    }

    /// Closes all segments: the files may be others now.
    pub(super) fn forget_all(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.segments.store(Arc::default());
        self.writer.store(None);
    }

    /// Removes a segment; returns its length.
    pub(super) fn remove(&self, number: u64) -> Result<u64> {
        let path = path(&self.dir, number);
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
            _ => Ok(length),
        }
    }
}

/// Open segments, by number.
#[derive(Debug, Default)]
struct Segments {
    /// The number of the first in the list.
    base: u64,
    list: Vec<Option<Arc<Segment>>>,
}

impl Segments {
    fn get(&self, number: u64) -> Option<&Segment> {
        let place = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.list.get(place)?.as_deref()
    }

    /// These and one more.
    fn with(&self, segment: Arc<Segment>) -> Self {
        let mut segments = if self.list.is_empty() {
            Segments { base: segment.number, list: Vec::new() }
        } else {
            Segments { base: self.base, list: self.list.clone() }
        };
        if segment.number < segments.base {
            let more = usize::try_from(segments.base - segment.number).unwrap_or(0);
            segments.list.splice(0..0, std::iter::repeat_n(None, more));
            segments.base = segment.number;
        }
        let place = usize::try_from(segment.number - segments.base).unwrap_or(0);
        if segments.list.len() <= place {
            segments.list.resize(place + 1, None);
        }
        segments.list[place] = Some(segment);
        segments
    }

    /// Those from `first` on.
    fn from(&self, first: u64) -> Self {
        let gone =
            usize::try_from(first.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.list.len());
        Segments { base: self.base + gone as u64, list: self.list[gone..].to_vec() }
    }
}

/// Where segment `number` is.
pub(super) fn path(log: &Path, number: u64) -> PathBuf {
    log.join(format!("{number:04}"))
}

/// The segments there are, with their lengths, by number. Files of other names are passed over.
pub(super) fn list(log: &Path) -> Result<Vec<(u64, u64)>> {
    let read = || -> io::Result<Vec<(u64, u64)>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(log)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            if let Some(number) = number.filter(|&number| number < Address::LIMIT.segment())
                && entry.path() == path(log, number)
                && let Ok(metadata) = entry.metadata()
            {
                segments.push((number, metadata.len()));
            }
        }
        segments.sort_unstable();
        Ok(segments)
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        result => result.map_err(|error| Error::io("list", log, error)),
    }
}

/// Reads a segment to its end; nothing, if it does not exist.
pub(super) fn read(log: &Path, number: u64) -> Result<Vec<u8>> {
    let path = path(log, number);
    match fs::read(&path) {
        Ok(mut bytes) => {
            bytes.truncate(usize::try_from(SEGMENT).unwrap_or(usize::MAX));
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// Calls `visit` with every sound record of a segment, of which `bytes` are all the bytes.
///
/// Where no record is (a hole that a killed writer left, or damage), the next is looked for at every multiple of eight.
pub(super) fn scan(number: u64, bytes: &[u8], mut visit: impl FnMut(Address, Record)) {
    let mut at = 0;
    while at + HEAD <= bytes.len() {
        let address = Address::of_segment(number).after(at);
        let record = Head::parse(&bytes[at..])
            .and_then(|head| Record::new(bytes.get(at..at + head.length())?.to_vec()))
            .filter(|record| record.is_sound(address));
        match record {
            Some(record) => {
                at += record.bytes().len();
                visit(address, record);
            }
            None => at += super::record::ALIGN,
        }
    }
}
