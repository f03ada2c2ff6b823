//! What may hold the address of a place before an instruction, and what instructions do to that.

use std::ops::ControlFlow;

use super::super::x86::{Instruction, RSP};

/// What may hold the address before an instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) registers: u16,
    /// Those of them that a call has left, and nobody has written since.
    pub(super) left: u16,
    /// By distance from where the stack pointer was at the start.
    pub(super) slots: Vec<i64>,
    /// How far the stack pointer is below that.
    pub(super) depth: i64,
    /// A register with the address of a function, and the slot of the program that it comes from.
    pub(super) loaded: Option<(u8, u64)>,
    /// The same of a slot of the stack.
    pub(super) saved: Option<(i64, u64)>,
}

impl State {
    pub(super) fn holds(&self, register: u8) -> bool {
        self.registers >> register & 1 == 1
    }

    pub(super) fn is_empty(&self) -> bool {
        self.registers == 0 && self.slots.is_empty()
    }

    pub(super) fn held(&self) -> impl Iterator<Item = u8> + use<> {
        let registers = self.registers;
        (0..16).filter(move |register| registers >> register & 1 == 1)
    }

    pub(super) fn hold(&mut self, register: u8, holds: bool) {
        self.registers = self.registers & !(1 << register) | u16::from(holds) << register;
        self.left &= !(1 << register);
    }

    /// What may be held where two ways meet; `None` if they disagree about the stack.
    pub(super) fn or(&self, other: &State) -> Option<State> {
        if self.depth != other.depth {
            return None;
        }
        let mut slots = self.slots.clone();
        slots.extend(other.slots.iter().filter(|slot| !self.slots.contains(slot)));
        let loaded = self.loaded.filter(|_| self.loaded == other.loaded);
        let saved = self.saved.filter(|_| self.saved == other.saved);
        let written = self.registers & !self.left | other.registers & !other.left;
        let left = (self.left | other.left) & !written;
        let registers = self.registers | other.registers;
        Some(State { registers, left, slots, depth: self.depth, loaded, saved })
    }
}

/// Whether so many bytes at a place of the stack are none of a slot's.
pub(super) fn is_beside(slot: i64, at: i64, width: u16) -> bool {
    at + i64::from(width) <= slot || slot + 8 <= at
}

/// Of what moves the stack pointer; anything else goes on.
pub(super) fn move_pointer(i: &Instruction, bytes: &[u8], state: &State) -> ControlFlow<Option<State>> {
    if i.map != 0 {
        return ControlFlow::Continue(());
    }
    let by = |distance: i64| State { depth: state.depth + distance, ..state.clone() };
    let register = i.opcode_register();
    ControlFlow::Break(match i.opcode {
        0x81 | 0x83 if i.other_register() == Some(RSP) => match i.group() {
            5 => Some(by(i.immediate(bytes))),
            0 => Some(by(-i.immediate(bytes))),
            _ => None,
        },
        0x50..=0x57 => (!state.holds(register) && register != RSP).then(|| by(8)),
        0x68 | 0x6a => Some(by(8)),
        // Often no more than the end of a slot: what is in the register then is of no use to anybody.
        0x58..=0x5f => {
            let mut after = by(-8);
            after.hold(register, state.slots.contains(&-state.depth));
            after.slots.retain(|slot| *slot != -state.depth);
            (register != RSP).then_some(after)
        }
        // Frames and flags, and what is popped to memory.
        0x8f | 0x9c | 0x9d | 0xc8 | 0xc9 => None,
        0xff if i.group() == 6 => match (i.base() == Some(RSP), i.index()) {
            (true, None) => {
                let at = i.displacement(bytes) - state.depth;
                state.slots.iter().all(|slot| is_beside(*slot, at, 8)).then(|| by(8))
            }
            (true, Some(_)) => None,
            (false, _) => (!state.held().any(|register| i.reads_as_operand(register))).then(|| by(8)),
        },
        _ => return ControlFlow::Continue(()),
    })
}

/// Of what works with registers, or memory that is not on the stack.
pub(super) fn registers(i: &Instruction, mut state: State) -> Option<State> {
    if state.registers == 0 {
        return Some(state);
    }
    if let Some((from, to)) = i.copy() {
        let holds = state.holds(from);
        state.hold(to, holds);
    } else if let Some(written) = i.writes_only() {
        if state.held().any(|register| i.reads_as_operand(register)) {
            return None;
        }
        state.hold(written, false);
    } else if let Some(operand) = i.multiplies() {
        let is_operand = |register: u8| register == 0 || operand.contains(&Some(register));
        if state.held().any(is_operand) {
            return None;
        }
        state.hold(2, false);
    } else if state.held().any(|register| i.touches(register)) {
        return None;
    }
    Some(state)
}
