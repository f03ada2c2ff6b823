//! How many bytes of memory an instruction touches at most, and whether it may write them.

use super::{Instruction, REPEAT, REPEAT_NOT, WORD};

/// More than any constant that is worth telling apart.
const MUCH: u16 = 4096;

impl Instruction {
    /// An upper bound for the bytes that its operand in memory has; exact for all that is common.
    /// `None` if there is no bound: the operand is an address, or is indexed by a bit's number.
    pub(in crate::code) fn width(&self) -> Option<u16> {
        match (self.map, self.vector) {
            (0, _) => self.one_byte_width(),
            (1, 0) => self.two_byte_width(),
            (1, _) => Some(self.vector_width()),
            (2, _) => Some(self.width_in_second_map()),
            (3, _) => Some(self.width_in_third_map()),
            _ => Some(64),
        }
    }

    fn operand(&self) -> u16 {
        if self.is_wide() {
            8
        } else if self.prefixes & WORD != 0 {
            2
        } else {
            4
        }
    }

    fn one_byte_width(&self) -> Option<u16> {
        Some(match self.opcode {
            0x8d => return None,
            0xff if matches!(self.group(), 3 | 5) => 16,
            0xff if self.group() >= 2 => 8,
            0x00..=0x3f
            | 0x80..=0x8b
            | 0xc0
            | 0xc1
            | 0xc6
            | 0xc7
            | 0xd0..=0xd3
            | 0xf6
            | 0xf7
            | 0xfe
            | 0xff
                if self.opcode & 1 == 0 =>
            {
                1
            }
            0x8c | 0x8e | 0x8f | 0xd8 | 0xdc => 8,
            0xd9 if self.group() != 4 && self.group() != 6 => 4,
            0x63 | 0xda | 0xde => 4,
            0xdb | 0xdf => 10,
            0xdd if self.group() < 4 => 8,
            0xd9 | 0xdd => MUCH,
            _ => self.operand(),
        })
    }

    fn two_byte_width(&self) -> Option<u16> {
        Some(match self.opcode {
            0xa3 | 0xab | 0xb3 | 0xbb => return None,
            0x00..=0x0f | 0xae | 0xc7 => MUCH,
            0x18..=0x1f => 64,
            0x40..=0x4f | 0xa4..=0xad | 0xaf | 0xb1 | 0xb8 | 0xba | 0xbc | 0xbd | 0xc1 | 0xc3 => {
                self.operand()
            }
            0x90..=0x9f | 0xb0 | 0xb6 | 0xbe | 0xc0 => 1,
            0xb7 | 0xbf => 2,
            _ => self.vector_width(),
        })
    }

    /// Of `0F`, with or without VEX and EVEX, what works on vector registers.
    fn vector_width(&self) -> u16 {
        let pick = |none, word, repeat, repeat_not| {
            if self.prefixes & REPEAT_NOT != 0 {
                repeat_not
            } else if self.prefixes & REPEAT != 0 {
                repeat
            } else if self.prefixes & WORD != 0 {
                word
            } else {
                none
            }
        };
        let all = u16::from(self.vector.max(16));
        let wide = if self.is_wide() { 8 } else { 4 };
        match self.opcode {
            0x10 | 0x11 | 0x51..=0x5a | 0x5c..=0x5f | 0xc2 => pick(all, all, 4, 8),
            0x12 => pick(8, 8, all, all.max(8)),
            0x16 => pick(8, 8, all, all),
            0x2a => pick(8, 8, wide, wide),
            0x2c | 0x2d => pick(8, 16, 4, 8),
            0x2e | 0x2f => pick(4, 8, 8, 8),
            0x13 | 0x17 | 0x6e | 0x7e | 0xd6 => 8,
            0xc4 => 2,
            _ => all,
        }
    }

    fn width_in_second_map(&self) -> u16 {
        let all = u16::from(self.vector.max(16));
        let wide = if self.is_wide() { 8 } else { 4 };
        match self.opcode {
            0xf0 | 0xf1 if self.vector == 0 => 8,
            0x18 | 0x58 => 4,
            0x19 | 0x59 | 0xf2 | 0xf3 | 0xf5..=0xf7 => 8,
            0x78 => 1,
            0x79 => 2,
            0x99 | 0x9b | 0x9d | 0x9f | 0xa9 | 0xab | 0xad | 0xaf | 0xb9 | 0xbb | 0xbd | 0xbf => wide,
            0x20 | 0x23 | 0x25 | 0x30 | 0x33 | 0x35 if self.vector <= 16 => 8,
            0x21 | 0x24 | 0x31 | 0x34 if self.vector <= 16 => 4,
            0x22 | 0x32 if self.vector <= 16 => 2,
            _ => all,
        }
    }

    fn width_in_third_map(&self) -> u16 {
        match self.opcode {
            0x0a | 0x17 | 0x21 => 4,
            0x14 | 0x20 => 1,
            0x15 => 2,
            0x0b | 0x16 | 0x22 => 8,
            _ => u16::from(self.vector.max(16)),
        }
    }

    /// Whether its operand in memory may be written; `true` when in doubt.
    pub(in crate::code) fn may_write(&self) -> bool {
        let only_reads = match self.map {
            0 => match self.opcode {
                0x00..=0x3f => self.opcode & 2 != 0 || self.opcode >= 0x38,
                0x80..=0x83 => self.group() == 7,
                0x63 | 0x69 | 0x6b | 0x84 | 0x85 | 0x8a | 0x8b => true,
                0xf6 | 0xf7 => self.group() < 2 || self.group() > 3,
                0xff => self.group() >= 2,
                _ => false,
            },
            1 => {
                matches!(
                    self.opcode,
                    0x10 | 0x12 | 0x14..=0x16 | 0x18..=0x1f | 0x28 | 0x2a | 0x2c..=0x2f | 0x40..=0x7d
                        | 0xa3 | 0xaf | 0xb6..=0xb8 | 0xbc..=0xbf | 0xc2 | 0xc4 | 0xc6 | 0xd0..=0xd5
                        | 0xd7..=0xe6 | 0xe8..=0xff
                ) || self.opcode == 0x6f
                    || self.opcode == 0x7e && self.prefixes & REPEAT != 0
            }
            2 => self.vector == 0 && self.opcode < 0x40,
            _ => false,
        };
        !only_reads
    }
}
