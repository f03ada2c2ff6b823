//! Reads a program's file: the sections that are loaded, symbols, and relocations of x86-64 ELF.
//!
//! Only what is needed is read: debug information, however large, is not touched. Nothing in the file
//! is trusted. A number that does not fit the file is an [`Obstacle`], never a panic.
//!
//! `object`, with what it needs, takes 2.9 s to compile, which every program that uses this library
//! would pay.

mod bytes;
mod dynamic;
mod symbols;

use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;

use self::bytes::u16_of;
pub(super) use self::bytes::{u32_of, u64_of};
pub(super) use self::symbols::{Files, Symbol, symbol_at};
use super::Obstacle;

/// What addresses of a file are below: those in memory have 47 bits.
const MOST: u64 = 1 << 46;

/// Zero bytes behind the content of each section, so that a decoder may look beyond its end.
pub(super) const PADDING: usize = 16;

const SHT_NOBITS: u32 = 8;
const SHT_INIT_ARRAY: u32 = 14;
const SHT_PREINIT_ARRAY: u32 = 16;
const SHT_NOTE: u32 = 7;
const SHF_WRITE: u64 = 1;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;
const SHF_TLS: u64 = 0x400;
const PT_TLS: u32 = 7;

/// A loaded section. Thread-local sections are the template of each thread's copy.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) is_code: bool,
    pub(super) is_writable: bool,
    pub(super) is_thread_local: bool,
    /// The content and [`PADDING`]; of a section without content in the file, nothing.
    bytes: Vec<u8>,
}

impl Section {
    /// `count` bytes from `address` on; `None` if they are not all in the section.
    pub(super) fn read(&self, address: u64, count: u64) -> Option<&[u8]> {
        if self.bytes.is_empty() || address < self.start || address > self.end || self.end - address < count {
            return None;
        }
        let at = usize::try_from(address - self.start).ok()?;
        self.bytes.get(at..at + usize::try_from(count).ok()?)
    }

    /// The whole content with the zeros behind it; empty if the file has none.
    pub(super) fn padded(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it begins as zeros that the file does not hold.
    pub(super) fn is_zero(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// What the loader writes into a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An address of this program.
    Address(u64),
    /// What the function at this address returns, which the loader calls.
    Resolver(u64),
    /// A symbol of a shared library, by its number in [`Elf::externals`], and an addend.
    External(u32, i64),
    /// The thread-local at this address of the template, as a distance or a module's number.
    ThreadLocal(u64),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Relocation {
    pub(super) slot: u64,
    pub(super) target: Target,
}

/// The parts of a program's file that matter.
#[derive(Debug)]
pub(super) struct Elf {
    /// By address; thread-local sections apart.
    pub(super) sections: Vec<Section>,
    pub(super) thread_sections: Vec<Section>,
    /// What the thread pointer points to, as an address of the template.
    pub(super) thread_pointer: u64,
    pub(super) functions: Vec<Symbol>,
    /// Other names of functions: where each begins, and its name.
    pub(super) aliases: Vec<(u64, u32)>,
    pub(super) objects: Vec<Symbol>,
    pub(super) thread_locals: Vec<Symbol>,
    pub(super) names: Vec<u8>,
    /// The object files of the standard library, which comes compiled with the compiler.
    pub(super) standard: Option<Files>,
    /// By slot.
    pub(super) relocations: Vec<Relocation>,
    /// Names of symbols of shared libraries, with the library where it is known.
    pub(super) externals: Vec<String>,
    /// Slots with functions that run before `main`, in their order.
    pub(super) initializers: Vec<u64>,
    pub(super) build_id: Vec<u8>,
    /// What the compilers and the linker wrote of themselves.
    pub(super) compilers: Vec<u8>,
    /// What tells the system how to load the program.
    pub(super) headers: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Header {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
}

struct Reader<'f> {
    file: &'f File,
    length: u64,
}

impl Reader<'_> {
    fn read(&self, offset: u64, size: u64, padding: usize) -> Result<Vec<u8>, Obstacle> {
        if offset.checked_add(size).is_none_or(|end| end > self.length) {
            return Err(Obstacle::Malformed("something reaches beyond the end of the file"));
        }
        let size = usize::try_from(size).map_err(|_| Obstacle::Malformed("a section is too large"))?;
        let mut bytes = vec![0; size + padding];
        self.file.read_exact_at(&mut bytes[..size], offset).map_err(Obstacle::Io)?;
        Ok(bytes)
    }

    fn content(&self, header: Header, padding: usize) -> Result<Vec<u8>, Obstacle> {
        self.read(header.offset, header.size, padding)
    }
}

impl Elf {
    /// Reads what matters of `file`.
    pub(super) fn read(file: &File) -> Result<Self, Obstacle> {
        let length = file.metadata().map_err(Obstacle::Io)?.len();
        let reader = Reader { file, length };
        let start = reader.read(0, 64.min(length), 64)?;
        let start: &[u8; 64] = start.first_chunk().expect("it is padded");
        check_kind(start)?;
        let headers = section_headers(&reader, start)?;
        let (phoff, phnum) = (u64_of(&start[32..40]), u64::from(u16_of(&start[56..58])));
        let program_headers = reader.read(phoff, phnum * 56, 0)?;
        let mut elf = Elf {
            sections: Vec::new(),
            thread_sections: Vec::new(),
            thread_pointer: thread_pointer(&program_headers),
            functions: Vec::new(),
            aliases: Vec::new(),
            objects: Vec::new(),
            thread_locals: Vec::new(),
            names: Vec::new(),
            standard: None,
            relocations: Vec::new(),
            externals: Vec::new(),
            initializers: Vec::new(),
            build_id: Vec::new(),
            compilers: Vec::new(),
            headers: program_headers,
        };
        let names_at = usize::from(u16_of(&start[62..64]));
        let names = headers.get(names_at).ok_or(Obstacle::NoSymbols)?;
        let names = reader.content(*names, 0)?;
        if let Some(comment) = headers.iter().find(|header| text_at(&names, header.name) == b".comment") {
            elf.compilers = reader.content(*comment, 0)?;
        }
        elf.load_sections(&reader, &headers, &names)?;
        elf.load_symbols(&reader, &headers)?;
        elf.load_relocations(&reader, &headers)?;
        Ok(elf)
    }

    /// The section that holds `address`, thread-local ones left out.
    pub(super) fn section_at(&self, address: u64) -> Option<&Section> {
        self.section_number(address).map(|number| &self.sections[number])
    }

    pub(super) fn section_number(&self, address: u64) -> Option<usize> {
        // Written out, since it is asked for each reference: closures cost where nothing is optimized.
        let (mut low, mut high) = (0, self.sections.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.sections[middle].start <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low > 0 && address < self.sections[low - 1].end { Some(low - 1) } else { None }
    }

    /// Whether `address` is in a section of code.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.section_at(address).is_some_and(|section| section.is_code)
    }

    /// Whether `address` is in the table of addresses that the loader fills, and not of a thread-local there.
    pub(super) fn is_got(&self, address: u64) -> bool {
        let is_thread_local = |relocation: &Relocation| matches!(relocation.target, Target::ThreadLocal(_));
        self.section_at(address).is_some_and(|section| section.name.starts_with(".got"))
            && !self.relocations_in(address, address + 1).iter().any(is_thread_local)
    }

    /// The object with a symbol that holds `address`.
    pub(super) fn object_at(&self, address: u64) -> Option<usize> {
        symbol_at(&self.objects, address)
    }

    /// The relocations of slots that begin between two addresses.
    pub(super) fn relocations_in(&self, start: u64, end: u64) -> &[Relocation] {
        let first = self.first_relocation(start);
        let mut last = first;
        while last < self.relocations.len() && self.relocations[last].slot < end {
            last += 1;
        }
        &self.relocations[first..last]
    }

    fn first_relocation(&self, start: u64) -> usize {
        let (mut low, mut high) = (0, self.relocations.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.relocations[middle].slot < start {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The eight bytes at `address`, if they are no address.
    pub(super) fn number_at(&self, address: u64) -> Option<u64> {
        let is_address = !self.relocations_in(address.saturating_sub(7), address + 8).is_empty();
        let bytes = self.section_at(address)?.read(address, 8)?;
        (!is_address).then(|| u64_of(bytes))
    }

    fn load_sections(&mut self, reader: &Reader, headers: &[Header], names: &[u8]) -> Result<(), Obstacle> {
        for header in headers.iter().filter(|header| header.flags & SHF_ALLOC != 0 && header.size > 0) {
            let end = header.address.checked_add(header.size).filter(|end| *end < MOST);
            let section = Section {
                name: String::from_utf8_lossy(text_at(names, header.name)).into_owned(),
                start: header.address,
                end: end.ok_or(Obstacle::Malformed("a section is too large"))?,
                is_code: header.flags & SHF_EXECINSTR != 0,
                is_writable: header.flags & SHF_WRITE != 0,
                is_thread_local: header.flags & SHF_TLS != 0,
                bytes: match header.kind {
                    SHT_NOBITS => Vec::new(),
                    _ => reader.content(*header, PADDING)?,
                },
            };
            if header.kind == SHT_NOTE && section.name == ".note.gnu.build-id" {
                self.build_id = section.bytes.get(16..section.bytes.len() - PADDING).unwrap_or(&[]).to_vec();
            }
            if matches!(header.kind, SHT_INIT_ARRAY | SHT_PREINIT_ARRAY) {
                self.initializers.extend((section.start..section.end).step_by(8));
            }
            if section.is_thread_local {
                self.thread_sections.push(section);
            } else {
                self.sections.push(section);
            }
        }
        self.sections.sort_by_key(|section| section.start);
        let is_overlapping = |pair: &[Section]| pair[0].end > pair[1].start;
        if self.sections.windows(2).any(is_overlapping) {
            return Err(Obstacle::Malformed("sections overlap"));
        }
        Ok(())
    }
}

fn check_kind(start: &[u8; 64]) -> Result<(), Obstacle> {
    if start[..4] != *b"\x7fELF" || start[4] != 2 || start[5] != 1 || u16_of(&start[18..20]) != 62 {
        return Err(Obstacle::OtherPlatform);
    }
    // ET_DYN: also shared libraries, which are told apart by where they are loaded.
    if u16_of(&start[16..18]) == 3 { Ok(()) } else { Err(Obstacle::FixedAddresses) }
}

fn section_headers(reader: &Reader, start: &[u8; 64]) -> Result<Vec<Header>, Obstacle> {
    let (offset, count) = (u64_of(&start[40..48]), u64::from(u16_of(&start[60..62])));
    if offset == 0 || count == 0 || u16_of(&start[58..60]) != 64 {
        return Err(Obstacle::NoSymbols);
    }
    let bytes = reader.read(offset, count * 64, 0)?;
    let header = |bytes: &[u8; 64]| Header {
        name: u32_of(&bytes[0..4]),
        kind: u32_of(&bytes[4..8]),
        flags: u64_of(&bytes[8..16]),
        address: u64_of(&bytes[16..24]),
        offset: u64_of(&bytes[24..32]),
        size: u64_of(&bytes[32..40]),
        link: u32_of(&bytes[40..44]),
    };
    Ok(bytes.as_chunks::<64>().0.iter().map(header).collect())
}

fn thread_pointer(headers: &[u8]) -> u64 {
    let is_thread = |header: &&[u8; 56]| u32_of(&header[0..4]) == PT_TLS;
    let Some(header) = headers.as_chunks::<56>().0.iter().find(is_thread) else { return 0 };
    let end = u64_of(&header[16..24]).wrapping_add(u64_of(&header[40..48]));
    let align = u64_of(&header[48..56]).max(1);
    end.checked_next_multiple_of(align).unwrap_or(0)
}

/// The text that ends with a zero.
pub(super) fn text_at(names: &[u8], at: u32) -> &[u8] {
    let rest = names.get(at as usize..).unwrap_or(&[]);
    CStr::from_bytes_until_nul(rest).map_or(&[], CStr::to_bytes)
}
