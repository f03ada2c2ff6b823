//! Which piece an address belongs to.

use super::Obstacle;
use super::constants::{Extent, Pointer, files, walks};
use super::describe::Description;
use super::elf::{Files, Section, Target, symbol_at};
use super::forms::is_formed;
use super::reach::{Graph, What};
use super::usage::Walks;

impl Graph {
    pub(super) fn is_slot(&self, address: u64) -> bool {
        let is_constant = self.elf.section_at(address).is_some_and(is_constant);
        is_constant && self.elf.relocations_in(address, address + 1).len() == 1
    }

    pub(super) fn is_constant_without_symbol(&self, address: u64) -> bool {
        self.elf.section_at(address).is_some_and(is_constant) && self.elf.object_at(address).is_none()
    }

    /// What is in a slot that the loader fills.
    pub(super) fn refer_to_slot(&mut self, slot: u64, out: &mut Description) -> Result<(), Obstacle> {
        let [relocation] = *self.elf.relocations_in(slot, slot + 1) else {
            return self.refer_to_memory(slot, true, out);
        };
        self.refer_to_target(relocation.target, None, out)
    }

    pub(super) fn refer_to_target(
        &mut self,
        target: Target,
        pointer: Option<Pointer>,
        out: &mut Description,
    ) -> Result<(), Obstacle> {
        match target {
            Target::Address(address) => self.refer(address, pointer, out),
            Target::Resolver(address) => {
                out.content.push(b'i');
                self.refer(address, None, out)
            }
            Target::ThreadLocal(address) => {
                self.refer_to_thread_local(address, out);
                Ok(())
            }
            Target::External(number, addend) => {
                let id = self.id(What::Named(self.elf.externals[number as usize].clone()));
                out.refer(id, addend.cast_unsigned(), true);
                Ok(())
            }
        }
    }

    pub(super) fn refer_to_thread_local(&mut self, address: u64, out: &mut Description) {
        let Some(number) = symbol_at(&self.elf.thread_locals, address) else {
            let id = self.id(What::ThreadLocals);
            let start = self.elf.thread_sections.iter().map(|section| section.start).min();
            out.refer(id, address.wrapping_sub(start.unwrap_or(0)), true);
            return;
        };
        let id = self.id(What::ThreadLocal(number));
        out.refer(id, address - self.elf.thread_locals[number].start, true);
    }

    /// A piece of data that is loaded from or stored to.
    pub(super) fn refer_to_memory(
        &mut self,
        address: u64,
        may_write: bool,
        out: &mut Description,
    ) -> Result<(), Obstacle> {
        if let Some(number) = self.elf.object_at(address) {
            let (what, start) = self.object(number);
            let id = self.id(what);
            out.refer(id, address - start, may_write);
            return Ok(());
        }
        self.refer(address, Some(Pointer::Load), out)
    }

    fn object(&self, number: usize) -> (What, u64) {
        let symbol = self.elf.objects[number];
        if self.is_boundary(if symbol.is_shared { None } else { self.name(symbol.name) }) {
            return (What::Named(self.title(&What::Object(number))), symbol.start);
        }
        match self.elf.section_at(symbol.start) {
            Some(section) if is_collection(section) => {
                (What::Section(Extent { start: section.start, end: section.end }), section.start)
            }
            _ => (What::Object(number), symbol.start),
        }
    }

    /// An address of code or data; `pointer` says how data is pointed to.
    pub(super) fn refer(
        &mut self,
        address: u64,
        pointer: Option<Pointer>,
        out: &mut Description,
    ) -> Result<(), Obstacle> {
        let Some(section) = self.elf.section_at(address) else {
            return self.refer_to_edge(address, out);
        };
        if section.is_code {
            let function = self.function_at(address)?;
            let start = self.scan.functions[function].symbol.start;
            let id = self.id(What::Function(function));
            out.refer(id, address - start, false);
            return Ok(());
        }
        if is_of_the_system(section) {
            let id = self.id(What::Named(section.name.clone()));
            out.refer(id, 0, false);
            return Ok(());
        }
        if is_collection(section) {
            let extent = Extent { start: section.start, end: section.end };
            let id = self.id(What::Section(extent));
            out.refer(id, address - extent.start, true);
            return Ok(());
        }
        self.refer_to_data(address, pointer.unwrap_or(Pointer::Distance), out)
    }

    /// An address of data: what it points to, and where code may go on from there.
    fn refer_to_data(
        &mut self,
        address: u64,
        pointer: Pointer,
        out: &mut Description,
    ) -> Result<(), Obstacle> {
        let (walks, files) = (walks(&self.scan, pointer), files(&self.scan, pointer));
        if let Some(number) = self.elf.object_at(address.wrapping_sub(1))
            && self.elf.objects[number].end == address
            && self.may_end(number, walks, files)
        {
            // Its end, however long it is.
            self.refer_elsewhere(number, out);
        }
        if walks != Walks::No || matches!(pointer, Pointer::Slot(_)) {
            for at in 0..self.orphans.len() {
                if self.is_of(self.orphans[at], files) {
                    self.refer_elsewhere(self.orphans[at], out);
                }
            }
        }
        if let Some(number) = self.elf.object_at(address) {
            self.refer_to_object(number, address, out);
            if walks != Walks::No && address != self.elf.objects[number].start {
                self.refer_behind(number, address, files, out);
            }
            return Ok(());
        }
        let found = self.constants.at(&self.elf, &self.scan, address, pointer);
        let (part, goes_left) = found.ok_or(Obstacle::NoData(address))?;
        let id = self.id(What::Data(part));
        let extent = self.constants.extent(part);
        out.refer(id, address - extent.start, true);
        if goes_left && let Some(left) = self.constants.next(&self.elf, &self.scan, part.leftwards()) {
            let id = self.id(What::Data(left));
            out.refer(id, 0, true);
        }
        // What an index counts from may lie before the table.
        if walks == Walks::Yes
            && part.goes_on()
            && let Some(number) = self.elf.object_at(extent.end)
            && self.is_of(number, files)
        {
            self.refer_elsewhere(number, out);
        }
        Ok(())
    }

    /// Whether the address at which an object ends may be taken as its end, by code that goes on from there like that.
    fn may_end(&self, number: usize, walks: Walks, files: Files) -> bool {
        let object = self.elf.objects[number];
        match walks {
            Walks::No => false,
            // It would be too wide for statics that are written to, which draw in what writes them before `main`, for those that
            // hold addresses, which lead on, and for those of other files and of this library, which lie now here, now there.
            Walks::Passed => {
                !self.has_form(object.end)
                    && self.is_of(number, files)
                    && !matches!(self.object(number), (What::Named(_), _))
                    && self.elf.section_at(object.start).is_some_and(is_constant)
                    && self.elf.relocations_in(object.start, object.end).is_empty()
            }
            Walks::Maybe => !self.has_form(object.end),
            Walks::Yes => true,
        }
    }

    fn refer_to_object(&mut self, number: usize, address: u64, out: &mut Description) {
        let (what, start) = self.object(number);
        let id = self.id(what);
        out.refer(id, address.wrapping_sub(start), true);
    }

    /// Whether an object may be of one of these files.
    fn is_of(&self, number: usize, files: Files) -> bool {
        self.elf.objects[number].files.overlap(files)
    }

    /// An object that may be meant by an address outside of it. How far that is from it depends on what lies between.
    fn refer_elsewhere(&mut self, number: usize, out: &mut Description) {
        let (what, _) = self.object(number);
        let id = self.id(what);
        out.refer(id, 0, true);
    }

    /// What an index counts from may lie before the table, and so in the object before: then the next of the same files is meant.
    fn refer_behind(&mut self, number: usize, address: u64, files: Files, out: &mut Description) {
        let end = self.elf.section_at(address).map_or(0, |section| section.end);
        let behind = (number + 1..self.elf.objects.len())
            .take_while(|&behind| self.elf.objects[behind].start < end)
            .find(|&behind| self.is_of(behind, files));
        if let Some(behind) = behind {
            self.refer_elsewhere(behind, out);
        }
    }

    /// Whether something begins at an address of data whose form tells what it is, such as a vtable.
    fn has_form(&self, address: u64) -> bool {
        let extent = match self.elf.object_at(address).map(|number| self.elf.objects[number]) {
            Some(object) => Some(Extent { start: object.start, end: object.end }),
            None => self.constants.piece_at(address),
        };
        extent.is_some_and(|extent| extent.start == address && is_formed(&self.elf, extent))
    }

    /// An address in no section: the end of one, the headers of the file, or a gap, where nothing is.
    fn refer_to_edge(&mut self, address: u64, out: &mut Description) -> Result<(), Obstacle> {
        let before = self.elf.sections.iter().rev().find(|section| section.end <= address);
        if before
            .is_some_and(|section| section.end == address && !section.is_code && !is_of_the_system(section))
        {
            return self.refer(address - 1, Some(Pointer::Load), out);
        }
        if self.elf.sections.last().is_none_or(|section| section.end <= address) {
            return Err(Obstacle::NoData(address));
        }
        let id = self.id(What::Named("between sections".to_owned()));
        out.refer(id, 0, false);
        Ok(())
    }
}

/// Whether what is in a section stays as the loader made it.
pub(super) fn is_constant(section: &Section) -> bool {
    let name = &section.name;
    !section.is_writable || name.starts_with(".data.rel.ro") || name.starts_with(".got")
}

/// Whether a section has constant data of the program, piece by piece.
pub(super) fn is_constant_data(section: &Section) -> bool {
    is_constant(section) && !section.is_code && !is_of_the_system(section) && !is_collection(section)
}

/// Sections that describe the program to the loader: what reads them asks how it is loaded.
fn is_of_the_system(section: &Section) -> bool {
    const NAMES: [&str; 14] = [
        ".eh_frame",
        ".eh_frame_hdr",
        ".gcc_except_table",
        ".dynamic",
        ".dynsym",
        ".dynstr",
        ".interp",
        ".init_array",
        ".fini_array",
        ".preinit_array",
        ".hash",
        ".gnu.hash",
        ".relr.dyn",
        ".debug_gdb_scripts",
    ];
    let name = section.name.as_str();
    NAMES.contains(&name) || [".rela", ".note", ".gnu.version"].iter().any(|start| name.starts_with(start))
}

/// A section whose name is an identifier: the linker gives its start and end, and what is in it is a
/// collection, wherever it comes from (`linkme`).
fn is_collection(section: &Section) -> bool {
    !section.name.starts_with('.')
}
