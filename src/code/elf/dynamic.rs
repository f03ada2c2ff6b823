//! Relocations, and the symbols of shared libraries that they name.

use super::bytes::{u32_in, u64_in, u64_of};
use super::{Elf, Header, MOST, Reader, Relocation, SHF_ALLOC, Target, text_at};
use crate::code::Obstacle;

const SHT_RELA: u32 = 4;
const SHT_REL: u32 = 9;
const SHT_RELR: u32 = 19;
const SHT_VERNEED: u32 = 0x6fff_fffe;
const SHT_VERSYM: u32 = 0x6fff_ffff;

impl Elf {
    pub(super) fn load_relocations(&mut self, reader: &Reader, headers: &[Header]) -> Result<(), Obstacle> {
        let loaded = |header: &&Header| header.flags & SHF_ALLOC != 0;
        for header in headers.iter().filter(loaded) {
            match header.kind {
                SHT_RELA => {
                    let bytes = reader.content(*header, 0)?;
                    let symbols = DynamicSymbols::read(reader, headers, header.link)?;
                    for entry in bytes.as_chunks::<24>().0 {
                        self.relocate(entry, &symbols)?;
                    }
                }
                SHT_RELR => {
                    let bytes = reader.content(*header, 0)?;
                    self.relocate_packed(&bytes)?;
                }
                SHT_REL => return Err(Obstacle::Relocation(0)),
                _ => {}
            }
        }
        if self.relocations.iter().any(|relocation| relocation.slot >= MOST) {
            return Err(Obstacle::Malformed("a relocation is of no section"));
        }
        self.relocations.sort_by_key(|relocation| relocation.slot);
        let is_code = |slot: u64| self.sections.iter().any(|s| s.is_code && s.start <= slot && slot < s.end);
        if self.relocations.iter().any(|relocation| is_code(relocation.slot)) {
            return Err(Obstacle::RelocatedCode);
        }
        if self.relocations.windows(2).any(|pair| pair[1].slot - pair[0].slot < 8) {
            return Err(Obstacle::Malformed("relocations overlap"));
        }
        Ok(())
    }

    fn relocate(&mut self, entry: &[u8; 24], symbols: &DynamicSymbols) -> Result<(), Obstacle> {
        let (slot, symbol, kind) = (u64_in(entry, 0), u32_in(entry, 12), u32_in(entry, 8));
        let addend = u64_in(entry, 16).cast_signed();
        let target = match kind {
            0 => return Ok(()),
            8 => Target::Address(addend.cast_unsigned()), // R_X86_64_RELATIVE
            37 => Target::Resolver(addend.cast_unsigned()), // R_X86_64_IRELATIVE
            // R_X86_64_64, COPY, GLOB_DAT, JUMP_SLOT
            1 | 5 | 6 | 7 => match symbols.get(symbol)? {
                (_, Some(value)) if kind != 5 => Target::Address(value.wrapping_add_signed(addend)),
                (name, _) => {
                    self.externals.push(name);
                    let number = u32::try_from(self.externals.len() - 1).unwrap_or(u32::MAX);
                    Target::External(number, if kind == 1 { addend } else { 0 })
                }
            },
            // DTPMOD64, DTPOFF64, TPOFF64
            16..=18 => {
                let start = self.thread_sections.iter().map(|section| section.start).min().unwrap_or(0);
                match symbols.get(symbol) {
                    Ok((_, Some(value))) => {
                        Target::ThreadLocal(start.wrapping_add(value).wrapping_add_signed(addend))
                    }
                    _ if symbol == 0 => Target::ThreadLocal(start.wrapping_add_signed(addend)),
                    _ => return Err(Obstacle::Relocation(kind)),
                }
            }
            _ => return Err(Obstacle::Relocation(kind)),
        };
        self.relocations.push(Relocation { slot, target });
        Ok(())
    }

    /// `SHT_RELR`: an address, then bitmaps of the 63 words behind it; the slots hold their addends.
    fn relocate_packed(&mut self, bytes: &[u8]) -> Result<(), Obstacle> {
        let mut next = 0;
        for entry in bytes.as_chunks::<8>().0 {
            let entry = u64::from_le_bytes(*entry);
            if entry & 1 == 0 {
                self.relocate_in_place(entry)?;
                next = entry.wrapping_add(8);
            } else {
                for bit in 0..63 {
                    if entry >> (bit + 1) & 1 == 1 {
                        self.relocate_in_place(next.wrapping_add(bit * 8))?;
                    }
                }
                next = next.wrapping_add(63 * 8);
            }
        }
        Ok(())
    }

    fn relocate_in_place(&mut self, slot: u64) -> Result<(), Obstacle> {
        let section = self.sections.iter().find(|section| section.start <= slot && slot < section.end);
        let bytes = section.and_then(|section| section.read(slot, 8));
        let bytes = bytes.ok_or(Obstacle::Malformed("a relocation is of no section"))?;
        self.relocations.push(Relocation { slot, target: Target::Address(u64_of(bytes)) });
        Ok(())
    }
}

/// Symbols that relocations name.
struct DynamicSymbols {
    symbols: Vec<u8>,
    names: Vec<u8>,
    versions: Vec<u8>,
    libraries: Vec<(u16, String)>,
}

impl DynamicSymbols {
    fn read(reader: &Reader, headers: &[Header], number: u32) -> Result<Self, Obstacle> {
        let empty = || DynamicSymbols {
            symbols: Vec::new(),
            names: Vec::new(),
            versions: Vec::new(),
            libraries: Vec::new(),
        };
        let Some(table) = headers.get(number as usize).filter(|_| number != 0) else {
            return Ok(empty()); // a static program
        };
        let strings = headers.get(table.link as usize).ok_or(Obstacle::Malformed("no dynamic names"))?;
        let names = reader.content(*strings, 0)?;
        let section = |kind| headers.iter().find(|header| header.kind == kind);
        let content = |kind| section(kind).map_or(Ok(Vec::new()), |header| reader.content(*header, 0));
        let libraries = libraries(&content(SHT_VERNEED)?, &names);
        let versions = content(SHT_VERSYM)?;
        Ok(DynamicSymbols { symbols: reader.content(*table, 0)?, names, versions, libraries })
    }

    /// The name of a symbol, with its library, and its value if it is of this program.
    fn get(&self, number: u32) -> Result<(String, Option<u64>), Obstacle> {
        let number = number as usize;
        let symbol = self.symbols.as_chunks::<24>().0.get(number);
        let symbol = symbol.ok_or(Obstacle::Malformed("a relocation names no symbol"))?;
        let mut name = String::from_utf8_lossy(text_at(&self.names, u32_in(symbol, 0))).into_owned();
        let version = self.versions.as_chunks::<2>().0.get(number).map_or(0, |v| u16::from_le_bytes(*v));
        if let Some((_, library)) = self.libraries.iter().find(|(n, _)| *n == version & 0x7fff) {
            name = format!("{name}@{library}");
        }
        let is_defined = u16::from_le_bytes([symbol[6], symbol[7]]) != 0;
        Ok((name, is_defined.then(|| u64_in(symbol, 8))))
    }
}

/// Libraries by the numbers of the versions that are needed of them.
fn libraries(bytes: &[u8], names: &[u8]) -> Vec<(u16, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(need) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let library = String::from_utf8_lossy(text_at(names, u32_in(need, 4))).into_owned();
        let mut version_at = at + u32_in(need, 8) as usize;
        for _ in 0..u16::from_le_bytes([need[2], need[3]]) {
            let Some(version) = bytes.get(version_at..).and_then(|rest| rest.first_chunk::<16>()) else {
                break;
            };
            found.push((u16::from_le_bytes([version[6], version[7]]), library.clone()));
            version_at += u32_in(version, 12) as usize;
        }
        let next = u32_in(need, 12) as usize;
        if next == 0 {
            break;
        }
        at += next;
    }
    found
}
