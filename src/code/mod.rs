//! What a program's machine code reaches: the machine fingerprint of functions.
//!
//! From a program's file: for the address of a function, the [`Reach`] of it, with a digest and a list
//! of pieces, or an [`Obstacle`], the reason why there is none. Nothing here knows of calls or stores.
//! x86-64 ELF programs that are position-independent and have a symbol table; debug information is not
//! needed and not read.
//!
//! # Invariants
//! 1. *Equal digests mean equal code.* A reach is a graph. Its nodes are functions and pieces of data,
//!    its edges are the addresses in them, in their order. The digest covers the bytes of each node
//!    with each address replaced by the number of the node that it leads to and the offset in it. Nodes
//!    are numbered at their first visit. So names, addresses and the order of linking do not count.
//! 2. *Larger when unsure.* A node that is not needed costs a needless miss. A node that is missing
//!    costs a wrong value.
//! 3. *None, not a guess.* What cannot be told is an [`Obstacle`].
//!
//! # Rules
//! Where machine code and files mislead, and what is done about it:
//!
//! - **Where data ends** ([`constants`], [`forms`]). Symbols tell where statics begin and end. Constants
//!   have none after linking, so data is cut wherever anything of the program points to. A cut may be a
//!   pointer into an object (`const TAIL: &[u64] = TABLE.split_at(4).1`), so data is taken to go on behind
//!   it, with these exceptions:
//!   - A text ends where the length that stands beside the pointer says.
//!   - Vtables, places in the source, templates of formats and texts that end with a zero show their end.
//!   - A constant is private to its object file: it ends where something begins to which only other object
//!     files point. The order of the symbol table and of the code tells which function is of which file.
//!   - Behind what goes on, at most one text is added. Somebody may have a slice of the table that is a text.
//!   - The standard library comes compiled with the compiler. Nobody edits what lies behind a cut in it, and
//!     programs of two compilers are never compared.
//!
//!   What may be indexed or counted down goes on to the left, too: the pointer may be the object's end.
//! - **Addresses outside of their object**. Code may keep the end of a table, or an address before it: a loop that goes back, C
//!   that keeps `table - 257`. What is passed on may be the end of the object before it; what is indexed within an object, or
//!   between two, may be of the next one; and data that nothing points into ([`orphans`]) is of whoever may be of its file.
//!   A table that other code points into, too, and that this code counts to from far away, is not seen.
//! - **Tables of distances** ([`tables`]). Jump tables and relative tables hold distances that change when
//!   the linker moves unrelated things. They are found by the code that adds what it loads to the table's
//!   address, and read as references.
//! - **Places in the source** ([`places`]; `Location`: file, line, column) change with every line added above.
//!   They are left out where the code does nothing with the address but pass it, through functions that only
//!   pass it on, to a panic of the standard library.
//! - **Slots that the loader fills** ([`elf`]). A relocated slot is a reference, whether it stands in the
//!   GOT, a vtable or a static. Symbols of shared libraries count by name and library. An `IRELATIVE` slot
//!   leads to the function that chooses.
//! - **Thread-locals** ([`thread`]). A distance from the thread pointer leads to the symbol of the
//!   thread-local. Where the pointer's use cannot be followed, all thread-locals are in the reach.
//! - **Code that runs before `main`** ([`reach`]). A function of `.init_array` is in the reach, with all that
//!   it leads to, if it may write a writable piece that is in the reach (`inventory`, `typetag`, `ctor`).
//!   Panics and the compiled part of the standard library are not followed for this, or their counters and
//!   locks would draw every such function into every reach.
//!   Nor is the registration of transactional memory that every program begins with: it holds the address of
//!   whatever lies behind its empty table.
//!   Sections whose names are identifiers are one piece (`linkme`).
//! - **Unwinding** ([`unwind`]). Landing pads lie in their function. The table that says which of them a panic
//!   in a call runs to, and the personality that reads the table, are in the reach.
//! - **Whose code it is** ([`names`]). Code and statics behind a [`Boundary`] count by name only. A symbol that shares its bytes with another is never a boundary.
//! - **The running file** ([`running`]). `/proc/self/exe` leads to it after it was replaced; its headers and
//!   build id are compared with those in memory. An address outside of it is an obstacle.
//! - **No fingerprint**: without a symbol table (stripped, packed), with fixed addresses (an address could be any
//!   number), with relocated code, with instructions or tables that are not known here.
//!
//! # Not covered
//! Code of shared libraries; what the program writes to statics after `main` began; code that the arguments
//! bring along (`dyn`).

#![expect(clippy::cast_possible_truncation, reason = "`usize` has 64 bits where this is compiled")]
#![expect(clippy::cast_possible_wrap, reason = "offsets within a file")]

mod constants;
mod describe;
mod elf;
mod forms;
mod names;
mod obstacle;
mod orphans;
mod outside;
mod parts;
mod places;
mod reach;
mod resolve;
mod running;
mod scan;
mod tables;
mod thread;
mod told;
mod unwind;
mod usage;
mod x86;

use std::fs::File;
use std::sync::Arc;

pub use self::names::Boundary;
pub use self::obstacle::Obstacle;
pub use self::running::{Loaded, Running};

/// A program whose functions can be asked for their reach.
#[derive(Debug)]
pub struct Program(reach::Graph);

impl Program {
    /// Reads the program in `file`. Of code and statics behind the `boundary` only names count.
    ///
    /// Takes 10 to 20 ms for each MB of machine code, or 60 to 200 ms where this library is not optimized.
    ///
    /// # Errors
    /// If the file is not of a kind whose code can be followed.
    pub fn read(file: &File, boundary: &Boundary) -> Result<Self, Obstacle> {
        Ok(Program(reach::Graph::of(elf::Elf::read(file)?, boundary)?))
    }

    /// The reach of the functions at these addresses of the file, together.
    ///
    /// # Errors
    /// If there is no function at an address, or something that it reaches cannot be followed.
    pub fn reach(&mut self, roots: &[u64]) -> Result<Reach, Obstacle> {
        self.0.reach(roots)
    }

    /// What people can name of a reach of this program, the nearest first; the first is what the reach begins with.
    pub fn parts(&mut self, reach: &Reach) -> Vec<Part> {
        let parents: Vec<_> = reach.pieces.iter().map(|piece| piece.parent).collect();
        self.0.parts(&reach.ids, &parents)
    }

    /// Functions of the C library that read or change the outside world and that the first function of a reach can come to,
    /// otherwise than through panics, failed allocations and the seeds of hash maps.
    pub fn outside(&mut self, reach: &Reach) -> Vec<Outside> {
        reach.ids.first().map_or_else(Vec::new, |first| self.0.outside(*first))
    }

    /// The functions that have symbols, by address, and their names.
    pub fn functions(&self) -> impl Iterator<Item = (u64, String)> {
        self.0.functions()
    }

    /// What the compilers and the linker wrote of themselves into the file.
    pub fn compilers(&self) -> &[u8] {
        &self.0.elf().compilers
    }
}

/// All that some functions can run or read.
#[derive(Debug)]
pub struct Reach {
    /// Equal for equal code and data, wherever they lie.
    pub digest: [u8; 32],
    /// Functions and data, in the order of their first visit.
    pub pieces: Vec<Piece>,
    /// The numbers of the pieces in their program.
    ids: Vec<reach::Id>,
}

/// A function or a piece of data.
#[derive(Debug)]
pub struct Piece {
    /// The name of its symbol; `data` for what has none.
    pub symbol: String,
    /// Of its bytes, without the addresses in them.
    pub digest: [u8; 32],
    /// The number of the piece from which it was first reached.
    pub parent: Option<usize>,
    /// Whether it is a function.
    pub is_code: bool,
    /// Addresses of the file that it covers, each range without its end.
    pub ranges: Vec<(u64, u64)>,
}

/// A function or static that people have a name for, with all that belongs to it and has none: constants, and what the
/// compiler made for it of the standard library.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name in the source, with the crate; empty for what the reach begins with.
    pub name: Arc<str>,
    /// Of its bytes and of the names of what it refers to.
    pub digest: [u8; 8],
    /// The number of the part from which it was first reached.
    pub parent: Option<usize>,
}

/// A function that reads or changes the outside world, and how code comes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Its name in the C library.
    pub name: &'static str,
    /// Of what is on a shortest way to it, the names that people have.
    pub way: Vec<String>,
}

impl Piece {
    /// What a person calls it: a path without a hash.
    pub fn name(&self) -> String {
        names::readable(&self.symbol)
    }
}
