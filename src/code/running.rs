//! The program that runs: its file, and where it is loaded.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::elf::{Elf, u64_of};
use super::reach::Graph;
use super::{Obstacle, Program};

const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;

/// The running program, and the distance from addresses of its file to addresses in memory.
#[derive(Debug)]
pub struct Running {
    /// What is in its file.
    pub program: Program,
    bias: u64,
}

impl Running {
    /// Reads the file that this process was started from, also if it was replaced or removed since.
    ///
    /// # Errors
    /// As [`Program::read`]; and if the file is not what runs (under a loader that was started by name,
    /// for instance), or the system does not tell.
    pub fn read(boundaries: &[&str]) -> Result<Self, Obstacle> {
        let elf = Elf::read(&File::open("/proc/self/exe").map_err(Obstacle::Io)?)?;
        let bias = bias(&elf)?;
        Ok(Running { program: Program(Graph::of(elf, boundaries)?), bias })
    }

    /// The address in the file of an address in memory.
    pub fn address(&self, in_memory: usize) -> u64 {
        (in_memory as u64).wrapping_sub(self.bias)
    }
}

/// Where the program is loaded: the system tells where its headers are. They, and the build id, are
/// compared with the file's.
fn bias(elf: &Elf) -> Result<u64, Obstacle> {
    let auxiliary = std::fs::read("/proc/self/auxv").map_err(Obstacle::Io)?;
    let value = |key: u64| {
        let is_key = |entry: &&[u8; 16]| u64_of(&entry[..8]) == key;
        auxiliary.as_chunks::<16>().0.iter().find(is_key).map(|entry| u64_of(&entry[8..]))
    };
    let (Some(headers), Some(count)) = (value(AT_PHDR), value(AT_PHNUM)) else {
        return Err(Obstacle::NotTheRunningFile);
    };
    let bias = headers.wrapping_sub(elf.headers.address);
    let memory = File::open("/proc/self/mem").map_err(Obstacle::Io)?;
    let is_same = |address: u64, expected: &[u8]| {
        let mut bytes = vec![0; expected.len()];
        memory.read_exact_at(&mut bytes, address).is_ok() && bytes == expected
    };
    let is_id_same = match elf.sections.iter().find(|section| section.name == ".note.gnu.build-id") {
        Some(note) => is_same(bias.wrapping_add(note.start + 16), &elf.build_id),
        None => true,
    };
    let is_whole = count * 56 == elf.headers.content.len() as u64;
    let is_running = is_whole && is_same(headers, &elf.headers.content) && is_id_same;
    if is_running { Ok(bias) } else { Err(Obstacle::NotTheRunningFile) }
}
