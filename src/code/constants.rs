//! Where data without a symbol begins and ends.
//!
//! Statics have symbols with sizes. Constants (`&[…]`, strings, vtables, floats, tables of the
//! compiler) have none once a program is linked; all that is left of them is what points to them. So
//! data is cut wherever anything of the program points to, and a cut is trusted only where a whole
//! object is known to end or begin. Elsewhere what lies behind it is taken to belong to what lies
//! before: see [`Constants::next`].

use super::elf::{Elf, Files, Relocation, Target};
use super::forms::{is_formed, is_mergeable, tells_length};
use super::scan::{How, NO_USE, Scan};
use super::usage::{Use, Walks};

/// Something that points to a place in data without a symbol.
#[derive(Clone, Copy, Debug)]
struct Mark {
    pointer: Pointer,
    /// The object file that holds the pointer.
    files: Files,
    /// The number of another mark of the same place.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pointer {
    /// A load or store of known width in code.
    Load,
    /// The base of a table of distances.
    Table,
    /// An address taken in code, with what is known of its use.
    Code(u32),
    /// An address in data, by its slot.
    Slot(u64),
    /// An entry of a table of distances.
    Distance,
}

/// What the piece of data between two cuts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing points to it.
    Unused,
    /// It is loaded from, and its address is never taken.
    Loaded,
    /// A text whose length stands beside each pointer to it.
    Text,
    /// Its form tells where it ends: a vtable, a place in the source, a format's template.
    Formed,
    /// Its address is taken, and its end is not known.
    Open,
}

/// The pieces of data without symbols. Sections are laid one behind the other, with a byte between: a
/// *position* is an address in that line.
#[derive(Debug, Default)]
pub(super) struct Constants {
    sections: Vec<Line>,
    /// A bit for each position: whether a piece begins there. Symbols and ends of sections are pieces.
    cuts: Vec<u64>,
    /// How many pieces begin before each word of `cuts`.
    counts: Vec<u32>,
    /// By piece: the number of its first mark, [`NO_USE`] without one, [`CLOSED`] for what is no piece of
    /// data without a symbol.
    heads: Vec<u32>,
    marks: Vec<Mark>,
}

const CLOSED: u32 = u32::MAX - 1;

#[derive(Clone, Copy, Debug)]
struct Line {
    start: u64,
    end: u64,
    position: usize,
}

/// A piece of data between two cuts, and where its object may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    number: usize,
    goes: Goes,
}

impl Part {
    /// Whether the object may go on beyond the cut.
    pub(super) fn goes_on(self) -> bool {
        self.goes != Goes::Nowhere
    }

    /// The same, to the left.
    pub(super) fn leftwards(self) -> Self {
        Part { goes: Goes::Left, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Goes {
    Nowhere,
    Right,
    Left,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Constants {
    pub(super) fn of(elf: &Elf, scan: &Scan, tables: &[(u64, Vec<u64>)]) -> Self {
        let mut constants = Constants::default();
        let mut position = 0;
        for section in elf.sections.iter().filter(|section| !section.is_code) {
            constants.sections.push(Line { start: section.start, end: section.end, position });
            position += (section.end - section.start) as usize + 1;
        }
        constants.cuts = vec![0; position / 64 + 1];
        let mut marks = Vec::new();
        constants.collect(elf, scan, tables, &mut marks);
        for line in constants.sections.clone() {
            constants.cut(line.position);
            constants.cut(line.position + (line.end - line.start) as usize);
        }
        for object in &elf.objects {
            for address in [object.start, object.end] {
                if let Some(position) = constants.position(address) {
                    constants.cut(position);
                }
            }
        }
        for (address, _) in &marks {
            constants.cut(*address);
        }
        constants.count();
        for object in &elf.objects {
            if let (Some(start), Some(end)) =
                (constants.position(object.start), constants.position(object.end))
            {
                let (first, last) = (constants.piece_from(start), constants.piece_from(end));
                constants.heads[first..last].fill(CLOSED);
            }
        }
        for line in constants.sections.clone() {
            let end = constants.piece_from(line.position + (line.end - line.start) as usize);
            constants.heads[end] = CLOSED;
        }
        // An address in data is of the file that the data is of: of its symbol, or of what points there.
        let (of_data, of_code): (Vec<_>, Vec<_>) =
            marks.into_iter().partition(|(_, mark)| matches!(mark.pointer, Pointer::Slot(_)));
        for (position, mark) in of_code {
            constants.add(position, mark);
        }
        for (position, mark) in of_data {
            let Pointer::Slot(slot) = mark.pointer else { continue };
            let files = constants.files_of(elf, slot);
            constants.add(position, Mark { files, ..mark });
        }
        constants
    }

    fn add(&mut self, position: usize, mark: Mark) {
        let piece = self.piece_from(position);
        let number = u32::try_from(self.marks.len()).unwrap_or(NO_USE);
        let next = std::mem::replace(&mut self.heads[piece], number);
        self.marks.push(Mark { next, ..mark });
    }

    fn files_of(&self, elf: &Elf, address: u64) -> Files {
        if let Some(object) = elf.object_at(address) {
            return elf.objects[object].files;
        }
        let Some(position) = self.position(address) else { return Files::ALL };
        let mut files = self.marks(self.piece_from(position)).map(|mark| mark.files);
        let first = files.next().unwrap_or(Files::ALL);
        if files.all(|other| other == first) { first } else { Files::ALL }
    }

    fn collect(&self, elf: &Elf, scan: &Scan, tables: &[(u64, Vec<u64>)], marks: &mut Vec<(usize, Mark)>) {
        let mut add = |address: u64, pointer: Pointer, files: Files| {
            if let Some(position) = self.position(address)
                && elf.object_at(address).is_none()
            {
                marks.push((position, Mark { pointer, files, next: NO_USE }));
            }
        };
        for function in &scan.functions {
            let files = function.symbol.files;
            for reference in scan.references(function) {
                match reference.how {
                    How::Address if reference.usage != NO_USE => {
                        add(reference.target, Pointer::Code(reference.usage), files);
                    }
                    How::Read(_) | How::Write(_) => add(reference.target, Pointer::Load, files),
                    _ => {}
                }
            }
        }
        for Relocation { slot, target } in &elf.relocations {
            if let Target::Address(address) = *target {
                add(address, Pointer::Slot(*slot), Files::ALL);
            }
        }
        for (table, targets) in tables {
            add(*table, Pointer::Table, Files::ALL);
            for target in targets {
                add(*target, Pointer::Distance, Files::ALL);
            }
        }
    }

    /// The position of an address of data.
    fn position(&self, address: u64) -> Option<usize> {
        let line = self.sections.iter().find(|line| line.start <= address && address < line.end)?;
        Some(line.position + (address - line.start) as usize)
    }

    fn cut(&mut self, position: usize) {
        self.cuts[position >> 6] |= 1 << (position & 63);
    }

    fn count(&mut self) {
        let mut count = 0;
        for word in &self.cuts {
            self.counts.push(count);
            count += word.count_ones();
        }
        self.heads = vec![NO_USE; count as usize + 1];
    }

    /// The piece that holds a position.
    fn piece_from(&self, position: usize) -> usize {
        let (word, bit) = (position >> 6, position & 63);
        let before = self.cuts[word] & (u64::MAX >> (63 - bit));
        (self.counts[word] + before.count_ones()) as usize - 1
    }

    /// Where a piece begins and ends.
    fn piece(&self, number: usize) -> Extent {
        let start = self.start_of(number);
        let line = self.sections.iter().rfind(|line| line.position <= start);
        let line = line.expect("a piece is of a section");
        let address = |position: usize| line.start + (position - line.position) as u64;
        Extent { start: address(start), end: address(self.start_of(number + 1)).min(line.end) }
    }

    /// The position at which a piece begins.
    fn start_of(&self, number: usize) -> usize {
        let word = self.counts.partition_point(|count| *count as usize <= number) - 1;
        let mut bits = self.cuts[word];
        for _ in self.counts[word] as usize..number {
            bits &= bits - 1;
        }
        if bits == 0 { self.cuts.len() * 64 } else { word * 64 + bits.trailing_zeros() as usize }
    }

    fn marks(&self, number: usize) -> impl Iterator<Item = &Mark> {
        let at = |mark: u32| self.marks.get(mark as usize);
        std::iter::successors(at(self.heads[number]), move |mark| at(mark.next))
    }

    fn kind(&self, elf: &Elf, scan: &Scan, number: usize) -> Kind {
        let mut taken = self.marks(number).filter(|mark| mark.pointer != Pointer::Load).peekable();
        if taken.peek().is_none() {
            return if self.marks(number).next().is_none() { Kind::Unused } else { Kind::Loaded };
        }
        let extent = self.piece(number);
        let is_table = self.marks(number).any(|mark| mark.pointer == Pointer::Table);
        if is_table || self.is_merged(elf, number) || is_formed(elf, extent) {
            Kind::Formed
        } else if taken.all(|mark| tells_length(elf, scan, extent, mark.pointer)) {
            Kind::Text
        } else {
            Kind::Open
        }
    }

    /// What a pointer to `address` leads to: the piece, and whether it goes on to either side.
    ///
    /// A text whose length stands beside the pointer, and what has a form, is just that. Otherwise the
    /// object may go on beyond the next cut, which may be a pointer into it: see [`next`](Self::next).
    /// So it may to the left if the pointer is the base of an index or is counted down, because it may
    /// be the end of its object.
    pub(super) fn at(&self, elf: &Elf, scan: &Scan, address: u64, pointer: Pointer) -> Option<(Part, bool)> {
        let number = self.piece_from(self.position(address)?);
        let extent = self.piece(number);
        let is_start = extent.start == address;
        let told = is_start && tells_length(elf, scan, extent, pointer);
        let is_whole = self.is_standard(elf, number);
        if told || is_whole || is_start && (self.is_merged(elf, number) || is_formed(elf, extent)) {
            return Some((Part { number, goes: Goes::Nowhere }, false));
        }
        Some((
            Part { number, goes: Goes::Right },
            matches!(walks(scan, pointer), Walks::Maybe | Walks::Yes) || !is_start,
        ))
    }

    /// The piece that holds an address.
    pub(super) fn piece_at(&self, address: u64) -> Option<Extent> {
        Some(self.piece(self.piece_from(self.position(address)?)))
    }

    pub(super) fn extent(&self, part: Part) -> Extent {
        self.piece(part.number)
    }

    /// What an object may go on with, beyond the cut at the end of a part:
    /// - what is open too, or loaded from, and what follows that;
    /// - one text, which may be a part of a table that somebody has a slice of; nothing behind it.
    ///
    /// A constant without a symbol is private to its object file. So it ends where something begins that
    /// other files point to. (Where files share equal constants, the linker has merged them, and what is
    /// shared is whole.)
    pub(super) fn next(&self, elf: &Elf, scan: &Scan, part: Part) -> Option<Part> {
        let number = match part.goes {
            Goes::Nowhere => return None,
            Goes::Right => part.number + 1,
            Goes::Left => part.number.checked_sub(1)?,
        };
        if self.heads[number] == CLOSED {
            return None;
        }
        match self.kind(elf, scan, number) {
            Kind::Formed | Kind::Unused => None,
            _ if !self.may_share_file(part.number, number) => None,
            Kind::Loaded | Kind::Open => Some(Part { number, goes: part.goes }),
            Kind::Text => Some(Part { number, goes: Goes::Nowhere }),
        }
    }

    /// Whether several files point to a piece: the linker has merged equal constants of theirs. Those have
    /// certain sizes, or are texts that end with a zero.
    fn is_merged(&self, elf: &Elf, number: usize) -> bool {
        let mut files = self.marks(number).map(|mark| mark.files);
        let first = files.next().unwrap_or(Files::ALL);
        files.any(|files| !files.overlap(first)) && is_mergeable(elf, self.piece(number))
    }

    /// Whether only the standard library points to a piece. It comes compiled with the compiler, so nobody
    /// edits what lies behind a cut.
    fn is_standard(&self, elf: &Elf, number: usize) -> bool {
        elf.standard.is_some_and(|standard| self.marks(number).all(|mark| standard.hold(mark.files)))
    }

    /// Whether one object file may point to both pieces.
    fn may_share_file(&self, one: usize, other: usize) -> bool {
        let may_hold = |files: Files| self.marks(other).any(|mark| mark.files.overlap(files));
        self.marks(one).any(|mark| may_hold(mark.files))
    }
}

/// What is seen of the use of an address that code takes.
pub(super) fn usage(scan: &Scan, pointer: Pointer) -> Option<&Use> {
    match pointer {
        Pointer::Code(usage) => scan.uses.get(usage as usize),
        _ => None,
    }
}

/// The object files that what points to data may be of.
pub(super) fn files(scan: &Scan, pointer: Pointer) -> Files {
    usage(scan, pointer).map_or(Files::ALL, |usage| usage.files)
}

/// Whether what points to data may reach memory before it.
pub(super) fn walks(scan: &Scan, pointer: Pointer) -> Walks {
    usage(scan, pointer).map_or(Walks::No, |usage| usage.walks)
}
