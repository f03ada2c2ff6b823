//! The decoder beside a whole disassembler.

use iced_x86::{Decoder, DecoderOptions, InstructionInfoFactory, OpAccess, OpKind, Register};

use super::{Instruction, decode};
use crate::code::elf::{Elf, PADDING};

/// What both are asked of one instruction.
#[derive(Debug, PartialEq)]
struct Seen {
    length: usize,
    branch: Option<u64>,
    relative_operand: Option<u64>,
    thread: bool,
    base: Option<u8>,
    index: Option<u8>,
}

const ADDRESS: u64 = 0x1000_0000;

fn seen_here(instruction: &Instruction, bytes: &[u8]) -> Seen {
    let next = ADDRESS.wrapping_add(u64::from(instruction.length));
    let branch =
        instruction.is_relative_branch().then(|| next.wrapping_add_signed(instruction.immediate(bytes)));
    let relative = instruction
        .is_relative_to_itself()
        .then(|| next.wrapping_add_signed(instruction.displacement(bytes)));
    Seen {
        length: usize::from(instruction.length),
        branch,
        relative_operand: relative,
        thread: instruction.prefixes & super::THREAD != 0 && instruction.has_memory_operand(),
        base: instruction.base(),
        // Of a gather the index is a vector register, whose number has more bits.
        index: instruction.index(),
    }
}

fn seen_there(instruction: &iced_x86::Instruction) -> Seen {
    let number = |register: Register| {
        (register.is_gpr64() || register.is_gpr32() || register.is_vector_register())
            .then(|| u8::try_from(register.number() & 15).unwrap())
    };
    let is_near =
        matches!(instruction.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64);
    let has_memory = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
    Seen {
        length: instruction.len(),
        branch: is_near.then(|| instruction.near_branch_target()),
        relative_operand: instruction.is_ip_rel_memory_operand().then(|| instruction.ip_rel_memory_address()),
        thread: has_memory && instruction.segment_prefix() == Register::FS,
        base: number(instruction.memory_base()),
        index: number(instruction.memory_index()),
    }
}

/// Compares one instruction; whether both know it.
fn compare(bytes: &[u8], info: &mut InstructionInfoFactory) -> Option<usize> {
    let mut decoder = Decoder::with_ip(64, bytes, ADDRESS, DecoderOptions::NONE);
    let there = decoder.decode();
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len() + PADDING, 0);
    let here = decode(&padded, 0)?;
    if there.is_invalid() {
        return None;
    }
    let mut expected = seen_there(&there);
    if !here.has_memory_operand() {
        // Strings, `xlat` and absolute addresses, which have no ModRM.
        (expected.thread, expected.base, expected.index) = (false, None, None);
    }
    assert_eq!(seen_here(&here, bytes), expected, "{there} {bytes:02x?}");
    let writes = |access| {
        matches!(
            access,
            OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
        )
    };
    for used in info.info(&there).used_registers() {
        let register = used.register().full_register();
        let number = u8::try_from(register.number()).unwrap();
        assert!(
            !register.is_gpr64() || !writes(used.access()) || !here.only_reads(number),
            "{there} writes {register:?} {bytes:02x?}"
        );
        // The stack pointer is used by what says nothing of it.
        let is_general = register.is_gpr64() && register != Register::RSP;
        assert!(
            !is_general || here.is_hint() || here.touches(number),
            "{there} uses {register:?} {bytes:02x?}"
        );
    }
    let names_rsp = (0..there.op_count()).any(|operand| there.op_register(operand) == Register::RSP);
    assert!(here.names_stack_pointer() || !names_rsp, "{there} {bytes:02x?}");
    let memory = info.info(&there).used_memory();
    if here.has_memory_operand() {
        let size = there.memory_size().size();
        let bound = here.width().map_or(usize::MAX, usize::from);
        assert!(bound >= size, "{there}: {bound} bytes, not {size}; {bytes:02x?}");
        // `push [m]` and `call [m]` write elsewhere.
        let is_written = memory.iter().any(|m| {
            writes(m.access())
                && m.base() == there.memory_base()
                && m.displacement() == there.memory_displacement64()
        });
        assert!(here.may_write() || !is_written, "{there} writes {bytes:02x?}");
    }
    Some(there.len())
}

#[test]
fn this_programs_own_code_is_taken_apart_as_by_a_disassembler() {
    let elf = Elf::read(&std::fs::File::open("/proc/self/exe").unwrap()).unwrap();
    let text = elf.sections.iter().find(|section| section.name == ".text").unwrap();
    let mut info = InstructionInfoFactory::new();
    let (mut compared, mut exact, mut operands) = (0, 0, 0);
    let tenth = elf.functions.iter().step_by(if cfg!(debug_assertions) { 7 } else { 1 });
    for function in tenth.filter(|f| text.start <= f.start && f.end <= text.end) {
        let mut rest = text.read(function.start, function.end - function.start).unwrap();
        while !rest.is_empty() {
            let known = compare(&rest[..rest.len().min(15)], &mut info);
            let length = known.unwrap_or_else(|| panic!("{:02x?}", &rest[..rest.len().min(15)]));
            let mut decoder = Decoder::new(64, rest, DecoderOptions::NONE);
            let there = decoder.decode();
            let mut padded = rest[..length].to_vec();
            padded.resize(length + PADDING, 0);
            let here = decode(&padded, 0).unwrap();
            if here.has_memory_operand() && here.is_relative_to_itself() {
                operands += 1;
                exact += u32::from(here.width().is_none_or(|w| usize::from(w) == there.memory_size().size()));
            }
            compared += 1;
            rest = &rest[length..];
        }
    }
    assert!(compared > 10_000, "{compared}");
    assert!(exact * 20 > operands * 19, "of {operands} widths {exact} are exact");
}

#[test]
fn any_bytes_are_taken_apart_as_by_a_disassembler_or_not_at_all() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut info = InstructionInfoFactory::new();
    let prefixes: [&[u8]; 16] = [
        &[],
        &[],
        &[],
        &[0x48],
        &[0x66],
        &[0xf2],
        &[0xf3],
        &[0x64],
        &[0x0f],
        &[0x66, 0x0f],
        &[0xf3, 0x0f],
        &[0x0f, 0x38],
        &[0x0f, 0x3a],
        &[0xc5],
        &[0xc4],
        &[0x62],
    ];
    let mut known = 0;
    for _ in 0..400_000 {
        let mut bytes = prefixes[(next() & 15) as usize].to_vec();
        while bytes.len() < 15 {
            bytes.extend(next().to_le_bytes());
        }
        bytes.truncate(15);
        known += u32::from(compare(&bytes, &mut info).is_some());
    }
    assert!(known > 100_000, "{known}");
}
