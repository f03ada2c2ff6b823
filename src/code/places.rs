//! Where a place in the source goes: whether code does nothing with the address of a `Location` but pass it on.
//!
//! Functions that `#[track_caller]` marks, and methods of traits that it marks (`Index::index`), get the
//! place of their caller as their last argument and hand it to what panics with it. Code that is not
//! optimized keeps it on the stack in between. So the address is [followed](follow) through each function,
//! and into calls. Any other use is one that may tell the place: compared, read through, put into a
//! structure.

mod follow;
mod returns;
mod state;

use std::collections::HashMap;
use std::sync::Arc;

use self::follow::Callee;
use super::elf::Target;
use super::forms::is_place;
use super::names;
use super::reach::Graph;
use super::scan::{Function, Reference};
use super::usage::Block;
use super::x86::{self, Instruction};

/// What is known of functions that get or take a place.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// What those leave of it that pass it on and no more; by address.
    known: HashMap<(u64, Entry), Option<u16>>,
    /// The function that was followed last: as a rule it is asked about several places in a row.
    last: Option<(u64, Instructions)>,
}

/// The instructions of a function with their offsets; `None` if some cannot be read.
type Instructions = Option<Arc<[(u32, Instruction)]>>;

/// How a function comes by the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Entry {
    /// As an argument, in this register.
    Argument(u8),
    /// It takes the address by the instruction that has its distance at this offset.
    Taken { at: u32 },
}

impl Graph {
    /// Whether an address that a function takes is that of a place in the source, which goes to panics of
    /// the standard library and nowhere else.
    pub(super) fn is_told_place(&mut self, function: Function, reference: Reference) -> bool {
        is_place(&self.elf, reference.target)
            && self.passes_on(function, Entry::Taken { at: reference.at }) == Some(0)
    }

    /// The function that is called, if it is one of the program, and its name.
    fn callee(&self, callee: Callee) -> Option<(Option<Function>, &str)> {
        let address = match callee {
            Callee::Code(address) => address,
            Callee::Slot(slot) => match self.elf.relocations_in(slot, slot + 1) {
                [relocation] => match relocation.target {
                    Target::Address(address) => address,
                    Target::External(number, _) => return Some((None, &self.elf.externals[number as usize])),
                    _ => return None,
                },
                _ => return None,
            },
        };
        if let Some(slot) = self.stub(address) {
            return self.callee(Callee::Slot(slot));
        }
        let number = self.scan.function_at(address)?;
        let function = self.scan.functions[number];
        let name = self.function_name(number)?;
        (function.symbol.start == address).then_some((Some(function), name))
    }

    /// The slot that a stub of the linker jumps through, if there is one at an address.
    fn stub(&self, address: u64) -> Option<u64> {
        let section = self.elf.section_at(address).filter(|section| section.name.starts_with(".plt"))?;
        let code = &section.padded()[(address - section.start) as usize..];
        let mut offset = 0;
        let mut instruction = x86::decode(code, offset)?;
        if instruction.is_hint() {
            offset += usize::from(instruction.length);
            instruction = x86::decode(code, offset)?;
        }
        let next = address + offset as u64 + u64::from(instruction.length);
        let is_jump = instruction.is_indirect_jump() && instruction.is_relative_to_itself();
        is_jump.then(|| next.wrapping_add_signed(instruction.displacement(&code[offset..])))
    }

    /// What a function that does nothing with a place but pass it on leaves of it in registers; `None` if it
    /// uses the place.
    ///
    /// All that the place may be passed to is assumed to use nothing and leave nothing until it is seen to:
    /// so circles do not matter, nor does what was asked before.
    fn passes_on(&mut self, function: Function, entry: Entry) -> Option<u16> {
        let key = (function.symbol.start, entry);
        if let Some(known) = self.places.known.get(&key) {
            return *known;
        }
        let mut assumed = HashMap::from([(key, Some(0))]);
        let mut open = vec![(function, entry)];
        loop {
            let (mut is_stable, seen) = (true, open.len());
            // What is called last, first: answers go from there to the callers.
            for (function, entry) in open.clone().into_iter().rev() {
                let key = (function.symbol.start, entry);
                let Some(Some(before)) = assumed.get(&key).copied() else { continue };
                let instructions = self.instructions_of(function);
                let left = self.follow_place(function, instructions, entry, &mut |callee, entry| {
                    let key = (callee.symbol.start, entry);
                    let known = self.places.known.get(&key).or_else(|| assumed.get(&key)).copied();
                    known.unwrap_or_else(|| {
                        open.push((callee, entry));
                        assumed.insert(key, Some(0));
                        Some(0)
                    })
                });
                let left = left.map(|left| left | before);
                is_stable &= left == Some(before);
                assumed.insert(key, left);
            }
            if is_stable && open.len() == seen {
                break;
            }
        }
        self.places.known.extend(assumed);
        self.places.known[&key]
    }

    fn instructions_of(&mut self, function: Function) -> Instructions {
        let start = function.symbol.start;
        match &self.places.last {
            Some((last, instructions)) if *last == start => instructions.clone(),
            _ => {
                let instructions = self.decode(function);
                self.places.last = Some((start, instructions.clone()));
                instructions
            }
        }
    }

    fn decode(&self, function: Function) -> Instructions {
        let (start, end) = (function.symbol.start, function.symbol.end);
        let section = self.elf.section_at(start).filter(|_| !function.is_unreadable)?;
        let code = &section.padded()[(start - section.start) as usize..];
        let mut instructions = Vec::new();
        let mut offset = 0;
        while offset < (end - start) as usize {
            let instruction = x86::decode(code, offset)?;
            instructions.push((u32::try_from(offset).ok()?, instruction));
            offset += usize::from(instruction.length);
        }
        Some(instructions.into())
    }

    /// One pass over a function, see [`follow`].
    fn follow_place(
        &self,
        function: Function,
        instructions: Instructions,
        entry: Entry,
        ask: &mut dyn FnMut(Function, Entry) -> Option<u16>,
    ) -> Option<u16> {
        let (start, end) = (function.symbol.start, function.symbol.end);
        let instructions = instructions?;
        let section = self.elf.section_at(start)?;
        let code = &section.padded()[(start - section.start) as usize..];
        let (first, register) = match entry {
            Entry::Argument(register) => (0, register),
            Entry::Taken { at } => {
                let behind = instructions.partition_point(|(offset, _)| *offset <= at);
                (behind, instructions[behind.checked_sub(1)?].1.register())
            }
        };
        let tables = function.references().filter_map(|reference| self.tables.get(&reference));
        let jumps = tables.filter(|table| table.jumps).flat_map(|table| table.targets.iter().copied());
        let jumps: Vec<u64> = jumps.filter(|target| start <= *target && *target < end).collect();
        let block = Block { start, files: function.symbol.files, code, instructions: &instructions };
        let left =
            follow::follow(&block, (end, &jumps), first, register, &mut |callee, register| match self
                .callee(callee)?
            {
                (_, name) if names::panics_with(name, register) => Some(0),
                (Some(callee), _) => ask(callee, Entry::Argument(register)),
                // A register that nobody has written since.
                (None, name) => names::is_behind_arguments(name, register).then_some(0),
            })?;
        let returns_elsewhere = |name| {
            names::crate_of(name).is_some_and(names::is_standard)
                && (names::is_index(name) || names::is_check(name) || returns::returns_in_memory(&block))
        };
        let is_no_value = left != 0 && self.name_at(start).is_some_and(returns_elsewhere);
        Some(if is_no_value { 0 } else { left })
    }

    fn name_at(&self, address: u64) -> Option<&str> {
        self.function_name(self.scan.function_at(address)?)
    }
}
