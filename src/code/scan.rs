//! One pass over all code: what each function refers to.

use std::ops::Range;

use super::elf::{Elf, Files, Section, Symbol};
use super::thread;
use super::usage::{self, Use};
use super::x86::{self, Instruction, THREAD};

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

/// Reads one function after the other.
struct Reader<'e> {
    elf: &'e Elf,
    symbol: Symbol,
    code: &'e [u8],
    instructions: Vec<(u32, Instruction)>,
    /// Offsets that branches of the function go to.
    labels: Vec<u32>,
    /// The numbers of instructions that refer to something, and of those that may read distances.
    referring: Vec<usize>,
    extending: Vec<usize>,
    /// Which instructions take the address of a table of distances.
    tables: Vec<usize>,
    loads_thread_pointer: bool,
    has_wide_number: bool,
    function: Function,
}

impl<'e> Reader<'e> {
    fn new(elf: &'e Elf) -> Self {
        let symbol = Symbol { start: 0, end: 0, name: u32::MAX, files: Files::ALL, is_shared: true };
        Reader {
            elf,
            symbol,
            code: &[],
            instructions: Vec::new(),
            labels: Vec::new(),
            referring: Vec::new(),
            extending: Vec::new(),
            tables: Vec::new(),
            loads_thread_pointer: false,
            has_wide_number: false,
            function: Function::new(symbol),
        }
    }

    fn read(&mut self, section: &'e Section, symbol: Symbol, starts: &mut Bits, scan: &mut Scan) -> Function {
        self.symbol = symbol;
        self.code = &section.padded()[(symbol.start - section.start) as usize..];
        self.function = Function::new(symbol);
        self.instructions.clear();
        self.labels.clear();
        self.referring.clear();
        self.extending.clear();
        self.tables.clear();
        self.loads_thread_pointer = false;
        self.has_wide_number = false;
        let first = scan.references.len();
        self.function.is_unreadable = !self.take_apart(starts);
        for at in 0..self.extending.len() {
            self.find_table(self.extending[at]);
        }
        for at in 0..self.referring.len() {
            self.refer(self.referring[at], scan);
        }
        if self.loads_thread_pointer {
            self.refer_through_thread_pointer(&mut scan.references);
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.function.references = (number(first), number(scan.references.len()));
        self.function
    }

    /// Finds the instructions; whether each byte belongs to one, and each branch goes to one.
    fn take_apart(&mut self, starts: &mut Bits) -> bool {
        let size = (self.symbol.end - self.symbol.start) as usize;
        let code = self.code;
        let mut offset = 0;
        while offset < size {
            let Some(instruction) = x86::decode(code, offset) else { return false };
            starts.set(self.symbol.start + offset as u64);
            let place = offset;
            offset += usize::from(instruction.length);
            if instruction.is_relative_branch() {
                let target = (offset as i64).wrapping_add(instruction.immediate(&code[place..]));
                // A call of what follows it is how old code finds its own address.
                if target == offset as i64 && offset < size && instruction.is_call() {
                    return false;
                }
                if target >= 0 && target < size as i64 {
                    self.labels.push(target.cast_unsigned() as u32);
                } else {
                    self.referring.push(self.instructions.len());
                }
            } else if instruction.is_relative_to_itself() || instruction.prefixes & THREAD != 0 {
                self.referring.push(self.instructions.len());
            }
            self.has_wide_number |= instruction.immediate_size == 8;
            if instruction.opcode == 0xff && instruction.is_indirect_jump() {
                self.function.jumps_by_register = true;
            } else if instruction.opcode == 0x63 && instruction.is(0x63) && instruction.index().is_some() {
                self.extending.push(self.instructions.len());
            }
            self.instructions.push((place as u32, instruction));
        }
        self.labels.sort_unstable();
        let start = self.symbol.start;
        let is_start = |label: &u32| {
            let address = start + u64::from(*label);
            // The C library jumps over a `lock` prefix where there is but one thread.
            let skips_lock =
                |label: u32| code[label as usize] == 0xf0 && starts.has(start + u64::from(label));
            starts.has(address) || label.checked_sub(1).is_some_and(skips_lock)
        };
        offset == size && self.labels.iter().all(is_start)
    }

    fn refer(&mut self, number: usize, scan: &mut Scan) {
        let (offset, instruction) = self.instructions[number];
        let bytes = &self.code[offset as usize..];
        let place = self.symbol.start + u64::from(offset);
        let next = place + u64::from(instruction.length);
        if instruction.is_relative_branch() {
            let target = next.wrapping_add_signed(instruction.immediate(bytes));
            let at = offset + u32::from(instruction.immediate_at);
            let size = instruction.immediate_size;
            scan.references.push(Reference { at, size, how: How::Branch, target, usage: NO_USE });
        } else if instruction.is_relative_to_itself() {
            let target = next.wrapping_add_signed(instruction.displacement(bytes));
            let how = match instruction.width() {
                None => How::Address,
                Some(width) if instruction.may_write() => How::Write(width),
                Some(width) => How::Read(width),
            };
            let mut usage = NO_USE;
            // Code for programs of more than 2 GB adds wide distances to an address of its own, or of the GOT.
            let is_own = self.symbol.start < target && target < self.symbol.end || target == place;
            if how == How::Address && (is_own && self.has_wide_number || self.elf.is_got(target)) {
                self.function.is_unreadable = true;
            }
            if how == How::Address && !self.elf.is_code(target) {
                usage = u32::try_from(scan.uses.len()).unwrap_or(NO_USE);
                let is_table = self.tables.contains(&number);
                let block = usage::Block {
                    start: self.symbol.start,
                    code: self.code,
                    instructions: &self.instructions,
                };
                scan.uses.push(block.usage(number, is_table));
            }
            let at = offset + u32::from(instruction.displacement_at);
            scan.references.push(Reference { at, size: 4, how, target, usage });
        } else {
            self.refer_to_thread(number, &mut scan.references);
        }
    }

    /// Finds where the address of the table was taken from which instruction `number` loads a distance,
    /// if it adds what it loads to the table's address.
    fn find_table(&mut self, number: usize) {
        let load = self.instructions[number].1;
        let is_base = |register: u8| load.counts_from(register);
        let adds_base = self.instructions[number + 1..].iter().take(6).any(|(_, i)| {
            let loaded = load.register();
            (i.is(0x01) || i.is(0x03))
                && matches!((i.register(), i.other_register()), (a, Some(b))
                    if a == loaded && is_base(b) || b == loaded && is_base(a))
        });
        if !adds_base {
            return;
        }
        for at in (0..number).rev() {
            let i = self.instructions[at].1;
            if i.is(0x8d) && i.is_relative_to_itself() && is_base(i.register()) {
                self.tables.push(at);
                return;
            }
            if i.is(0x8b) && load.base() == Some(i.register()) {
                break;
            }
        }
        self.function.reads_distances = true;
    }

    /// `fs:` with a distance is a thread-local; `fs:0` is the thread pointer.
    fn refer_to_thread(&mut self, number: usize, references: &mut Vec<Reference>) {
        let (offset, instruction) = self.instructions[number];
        let is_plain = instruction.has_memory_operand()
            && instruction.base().is_none()
            && instruction.index().is_none()
            && instruction.has_long_displacement();
        let distance = instruction.displacement(&self.code[offset as usize..]);
        if !is_plain || distance == 0 && !instruction.is(0x8b) {
            self.function.any_thread_local = true;
        } else if distance < 0 {
            references.push(self.thread_local(number));
        } else if distance == 0 {
            self.loads_thread_pointer = true;
        }
        // What lies above is the system's: the guard of the stack, for instance.
    }

    fn refer_through_thread_pointer(&mut self, references: &mut Vec<Reference>) {
        match thread::follow(&self.instructions, self.code) {
            Some(found) => references.extend(found.into_iter().map(|number| self.thread_local(number))),
            None => self.function.any_thread_local = true,
        }
    }

    fn thread_local(&self, number: usize) -> Reference {
        let (offset, instruction) = self.instructions[number];
        let distance = instruction.displacement(&self.code[offset as usize..]);
        let at = offset + u32::from(instruction.displacement_at);
        let target = self.elf.thread_pointer.wrapping_add_signed(distance);
        Reference { at, size: 4, how: How::Thread, target, usage: NO_USE }
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
