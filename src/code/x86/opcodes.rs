//! The tables of opcodes: which fields follow each.

/// A byte that names registers, and what it says is behind it.
pub(super) const MODRM: u8 = 1;
pub(super) const IMM8: u8 = 2;
/// Four bytes, or two under the prefix 66.
pub(super) const IMM: u8 = 4;
pub(super) const IMM16: u8 = 8;
/// As `IMM`, or eight bytes under REX.W.
pub(super) const IMM_WIDE: u8 = 16;
/// An address of eight bytes.
pub(super) const ABSOLUTE: u8 = 32;
/// A distance, of four bytes if not `IMM8`.
pub(super) const RELATIVE: u8 = 64;
pub(super) const UNKNOWN: u8 = 128;

pub(super) const ONE_BYTE: [u8; 256] = one_byte();
pub(super) const TWO_BYTES: [u8; 256] = two_bytes();

const fn fill(table: &mut [u8; 256], from: usize, to: usize, value: u8) {
    let mut at = from;
    while at <= to {
        table[at] = value;
        at += 1;
    }
}

const fn one_byte() -> [u8; 256] {
    let mut t = [0; 256];
    let mut row = 0;
    while row < 0x40 {
        fill(&mut t, row, row + 3, MODRM);
        t[row + 4] = IMM8;
        t[row + 5] = IMM;
        fill(&mut t, row + 6, row + 7, UNKNOWN);
        row += 8;
    }
    fill(&mut t, 0x40, 0x4f, UNKNOWN); // a REX prefix that is not the last one
    fill(&mut t, 0x60, 0x62, UNKNOWN);
    t[0x63] = MODRM;
    fill(&mut t, 0x64, 0x67, UNKNOWN);
    t[0x68] = IMM;
    t[0x69] = MODRM | IMM;
    t[0x6a] = IMM8;
    t[0x6b] = MODRM | IMM8;
    fill(&mut t, 0x70, 0x7f, RELATIVE | IMM8);
    t[0x80] = MODRM | IMM8;
    t[0x81] = MODRM | IMM;
    t[0x82] = UNKNOWN;
    t[0x83] = MODRM | IMM8;
    fill(&mut t, 0x84, 0x8f, MODRM);
    t[0x9a] = UNKNOWN;
    fill(&mut t, 0xa0, 0xa3, ABSOLUTE);
    t[0xa8] = IMM8;
    t[0xa9] = IMM;
    fill(&mut t, 0xb0, 0xb7, IMM8);
    fill(&mut t, 0xb8, 0xbf, IMM_WIDE);
    fill(&mut t, 0xc0, 0xc1, MODRM | IMM8);
    t[0xc2] = IMM16;
    fill(&mut t, 0xc4, 0xc5, UNKNOWN); // VEX is taken apart before
    t[0xc6] = MODRM | IMM8;
    t[0xc7] = MODRM | IMM;
    t[0xc8] = IMM16 | IMM8;
    t[0xca] = IMM16;
    t[0xcd] = IMM8;
    t[0xce] = UNKNOWN;
    fill(&mut t, 0xd0, 0xd3, MODRM);
    fill(&mut t, 0xd4, 0xd6, UNKNOWN);
    fill(&mut t, 0xd8, 0xdf, MODRM);
    fill(&mut t, 0xe0, 0xe3, RELATIVE | IMM8);
    fill(&mut t, 0xe4, 0xe7, IMM8);
    fill(&mut t, 0xe8, 0xe9, RELATIVE);
    t[0xea] = UNKNOWN;
    t[0xeb] = RELATIVE | IMM8;
    t[0xf0] = UNKNOWN;
    fill(&mut t, 0xf2, 0xf3, UNKNOWN);
    fill(&mut t, 0xf6, 0xf7, MODRM); // and an immediate for two of eight
    fill(&mut t, 0xfe, 0xff, MODRM);
    t
}

const fn two_bytes() -> [u8; 256] {
    let mut t = [MODRM; 256];
    t[0x04] = UNKNOWN;
    fill(&mut t, 0x05, 0x09, 0);
    t[0x0a] = UNKNOWN;
    t[0x0b] = 0;
    t[0x0c] = UNKNOWN;
    t[0x0e] = 0;
    t[0x0f] = UNKNOWN; // 3DNow!
    fill(&mut t, 0x20, 0x27, UNKNOWN);
    fill(&mut t, 0x30, 0x35, 0);
    t[0x36] = UNKNOWN;
    t[0x37] = 0;
    fill(&mut t, 0x38, 0x3f, UNKNOWN); // maps of three bytes are taken apart before
    fill(&mut t, 0x70, 0x73, MODRM | IMM8);
    t[0x77] = 0;
    fill(&mut t, 0x78, 0x7b, UNKNOWN);
    fill(&mut t, 0x80, 0x8f, RELATIVE);
    fill(&mut t, 0xa0, 0xa2, 0);
    t[0xa4] = MODRM | IMM8;
    fill(&mut t, 0xa6, 0xa7, UNKNOWN);
    fill(&mut t, 0xa8, 0xaa, 0);
    t[0xac] = MODRM | IMM8;
    t[0xb8] = MODRM;
    t[0xba] = MODRM | IMM8;
    t[0xc2] = MODRM | IMM8;
    fill(&mut t, 0xc4, 0xc6, MODRM | IMM8);
    fill(&mut t, 0xc8, 0xcf, 0);
    t
}
