//! Functions and objects that have names and sizes, and the object files that they come from.

use super::bytes::{u32_in, u64_in};
use super::{Elf, Header, MOST, Reader, text_at};
use crate::code::Obstacle;

const SHT_SYMTAB: u32 = 2;

/// A range of object files, by their numbers in the order of linking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::code) struct Files {
    pub(in crate::code) first: u32,
    pub(in crate::code) last: u32,
}

impl Files {
    /// Any file.
    pub(in crate::code) const ALL: Files = Files { first: 0, last: u32::MAX };

    pub(in crate::code) fn is_known(self) -> bool {
        self.first == self.last
    }

    pub(in crate::code) fn overlap(self, other: Files) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    pub(in crate::code) fn hold(self, other: Files) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

/// Crates of the standard library's, as it comes with the compiler.
const STANDARD: [&str; 16] = [
    "std",
    "core",
    "alloc",
    "panic_unwind",
    "panic_abort",
    "compiler_builtins",
    "std_detect",
    "object",
    "memchr",
    "addr2line",
    "gimli",
    "rustc_demangle",
    "miniz_oxide",
    "adler2",
    "hashbrown",
    "cfg_if",
];

/// A function or object that has a name and a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::code) struct Symbol {
    pub(in crate::code) start: u64,
    pub(in crate::code) end: u64,
    /// Where its name begins in [`Elf::names`].
    pub(in crate::code) name: u32,
    /// Which object files it may come from.
    pub(in crate::code) files: Files,
    /// Whether other names share its bytes, so that its name does not tell what it is.
    pub(in crate::code) is_shared: bool,
}

impl Elf {
    pub(super) fn load_symbols(&mut self, reader: &Reader, headers: &[Header]) -> Result<(), Obstacle> {
        let table = headers.iter().find(|header| header.kind == SHT_SYMTAB).ok_or(Obstacle::NoSymbols)?;
        let strings = headers.get(table.link as usize).ok_or(Obstacle::NoSymbols)?;
        self.names = reader.content(*strings, 0)?;
        let bytes = reader.content(*table, 0)?;
        // Linkers put the local symbols of a file behind its name. An empty name ends the last file.
        let mut count = 0;
        let mut files = Files::ALL;
        for symbol in bytes.as_chunks::<24>().0 {
            if symbol[4] == 4 {
                count += 1;
                let name = text_at(&self.names, u32_in(symbol, 0));
                files = if name.is_empty() { Files::ALL } else { Files { first: count, last: count } };
                self.standard = extend_standard(self.standard, count, name);
            }
            let section = u16::from_le_bytes([symbol[6], symbol[7]]);
            let size = u64_in(symbol, 16);
            // Undefined, and absolute values.
            if size == 0 || section == 0 || section >= 0xff00 {
                continue;
            }
            let start = u64_in(symbol, 8);
            let end = start.wrapping_add(size);
            if end < start || end >= MOST {
                return Err(Obstacle::Malformed("a symbol is too large"));
            }
            let files = if symbol[4] >> 4 == 0 { files } else { Files::ALL };
            let symbol_of = Symbol { start, end, name: u32_in(symbol, 0), files, is_shared: false };
            match symbol[4] & 15 {
                1 => self.objects.push(symbol_of),
                2 | 10 => self.functions.push(symbol_of),
                6 => self.thread_locals.push(symbol_of),
                _ => {}
            }
        }
        if self.functions.is_empty() {
            return Err(Obstacle::NoSymbols);
        }
        let thread_start = self.thread_sections.iter().map(|section| section.start).min().unwrap_or(0);
        for symbol in &mut self.thread_locals {
            symbol.start = symbol.start.wrapping_add(thread_start);
            symbol.end = symbol.end.wrapping_add(thread_start);
        }
        for symbols in [&mut self.objects, &mut self.thread_locals] {
            join_overlapping(symbols, &self.names, |_| ());
        }
        let aliases = &mut self.aliases;
        join_overlapping(&mut self.functions, &self.names, |alias| aliases.push((alias.start, alias.name)));
        Ok(())
    }
}

/// The standard library is linked after all other crates, `std` first.
fn extend_standard(known: Option<Files>, number: u32, name: &[u8]) -> Option<Files> {
    let name = std::str::from_utf8(name).unwrap_or_default();
    // `core.c1f1a4ba060b9bfa-cgu.0`
    let of = name.split_once('.').filter(|(_, rest)| rest.contains("-cgu.")).map(|(of, _)| of);
    match known {
        None if of == Some("std") && name.ends_with("-cgu.0") => Some(Files { first: number, last: number }),
        Some(files) if files.last + 1 == number && of.is_some_and(|of| STANDARD.contains(&of)) => {
            Some(Files { last: number, ..files })
        }
        known => known,
    }
}

/// Which of the sorted symbols holds `address`.
pub(in crate::code) fn symbol_at(symbols: &[Symbol], address: u64) -> Option<usize> {
    let (mut low, mut high) = (0, symbols.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if symbols[middle].start <= address {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if low > 0 && address < symbols[low - 1].end { Some(low - 1) } else { None }
}

/// Sorts, and makes one of symbols that share bytes: their sum, under the name of the largest.
fn join_overlapping(symbols: &mut Vec<Symbol>, names: &[u8], mut joined: impl FnMut(&Symbol)) {
    symbols.sort_unstable_by(|a, b| (a.start, b.end, a.name).cmp(&(b.start, a.end, b.name)));
    symbols.dedup_by(|next, first| {
        let overlaps = next.start < first.end;
        if overlaps {
            first.end = first.end.max(next.end);
            if next.files != first.files {
                first.files = Files::ALL;
            }
            if text_at(names, next.name) != text_at(names, first.name) {
                first.is_shared = true;
                joined(next);
            }
        }
        overlaps
    });
}
