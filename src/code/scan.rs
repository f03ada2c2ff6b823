//! One pass over all code: what each function refers to.

mod reader;

use std::ops::Range;

use self::reader::Reader;
use super::elf::{Elf, Files, Section, Symbol};
use super::usage::Use;
use super::x86;

/// A place in a function's code that holds an address in some form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    /// Where the field is, from the function's start, and how many bytes it has.
    pub(super) at: u32,
    pub(super) size: u8,
    pub(super) how: How,
    pub(super) target: u64,
    /// Of an address of data: the number of its [`Use`]; else [`NO_USE`].
    pub(super) usage: u32,
}

/// What is done with the target of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Called, or jumped to.
    Branch,
    /// Its address is taken: what is done with it is open.
    Address,
    /// That many bytes of it, at most, are read.
    Read(u16),
    /// That many bytes of it, at most, are written, and perhaps read.
    Write(u16),
    /// A thread-local, at this address of the template.
    Thread,
}

pub(super) const NO_USE: u32 = u32::MAX;

/// A function, and what of it could be told.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Function {
    pub(super) symbol: Symbol,
    /// The numbers of its first reference and of the one behind its last.
    references: (u32, u32),
    /// Bytes that could not be taken apart, a jump between instructions, or addresses that are counted
    /// from a base.
    pub(super) is_unreadable: bool,
    /// Whether it reads 32-bit distances from a table whose address it took somewhere; and whether it
    /// jumps to computed places.
    pub(super) reads_distances: bool,
    pub(super) jumps_by_register: bool,
    /// Whether it uses thread-locals in a way that does not tell which.
    pub(super) any_thread_local: bool,
}

/// All functions of a program, and their references.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// By address; behind them, in no order, those that were [added](Scan::add_nameless).
    pub(super) functions: Vec<Function>,
    named: usize,
    references: Vec<Reference>,
    pub(super) uses: Vec<Use>,
    /// Where instructions begin, by section.
    starts: Vec<Bits>,
}

impl Scan {
    pub(super) fn of(elf: &Elf) -> Self {
        let mut scan = Scan::default();
        let mut reader = Reader::new(elf);
        for section in elf.sections.iter().filter(|section| section.is_code && !section.is_zero()) {
            let mut bits = Bits::new(section.start, section.end);
            let is_inside = |s: &&Symbol| section.start <= s.start && s.end <= section.end;
            for symbol in elf.functions.iter().filter(is_inside) {
                let function = reader.read(section, *symbol, &mut bits, &mut scan);
                scan.functions.push(function);
            }
            scan.starts.push(bits);
        }
        scan.functions.sort_by_key(|function| function.symbol.start);
        scan.named = scan.functions.len();
        scan.infer_files();
        scan
    }

    /// Linkers lay out one object file's code behind the other's: what stands between functions of known files
    /// is of a file between them.
    fn infer_files(&mut self) {
        let mut from = 0;
        let mut first = None;
        for at in 0..self.functions.len() {
            let files = self.functions[at].symbol.files;
            if !files.is_known() {
                continue;
            }
            if let Some(first) = first.filter(|first| *first <= files.last) {
                for function in &mut self.functions[from..at] {
                    function.symbol.files = Files { first, last: files.last };
                }
            }
            (from, first) = (at + 1, Some(files.first));
        }
    }

    /// The number of the function that holds `address`.
    pub(super) fn function_at(&self, address: u64) -> Option<usize> {
        let holds = |number: usize| {
            let symbol = self.functions[number].symbol;
            symbol.start <= address && address < symbol.end
        };
        let (mut low, mut high) = (0, self.named);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.functions[middle].symbol.start <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low > 0 && holds(low - 1) {
            return Some(low - 1);
        }
        (self.named..self.functions.len()).find(|number| holds(*number))
    }

    /// Reads code that belongs to no symbol, for instance a stub of the linker: from `start` to the
    /// first instruction behind which nothing of it is reached. Returns the function's number.
    pub(super) fn add_nameless(&mut self, elf: &Elf, start: u64, limit: u64) -> Option<usize> {
        let section = elf.section_at(start).filter(|section| section.is_code && !section.is_zero())?;
        let end = nameless_end(section, start, limit.min(section.end))?;
        let symbol = Symbol { start, end, name: u32::MAX, files: Files::ALL, is_shared: true };
        let at = self.starts.iter().position(|bits| bits.start <= start && start < bits.end)?;
        let mut bits = std::mem::take(&mut self.starts[at]);
        let mut function = Reader::new(elf).read(section, symbol, &mut bits, self);
        self.starts[at] = bits;
        if end == limit {
            // What follows may be run on into.
            let at = (end - start) as u32;
            self.references.push(Reference { at, size: 0, how: How::Branch, target: end, usage: NO_USE });
            function.references.1 += 1;
        }
        self.functions.push(function);
        Some(self.functions.len() - 1)
    }

    pub(super) fn references(&self, function: &Function) -> &[Reference] {
        &self.references[function.references()]
    }

    /// Whether an instruction that was read begins at `address`.
    pub(super) fn is_start(&self, address: u64) -> bool {
        let bits = self.starts.iter().find(|bits| bits.start <= address && address < bits.end);
        bits.is_some_and(|bits| bits.has(address))
    }
}

fn nameless_end(section: &Section, start: u64, limit: u64) -> Option<u64> {
    let code = section.padded();
    let mut address = start;
    let mut furthest = start;
    while address < limit {
        let at = (address - section.start) as usize;
        let instruction = x86::decode(code, at)?;
        address += u64::from(instruction.length);
        if instruction.is_relative_branch() && !instruction.is_call() {
            let target = address.wrapping_add_signed(instruction.immediate(&code[at..]));
            if furthest < target && target < limit && target - start < 4096 {
                furthest = target;
            }
        }
        if instruction.ends_flow() && address > furthest {
            return Some(address);
        }
    }
    (address == limit).then_some(limit)
}

/// A bit for each byte of a section.
#[derive(Debug, Default)]
struct Bits {
    start: u64,
    end: u64,
    words: Vec<u64>,
}

impl Bits {
    fn new(start: u64, end: u64) -> Self {
        Bits { start, end, words: vec![0; (end - start) as usize / 64 + 1] }
    }

    fn set(&mut self, address: u64) {
        let at = (address - self.start) as usize;
        self.words[at >> 6] |= 1 << (at & 63);
    }

    fn has(&self, address: u64) -> bool {
        let at = (address - self.start) as usize;
        self.words[at >> 6] >> (at & 63) & 1 == 1
    }
}

impl Function {
    fn new(symbol: Symbol) -> Self {
        Function {
            symbol,
            references: (0, 0),
            is_unreadable: false,
            reads_distances: false,
            jumps_by_register: false,
            any_thread_local: false,
        }
    }

    /// The numbers of its references.
    pub(super) fn references(&self) -> Range<usize> {
        self.references.0 as usize..self.references.1 as usize
    }
}
