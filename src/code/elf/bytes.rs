//! Little-endian numbers in slices.

pub(super) fn u16_of(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

pub(in crate::code) fn u32_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

pub(in crate::code) fn u64_of(bytes: &[u8]) -> u64 {
    u64::from(u32_of(bytes)) | u64::from(u32_of(&bytes[4..])) << 32
}

/// The field of an entry; quick also where nothing is optimized.
pub(super) fn u64_in<const N: usize>(entry: &[u8; N], at: usize) -> u64 {
    u64::from(u32_in(entry, at)) | u64::from(u32_in(entry, at + 4)) << 32
}

pub(super) fn u32_in<const N: usize>(entry: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
}
