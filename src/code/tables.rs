//! Tables of 32-bit distances that compilers write for `match`: to places in the function (jump
//! tables), or to data (relative tables). The distances are counted from the table, so they change
//! with everything that the linker puts between; they are read as references.

use std::collections::HashMap;

use super::elf::{Elf, Target};
use super::scan::{Function, NO_USE, Scan};

/// A table that a function takes the address of.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) start: u64,
    pub(super) targets: Vec<u64>,
    pub(super) jumps: bool,
}

/// The tables, by the number of the reference.
pub(super) fn find(elf: &Elf, scan: &Scan) -> HashMap<usize, Table> {
    let mut cuts = None;
    let mut tables = HashMap::new();
    for function in &scan.functions {
        // The address may be taken again wherever the register was needed for something else.
        let is_table = |usage: u32| usage != NO_USE && scan.uses[usage as usize].is_table;
        let references = scan.references(function).iter();
        let known: Vec<u64> = references.filter(|r| is_table(r.usage)).map(|r| r.target).collect();
        if known.is_empty() && !function.reads_distances {
            continue;
        }
        let cuts = cuts.get_or_insert_with(|| taken_addresses(elf, scan));
        let mut found = |is_asked: &dyn Fn(u64) -> bool| {
            let mut missing = false;
            let references = function.references().zip(scan.references(function));
            for (number, reference) in references.filter(|(_, r)| r.usage != NO_USE && is_asked(r.target)) {
                match table_at(elf, scan, function, reference.target, cuts) {
                    Some(table) => drop(tables.insert(number, table)),
                    None => missing = true,
                }
            }
            missing
        };
        // Where no table is at an address that was taken for one, it may be at any other.
        if found(&|target| known.contains(&target)) || function.reads_distances {
            found(&|_| true);
        }
    }
    tables
}

/// All addresses of data that are taken, sorted.
fn taken_addresses(elf: &Elf, scan: &Scan) -> Vec<u64> {
    let mut taken = Vec::new();
    for function in &scan.functions {
        let references = scan.references(function).iter();
        taken.extend(references.filter(|r| r.usage != NO_USE).map(|reference| reference.target));
    }
    taken.extend(elf.relocations.iter().filter_map(|relocation| match relocation.target {
        Target::Address(address) => Some(address),
        _ => None,
    }));
    taken.sort_unstable();
    taken.dedup();
    taken
}

fn table_at(elf: &Elf, scan: &Scan, function: &Function, start: u64, cuts: &[u64]) -> Option<Table> {
    let section = elf.section_at(start).filter(|section| !section.is_code && !section.is_writable)?;
    if elf.object_at(start).is_some() {
        return None;
    }
    let distance = |number: u64| {
        let bytes = section.read(start + number * 4, 4)?;
        Some(start.wrapping_add_signed(i64::from(i32::from_le_bytes(bytes.try_into().ok()?))))
    };
    let is_place = |target: u64| {
        function.symbol.start <= target && target < function.symbol.end && scan.is_start(target)
    };
    let mut targets = Vec::new();
    if function.jumps_by_register && is_place(distance(0)?) {
        // The cold part of a function is a function of its own.
        let is_code = |target| elf.section_at(target).is_some_and(|s| s.is_code) && scan.is_start(target);
        while let Some(target) = distance(targets.len() as u64) {
            let here = start + targets.len() as u64 * 4;
            let is_cut = !targets.is_empty() && cuts.binary_search(&here).is_ok();
            let is_other = is_cut && {
                let own =
                    section.read(here, 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_le_bytes);
                own.is_some_and(|own| is_code(here.wrapping_add_signed(i64::from(own))))
            };
            if is_other || !is_place(target) && (is_cut || !is_code(target)) {
                break;
            }
            targets.push(target);
        }
        return Some(Table { start, targets, jumps: true });
    }
    let next = cuts.partition_point(|cut| *cut <= start);
    let end = cuts.get(next).copied().unwrap_or(section.end).min(section.end);
    let is_known = |target: u64| match elf.section_at(target) {
        Some(section) if section.is_code => scan.is_start(target),
        found => found.is_some(),
    };
    for number in 0..(end - start) / 4 {
        // Padding behind the last entry: as a distance, it would lead to the table itself.
        let rest = section.read(start + number * 4, end - start - number * 4)?;
        if rest.len() < 16 && rest.iter().all(|byte| *byte == 0) {
            break;
        }
        targets.push(distance(number).filter(|target| is_known(*target))?);
    }
    (targets.len() > 1).then_some(Table { start, targets, jumps: false })
}
