//! The bytes of one record of the log. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. A record is believed only at the address that it was written to: the address is the seed of its checksum. So bytes that
//!    look like a record inside a payload, or a segment under another number, are none.
//! 2. Nothing here panics on any input.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::address::Address;
use crate::checksum;
use crate::key::{FunctionId, Key};
use crate::store::blobs::BLOBS;
use crate::store::marker::Marker;
use crate::store::{Draft, Entry};

/// The bytes of a record before its payload.
pub(super) const HEAD: usize = 88;

/// Records begin and end at multiples of this.
pub(super) const ALIGN: usize = 8;

/// Longest payload of a record, in bytes; larger values are blobs.
pub(super) const MAX_PAYLOAD: usize = 64 * 1024 - 1;

/// Longest preview of the arguments, in bytes.
const LONGEST_PREVIEW: usize = 255;

/// How long the payload of the record of a blob is, without a marker and with one.
const BLOB_PAYLOADS: [usize; 2] = [2 * size_of::<u64>(), 2 * size_of::<u64>() + Marker::LENGTH];

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

/// Where in a record its lengths are: that of the payload in the low 24 bits, that of the preview in the high 8.
pub(super) const LENGTHS: Range<usize> = 20..24;

/// What stands for the codec in a record without a payload.
const NO_VALUE: u8 = 1;

/// First bytes of what the checksum covers.
const MAGIC: [u8; 2] = *b"rm";

/// Where the fields of the head are; all numbers little-endian.
mod at {
    use std::ops::Range;

    pub(super) const CHECKSUM: Range<usize> = 0..16;
    pub(super) const MAGIC: Range<usize> = 16..18;
    pub(super) const KIND: usize = 18;
    pub(super) const CODEC: usize = 19;
    pub(super) const LENGTHS: Range<usize> = super::LENGTHS;
    pub(super) const KEY: Range<usize> = 24..56;
    pub(super) const FUNCTION: Range<usize> = 56..72;
    pub(super) const CREATED: Range<usize> = 72..80;
    pub(super) const COMPUTE_TIME: Range<usize> = 80..88;
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An entry with its value.
    Entry = 1,
    /// An entry whose value is a blob; the payload is the length of that file, and its marker if it has one.
    Blob = 2,
    /// The entry of this key was removed.
    Removal = 3,
    /// All entries of this function at lower addresses were removed.
    Clear = 4,
}

/// A record that is about to be written: its bytes lack the checksum, which depends on the address.
#[derive(Clone, Debug)]
pub(super) struct Unsealed {
    bytes: Vec<u8>,
}

impl Unsealed {
    /// The record of an entry whose value is in a file of its own.
    pub(super) fn blob(draft: &Draft<'_>, file: BlobFile, marker: Option<Marker>) -> Self {
        Unsealed::new(
            [Kind::Blob as u8, draft.codec],
            &draft.key,
            draft.function,
            times(draft),
            [&blob_payload(file, marker)[..]].into_iter(),
            &draft.arguments,
        )
    }

    /// The record of the removal of the entry of `key`.
    pub(super) fn removal(key: &Key, function: FunctionId) -> Self {
        Unsealed::new([Kind::Removal as u8, NO_VALUE], key, function, [0, 0], std::iter::empty(), "")
    }

    /// The record of the removal of all entries of `function`.
    pub(super) fn clear(function: FunctionId) -> Self {
        let key = Key::from_bytes([0; 32]);
        Unsealed::new([Kind::Clear as u8, NO_VALUE], &key, function, [0, 0], std::iter::empty(), "")
    }

    /// The record of a blob with another marker.
    pub(super) fn with_marker(record: &Record, file: BlobFile, marker: Marker) -> Self {
        let head = record.head();
        Unsealed::new(
            [Kind::Blob as u8, record.bytes[at::CODEC]],
            &head.key,
            head.function,
            [head.created, head.compute_time],
            [&blob_payload(file, Some(marker))[..]].into_iter(),
            &record.preview(),
        )
    }

    /// A record as it stands at another address.
    pub(super) fn again(record: Record) -> Self {
        Unsealed { bytes: record.bytes }
    }

    fn new<'p>(
        kind_and_codec: [u8; 2],
        key: &Key,
        function: FunctionId,
        times: [u64; 2],
        payload: impl Iterator<Item = &'p [u8]> + Clone,
        preview: &str,
    ) -> Self {
        let mut bytes = Vec::new();
        append(&mut bytes, kind_and_codec, key, function, times, payload, preview);
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
pub(super) fn append_entry(bytes: &mut Vec<u8>, draft: &Draft<'_>) {
    let (kind_and_codec, times) = ([Kind::Entry as u8, draft.codec], times(draft));
    append(bytes, kind_and_codec, &draft.key, draft.function, times, draft.payload.parts(), &draft.arguments);
}

fn append<'p>(
    bytes: &mut Vec<u8>,
    kind_and_codec: [u8; 2],
    key: &Key,
    function: FunctionId,
    times: [u64; 2],
    payload: impl Iterator<Item = &'p [u8]> + Clone,
    preview: &str,
) {
    let payload_length: usize = payload.clone().map(<[u8]>::len).sum();
    let preview = &preview.as_bytes()[..preview.floor_char_boundary(preview.len().min(LONGEST_PREVIEW))];
    let end = bytes.len() + record_length([payload_length, preview.len()]);
    bytes.reserve(end - bytes.len());
    let mut head = [0; HEAD];
    head[at::MAGIC].copy_from_slice(&MAGIC);
    [head[at::KIND], head[at::CODEC]] = kind_and_codec;
    let lengths = u32::try_from(payload_length | preview.len() << 24).expect("payloads are short");
    head[at::LENGTHS].copy_from_slice(&lengths.to_le_bytes());
    head[at::KEY].copy_from_slice(key.as_bytes());
    head[at::FUNCTION].copy_from_slice(&function.0);
    head[at::CREATED].copy_from_slice(&times[0].to_le_bytes());
    head[at::COMPUTE_TIME].copy_from_slice(&times[1].to_le_bytes());
    bytes.extend_from_slice(&head);
    payload.for_each(|part| bytes.extend_from_slice(part));
    bytes.extend_from_slice(preview);
    bytes.resize(end, 0);
}

/// Makes the bytes of a record those that are to stand at `address`.
pub(super) fn seal(bytes: &mut [u8], address: Address) {
    let checksum = checksum(bytes, address);
    bytes[at::CHECKSUM].copy_from_slice(&checksum);
}

/// What a record is and how long its parts are: what its first bytes say, checked against the limits of the format only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    kind: Kind,
    payload: usize,
    preview: usize,
}

impl Shape {
    /// Reads the first [`HEAD`] bytes of a record; `None` if they are not.
    #[inline]
    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < HEAD || bytes[at::MAGIC] != MAGIC {
            return None;
        }
        let kind = match bytes[at::KIND] {
            1 => Kind::Entry,
            2 => Kind::Blob,
            3 => Kind::Removal,
            4 => Kind::Clear,
            _ => return None,
        };
        let [payload, preview] = lengths(u32::from_le_bytes(array(&bytes[at::LENGTHS])));
        let is_possible = payload <= MAX_PAYLOAD && (kind != Kind::Blob || BLOB_PAYLOADS.contains(&payload));
        is_possible.then_some(Shape { kind, payload, preview })
    }

    /// How many bytes the whole record takes.
    fn length(self) -> usize {
        record_length([self.payload, self.preview])
    }
}

/// The lengths of payload and preview, as their field has them.
fn lengths(field: u32) -> [usize; 2] {
    [field as usize & 0xFF_FFFF, field as usize >> 24]
}

/// How long the record is whose [`LENGTHS`] say so; to be checked against what is read then.
pub(super) fn announced_length(field: u32) -> usize {
    record_length(lengths(field))
}

/// How long a record is whose payload and preview are so long.
fn record_length([payload, preview]: [usize; 2]) -> usize {
    (HEAD + payload + preview).next_multiple_of(ALIGN)
}

/// The key of the record that begins with `bytes`; `None` if they are not those of one.
pub(super) fn key(bytes: &[u8]) -> Option<Key> {
    Shape::parse(bytes).map(|_| Key::from_bytes(array(&bytes[at::KEY])))
}

/// The head of a record, checked against nothing but the bytes that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    shape: Shape,
    pub(super) key: Key,
    pub(super) function: FunctionId,
    created: u64,
    compute_time: u64,
}

impl Head {
    /// Reads the first [`HEAD`] bytes of a record; `None` if they are not.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Head {
            shape: Shape::parse(bytes)?,
            key: Key::from_bytes(array(&bytes[at::KEY])),
            function: FunctionId(array(&bytes[at::FUNCTION])),
            created: u64::from_le_bytes(array(&bytes[at::CREATED])),
            compute_time: u64::from_le_bytes(array(&bytes[at::COMPUTE_TIME])),
        })
    }

    /// How many bytes the whole record takes.
    pub(super) fn length(&self) -> usize {
        self.shape.length()
    }

    pub(super) fn compute_time(&self) -> Duration {
        Duration::from_nanos(self.compute_time)
    }

    pub(super) fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.created)
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
        let shape = Shape::parse(&bytes).filter(|shape| shape.length() == bytes.len())?;
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
        self.bytes[at::CHECKSUM] == checksum(&self.bytes, address)
    }

    /// What to write over its beginning to make it the removal of its own key, which takes no space. (The payload stays, and
    /// means nothing.) After zeros, a rebuild would find the record that it once replaced.
    pub(super) fn removal_in_place(&self, address: Address) -> [u8; at::LENGTHS.end] {
        let mut bytes = self.bytes.clone();
        bytes[at::KIND] = Kind::Removal as u8;
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
        let has_marker = self.shape.kind == Kind::Blob && self.shape.payload == BLOB_PAYLOADS[1];
        has_marker.then(|| Marker::from_bytes(array(&self.bytes[HEAD + BLOB_PAYLOADS[0]..])))
    }

    /// The bytes that the entry takes, with its blob.
    pub(super) fn extent(&self) -> u64 {
        self.bytes.len() as u64 + self.blob().map_or(0, |blob| blob.length)
    }

    /// The entry that a sound record of kind [`Kind::Entry`] holds.
    #[inline]
    pub(super) fn into_entry(self) -> Entry {
        let codec = self.bytes[at::CODEC];
        let payload = HEAD..HEAD + self.shape.payload;
        let preview = payload.end..payload.end + self.shape.preview;
        Entry::of_record(self.bytes, codec, payload, preview)
    }

    /// The arguments in short.
    pub(super) fn preview(&self) -> String {
        let start = HEAD + self.shape.payload;
        String::from_utf8_lossy(&self.bytes[start..start + self.shape.preview]).into_owned()
    }
}

/// The payload of the record of a blob.
fn blob_payload(file: BlobFile, marker: Option<Marker>) -> Vec<u8> {
    let mut payload = [file.length.to_le_bytes(), file.number.to_le_bytes()].concat();
    payload.extend(marker.into_iter().flat_map(Marker::to_bytes));
    payload
}

/// XXH3-128 of all but the checksum, with the address as seed.
#[inline]
fn checksum(bytes: &[u8], address: Address) -> [u8; 16] {
    checksum::of(&bytes[at::CHECKSUM.end..], address.0)
}

/// When an entry was made, since 1970, and how long its function ran; in nanoseconds, up to the year 2554.
fn times(draft: &Draft<'_>) -> [u64; 2] {
    let created = draft.created.duration_since(UNIX_EPOCH).unwrap_or_default();
    [created, draft.compute_time].map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("a field has its bytes")
}
