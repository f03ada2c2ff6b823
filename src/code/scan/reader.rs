//! One function taken apart: its instructions, and what they refer to.

use super::{Bits, Function, How, NO_USE, Reference, Scan};
use crate::code::elf::{Elf, Files, Section, Symbol};
use crate::code::thread;
use crate::code::usage;
use crate::code::x86::{self, Instruction, THREAD};

/// Reads one function after the other.
pub(super) struct Reader<'e> {
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
    pub(super) fn new(elf: &'e Elf) -> Self {
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

    pub(super) fn read(
        &mut self,
        section: &'e Section,
        symbol: Symbol,
        starts: &mut Bits,
        scan: &mut Scan,
    ) -> Function {
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
                    files: self.symbol.files,
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
