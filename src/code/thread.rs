//! Which thread-locals a function uses through the thread pointer.
//!
//! `fs:0` holds the pointer itself. The registers that hold it are followed along all branches of the
//! function; a use must be to add a distance, which tells the thread-local.

use super::usage::KEPT;
use super::x86::{Instruction, THREAD};

/// The registers that may hold the pointer, and those that do.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Held {
    may: u16,
    sure: u16,
}

/// Where distances from the pointer are added: the numbers of the instructions. `None` if a use cannot be
/// told.
pub(super) fn follow(instructions: &[(u32, Instruction)], code: &[u8]) -> Option<Vec<usize>> {
    let mut states: Vec<Option<Held>> = vec![None; instructions.len()];
    let mut waiting = vec![(0, Held::default())];
    while let Some((number, held)) = waiting.pop() {
        let Some(state) = states.get_mut(number) else { continue };
        let merged = match *state {
            None => held,
            Some(old) => Held { may: old.may | held.may, sure: old.sure & held.sure },
        };
        if *state == Some(merged) {
            continue;
        }
        *state = Some(merged);
        let (offset, instruction) = instructions[number];
        let after = step(&instruction, &code[offset as usize..], merged)?;
        if instruction.is_relative_branch() && !instruction.is_call() {
            let next = i64::from(offset) + i64::from(instruction.length);
            let target = next + instruction.immediate(&code[offset as usize..]);
            let target = u32::try_from(target).ok();
            let at = target.and_then(|target| instructions.binary_search_by_key(&target, |(at, _)| *at).ok());
            match at {
                Some(at) => waiting.push((at, after)),
                // Another function does not expect the pointer in a register.
                None if after.may & KEPT != 0 => return None,
                None => {}
            }
        }
        if instruction.is_indirect_jump() && after.may != 0 {
            return None;
        }
        if !instruction.ends_flow() {
            waiting.push((number + 1, after));
        }
    }
    let mut found = Vec::new();
    for (number, (_, instruction)) in instructions.iter().enumerate() {
        let Some(held) = states[number] else {
            // A landing pad, or a place of a jump table: nothing is held there, see `step`.
            continue;
        };
        if let Some(base) =
            instruction.base().filter(|base| held.may >> base & 1 == 1 && !instruction.is_hint())
        {
            if held.sure >> base & 1 == 0 {
                return None;
            }
            found.push(number);
        }
    }
    Some(found)
}

/// What is held behind an instruction; `None` if it uses the pointer in an unknown way.
fn step(instruction: &Instruction, bytes: &[u8], held: Held) -> Option<Held> {
    let is_load = instruction.is(0x8b) && instruction.prefixes & THREAD != 0;
    let is_plain = instruction.base().is_none() && instruction.index().is_none();
    if is_load && is_plain && instruction.has_memory_operand() && instruction.displacement(bytes) == 0 {
        let bit = 1 << instruction.register();
        return Some(Held { may: held.may | bit, sure: held.sure | bit });
    }
    if held.may == 0 || instruction.is_return() {
        return Some(held);
    }
    if instruction.is_call() {
        // It may unwind, to a place that no branch leads to.
        return if held.may & KEPT == 0 { Some(Held::default()) } else { None };
    }
    let mut after = held;
    for register in (0..16).filter(|register| held.may >> register & 1 == 1) {
        if !instruction.touches(register) {
            continue;
        }
        let adds = instruction.base() == Some(register)
            && instruction.index().is_none()
            && instruction.has_long_displacement();
        let is_written = instruction.writes_only() == Some(register);
        let copied_to = instruction.copy().filter(|(from, _)| *from == register).map(|(_, to)| to);
        if let Some(to) = copied_to {
            after.may |= 1 << to;
            after.sure = after.sure & !(1 << to) | (held.sure >> register & 1) << to;
        } else if instruction.breaks(register)
            || is_written && (adds || !instruction.reads_as_operand(register))
        {
            after.may &= !(1 << register);
            after.sure &= !(1 << register);
        } else if !adds || instruction.touches_beside_memory(register) {
            return None;
        }
    }
    Some(after)
}
