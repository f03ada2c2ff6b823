//! How a function uses an address that it takes: what stands near it in the code.

use super::elf::Files;
use super::x86::{Instruction, RBP, RSP};

/// What is seen of the use of an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// Numbers that stand near, of which one may be the length of what is there.
    pub(super) numbers: [u32; 4],
    /// Whether memory before it may be reached.
    pub(super) walks: Walks,
    /// Whether distances are read from a table there and added to it.
    pub(super) is_table: bool,
    /// The object files that the code may be of.
    pub(super) files: Files,
}

/// Whether code may reach memory before an address that it takes, or beyond what it points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walks {
    No,
    /// It goes where it is not followed: to another function, to memory, beyond a branch.
    Passed,
    /// It is kept on the stack, by code that counts with it or by such as optimizes nothing.
    Maybe,
    /// It is an index's base, or is counted down.
    Yes,
}

/// The registers of arguments, in their order: rdi, rsi, rdx, rcx, r8, r9.
pub(super) const ARGUMENTS: [u8; 6] = [7, 6, 2, 1, 8, 9];

/// Registers that outlive a call: rbx, rbp, r12 to r15.
pub(super) const KEPT: u16 = 0b1111_0000_0010_1000;

/// The registers of arguments, and those of what is returned.
const PASSED: u16 = 1 << 7 | 1 << 6 | 1 << 2 | 1 << 1 | 1 << 8 | 1 << 9;
const RETURNED: u16 = 1 << 0 | 1 << 2;

/// How many instructions are looked at behind and before one.
const BEHIND: usize = 10;
const BEFORE: usize = 8;
const FAR: usize = 48;

/// The instructions of a function.
pub(super) struct Block<'b> {
    pub(super) start: u64,
    pub(super) files: Files,
    pub(super) code: &'b [u8],
    /// Offsets, and what is there.
    pub(super) instructions: &'b [(u32, Instruction)],
}

impl Block<'_> {
    /// What is seen of the use of the address that instruction `number` takes.
    pub(super) fn usage(&self, number: usize, is_table: bool) -> Use {
        let register = self.instructions[number].1.register();
        let (numbers, walks) = (self.numbers_near(number, register), self.walks(number, register));
        Use { numbers, walks, is_table, files: self.files }
    }

    fn bytes(&self, offset: u32) -> &[u8] {
        &self.code[offset as usize..]
    }

    /// Numbers that are moved anywhere near; first, if there is one, that which goes to the register
    /// behind `register` in the order of arguments.
    fn numbers_near(&self, number: usize, register: u8) -> [u32; 4] {
        let mut found = [0; 4];
        let mut count = 0;
        let next = next_argument(register);
        let behind = self.instructions[number + 1..].iter().take(BEHIND);
        let before = self.instructions[..number].iter().rev().take(BEFORE);
        let is_end = |i: &Instruction| i.is_call() || i.ends_flow() || i.is_relative_branch();
        let near = behind.take_while(|(_, i)| !is_end(i)).chain(before.take_while(|(_, i)| !is_end(i)));
        for (offset, i) in near {
            let is_register = i.map == 0 && matches!(i.opcode, 0xb8..=0xbf);
            let is_move = is_register || i.is(0x68) || i.is(0x6a) || i.is(0xc7) && i.group() == 0;
            let value = if is_move { i.immediate(self.bytes(*offset)) } else { continue };
            let Ok(value) = u32::try_from(value) else { continue };
            if count > 0 && is_register && Some(i.opcode_register()) == next {
                found[3] = found[0];
                found[0] = value;
            } else if count < 4 {
                found[count] = value;
            }
            count += 1;
        }
        found
    }

    /// Whether memory before the address may be reached. The code is looked at in the order in which it
    /// stands, as far as the register or a copy of it holds the address.
    fn walks(&self, number: usize, register: u8) -> Walks {
        let mut held = 1_u16 << register;
        let mut is_passed = false;
        for (offset, i) in self.instructions[number + 1..].iter().take(FAR) {
            let holds = |register: Option<u8>| register.is_some_and(|r| held >> r & 1 == 1);
            if holds(i.base()) {
                let is_backwards = i.displacement_at != 0 && i.displacement(self.bytes(*offset)) < 0;
                if i.index().is_some() || is_backwards {
                    return Walks::Yes;
                }
            }
            if holds(i.index()) {
                return Walks::Yes;
            }
            match i.other_register() {
                Some(other) if i.is(0x89) || i.is(0x8b) => {
                    let (from, to) = if i.is(0x89) { (i.register(), other) } else { (other, i.register()) };
                    held = if holds(Some(from)) { held | 1 << to } else { held & !(1 << to) };
                }
                None if i.is(0x8d) && holds(i.base()) => held |= 1 << i.register(),
                None if i.is(0x89) && holds(Some(i.register())) => {
                    if matches!(i.base(), Some(RSP | RBP)) {
                        return Walks::Maybe;
                    }
                    is_passed = true;
                }
                _ if i.writes_only().is_some() => held &= !i.writes_only().map_or(0, |written| 1 << written),
                Some(other) if holds(Some(other)) && i.is_arithmetic() => return Walks::Yes,
                Some(other) => {
                    is_passed |= holds(Some(other)) && !i.only_compares()
                        || holds(Some(i.register())) && i.is_arithmetic();
                }
                None => is_passed |= i.is_push() && holds(Some(i.opcode_register())),
            }
            if i.is_call() {
                is_passed |= held & PASSED != 0;
                held &= KEPT;
            } else if i.is_return() {
                is_passed |= held & RETURNED != 0;
            } else if i.is_relative_branch() || i.is_indirect_jump() {
                is_passed = true;
            }
            if held == 0 {
                return if is_passed { Walks::Passed } else { Walks::No };
            }
        }
        // The end of what is looked at, or of the function.
        Walks::Passed
    }
}

fn next_argument(register: u8) -> Option<u8> {
    // A pair of a pointer and a length is returned in rax and rdx.
    if register == 0 {
        return Some(2);
    }
    let at = ARGUMENTS.iter().position(|argument| *argument == register)?;
    ARGUMENTS.get(at + 1).copied()
}
