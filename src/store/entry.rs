//! The bytes of one entry: header, function name, preview of the arguments, writer, payload. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. [`Entry::open`] believes nothing: magic, lengths, key and checksum are checked before any byte of the payload
//!    is handed out, and no input makes it panic. [`Entry::of_file`] leaves the checksum to who reads the payload.
//! 2. The header alone ([`read_info`]) is good for listing, never for values: it does not check the payload.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Draft, EntryInfo, Writer};
use crate::checksum;
use crate::key::{FunctionId, Key};
use crate::payload::{ByteSource, Content, HeadOfFile, PayloadFile};
use crate::sys::Stamp;

/// First bytes of every entry; the last is the version of the format.
const MAGIC: [u8; 8] = *b"rememo\0\x02";

/// Payloads start at a multiple of this: a cache line, and enough for any primitive.
const ALIGN: usize = 64;

/// Where the fields of the header are; all numbers little-endian.
mod at {
    use std::ops::Range;

    pub(super) const CHECKSUM: Range<usize> = 8..24;
    pub(super) const KEY: Range<usize> = 24..56;
    pub(super) const FUNCTION: Range<usize> = 56..64;
    pub(super) const CREATED: Range<usize> = 64..72;
    pub(super) const COMPUTE_TIME: Range<usize> = 72..80;
    pub(super) const PAYLOAD_LENGTH: Range<usize> = 80..88;
    pub(super) const NAME_LENGTH: Range<usize> = 88..90;
    pub(super) const ARGUMENTS_LENGTH: Range<usize> = 90..92;
    pub(super) const WRITER_LENGTH: Range<usize> = 92..94;
    pub(super) const CODEC: usize = 94;
    /// The function's name starts here, behind it the preview of the arguments, then the names of the writer.
    pub(super) const NAME: usize = 96;
}

/// Longest header with its texts: what [`read_info`] needs at most.
pub(super) const MAX_HEAD: usize = at::NAME + 3 * (u16::MAX as usize) + ALIGN;

/// Where in a file an entry finds what it does not take out of it at once.
static PLACES: Places = Places { key: at::KEY.start, function: at::FUNCTION.start };

/// The bytes of a value, read from an entry or about to be stored.
pub(crate) trait Payload: std::fmt::Debug {
    /// Where the bytes are; `None` if they are gone.
    fn content(&self) -> Option<Content<'_>>;

    /// How long the function took to compute the value.
    fn compute_time(&self) -> Duration;
}

impl Draft<'_> {
    /// Everything before the payload; the place of the checksum is empty.
    pub(in crate::store) fn head(&self) -> Vec<u8> {
        let writer = self.author.writer().map(|writer| writer.to_text()).unwrap_or_default();
        let texts = [self.function_name, &self.arguments, &writer].map(clip);
        let mut head = vec![0; payload_start(texts.iter().map(|text| text.len()).sum())];
        let mut set = |range: Range<usize>, bytes: &[u8]| head[range].copy_from_slice(bytes);
        set(0..MAGIC.len(), &MAGIC);
        set(at::KEY, self.key.as_bytes());
        set(at::FUNCTION, &self.function.0);
        let created = self.created.duration_since(UNIX_EPOCH).unwrap_or_default();
        set(at::CREATED, &nanos(created).to_le_bytes());
        set(at::COMPUTE_TIME, &nanos(self.compute_time).to_le_bytes());
        set(at::PAYLOAD_LENGTH, &(self.payload.len() as u64).to_le_bytes());
        set(at::CODEC..at::CODEC + 1, &[self.codec]);
        let mut start = at::NAME;
        for (place, text) in [at::NAME_LENGTH, at::ARGUMENTS_LENGTH, at::WRITER_LENGTH].into_iter().zip(texts)
        {
            set(place, &length(text).to_le_bytes());
            set(start..start + text.len(), text.as_bytes());
            start += text.len();
        }
        head
    }
}

/// What of an entry that begins with `bytes` the checksum covers.
pub(super) fn covered(bytes: &[u8]) -> &[u8] {
    &bytes[at::CHECKSUM.end..]
}

/// Puts the checksum into the header of an entry.
pub(super) fn seal(bytes: &mut [u8], checksum: [u8; 16]) {
    bytes[at::CHECKSUM].copy_from_slice(&checksum);
}

/// A sound entry, as read: the bytes of a file (see [`Entry::open`]) or of a record of the log. Or the header of a file whose
/// payload is yet to be read and checked.
#[derive(Debug)]
pub(crate) struct Entry {
    bytes: Vec<u8>,
    places: &'static Places,
    codec: u8,
    /// Since 1970.
    created: Duration,
    compute_time: Duration,
    payload: Body,
    arguments: Range<usize>,
    writer: WriterField,
}

/// Where in its bytes an entry begins to tell of something.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) key: usize,
    pub(super) function: usize,
}

/// Where the writer of an entry is told.
#[derive(Clone, Debug)]
enum WriterField {
    /// Among its bytes.
    Text(Range<usize>),
    /// By the table of the log, under this number.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "elsewhere there is no log"))]
    Number(u16),
}

/// A sound record of the log; see [`Entry`].
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct OfRecord {
    pub(super) bytes: Vec<u8>,
    pub(super) places: &'static Places,
    pub(super) codec: u8,
    pub(super) created: Duration,
    pub(super) compute_time: Duration,
    pub(super) payload: Range<usize>,
    pub(super) preview: Range<usize>,
    pub(super) writer: u16,
}

/// Where the payload of an entry is.
#[derive(Debug)]
enum Body {
    /// Among its bytes.
    Here(Range<usize>),
    File(Box<PayloadFile>),
}

impl Payload for Entry {
    fn content(&self) -> Option<Content<'_>> {
        Some(self.value())
    }

    fn compute_time(&self) -> Duration {
        self.compute_time
    }
}

impl Entry {
    /// Takes the bytes of a whole entry, if they are a sound entry of `key`; else says what is wrong with them.
    pub(crate) fn open(bytes: Vec<u8>, key: &Key) -> Result<Self, String> {
        let head = Head::parse(&bytes)?;
        head.check(key, bytes.len() as u64)?;
        if bytes[at::CHECKSUM] != checksum::of(covered(&bytes), 0) {
            return Err("its checksum does not match".into());
        }
        let payload = Body::Here(head.payload_start..bytes.len());
        Ok(Entry::of_head(&head, bytes, payload))
    }

    fn of_head(head: &Head, bytes: Vec<u8>, payload: Body) -> Self {
        Entry {
            places: &PLACES,
            codec: bytes[at::CODEC],
            created: time(&bytes, at::CREATED),
            compute_time: head.compute_time,
            payload,
            arguments: head.arguments.clone(),
            writer: WriterField::Text(head.writer.clone()),
            bytes,
        }
    }

    /// Takes the first bytes of a file that has `length`, if it may be an entry of `key`: the payload is read and checked later.
    /// `open` makes it a file to be read from what its header says.
    pub(super) fn of_file(
        bytes: &[u8],
        key: &Key,
        length: u64,
        open: impl FnOnce(HeadOfFile) -> PayloadFile,
    ) -> Result<Self, String> {
        let head = Head::parse(bytes)?;
        head.check(key, length)?;
        let (before, ahead) = bytes.split_at_checked(head.payload_start).ok_or("its header is cut off")?;
        let file = open(HeadOfFile {
            checksum: array(&bytes[at::CHECKSUM]),
            covered: covered(before).to_vec(),
            start: head.payload_start as u64,
            length: head.payload_length,
            ahead: ahead.to_vec(),
        });
        Ok(Entry::of_head(&head, before.to_vec(), Body::File(Box::new(file))))
    }

    /// Takes the bytes of a sound record of the log.
    #[cfg(target_os = "linux")]
    #[inline]
    pub(super) fn of_record(record: OfRecord) -> Self {
        let OfRecord { bytes, places, codec, created, compute_time, payload, preview, writer } = record;
        let (payload, writer) = (Body::Here(payload), WriterField::Number(writer));
        Entry { bytes, places, codec, created, compute_time, payload, arguments: preview, writer }
    }

    /// The number under which the table of the log has its writer; `None` if it tells its writer itself.
    #[cfg(target_os = "linux")]
    pub(super) fn writer_number(&self) -> Option<u16> {
        match self.writer {
            WriterField::Text(_) => None,
            WriterField::Number(number) => Some(number),
        }
    }

    /// Where the bytes of its value are.
    pub(crate) fn value(&self) -> Content<'_> {
        let source = match &self.payload {
            Body::Here(range) => ByteSource::Memory(&self.bytes[range.clone()]),
            Body::File(file) => ByteSource::File(file),
        };
        Content { codec: self.codec, source }
    }

    /// When it was stored.
    pub(crate) fn created(&self) -> SystemTime {
        UNIX_EPOCH + self.created
    }

    /// The key of its call.
    pub(crate) fn key(&self) -> Key {
        Key::from_bytes(array(&self.bytes[self.places.key..]))
    }

    /// The stamp of its file, if all of that was read since it was opened and later readers may rely on it.
    pub(crate) fn verified(&self) -> Option<Stamp> {
        match &self.payload {
            Body::Here(_) => None,
            Body::File(file) => file.verified(),
        }
    }

    /// What it says of itself, and the name of its function. Of a record of the log, its writer is not known here.
    pub(super) fn info(&self, function: &str) -> EntryInfo {
        let payload = match &self.payload {
            Body::Here(_) => 0,
            Body::File(file) => file.length(),
        };
        EntryInfo {
            key: self.key(),
            function_id: FunctionId(array(&self.bytes[self.places.function..])),
            function: function.to_owned(),
            arguments: String::from_utf8_lossy(&self.bytes[self.arguments.clone()]).into_owned(),
            created: self.created(),
            last_use: None,
            compute_time: self.compute_time,
            bytes: self.bytes.len() as u64 + payload,
            writer: match &self.writer {
                WriterField::Text(range) => writer_of(&self.bytes[range.clone()]),
                WriterField::Number(_) => None,
            },
        }
    }
}

/// How long the payload of the entry is that begins with `bytes`. `None` if they are no header.
pub(super) fn announced_payload(bytes: &[u8]) -> Option<u64> {
    Head::parse(bytes).ok().map(|head| head.payload_length)
}

/// Reads what the first bytes of an entry say of it. `None` if they are no header.
pub(crate) fn read_info(bytes: &[u8]) -> Option<EntryInfo> {
    Head::parse(bytes).ok().map(|head| head.info(bytes))
}

/// The fields of a header, checked against nothing but the bytes that are there.
#[derive(Debug)]
struct Head {
    key: Key,
    function: FunctionId,
    created: SystemTime,
    compute_time: Duration,
    name: Range<usize>,
    arguments: Range<usize>,
    writer: Range<usize>,
    payload_start: usize,
    payload_length: u64,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < at::NAME {
            return Err(format!("{} bytes are too few for a header", bytes.len()));
        }
        if bytes[..MAGIC.len()] != MAGIC {
            return Err("it does not begin like an entry of this version".into());
        }
        let mut end = at::NAME;
        let [name, arguments, writer] =
            [at::NAME_LENGTH, at::ARGUMENTS_LENGTH, at::WRITER_LENGTH].map(|length| {
                let start = end;
                end += usize::from(u16::from_le_bytes(array(&bytes[length])));
                start..end
            });
        if bytes.len() < end {
            return Err("its header is cut off".into());
        }
        Ok(Head {
            created: UNIX_EPOCH + time(bytes, at::CREATED),
            compute_time: time(bytes, at::COMPUTE_TIME),
            key: Key::from_bytes(array(&bytes[at::KEY])),
            function: FunctionId(array(&bytes[at::FUNCTION])),
            payload_start: payload_start(end - at::NAME),
            payload_length: u64::from_le_bytes(array(&bytes[at::PAYLOAD_LENGTH])),
            name,
            arguments,
            writer,
        })
    }

    /// Whether it is that of an entry of `key` which has `length` bytes.
    fn check(&self, key: &Key, length: u64) -> Result<(), String> {
        if self.key != *key {
            return Err("it is the entry of another call".into());
        }
        if length != self.length() {
            return Err(format!("{length} bytes where {} were written", self.length()));
        }
        Ok(())
    }

    /// How long the whole entry is.
    fn length(&self) -> u64 {
        self.payload_length.saturating_add(self.payload_start as u64)
    }

    fn info(&self, bytes: &[u8]) -> EntryInfo {
        EntryInfo {
            key: self.key,
            function_id: self.function,
            function: String::from_utf8_lossy(&bytes[self.name.clone()]).into_owned(),
            arguments: String::from_utf8_lossy(&bytes[self.arguments.clone()]).into_owned(),
            created: self.created,
            last_use: None,
            compute_time: self.compute_time,
            bytes: self.length(),
            writer: writer_of(&bytes[self.writer.clone()]),
        }
    }
}

/// One of the times in a header: when the entry was stored, since 1970, or how long the function took.
fn time(bytes: &[u8], at: Range<usize>) -> Duration {
    Duration::from_nanos(u64::from_le_bytes(array(&bytes[at])))
}

/// Where the payload starts behind so many bytes of texts.
fn payload_start(texts: usize) -> usize {
    (at::NAME + texts).next_multiple_of(ALIGN)
}

fn writer_of(text: &[u8]) -> Option<Arc<Writer>> {
    Writer::of_text(&String::from_utf8_lossy(text)).map(Arc::new)
}

/// The longest beginning of `text` whose length fits its field.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(text.len().min(usize::from(u16::MAX)))]
}

fn length(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}

/// Nanoseconds, up to the year 2554.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("a field has its bytes")
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::store::Author;

    fn draft() -> Draft<'static> {
        Draft {
            key: Key::from_bytes([1; 32]),
            function: FunctionId([2; 8]),
            function_name: "shop::price",
            arguments: "7, \"é\"".into(),
            created: UNIX_EPOCH + Duration::from_secs(1),
            compute_time: Duration::from_millis(3),
            author: Author::Other(Writer::new("tune", "one").map(Arc::new)),
            codec: 1,
            payload: b"some payload".to_vec().into(),
        }
    }

    fn bytes() -> Vec<u8> {
        draft().whole()
    }

    #[test]
    fn an_entry_comes_back_as_it_was_drafted() {
        let entry = Entry::open(bytes(), &draft().key).unwrap();
        assert_eq!(&*entry.value().whole().unwrap(), b"some payload");
        assert!(matches!(&entry.payload, Body::Here(range) if range.start % ALIGN == 0));
        let EntryInfo { function, arguments, created, compute_time, bytes: length, writer, .. } =
            entry.info("shop::price");
        assert_eq!(writer.unwrap().to_string(), "tune on one");
        assert_eq!((function.as_str(), arguments.as_str()), ("shop::price", "7, \"é\""));
        assert_eq!(created, draft().created);
        assert_eq!(compute_time, draft().compute_time);
        assert_eq!(length, bytes().len() as u64);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let sound = bytes();
        for bit in 0..sound.len() * 8 {
            let mut broken = sound.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(Entry::open(broken, &draft().key).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_other_length_is_seen() {
        let sound = bytes();
        for length in 0..sound.len() {
            assert!(Entry::open(sound[..length].to_vec(), &draft().key).is_err(), "{length} bytes");
        }
        assert!(Entry::open([sound, vec![0]].concat(), &draft().key).is_err());
    }

    #[test]
    fn an_entry_of_another_key_is_seen() {
        assert!(Entry::open(bytes(), &Key::from_bytes([9; 32])).is_err());
    }

    #[test]
    fn texts_longer_than_their_field_are_clipped() {
        static NAME: LazyLock<String> = LazyLock::new(|| "ä".repeat(40_000));
        let draft = Draft { function_name: &NAME, ..draft() };
        let bytes = draft.whole();
        assert!(Entry::open(bytes.clone(), &draft.key).is_ok());
        assert_eq!(read_info(&bytes).unwrap().function, "ä".repeat(32_767));
    }
}
