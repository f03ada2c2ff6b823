//! What a piece consists of: its bytes, and what they refer to.

use std::collections::HashMap;

use super::Obstacle;
use super::constants::{Extent, Pointer};
use super::elf::Section;
use super::names;
use super::reach::{Graph, Id, What};
use super::scan::{Function, How, NO_USE, Reference};
use super::unwind::Handler;

/// A piece, taken apart.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) digest: [u8; 32],
    /// What it refers to, each once, in the order of the first reference; whether it may write there.
    pub(super) targets: Vec<(Id, bool)>,
    /// Data that belongs to it: tables, and constants that are only loaded.
    pub(super) inner: Vec<Extent>,
}

const FEW: usize = 24;

/// Collects what a piece consists of.
#[derive(Default)]
pub(super) struct Description {
    pub(super) content: Vec<u8>,
    targets: Vec<(Id, bool)>,
    /// The places of targets behind the first [`FEW`].
    numbers: HashMap<Id, usize>,
    inner: Vec<Extent>,
}

impl Description {
    fn number(&mut self, number: u64) {
        self.content.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn refer(&mut self, id: Id, offset: u64, may_write: bool) {
        let local = self.local(id);
        self.targets[local].1 |= may_write;
        self.content.push(b'@');
        self.number(local as u64);
        self.number(offset);
    }

    /// The place of a target among the targets.
    fn local(&mut self, id: Id) -> usize {
        // Most pieces have few.
        for at in 0..self.targets.len().min(FEW) {
            if self.targets[at].0 == id {
                return at;
            }
        }
        let next = self.targets.len();
        let local = if next < FEW { next } else { *self.numbers.entry(id).or_insert(next) };
        if local == next {
            self.targets.push((id, false));
        }
        local
    }

    fn finish(self) -> Described {
        Described {
            digest: *blake3::hash(&self.content).as_bytes(),
            targets: self.targets,
            inner: self.inner,
        }
    }
}

impl Graph {
    /// Takes a piece apart, if that was not done yet.
    pub(super) fn describe(&mut self, id: Id) -> Result<(), Obstacle> {
        if self.pieces[id as usize].1.is_some() {
            return Ok(());
        }
        let mut description = Description::default();
        match self.pieces[id as usize].0.clone() {
            What::Function(number) => self.describe_function(number, &mut description)?,
            What::Object(number) => {
                let symbol = self.elf.objects[number];
                self.describe_data(Extent { start: symbol.start, end: symbol.end }, &mut description)?;
            }
            What::Section(extent) => self.describe_data(extent, &mut description)?,
            What::Data(part) => {
                self.describe_data(self.without_padding(self.constants.extent(part)), &mut description)?;
                if let Some(next) = self.constants.next(&self.elf, &self.scan, part) {
                    let id = self.id(What::Data(next));
                    description.refer(id, 0, true);
                }
            }
            What::ThreadLocal(number) => {
                let symbol = self.elf.thread_locals[number];
                self.describe_thread_local(symbol.start, symbol.end, &mut description)?;
            }
            What::ThreadLocals => {
                let sections = self.elf.thread_sections.iter();
                let extents: Vec<_> = sections.map(|section| (section.start, section.end)).collect();
                for (start, end) in extents {
                    self.describe_thread_local(start, end, &mut description)?;
                }
            }
            What::Named(name) => {
                description.content.push(b'n');
                description.content.extend(name.as_bytes());
            }
        }
        self.pieces[id as usize].1 = Some(description.finish());
        Ok(())
    }

    fn describe_function(&mut self, number: usize, out: &mut Description) -> Result<(), Obstacle> {
        let function = self.scan.functions[number];
        let name = self.function_name(number);
        if self.is_boundary(name) {
            out.content.extend(b"boundary ");
            out.content.extend(names::readable(name.unwrap_or_default()).as_bytes());
            return Ok(());
        }
        if function.is_unreadable {
            return Err(Obstacle::Unreadable(self.title(&What::Function(number))));
        }
        let symbol = function.symbol;
        let section = self.elf.section_at(symbol.start).ok_or(Obstacle::NoFunction(symbol.start))?;
        let code = section.read(symbol.start, symbol.end - symbol.start);
        out.content.push(b'f');
        out.content.extend_from_slice(code.ok_or(Obstacle::NoFunction(symbol.start))?);
        let numbers = function.references();
        let references = self.scan.references(&function).to_vec();
        for reference in &references {
            let at = 1 + reference.at as usize;
            out.content[at..at + usize::from(reference.size)].fill(0);
        }
        for (number, reference) in numbers.zip(references) {
            out.number(u64::from(reference.at));
            self.refer_from_code(number, reference, function, out)?;
        }
        if function.any_thread_local {
            let id = self.id(What::ThreadLocals);
            out.refer(id, 0, true);
        }
        let unwinding = self.frames.unwinding(&self.elf, symbol.start, symbol.end)?;
        out.number(unwinding.content.len() as u64);
        out.content.extend(unwinding.content);
        for handler in unwinding.targets {
            match handler {
                Handler::Address(address) => self.refer(address, None, out)?,
                Handler::Slot(slot) => self.refer_to_slot(slot, out)?,
            }
        }
        Ok(())
    }

    fn refer_from_code(
        &mut self,
        number: usize,
        reference: Reference,
        function: Function,
        out: &mut Description,
    ) -> Result<(), Obstacle> {
        if let Some(table) = self.tables.get(&number) {
            let (start, jumps) = (table.start, table.jumps);
            let targets = table.targets.clone();
            out.inner.push(Extent { start, end: start + targets.len() as u64 * 4 });
            out.number(targets.len() as u64);
            for target in targets {
                let is_inside = function.symbol.start <= target && target < function.symbol.end;
                if is_inside {
                    out.number(target - function.symbol.start);
                } else {
                    self.refer(target, (!jumps).then_some(Pointer::Distance), out)?;
                }
            }
            return Ok(());
        }
        let target = reference.target;
        match reference.how {
            How::Branch => self.refer(target, None, out),
            How::Thread => {
                self.refer_to_thread_local(target, out);
                Ok(())
            }
            How::Address => {
                if self.is_told_place(function, reference) {
                    out.content.extend(b"place");
                    return Ok(());
                }
                let pointer = (reference.usage != NO_USE).then_some(Pointer::Code(reference.usage));
                self.refer(target, pointer, out)
            }
            How::Read(width) => {
                out.content.push(b'r');
                if width == 8 && self.is_slot(target) {
                    self.refer_to_slot(target, out)
                } else if self.is_constant_without_symbol(target) {
                    let end = self.elf.section_at(target).map_or(target, |section| section.end);
                    let end = end.min(target + u64::from(width));
                    out.inner.push(Extent { start: target, end });
                    self.content(target, end, out)
                } else {
                    self.refer_to_memory(target, false, out)
                }
            }
            How::Write(_) => {
                out.content.push(b'w');
                self.refer_to_memory(target, true, out)
            }
        }
    }

    fn describe_data(&mut self, extent: Extent, out: &mut Description) -> Result<(), Obstacle> {
        out.content.push(b'd');
        self.content(extent.start, extent.end, out)
    }

    /// Leaves out zeros at the end, which may be padding that depends on where the linker put the data. What
    /// reads them as content reads zeros in any program with this digest.
    fn without_padding(&self, extent: Extent) -> Extent {
        let Extent { start, mut end } = extent;
        let Some(section) = self.elf.section_at(start).filter(|section| !section.is_zero()) else {
            return extent;
        };
        let bytes = section.read(start, end - start).unwrap_or(&[]);
        let last = self.elf.relocations_in(start, end).last().map_or(start, |slot| slot.slot + 8);
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
        end = end.min(last.max(start + used));
        Extent { start, end }
    }

    /// The bytes between two addresses of a section, with what its slots point to.
    fn content(&mut self, start: u64, end: u64, out: &mut Description) -> Result<(), Obstacle> {
        out.number(end - start);
        let section = self.elf.section_at(start).ok_or(Obstacle::NoData(start))?;
        if section.is_zero() {
            return Ok(());
        }
        let bytes = section.read(start, end - start).ok_or(Obstacle::NoData(start))?;
        let at = out.content.len();
        out.content.extend_from_slice(bytes);
        self.content_of_slots(start, end, at, out)
    }

    fn content_of_slots(
        &mut self,
        start: u64,
        end: u64,
        at: usize,
        out: &mut Description,
    ) -> Result<(), Obstacle> {
        let slots = self.elf.relocations_in(start.saturating_sub(7), end).to_vec();
        for relocation in slots {
            // A slot may begin before the bytes, or end behind them.
            let from = relocation.slot.max(start) - start;
            let to = (relocation.slot + 8).min(end) - start;
            out.content[at + from as usize..at + to as usize].fill(0);
            out.number(relocation.slot.wrapping_sub(start));
            self.refer_to_target(relocation.target, Some(Pointer::Slot(relocation.slot)), out)?;
        }
        Ok(())
    }

    fn describe_thread_local(&mut self, start: u64, end: u64, out: &mut Description) -> Result<(), Obstacle> {
        out.content.push(b't');
        out.number(end - start);
        let holds = |section: &&Section| section.start <= start && end <= section.end;
        let section = self.elf.thread_sections.iter().find(holds).ok_or(Obstacle::NoData(start))?;
        if section.is_zero() {
            return Ok(());
        }
        let at = out.content.len();
        out.content.extend(section.read(start, end - start).ok_or(Obstacle::NoData(start))?);
        self.content_of_slots(start, end, at, out)
    }
}
