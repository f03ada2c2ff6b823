//! Which registers an instruction reads and writes, as far as it matters: the answer that does no harm when
//! in doubt.

use super::Instruction;

impl Instruction {
    /// That register, if the field names one.
    fn named_register(&self) -> Option<u8> {
        let is_group = match self.map {
            0 => {
                matches!(self.opcode, 0x80..=0x83 | 0x8f | 0xc0 | 0xc1 | 0xc6 | 0xc7 | 0xd0..=0xd3 | 0xf6 | 0xf7 | 0xfe | 0xff)
            }
            1 => matches!(self.opcode, 0x18..=0x1f | 0x90..=0x9f | 0xba),
            _ => false,
        };
        (self.has_modrm && !is_group).then(|| self.register())
    }

    /// Whether an operand is a byte: without REX the numbers from 4 to 7 are those of the upper halves of registers 0 to 3.
    fn has_bytes(&self) -> bool {
        match self.map {
            0 => {
                self.opcode & 1 == 0
                    && matches!(self.opcode, 0x00..=0x3f | 0x80..=0x8a | 0xc0 | 0xc6 | 0xd0..=0xd3 | 0xf6 | 0xfe)
            }
            1 => matches!(self.opcode, 0x90..=0x9f | 0xb0 | 0xb6 | 0xbe | 0xc0),
            _ => false,
        }
    }

    /// Whether the stack pointer is an operand of its own, not one that memory is counted from. Of a byte its
    /// number is that of another register's upper half: no compiler takes the pointer apart.
    pub(in crate::code) fn names_stack_pointer(&self) -> bool {
        let has_vectors = self.vector != 0
            || self.map == 1
                && matches!(self.opcode, 0x10..=0x17 | 0x28 | 0x29 | 0x2e | 0x2f | 0x50..=0x6d | 0x6f..=0x76 | 0x7c..=0x7d | 0x7f | 0xc2 | 0xc6 | 0xd0..=0xff);
        let in_opcode = match self.map {
            0 => matches!(self.opcode, 0x50..=0x5f | 0x90..=0x97 | 0xb8..=0xbf),
            1 => matches!(self.opcode, 0xc8..=0xcf),
            _ => false,
        };
        let of_opcode = in_opcode.then(|| self.opcode_register());
        let mut named = [of_opcode, self.named_register(), self.other_register()].into_iter();
        !self.has_bytes() && !has_vectors && named.any(|register| register == Some(super::RSP))
    }

    /// Whether it does nothing, or fetches ahead, whatever its operand is.
    pub(in crate::code) fn is_hint(&self) -> bool {
        self.map == 1 && self.vector == 0 && matches!(self.opcode, 0x18..=0x1f)
    }

    /// Whether it adds or subtracts.
    pub(in crate::code) fn is_arithmetic(&self) -> bool {
        self.map == 0
            && match self.opcode {
                0x01 | 0x03 | 0x29 | 0x2b | 0xff => true,
                0x81 | 0x83 => matches!(self.group(), 0 | 5),
                _ => false,
            }
    }

    /// Whether it pushes a register.
    pub(in crate::code) fn is_push(&self) -> bool {
        self.map == 0 && self.vector == 0 && matches!(self.opcode, 0x50..=0x57)
    }

    /// Whether all that it does is to compare, or to test bits.
    pub(in crate::code) fn only_compares(&self) -> bool {
        self.map == 0
            && match self.opcode {
                0x38..=0x3d | 0x84 | 0x85 | 0xa8 | 0xa9 => true,
                0x80 | 0x81 | 0x83 => self.group() == 7,
                0xf6 | 0xf7 => self.group() <= 1,
                _ => false,
            }
    }

    /// The register that it writes as a whole, whatever was in it, and no other: of moves and address loads.
    pub(in crate::code) fn writes_only(&self) -> Option<u8> {
        match (self.map, self.opcode) {
            (0, 0x8b | 0x8d | 0x63) | (1, 0xb6 | 0xb7 | 0xbe | 0xbf) if self.vector == 0 => {
                Some(self.register())
            }
            (0, 0x89) => self.other_register(),
            (0, 0xb8..=0xbf | 0x58..=0x5f) => Some(self.opcode_register()),
            (0, 0x31 | 0x33) if self.other_register() == Some(self.register()) => Some(self.register()),
            _ => None,
        }
    }

    /// The operands, beside rax, of what writes rdx and does not read it: rax times something, or its sign.
    pub(in crate::code) fn multiplies(&self) -> Option<[Option<u8>; 3]> {
        let is_one = self.is(0x99) || self.is(0xf7) && matches!(self.group(), 4 | 5);
        (is_one && self.prefixes & super::WORD == 0)
            .then(|| [self.base(), self.index(), self.other_register()])
    }

    /// Whether it overwrites a byte of the register with something else.
    pub(in crate::code) fn breaks(&self, register: u8) -> bool {
        let is = |number: u8| register == number || register == number & 3;
        match (self.map, self.opcode) {
            (0, 0xb0..=0xb7) => is(self.opcode_register()),
            (1, 0x90..=0x9f) => self.other_register().is_some_and(is),
            _ => false,
        }
    }

    /// The registers from which and to which it copies.
    pub(in crate::code) fn copy(&self) -> Option<(u8, u8)> {
        let other = self.other_register().filter(|_| self.is_wide())?;
        match self.opcode {
            0x89 if self.map == 0 => Some((self.register(), other)),
            0x8b if self.map == 0 => Some((other, self.register())),
            _ => None,
        }
    }

    /// Whether a move or address load, see [`writes_only`](Self::writes_only), reads the register.
    pub(in crate::code) fn reads_as_operand(&self, register: u8) -> bool {
        let is_source = match self.opcode {
            0x89 => self.register() == register,
            0x31 | 0x33 | 0x58..=0x5f | 0xb8..=0xbf => false,
            _ => self.other_register() == Some(register),
        };
        is_source || self.base() == Some(register) || self.index() == Some(register)
    }

    /// Whether it is an addition, subtraction, comparison or copy that does not write the register.
    pub(in crate::code) fn only_reads(&self, register: u8) -> bool {
        let (named, other) = (self.register(), self.other_register());
        self.map == 0
            && match self.opcode {
                0x01 | 0x29 | 0x89 => other != Some(register),
                0x03 | 0x2b | 0x8b => named != register,
                0x39 | 0x3b => true,
                _ => false,
            }
    }

    /// As [`touches`](Self::touches), the operand in memory left out.
    pub(in crate::code) fn touches_beside_memory(&self, register: u8) -> bool {
        let is_plain = self.map == 0 && self.has_modrm && !matches!(self.opcode, 0xd2 | 0xd3 | 0xf6 | 0xf7);
        !is_plain || self.named_register() == Some(register)
    }

    /// Whether a general register is read or written, as far as can be told: `true` when in doubt.
    pub(in crate::code) fn touches(&self, register: u8) -> bool {
        if self.is_hint() {
            return false;
        }
        if self.base() == Some(register) || self.index() == Some(register) {
            return true;
        }
        if self.has_modrm {
            let names =
                |number: u8| self.named_register() == Some(number) || self.other_register() == Some(number);
            let has_halves = self.has_bytes() && self.rex & super::REX == 0;
            let is_named = names(register) || register < 4 && has_halves && names(register + 4);
            // What is used beside that: by multiplication and division, by shifts, by what exchanges on a condition.
            let is_used = match (self.map, self.opcode) {
                (0, 0xf6 | 0xf7) => self.group() >= 4 && matches!(register, 0 | 2),
                (0, 0xd2 | 0xd3) | (1, 0xa5 | 0xad) => register == 1,
                (1, 0xb0 | 0xb1) => register == 0,
                (0, _) => false,
                (1, _) => !matches!(
                    self.opcode,
                    0x10..=0x1f | 0x28..=0x2f | 0x40..=0x7f | 0x90..=0x9f | 0xa3 | 0xa4 | 0xab | 0xac | 0xaf | 0xb3 | 0xb6..=0xbf | 0xc0 | 0xc1
                ),
                _ => true,
            };
            return is_named || is_used;
        }
        match self.opcode {
            0x50..=0x5f | 0xb8..=0xbf if self.map == 0 => self.opcode_register() == register,
            // Of a byte without REX the number may be that of the upper half of another register.
            0xb0..=0xb7 if self.map == 0 => register == self.opcode_register() || register == self.opcode & 3,
            0x68 | 0x6a | 0x70..=0x7f | 0xe9 | 0xeb if self.map == 0 => false,
            0x90 if self.map == 0 => self.opcode_register() != 0,
            // The short forms for the accumulator, and what extends it.
            0x00..=0x3f | 0x98 | 0xa8 | 0xa9 if self.map == 0 => register == 0,
            0x99 if self.map == 0 => register == 0 || register == 2,
            0x80..=0x8f if self.map == 1 => false,
            _ => true,
        }
    }
}
