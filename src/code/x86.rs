//! Takes x86-64 instructions apart, as far as the reach of a function needs it.
//!
//! Of each instruction: its length, and where its address, its immediate and its registers are. An
//! encoding that is not known here (APX, XOP, 3DNow!, what only kernels use) is `None`, and a function
//! that holds one has no fingerprint. A whole disassembler takes longer to compile than all else
//! together and three times as long to run where nothing is optimized; the tests compare with one.

mod opcodes;
mod registers;
mod width;

use self::opcodes::{ABSOLUTE, IMM, IMM_WIDE, IMM8, IMM16, MODRM, ONE_BYTE, RELATIVE, TWO_BYTES, UNKNOWN};

/// What the prefixes say.
pub(super) const WORD: u8 = 1; // 66
pub(super) const REPEAT: u8 = 2; // F3
pub(super) const REPEAT_NOT: u8 = 4; // F2
pub(super) const THREAD: u8 = 8; // FS
const OTHER_SEGMENT: u8 = 16; // GS
const SHORT_ADDRESS: u8 = 32; // 67

/// There is a prefix with the bits of registers.
const REX: u8 = 16;

pub(super) const RSP: u8 = 4;
pub(super) const RBP: u8 = 5;

/// One instruction. Positions are those of the bytes from its start; zero is "none".
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Instruction {
    pub(super) length: u8,
    /// 0: one byte; 1: `0F`; 2: `0F 38`; 3: `0F 3A`; 5 and 6: of EVEX alone.
    pub(super) map: u8,
    pub(super) opcode: u8,
    pub(super) prefixes: u8,
    /// [`REX`], and what it says, also where VEX or EVEX says the same: W, R, X, B.
    rex: u8,
    /// Bytes of a vector register: 0 where the encoding is an old one.
    vector: u8,
    has_modrm: bool,
    modrm: u8,
    sib: u8,
    pub(super) displacement_at: u8,
    displacement_size: u8,
    /// Whether the immediate is a distance to go to.
    is_branch: bool,
    pub(super) immediate_at: u8,
    pub(super) immediate_size: u8,
}

/// The instruction at `start`; `code` must go on for [`PADDING`](super::elf::PADDING) bytes.
pub(super) fn decode(code: &[u8], start: usize) -> Option<Instruction> {
    let mut at = start;
    let mut i = Instruction::default();
    let mut byte = code[at];
    loop {
        match byte {
            0x66 => i.prefixes |= WORD,
            // Of two that exclude each other the last one counts.
            0xf3 => i.prefixes = i.prefixes & !REPEAT_NOT | REPEAT,
            0xf2 => i.prefixes = i.prefixes & !REPEAT | REPEAT_NOT,
            0x64 => i.prefixes = i.prefixes & !OTHER_SEGMENT | THREAD,
            0x65 => i.prefixes = i.prefixes & !THREAD | OTHER_SEGMENT,
            0x67 => i.prefixes |= SHORT_ADDRESS,
            0x26 | 0x2e | 0x36 | 0x3e | 0xf0 => {}
            _ => break,
        }
        at += 1;
        if at - start > 10 {
            return None;
        }
        byte = code[at];
    }
    if byte & 0xf0 == 0x40 {
        i.rex = byte & 15 | REX;
        at += 1;
        byte = code[at];
    }
    let attributes = match byte {
        0x0f => {
            at += 1;
            byte = code[at];
            match byte {
                0x38 | 0x3a => {
                    let is_last = byte == 0x3a;
                    at += 1;
                    byte = code[at];
                    i.map = 2 + u8::from(is_last);
                    if is_last { MODRM | IMM8 } else { MODRM }
                }
                _ => {
                    i.map = 1;
                    TWO_BYTES[byte as usize]
                }
            }
        }
        0xc4 | 0xc5 | 0x62 => {
            if i.rex != 0 || i.prefixes & (WORD | REPEAT | REPEAT_NOT) != 0 {
                return None;
            }
            at = i.take_vector_prefix(code, at, byte)?;
            byte = code[at];
            i.vector_attributes(byte)
        }
        _ => ONE_BYTE[byte as usize],
    };
    if attributes & UNKNOWN != 0 {
        return None;
    }
    i.opcode = byte;
    at += 1;
    if attributes & MODRM != 0 {
        at = i.take_operand(code, start, at)?;
    }
    if attributes & !MODRM != 0 || i.map == 0 && byte & 0xfe == 0xf6 {
        at += i.take_immediate(attributes, at - start);
    }
    if at - start > 15 {
        return None;
    }
    i.length = low(at - start);
    Some(i)
}

#[expect(clippy::cast_possible_truncation, reason = "a position within an instruction")]
const fn low(position: usize) -> u8 {
    position as u8
}

impl Instruction {
    /// VEX and EVEX; returns where the opcode is.
    fn take_vector_prefix(&mut self, code: &[u8], at: usize, kind: u8) -> Option<usize> {
        let (first, second) = (code[at + 1], code[at + 2]);
        let (next, last, length) = match kind {
            0xc5 => {
                self.map = 1;
                self.rex = (!first >> 5) & 4;
                (at + 2, first, first >> 2 & 1)
            }
            0xc4 => {
                self.map = first & 31;
                self.rex = (!first >> 5) & 7 | second >> 4 & 8;
                (at + 3, second, second >> 2 & 1)
            }
            // Bits that APX uses otherwise.
            _ if first & 8 != 0 || second & 4 == 0 => return None,
            _ => {
                self.map = first & 7;
                self.rex = (!first >> 5) & 7 | second >> 4 & 8;
                (at + 4, second, code[at + 3] >> 5 & 3)
            }
        };
        let is_known =
            if kind == 0x62 { matches!(self.map, 1..=3 | 5 | 6) } else { matches!(self.map, 1..=3) };
        self.prefixes |= [0, WORD, REPEAT, REPEAT_NOT][usize::from(last & 3)];
        // Where rounding is given in their place, the bits of the length say nothing.
        self.vector = if kind == 0x62 && length == 3 { 64 } else { 16 << length };
        is_known.then_some(next)
    }

    fn vector_attributes(&self, opcode: u8) -> u8 {
        match (self.map, opcode) {
            (1, 0x77) => 0,
            (3, _) | (1, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6) => MODRM | IMM8,
            _ => MODRM,
        }
    }

    fn take_operand(&mut self, code: &[u8], start: usize, mut at: usize) -> Option<usize> {
        self.has_modrm = true;
        self.modrm = code[at];
        at += 1;
        let (mode, rm) = (self.modrm >> 6, self.modrm & 7);
        if self.opcode == 0x8f && self.map == 0 && self.modrm & 0x38 != 0 {
            return None; // XOP
        }
        if mode == 3 {
            return Some(at);
        }
        let mut size = [0, 1, 4][usize::from(mode)];
        if rm == 4 {
            self.sib = code[at];
            at += 1;
            if mode == 0 && self.sib & 7 == 5 {
                size = 4;
            }
        } else if mode == 0 && rm == 5 {
            // Relative to a 32-bit instruction pointer: nothing that a compiler writes.
            if self.prefixes & SHORT_ADDRESS != 0 {
                return None;
            }
            size = 4;
        }
        if size != 0 {
            self.displacement_at = low(at - start);
            self.displacement_size = low(size);
        }
        Some(at + size)
    }

    fn take_immediate(&mut self, attributes: u8, at: usize) -> usize {
        let is_test = self.map == 0 && matches!(self.opcode, 0xf6 | 0xf7) && self.modrm & 0x30 == 0;
        let wide = self.rex & 8 != 0;
        let usual = if self.prefixes & WORD != 0 && !wide { 2 } else { 4 };
        let mut size = 0;
        if attributes & RELATIVE != 0 {
            self.is_branch = true;
            size = if attributes & IMM8 != 0 { 1 } else { 4 };
        } else {
            if attributes & IMM8 != 0 || is_test && self.opcode == 0xf6 {
                size += 1;
            }
            if attributes & IMM != 0 || is_test && self.opcode == 0xf7 {
                size += usual;
            }
            if attributes & IMM16 != 0 {
                size += 2;
            }
            if attributes & IMM_WIDE != 0 {
                size += if wide { 8 } else { usual };
            }
            if attributes & ABSOLUTE != 0 {
                size += if self.prefixes & SHORT_ADDRESS != 0 { 4 } else { 8 };
            }
        }
        if self.map == 0 && self.opcode == 0xc7 && self.modrm == 0xf8 {
            self.is_branch = true; // XBEGIN
        }
        if size != 0 {
            self.immediate_at = low(at);
            self.immediate_size = low(size);
        }
        size
    }

    /// Whether it is of the map of one byte with this opcode.
    pub(super) fn is(&self, opcode: u8) -> bool {
        self.map == 0 && self.opcode == opcode && self.vector == 0
    }

    /// The register in `ModRM`'s field, which for some opcodes is a part of the opcode.
    pub(super) fn register(&self) -> u8 {
        self.modrm >> 3 & 7 | self.rex << 1 & 8
    }

    /// The part of the opcode that stands in `ModRM`.
    pub(super) fn group(&self) -> u8 {
        self.modrm >> 3 & 7
    }

    /// The other operand, if it is a register.
    pub(super) fn other_register(&self) -> Option<u8> {
        (self.has_modrm && self.modrm >> 6 == 3).then_some(self.modrm & 7 | self.rex << 3 & 8)
    }

    /// The register that the last bits of the opcode name.
    pub(super) fn opcode_register(&self) -> u8 {
        self.opcode & 7 | self.rex << 3 & 8
    }

    pub(super) fn is_wide(&self) -> bool {
        self.rex & 8 != 0
    }

    pub(super) fn has_memory_operand(&self) -> bool {
        self.has_modrm && self.modrm >> 6 != 3
    }

    /// Whether the operand in memory is at a distance from the next instruction.
    pub(super) fn is_relative_to_itself(&self) -> bool {
        self.has_modrm && self.modrm & 0xc7 == 5
    }

    /// The register that an operand in memory begins with.
    pub(super) fn base(&self) -> Option<u8> {
        if !self.has_memory_operand() || self.is_relative_to_itself() {
            return None;
        }
        if self.modrm & 7 != 4 {
            return Some(self.modrm & 7 | self.rex << 3 & 8);
        }
        let has_none = self.sib & 7 == 5 && self.modrm >> 6 == 0;
        (!has_none).then_some(self.sib & 7 | self.rex << 3 & 8)
    }

    /// The register that an operand in memory is indexed by.
    pub(super) fn index(&self) -> Option<u8> {
        if !self.has_memory_operand() || self.modrm & 7 != 4 {
            return None;
        }
        let index = self.sib >> 3 & 7 | self.rex << 2 & 8;
        (index != RSP).then_some(index)
    }

    /// Whether the register is what the operand in memory is counted from, or may be: a base and an index
    /// that is not multiplied look alike.
    pub(super) fn counts_from(&self, register: u8) -> bool {
        self.base() == Some(register) || self.sib >> 6 == 0 && self.index() == Some(register)
    }

    /// The distance in an operand in memory, or of `bytes`, the instruction's.
    pub(super) fn displacement(&self, bytes: &[u8]) -> i64 {
        let at = usize::from(self.displacement_at);
        match self.displacement_size {
            1 => i64::from(bytes[at].cast_signed()),
            4 => i64::from(i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])),
            _ => 0,
        }
    }

    pub(super) fn has_long_displacement(&self) -> bool {
        self.displacement_size == 4
    }

    /// The immediate as a number with a sign.
    pub(super) fn immediate(&self, bytes: &[u8]) -> i64 {
        let at = usize::from(self.immediate_at);
        match self.immediate_size {
            1 => i64::from(bytes[at].cast_signed()),
            2 => i64::from(i16::from_le_bytes([bytes[at], bytes[at + 1]])),
            4 => i64::from(i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])),
            _ => 0,
        }
    }

    /// Whether it goes to a place at a distance: a call, a jump, or a jump on a condition.
    pub(super) fn is_relative_branch(&self) -> bool {
        self.is_branch
    }

    pub(super) fn is_call(&self) -> bool {
        self.is(0xe8) || self.is(0xff) && matches!(self.group(), 2 | 3)
    }

    /// Whether it jumps to where a register or memory says.
    pub(super) fn is_indirect_jump(&self) -> bool {
        self.is(0xff) && matches!(self.group(), 4 | 5)
    }

    pub(super) fn is_return(&self) -> bool {
        self.map == 0 && self.vector == 0 && matches!(self.opcode, 0xc2 | 0xc3)
    }

    /// Whether what follows it is not reached from it.
    pub(super) fn ends_flow(&self) -> bool {
        let is_trap = self.map == 1 && matches!(self.opcode, 0x0b | 0xb9 | 0xff) && self.vector == 0;
        let is_jump = self.is(0xe9) || self.is(0xeb) || self.is_indirect_jump();
        let is_end = self.map == 0 && self.vector == 0 && matches!(self.opcode, 0xca | 0xcb | 0xcf | 0xf4);
        is_trap || is_jump || is_end || self.is_return()
    }
}

#[cfg(test)]
mod tests;
