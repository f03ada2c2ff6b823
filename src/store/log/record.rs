//! The bytes of one record of the log. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. A record is believed only at the address that it was written to: the address is the seed of its checksum. So bytes that
//!    look like a record inside a payload, or a segment under another number, are none.
//! 2. Nothing here panics on any input.

mod lent;
mod shape;
mod times;

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use self::lent::lent;
use self::shape::{BLOB_PAYLOADS, record_length};
pub(super) use self::shape::{Kind, Shape, announced_length};
use self::times::Times;
use super::address::Address;
use crate::checksum;
use crate::key::{FunctionId, Key};
use crate::payload::Bytes;
use crate::store::blobs::BLOBS;
use crate::store::entry::{OfRecord, Places};
use crate::store::marker::Marker;
use crate::store::{Draft, Entry};

/// The bytes of a record before its payload.
pub(super) const HEAD: usize = 64;

/// Records begin and end at multiples of this.
pub(super) const ALIGN: usize = 8;

/// Longest preview of the arguments, in bytes.
const LONGEST_PREVIEW: usize = 255;

/// Which file has the value of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlobFile {
    /// Its length.
    pub(super) length: u64,
    /// A random number in its name, so that a file belongs to one record.
    pub(super) number: u64,
}

impl BlobFile {
    /// Where the file is.
    pub(super) fn name(self, key: &Key) -> String {
        let hex = blake3::Hash::from_bytes(*key.as_bytes()).to_hex();
        let (shard, rest) = hex.split_at(2);
        format!("{BLOBS}/{shard}/{rest}-{:016x}", self.number)
    }

    /// The key and the number in the name of a file; `None` if it is none of this layout.
    pub(super) fn of_name(name: &str) -> Option<(Key, u64)> {
        let (hex, number) = name.strip_prefix(BLOBS)?.split_once('-')?;
        let key = Key::from_hex(&hex.split('/').collect::<String>())?;
        Some((key, u64::from_str_radix(number, 16).ok()?))
    }
}

/// Where in a record its shape is: see [`Shape`].
pub(super) const SHAPE: Range<usize> = 8..12;

/// What stands for the codec in a record without a payload. It is not zero, as no codec is: zeros are no record.
const NO_VALUE: u8 = 1;

/// Where the fields of the head are; all numbers little-endian.
mod at {
    use std::ops::Range;

    pub(super) const CHECKSUM: Range<usize> = 0..8;
    pub(super) const SHAPE: Range<usize> = super::SHAPE;
    pub(super) const COMPUTE_TIME: Range<usize> = 12..16;
    pub(super) const KEY: Range<usize> = 16..48;
    pub(super) const FUNCTION: Range<usize> = 48..56;
    pub(super) const SECONDS: Range<usize> = 56..60;
    pub(super) const FRACTION: Range<usize> = 60..62;
    pub(super) const WRITER: Range<usize> = 62..64;
}

/// Where in the bytes of a record an entry finds what it does not take out of them at once.
static PLACES: Places = Places { key: at::KEY.start, function: at::FUNCTION.start };

/// What a head says but for checksum, key and lengths.
#[derive(Clone, Copy, Debug)]
struct Facts {
    kind: Kind,
    codec: u8,
    function: FunctionId,
    times: Times,
    writer: u16,
}

impl Facts {
    fn of(kind: Kind, draft: &Draft<'_>, writer: u16) -> Self {
        Facts {
            kind,
            codec: draft.codec,
            function: draft.function,
            times: Times::of(draft.created, draft.compute_time),
            writer,
        }
    }

    /// Those of a record that is no entry.
    fn of_removal(kind: Kind, function: FunctionId) -> Self {
        Facts { kind, codec: NO_VALUE, function, times: Times::default(), writer: 0 }
    }
}

/// A record that is about to be written: its bytes lack the checksum, which depends on the address.
#[derive(Clone, Debug)]
pub(super) struct Unsealed {
    bytes: Vec<u8>,
}

impl Unsealed {
    /// The record of an entry whose value is in a file of its own.
    pub(super) fn blob(draft: &Draft<'_>, writer: u16, file: BlobFile, marker: Option<Marker>) -> Self {
        let payload = blob_payload(file, marker);
        Unsealed::new(Facts::of(Kind::Blob, draft, writer), &draft.key, &payload, &draft.arguments)
    }

    /// The record of the removal of the entry of `key`.
    pub(super) fn removal(key: &Key, function: FunctionId) -> Self {
        Unsealed::new(Facts::of_removal(Kind::Removal, function), key, &[], "")
    }

    /// The record of the removal of all entries of `function`.
    pub(super) fn clear(function: FunctionId) -> Self {
        let key = Key::from_bytes([0; 32]);
        Unsealed::new(Facts::of_removal(Kind::Clear, function), &key, &[], "")
    }

    /// The record of a blob with another marker.
    pub(super) fn with_marker(record: &Record, file: BlobFile, marker: Marker) -> Self {
        let head = record.head();
        let facts = Facts {
            kind: Kind::Blob,
            codec: record.shape.codec,
            function: head.function,
            times: head.times,
            writer: head.writer,
        };
        Unsealed::new(facts, &head.key, &blob_payload(file, Some(marker)), &record.preview())
    }

    /// A record as it stands at another address.
    pub(super) fn again(record: Record) -> Self {
        Unsealed { bytes: record.bytes }
    }

    fn new(facts: Facts, key: &Key, payload: &[u8], preview: &str) -> Self {
        let mut bytes = Vec::new();
        append(&mut bytes, facts, key, &Bytes::Slice(payload), preview);
        Unsealed { bytes }
    }

    /// How many bytes it takes.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Its bytes as they are to stand at `address`.
    pub(super) fn seal(&mut self, address: Address) -> &[u8] {
        seal(&mut self.bytes, address);
        &self.bytes
    }

    /// Its bytes, not sealed.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// How many bytes the record of an entry takes at most.
pub(super) fn length_of(draft: &Draft<'_>) -> usize {
    record_length([draft.payload.len(), draft.arguments.len().min(LONGEST_PREVIEW)])
}

/// Appends the record of an entry to `bytes`, value and all, not sealed.
pub(super) fn append_entry(bytes: &mut Vec<u8>, draft: &Draft<'_>, writer: u16) {
    let facts = Facts::of(Kind::Entry, draft, writer);
    append(bytes, facts, &draft.key, &draft.payload, &draft.arguments);
}

fn append(bytes: &mut Vec<u8>, facts: Facts, key: &Key, payload: &Bytes<'_>, preview: &str) {
    let Facts { kind, codec, function, times, writer } = facts;
    let preview = &preview.as_bytes()[..preview.floor_char_boundary(preview.len().min(LONGEST_PREVIEW))];
    let shape = Shape {
        kind,
        codec,
        payload: u16::try_from(payload.len()).expect("payloads are short"),
        preview: u8::try_from(preview.len()).expect("previews are short"),
    };
    let end = bytes.len() + shape.length();
    bytes.reserve(end - bytes.len());
    let mut head = [0; HEAD];
    head[at::SHAPE].copy_from_slice(&shape.to_word().to_le_bytes());
    head[at::COMPUTE_TIME].copy_from_slice(&times.took.to_le_bytes());
    head[at::KEY].copy_from_slice(key.as_bytes());
    head[at::FUNCTION].copy_from_slice(&function.0);
    head[at::SECONDS].copy_from_slice(&times.seconds.to_le_bytes());
    head[at::FRACTION].copy_from_slice(&times.fraction.to_le_bytes());
    head[at::WRITER].copy_from_slice(&writer.to_le_bytes());
    bytes.extend_from_slice(&head);
    payload.append_to(bytes);
    bytes.extend_from_slice(preview);
    bytes.resize(end, 0);
}

/// Makes the bytes of a record those that are to stand at `address`.
pub(super) fn seal(bytes: &mut [u8], address: Address) {
    let checksum = checksum(bytes, address);
    bytes[at::CHECKSUM].copy_from_slice(&checksum);
}

/// Reads the shape in the first [`HEAD`] bytes of a record; `None` if they are not.
#[inline]
fn shape(bytes: &[u8]) -> Option<Shape> {
    if bytes.len() < HEAD { None } else { Shape::of_word(u32::from_le_bytes(array(&bytes[at::SHAPE]))) }
}

/// Reads the times in the head of a record.
#[inline]
fn times(bytes: &[u8]) -> Times {
    Times {
        seconds: u32::from_le_bytes(array(&bytes[at::SECONDS])),
        fraction: u16::from_le_bytes(array(&bytes[at::FRACTION])),
        took: f32::from_le_bytes(array(&bytes[at::COMPUTE_TIME])),
    }
}

/// The key of the record that begins with `bytes`; `None` if they are not those of one.
pub(super) fn key(bytes: &[u8]) -> Option<Key> {
    shape(bytes).map(|_| Key::from_bytes(array(&bytes[at::KEY])))
}

/// The head of a record, checked against nothing but the bytes that are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    shape: Shape,
    pub(super) key: Key,
    pub(super) function: FunctionId,
    times: Times,
    /// The number of who stored it; zero if that is not known.
    pub(super) writer: u16,
}

impl Head {
    /// Reads the first [`HEAD`] bytes of a record; `None` if they are not.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Head {
            shape: shape(bytes)?,
            key: Key::from_bytes(array(&bytes[at::KEY])),
            function: FunctionId(array(&bytes[at::FUNCTION])),
            times: times(bytes),
            writer: u16::from_le_bytes(array(&bytes[at::WRITER])),
        })
    }

    /// How many bytes the whole record takes.
    pub(super) fn length(&self) -> usize {
        self.shape.length()
    }

    pub(super) fn compute_time(&self) -> Duration {
        self.times.compute_time()
    }

    pub(super) fn created(&self) -> SystemTime {
        UNIX_EPOCH + self.times.created()
    }
}

/// A whole record, as it was read: as many bytes as it says. What a hit needs of it is read in place.
#[derive(Clone, Debug)]
pub(super) struct Record {
    shape: Shape,
    bytes: Vec<u8>,
}

impl Record {
    /// Takes all the bytes of a record; `None` if they are none.
    #[inline]
    pub(super) fn new(bytes: Vec<u8>) -> Option<Self> {
        let shape = shape(&bytes).filter(|shape| shape.length() == bytes.len())?;
        Some(Record { shape, bytes })
    }

    /// All its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says of itself.
    pub(super) fn head(&self) -> Head {
        Head::parse(&self.bytes).expect("its shape was parsed from the same bytes")
    }

    pub(super) fn kind(&self) -> Kind {
        self.shape.kind
    }

    /// Whether it is an entry, in whatever form.
    pub(super) fn is_entry(&self) -> bool {
        matches!(self.shape.kind, Kind::Entry | Kind::Blob)
    }

    /// Whether it is about `key`.
    #[inline]
    pub(super) fn is_of(&self, key: &Key) -> bool {
        self.bytes[at::KEY] == *key.as_bytes()
    }

    /// Whether its bytes are those that were written to `address`.
    #[inline]
    pub(super) fn is_sound(&self, address: Address) -> bool {
        is_sound(&self.bytes, address)
    }

    /// What to write over its beginning to make it the removal of its own key, which takes no space. (The payload stays, and
    /// means nothing.) After zeros, a rebuild would find the record that it once replaced.
    pub(super) fn removal_in_place(&self, address: Address) -> [u8; at::SHAPE.end] {
        let mut bytes = self.bytes.clone();
        let shape = Shape { kind: Kind::Removal, ..self.shape };
        bytes[at::SHAPE].copy_from_slice(&shape.to_word().to_le_bytes());
        seal(&mut bytes, address);
        array(&bytes)
    }

    /// The file that has the value, if the record has not.
    pub(super) fn blob(&self) -> Option<BlobFile> {
        let number =
            |at: usize| u64::from_le_bytes(array(&self.bytes[HEAD + at..HEAD + at + size_of::<u64>()]));
        (self.shape.kind == Kind::Blob).then(|| BlobFile { length: number(0), number: number(8) })
    }

    /// The marker of the blob that it speaks of, if there is one.
    pub(super) fn marker(&self) -> Option<Marker> {
        let has_marker = self.shape.kind == Kind::Blob && self.shape.payload().len() == BLOB_PAYLOADS[1];
        has_marker.then(|| Marker::from_bytes(array(&self.bytes[HEAD + BLOB_PAYLOADS[0]..])))
    }

    /// The bytes that the entry takes, with its blob.
    pub(super) fn extent(&self) -> u64 {
        self.bytes.len() as u64 + self.blob().map_or(0, |blob| blob.length)
    }

    /// The entry that a sound record of kind [`Kind::Entry`] holds.
    #[inline]
    pub(super) fn into_entry(self) -> Entry {
        let (payload, preview) = (self.shape.payload(), self.shape.preview());
        let times = times(&self.bytes);
        let writer = u16::from_le_bytes(array(&self.bytes[at::WRITER]));
        Entry::of_record(OfRecord {
            places: &PLACES,
            codec: self.shape.codec,
            created: times.created(),
            compute_time: times.compute_time(),
            writer,
            payload,
            preview,
            bytes: self.bytes,
        })
    }

    /// The arguments in short.
    pub(super) fn preview(&self) -> String {
        String::from_utf8_lossy(&self.bytes[self.shape.preview()]).into_owned()
    }
}

/// Whether these bytes of a record are those that were written to `address`.
#[inline]
pub(super) fn is_sound(bytes: &[u8], address: Address) -> bool {
    bytes[at::CHECKSUM] == checksum(bytes, address)
}

/// The payload of the record of a blob.
fn blob_payload(file: BlobFile, marker: Option<Marker>) -> Vec<u8> {
    let mut payload = [file.length.to_le_bytes(), file.number.to_le_bytes()].concat();
    payload.extend(marker.into_iter().flat_map(Marker::to_bytes));
    payload
}

/// XXH3-64 of all but the checksum, with the address as seed.
#[inline]
fn checksum(bytes: &[u8], address: Address) -> [u8; 8] {
    checksum::word_of(&bytes[at::CHECKSUM.end..], address.0).to_le_bytes()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("a field has its bytes")
}
