use std::fmt;
use std::io;

/// Why there is no fingerprint.
#[derive(Debug)]
#[non_exhaustive]
pub enum Obstacle {
    /// The file, or what tells about the process, cannot be read.
    Io(io::Error),
    /// Not an x86-64 ELF file.
    OtherPlatform,
    /// The program is linked for fixed addresses, which cannot be told from numbers.
    FixedAddresses,
    /// There is no symbol table.
    NoSymbols,
    /// The file contradicts itself.
    Malformed(&'static str),
    /// A relocation of this number, which is not known here.
    Relocation(u32),
    /// The loader writes into code.
    RelocatedCode,
    /// The code is in another file, such as a shared library.
    OtherFile,
    /// No function of the program begins at this address of its file.
    NoFunction(u64),
    /// No data of the program is at this address of its file, which its code refers to.
    NoData(u64),
    /// A function whose instructions are not known here, or whose addresses are counted from a base.
    Unreadable(String),
    /// The unwinding table at this address of the file is not of a known form.
    Unwinding(u64),
    /// What runs is not what is in the file.
    NotTheRunningFile,
    /// It was met before; this is what it said.
    Earlier(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Obstacle::Io(error) => write!(f, "the program's file cannot be read: {error}"),
            Obstacle::OtherPlatform => f.write_str("the program is not an x86-64 ELF file"),
            Obstacle::FixedAddresses => f.write_str("the program is not position-independent"),
            Obstacle::NoSymbols => f.write_str("the program has no symbol table"),
            Obstacle::Malformed(what) => write!(f, "the program's file contradicts itself: {what}"),
            Obstacle::Relocation(kind) => write!(f, "the program has relocations of the unknown kind {kind}"),
            Obstacle::RelocatedCode => f.write_str("the loader writes into the program's code"),
            Obstacle::OtherFile => f.write_str("its code is not in the program's file"),
            Obstacle::NoFunction(address) => write!(f, "no function of the program begins at {address:#x}"),
            Obstacle::NoData(address) => write!(f, "code refers to {address:#x}, where nothing is"),
            Obstacle::Unreadable(name) => {
                write!(f, "`{name}` has instructions or addresses that cannot be followed")
            }
            Obstacle::Unwinding(address) => {
                write!(f, "the unwinding table at {address:#x} is of an unknown form")
            }
            Obstacle::Earlier(what) => f.write_str(what),
            Obstacle::NotTheRunningFile => f.write_str("what runs is not what is in the program's file"),
        }
    }
}

impl std::error::Error for Obstacle {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Obstacle::Io(error) => Some(error),
            _ => None,
        }
    }
}
