//! Data whose form or whose length, beside the pointers to it, tells where it ends.
//!
//! Most constants are texts, with their length in the next register or the next word. A text ends
//! where that number says, if the next cut is right there. Only a slice that ends exactly at a
//! number beside the pointer to the whole table could cut a table too short; the tests have such
//! tables.

use super::constants::{Extent, Pointer, usage};
use super::elf::{Elf, Relocation, Target};
use super::scan::Scan;

/// Padding that an alignment can make; more zeros than that are content.
const MOST_PADDING: u64 = 16;

/// Whether the piece is a text that ends where a number beside `pointer` says.
pub(super) fn tells_length(elf: &Elf, scan: &Scan, extent: Extent, pointer: Pointer) -> bool {
    let Some(bytes) = plain(elf, extent) else { return false };
    let is_length = |length: u64| is_text_of_length(bytes, length);
    match pointer {
        Pointer::Code(_) => usage(scan, pointer).is_some_and(|usage| {
            // A format without arguments is a text, whose length is doubled and made odd.
            usage
                .numbers
                .iter()
                .any(|n| is_length(u64::from(*n)) || n & 1 == 1 && is_length(u64::from(*n >> 1)))
        }),
        Pointer::Slot(slot) => elf.number_at(slot + 8).is_some_and(is_length),
        _ => false,
    }
}

/// The bytes of a piece, if no slot in them holds an address.
fn plain(elf: &Elf, extent: Extent) -> Option<&[u8]> {
    let section = elf.section_at(extent.start)?;
    let is_plain = elf.relocations_in(extent.start, extent.end).is_empty();
    if is_plain && !section.is_zero() { section.read(extent.start, extent.end - extent.start) } else { None }
}

fn is_text_of_length(bytes: &[u8], length: u64) -> bool {
    let Some((text, padding)) = usize::try_from(length).ok().and_then(|n| bytes.split_at_checked(n)) else {
        return false;
    };
    !text.is_empty() && (padding.len() as u64) < MOST_PADDING && is_zero(padding) && is_text(text)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn is_text(bytes: &[u8]) -> bool {
    let is_printable = |byte: &u8| !matches!(byte, 0..=8 | 11 | 12 | 14..=26 | 28..=31 | 127);
    bytes.iter().all(is_printable) && std::str::from_utf8(bytes).is_ok()
}

/// Whether the linker may have merged the piece with equal ones.
pub(super) fn is_mergeable(elf: &Elf, extent: Extent) -> bool {
    let is_text =
        |bytes: &[u8]| bytes.split_last().is_some_and(|(last, text)| *last == 0 && !text.contains(&0));
    matches!(extent.end - extent.start, 4 | 8 | 16 | 32) || plain(elf, extent).is_some_and(is_text)
}

pub(super) fn is_formed(elf: &Elf, extent: Extent) -> bool {
    let slots = elf.relocations_in(extent.start, extent.end);
    if slots.is_empty() {
        return plain(elf, extent).is_some_and(|bytes| is_template(bytes) || is_c_text(bytes));
    }
    is_vtable(elf, extent, slots) || extent.end - extent.start == 24 && is_place(elf, extent.start)
}

/// A text that ends with its only zero. Small numbers look like a letter and zeros, so it is longer.
fn is_c_text(bytes: &[u8]) -> bool {
    match bytes.split_last() {
        Some((0, text)) => text.len() > 4 && is_text(text),
        _ => false,
    }
}

/// Whether a `core::panic::Location` is at `address`: a file's name, its length, a line and a column.
pub(super) fn is_place(elf: &Elf, address: u64) -> bool {
    let [Relocation { slot, target: Target::Address(file) }] = *elf.relocations_in(address, address + 24)
    else {
        return false;
    };
    let Some(length) = elf.number_at(address + 8).filter(|length| slot == address && *length < 4096) else {
        return false;
    };
    let Some(section) = elf.section_at(file) else { return false };
    section.read(file, length).is_some_and(|name| name.ends_with(b".rs") && is_text(name))
}

/// What drops the value, its size and alignment, then methods or vtables of supertraits.
fn is_vtable(elf: &Elf, extent: Extent, slots: &[Relocation]) -> bool {
    let is_code = |target| matches!(target, Target::Address(a) if elf.section_at(a).is_some_and(|section| section.is_code));
    let (Some(size), Some(align)) = (elf.number_at(extent.start + 8), elf.number_at(extent.start + 16))
    else {
        return false;
    };
    let Some(methods_bytes) = (extent.end - extent.start).checked_sub(24) else { return false };
    let drops = slots.first().filter(|first| first.slot == extent.start);
    let has_drop = drops.is_some();
    if drops.is_some_and(|drops| !is_code(drops.target))
        || !has_drop && elf.number_at(extent.start) != Some(0)
    {
        return false;
    }
    let methods = &slots[usize::from(has_drop)..];
    let count = methods_bytes / 8;
    let is_packed = methods.iter().zip(3_u64..).all(|(method, n)| method.slot == extent.start + n * 8);
    is_packed
        && methods.len() as u64 == count
        && align.is_power_of_two()
        && size % align == 0
        && methods.first().is_none_or(|method| is_code(method.target))
}

/// The text of `format!` and its like, as `core::fmt` has it: pieces of text with their lengths, and
/// placeholders with their options, up to a zero.
fn is_template(bytes: &[u8]) -> bool {
    let mut at = 0;
    let mut has_placeholder = false;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match *byte {
            0 => return has_placeholder && bytes.len() - at < MOST_PADDING as usize && is_zero(&bytes[at..]),
            length @ 1..0x80 => at += usize::from(length),
            0x80 => {
                let Some([low, high]) = bytes.get(at..at + 2) else { return false };
                at += 2 + usize::from(u16::from_le_bytes([*low, *high]));
            }
            options @ 0xc0.. => {
                has_placeholder = true;
                let size = |bit: u8, bytes: usize| if options & bit != 0 { bytes } else { 0 };
                at += size(1, 4) + size(2, 2) + size(4, 2) + size(8, 2);
            }
            _ => return false,
        }
    }
    false
}
