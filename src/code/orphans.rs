//! Data with a symbol that nothing points into.
//!
//! Linkers leave out what nothing needs. So where a static is there and no address leads into it, something counts from an
//! address outside of it: C that keeps `table - 257` for numbers from 257 on, or a loop that goes back from the end. Whoever
//! takes an address of data, and may be of the same object file, may be that. There are few: none in most programs.
//!
//! Data that holds addresses is not among them: it is what the compiler was told to keep (`#[used]`), for others than code. Nor is
//! what may be written, which draws in whatever writes it before `main`.

use super::elf::{Elf, Symbol, Target};
use super::resolve::is_constant_data;
use super::scan::Scan;

/// The numbers of these objects. `tables` are those of distances, and what they lead to.
pub(super) fn find(elf: &Elf, scan: &Scan, tables: &[(u64, Vec<u64>)]) -> Vec<usize> {
    let mut is_reached = vec![false; elf.objects.len()];
    let mut reach = |address: u64| {
        if let Some(number) = elf.object_at(address) {
            is_reached[number] = true;
        }
    };
    scan.functions
        .iter()
        .flat_map(|function| scan.references(function))
        .for_each(|found| reach(found.target));
    for relocation in &elf.relocations {
        if let Target::Address(address) = relocation.target {
            reach(address);
        }
    }
    for (table, targets) in tables {
        reach(*table);
        targets.iter().copied().for_each(&mut reach);
    }
    let holds_addresses = |object: &Symbol| !elf.relocations_in(object.start, object.end).is_empty();
    let objects = elf.objects.iter().zip(is_reached).enumerate();
    objects
        .filter(|(_, (_, is_reached))| !is_reached)
        .filter(|(_, (object, _))| elf.section_at(object.start).is_some_and(is_constant_data))
        .filter(|(_, (object, _))| !holds_addresses(object))
        .map(|(number, _)| number)
        .collect()
}
