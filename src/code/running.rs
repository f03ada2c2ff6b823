//! The program that runs: its file, and where it is loaded.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::elf::{Elf, u32_of, u64_of};
use super::names::Boundary;
use super::reach::Graph;
use super::{Obstacle, Program};

const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PT_PHDR: u32 = 6;
/// An ELF header has so many bytes.
const HEADER: u64 = 64;
/// A program header has so many bytes.
const ENTRY: usize = 56;
/// The type of the note that holds the build id; its owner is `GNU`.
const NT_GNU_BUILD_ID: u32 = 3;
/// No program has more headers, or longer notes.
const MOST: u64 = 1 << 16;

/// The program as it lies in memory: nothing of its file is read for this.
#[derive(Debug)]
pub struct Loaded {
    /// The distance from addresses of the file to addresses in memory.
    bias: u64,
    headers: Vec<u8>,
    build_id: Vec<u8>,
}

/// The running program's file.
#[derive(Debug)]
pub struct Running {
    /// What is in it.
    pub program: Program,
}

impl Loaded {
    /// Looks where this process has its program.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn find() -> Result<Self, Obstacle> {
        let auxiliary = std::fs::read("/proc/self/auxv").map_err(Obstacle::Io)?;
        let value = |key: u64| {
            let is_key = |entry: &&[u8; 16]| u64_of(&entry[..8]) == key;
            auxiliary.as_chunks::<16>().0.iter().find(is_key).map(|entry| u64_of(&entry[8..]))
        };
        let (Some(address), Some(count)) = (value(AT_PHDR), value(AT_PHNUM)) else {
            return Err(Obstacle::NotTheRunningFile);
        };
        let memory = File::open("/proc/self/mem").map_err(Obstacle::Io)?;
        let read = |address: u64, size: u64| {
            let mut bytes = vec![0; usize::try_from(size.min(MOST)).unwrap_or(0)];
            memory.read_exact_at(&mut bytes, address).map_err(Obstacle::Io)?;
            Ok::<_, Obstacle>(bytes)
        };
        let headers = read(address, count * ENTRY as u64)?;
        let all = || headers.as_chunks::<ENTRY>().0.iter();
        // Where there is no entry for the headers themselves, they follow the header of the file, as a rule.
        let own = all().find(|header| u32_of(&header[..4]) == PT_PHDR);
        let own = own.map_or(HEADER, |header| u64_of(&header[16..24]));
        let bias = address.wrapping_sub(own);
        let mut build_id = Vec::new();
        for note in all().filter(|header| u32_of(&header[..4]) == PT_NOTE) {
            let notes = read(bias.wrapping_add(u64_of(&note[16..24])), u64_of(&note[40..48]))?;
            build_id.extend(build_id_of(&notes));
        }
        Ok(Loaded { bias, headers, build_id })
    }

    /// What the linker put in to tell one build from another; empty if it did not.
    pub fn build_id(&self) -> &[u8] {
        &self.build_id
    }

    /// The address in the file of an address in memory; `None` if it is not one of the program.
    pub fn address(&self, in_memory: usize) -> Option<u64> {
        let address = (in_memory as u64).wrapping_sub(self.bias);
        let holds = |header: &[u8; ENTRY]| {
            let (start, size) = (u64_of(&header[16..24]), u64_of(&header[40..48]));
            u32_of(&header[..4]) == PT_LOAD && address >= start && address - start < size
        };
        self.headers.as_chunks::<ENTRY>().0.iter().any(holds).then_some(address)
    }
}

impl Running {
    /// Reads the file that this process was started from, also if it was replaced or removed since.
    /// Its headers and its build id are compared with those in memory.
    ///
    /// # Errors
    /// As [`Program::read`]; and if the file is not what runs (under a loader that was started by name,
    /// for instance).
    pub fn read(loaded: &Loaded, boundary: &Boundary) -> Result<Self, Obstacle> {
        let elf = Elf::read(&File::open("/proc/self/exe").map_err(Obstacle::Io)?)?;
        if elf.headers != loaded.headers || elf.build_id != loaded.build_id {
            return Err(Obstacle::NotTheRunningFile);
        }
        Ok(Running { program: Program(Graph::of(elf, boundary)?) })
    }
}

/// The build id among notes: each has the lengths of its owner's name and of its content, its type, the name and the
/// content, filled up to multiples of four.
fn build_id_of(mut notes: &[u8]) -> Vec<u8> {
    while let Some((head, rest)) = notes.split_first_chunk::<12>() {
        let [name, content, kind] = [0, 4, 8].map(|at| u32_of(&head[at..at + 4]));
        let (name, content) = (name as usize, content as usize);
        let start = name.next_multiple_of(4);
        let Some(found) = rest.get(start..start.saturating_add(content)) else { break };
        if kind == NT_GNU_BUILD_ID && rest.get(..name) == Some(b"GNU\0") {
            return found.to_vec();
        }
        notes = rest.get(start + content.next_multiple_of(4)..).unwrap_or(&[]);
    }
    Vec::new()
}
