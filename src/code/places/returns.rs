//! Whether a function returns its value in memory: where, its caller says in the first argument, and gets
//! the same address back in rax. Then nothing else that it leaves in registers is a value.
//!
//! Read from the first instruction to the last, as if no branch were there. So it is evidence, not proof:
//! a function that changes what its first argument points to, and returns that argument together with
//! another, looks alike. It is asked of functions of the standard library alone, of which none does so.

use super::super::usage::{ARGUMENTS, Block, KEPT};
use super::super::x86::{Instruction, RSP};

const RAX: u8 = 0;

/// Where the first argument is.
#[derive(Default)]
struct Homes {
    registers: u16,
    /// By distance from where the stack pointer was at the start.
    slots: Vec<i64>,
}

pub(super) fn returns_in_memory(block: &Block<'_>) -> bool {
    let mut homes = Homes { registers: 1 << ARGUMENTS[0], slots: Vec::new() };
    let (mut depth, mut is_written, mut returns) = (0, false, false);
    for (offset, i) in block.instructions {
        let bytes = &block.code[*offset as usize..];
        let is_address = i.base().is_some_and(|base| homes.holds(base));
        is_written |= is_address && i.may_write() || i.is_call() && homes.holds(ARGUMENTS[0]);
        if i.is_return() {
            if !homes.holds(RAX) {
                return false;
            }
            returns = true;
            // What stands behind is reached from before the stack pointer went back, or is another way out.
            continue;
        }
        if let Some(by) = moves_pointer(i, bytes) {
            depth += by;
        }
        homes.step(i, bytes, depth);
    }
    is_written && returns
}

/// By how much the stack goes down. What makes room at the beginning counts, what gives it back does not:
/// behind it stands the next way out, or a way from before.
fn moves_pointer(i: &Instruction, bytes: &[u8]) -> Option<i64> {
    match i.opcode {
        _ if i.map != 0 => None,
        0x50..=0x57 => Some(8),
        0x81 | 0x83 if i.other_register() == Some(RSP) && i.group() == 5 => Some(i.immediate(bytes)),
        _ => None,
    }
}

impl Homes {
    fn holds(&self, register: u8) -> bool {
        self.registers >> register & 1 == 1
    }

    fn set(&mut self, register: u8, holds: bool) {
        self.registers = self.registers & !(1 << register) | u16::from(holds) << register;
    }

    fn step(&mut self, i: &Instruction, bytes: &[u8], depth: i64) {
        let on_stack = i.base() == Some(RSP) && i.index().is_none();
        let slot = i.displacement(bytes) - depth;
        if let Some((from, to)) = i.copy() {
            self.set(to, self.holds(from));
        } else if on_stack && i.is_wide() && i.is(0x89) {
            self.slots.retain(|known| *known != slot);
            if self.holds(i.register()) {
                self.slots.push(slot);
            }
        } else if on_stack && i.is_wide() && i.is(0x8b) {
            self.set(i.register(), self.slots.contains(&slot));
        } else if i.is_call() {
            // Those that outlive it: rbx, rbp, r12 to r15.
            self.registers &= KEPT;
        } else if let Some(written) = i.writes_only() {
            self.set(written, false);
        } else {
            for register in 0..16 {
                let is_read = i.base() == Some(register) || i.index() == Some(register);
                if self.holds(register) && !is_read && i.touches(register) {
                    self.set(register, false);
                }
            }
        }
    }
}
