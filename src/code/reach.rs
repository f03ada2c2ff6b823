//! The reach of functions: a graph of pieces with references between them, and its digest.
//!
//! The graph is numbered, not hashed bottom-up. A hash over the hashes of what a piece refers to is
//! cheaper to share between functions, but takes two statics with equal content for one, and code
//! is full of circles. Pieces are described once for all functions of a program; a digest is one
//! walk over the numbers.

use std::collections::{HashMap, HashSet};

use super::constants::{Constants, Extent, Part};
use super::describe::Described;
use super::elf::{Elf, Target, text_at};
use super::names::{self, Boundary};
use super::parts::Told;
use super::places::Places;
use super::resolve::is_constant;
use super::scan::Scan;
use super::tables::{self, Table};
use super::unwind::Frames;
use super::{Obstacle, Piece, Reach, orphans};

/// The number of a piece.
pub(super) type Id = u32;

const NONE: Id = Id::MAX;

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    Function(usize),
    /// A static.
    Object(usize),
    /// A section of which all counts.
    Section(Extent),
    /// Data without a symbol.
    Data(Part),
    ThreadLocal(usize),
    /// All thread-locals.
    ThreadLocals,
    /// What is only named: it has no content, and leads nowhere.
    Named(String),
}

/// A program whose functions' reaches can be asked for.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) elf: Elf,
    pub(super) scan: Scan,
    pub(super) tables: HashMap<usize, Table>,
    pub(super) constants: Constants,
    pub(super) orphans: Vec<usize>,
    pub(super) boundary: Boundary,
    pub(super) pieces: Vec<(What, Option<Described>)>,
    /// The pieces that are functions, statics, and others.
    function_ids: Vec<Id>,
    object_ids: Vec<Id>,
    ids: HashMap<What, Id>,
    pub(super) frames: Frames,
    pub(super) places: Places,
    /// Functions that run before `main`, and the writable pieces that each may write.
    initializers: Option<Vec<(Id, HashSet<Id>)>>,
    /// What people call the pieces that were asked for.
    pub(super) told: HashMap<Id, Told>,
}

impl Graph {
    pub(super) fn of(elf: Elf, boundary: &Boundary) -> Result<Self, Obstacle> {
        let scan = Scan::of(&elf);
        let tables = tables::find(&elf, &scan);
        let distances: Vec<_> = tables
            .values()
            .map(|table| (table.start, if table.jumps { Vec::new() } else { table.targets.clone() }))
            .collect();
        let constants = Constants::of(&elf, &scan, &distances);
        let orphans = orphans::find(&elf, &scan, &distances);
        Ok(Graph {
            frames: Frames::of(&elf)?,
            function_ids: vec![NONE; scan.functions.len()],
            object_ids: vec![NONE; elf.objects.len()],
            elf,
            scan,
            tables,
            constants,
            orphans,
            boundary: *boundary,
            pieces: Vec::new(),
            places: Places::default(),
            ids: HashMap::new(),
            initializers: None,
            told: HashMap::new(),
        })
    }

    pub(super) fn elf(&self) -> &Elf {
        &self.elf
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = (u64, String)> {
        let functions = self.elf.functions.iter().map(|function| (function.start, function.name));
        let all = functions.chain(self.elf.aliases.iter().copied());
        all.map(|(start, name)| (start, self.name(name).map_or(String::new(), names::readable)))
    }

    /// The reach of the functions at these addresses.
    pub(super) fn reach(&mut self, roots: &[u64]) -> Result<Reach, Obstacle> {
        let mut walk = Walk::default();
        for root in roots {
            let function = self.function_at(*root)?;
            if self.scan.functions[function].symbol.start != *root {
                return Err(Obstacle::NoFunction(*root));
            }
            let id = self.id(What::Function(function));
            let root = walk.visit(id, None);
            walk.roots.push(root);
            self.walk(&mut walk)?;
        }
        self.add_initializers(&mut walk)?;
        Ok(walk.finish(self))
    }

    fn walk(&mut self, walk: &mut Walk) -> Result<(), Obstacle> {
        while let Some(id) = walk.order.get(walk.done).copied() {
            self.describe(id)?;
            let from = walk.done;
            for (target, _) in &self.described(id).targets {
                walk.visit(*target, Some(from));
            }
            walk.done += 1;
        }
        Ok(())
    }

    /// Adds what writes, before `main`, a writable piece that is in the reach.
    fn add_initializers(&mut self, walk: &mut Walk) -> Result<(), Obstacle> {
        let initializers = match self.initializers.take() {
            Some(known) => known,
            None => self.find_initializers()?,
        };
        let mut added = vec![false; initializers.len()];
        loop {
            let next = initializers.iter().zip(&added).position(|((_, writes), added)| {
                !added && writes.iter().any(|piece| walk.number(*piece).is_some())
            });
            let Some(next) = next else { break };
            added[next] = true;
            let root = walk.visit(initializers[next].0, None);
            walk.roots.push(root);
            self.walk(walk)?;
        }
        self.initializers = Some(initializers);
        Ok(())
    }

    fn find_initializers(&mut self) -> Result<Vec<(Id, HashSet<Id>)>, Obstacle> {
        let mut found = Vec::new();
        for slot in self.elf.initializers.clone() {
            let address = match self.elf.relocations_in(slot, slot + 8) {
                [relocation] => match relocation.target {
                    Target::Address(address) => address,
                    _ => continue,
                },
                _ => continue,
            };
            let function = self.function_at(address)?;
            let id = self.id(What::Function(function));
            found.push((id, self.writes(id)?));
        }
        Ok(found)
    }

    /// The writable pieces that a function may write. Panics are left out, and functions that come compiled with the
    /// compiler: the counters, locks and hooks that they write are in the reach of nearly everything and in no value. They
    /// cannot name a piece of the program, and one that they are given is named where its address is taken.
    fn writes(&mut self, id: Id) -> Result<HashSet<Id>, Obstacle> {
        let mut seen = HashSet::from([id]);
        let mut writes = HashSet::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            if self.is_panic(id) || self.is_of_compiler(id) {
                continue;
            }
            self.describe(id)?;
            if self.registers_clones(id) {
                continue;
            }
            for (target, may_write) in self.described(id).targets.clone() {
                if may_write && self.is_writable(target) {
                    writes.insert(target);
                }
                if seen.insert(target) {
                    waiting.push(target);
                }
            }
        }
        Ok(writes)
    }

    /// Whether it is what the C compiler puts at the beginning of every program: it would give an empty table of
    /// transactional memory to a library that is not there. The address of the table is that of whatever the linker has put
    /// behind it.
    fn registers_clones(&self, id: Id) -> bool {
        let is_registry = |target: Id| match &self.pieces[target as usize].0 {
            What::Named(name) => name.starts_with("_ITM_"),
            _ => false,
        };
        self.described(id).targets.iter().any(|(target, _)| is_registry(*target))
    }

    pub(super) fn is_panic(&self, id: Id) -> bool {
        match &self.pieces[id as usize].0 {
            What::Function(function) => self.function_name(*function).is_some_and(names::is_panic),
            What::Named(name) => names::is_panic(name),
            _ => false,
        }
    }

    /// Whether it is a function of the standard library, as it comes with the compiler.
    fn is_of_compiler(&self, id: Id) -> bool {
        let What::Function(number) = self.pieces[id as usize].0 else { return false };
        let files = self.scan.functions[number].symbol.files;
        self.elf.standard.is_some_and(|standard| standard.hold(files))
    }

    fn is_writable(&self, id: Id) -> bool {
        let start = match &self.pieces[id as usize].0 {
            What::Object(number) => self.elf.objects[*number].start,
            What::Data(part) => self.constants.extent(*part).start,
            What::Section(extent) => extent.start,
            _ => return false,
        };
        self.elf.section_at(start).is_some_and(|section| section.is_writable && !is_constant(section))
    }

    pub(super) fn id(&mut self, what: What) -> Id {
        let next = Id::try_from(self.pieces.len()).expect("a program has fewer than four billion pieces");
        let known = match what {
            What::Function(number) => self.function_ids.get_mut(number),
            What::Object(number) => self.object_ids.get_mut(number),
            _ => None,
        };
        let known = match known {
            Some(known) => known,
            None => self.ids.entry(what.clone()).or_insert(NONE),
        };
        if *known == NONE {
            *known = next;
            self.pieces.push((what, None));
        }
        *known
    }

    fn described(&self, id: Id) -> &Described {
        self.pieces[id as usize].1.as_ref().expect("it is described before it is asked for")
    }

    pub(super) fn name(&self, at: u32) -> Option<&str> {
        std::str::from_utf8(text_at(&self.elf.names, at)).ok().filter(|name| !name.is_empty())
    }

    /// The name of a function, if it tells what it is.
    pub(super) fn function_name(&self, function: usize) -> Option<&str> {
        let symbol = self.scan.functions[function].symbol;
        if symbol.is_shared { None } else { self.name(symbol.name) }
    }

    pub(super) fn is_boundary(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.boundary.holds(name))
    }

    pub(super) fn function_at(&mut self, address: u64) -> Result<usize, Obstacle> {
        if let Some(number) = self.scan.function_at(address) {
            return Ok(number);
        }
        let next = self.elf.functions.partition_point(|symbol| symbol.start <= address);
        let limit = self.elf.functions.get(next).map_or(u64::MAX, |symbol| symbol.start);
        let number = self.scan.add_nameless(&self.elf, address, limit);
        number.ok_or(Obstacle::NoFunction(address))
    }

    /// What the program calls a piece.
    pub(super) fn symbol(&self, what: &What) -> String {
        let named = |name: u32| self.name(name).unwrap_or_default().to_owned();
        match what {
            What::Function(number) => match self.scan.functions[*number].symbol {
                symbol if symbol.name == u32::MAX => format!("code at {:#x}", symbol.start),
                symbol => named(symbol.name),
            },
            What::Object(number) => named(self.elf.objects[*number].name),
            What::ThreadLocal(number) => named(self.elf.thread_locals[*number].name),
            What::ThreadLocals => "thread-locals".to_owned(),
            What::Named(name) => name.clone(),
            What::Section(_) | What::Data(_) => "data".to_owned(),
        }
    }

    /// What a person calls a piece.
    pub(super) fn title(&self, what: &What) -> String {
        names::readable(&self.symbol(what))
    }

    fn piece(&self, id: Id, parent: Option<usize>) -> Piece {
        let (what, described) = &self.pieces[id as usize];
        let described = described.as_ref().expect("it was walked over");
        let range = match what {
            What::Function(number) => {
                let symbol = self.scan.functions[*number].symbol;
                Some((symbol.start, symbol.end))
            }
            What::Object(number) => Some((self.elf.objects[*number].start, self.elf.objects[*number].end)),
            What::Section(extent) => Some((extent.start, extent.end)),
            What::Data(part) => {
                let extent = self.constants.extent(*part);
                Some((extent.start, extent.end))
            }
            _ => None,
        };
        let inner = described.inner.iter().map(|table| (table.start, table.end));
        Piece {
            symbol: self.symbol(what),
            digest: described.digest,
            parent,
            is_code: matches!(what, What::Function(_)),
            ranges: range.into_iter().chain(inner).collect(),
        }
    }
}

/// A walk over the graph: pieces in the order of their first visit.
#[derive(Default)]
struct Walk {
    /// By piece: its number plus one.
    numbers: Vec<u32>,
    order: Vec<Id>,
    parents: Vec<Option<usize>>,
    done: usize,
    roots: Vec<usize>,
}

impl Walk {
    fn number(&self, id: Id) -> Option<usize> {
        let number = self.numbers.get(id as usize).copied().unwrap_or(0);
        number.checked_sub(1).map(|number| number as usize)
    }

    fn visit(&mut self, id: Id, parent: Option<usize>) -> usize {
        let at = id as usize;
        if at >= self.numbers.len() {
            self.numbers.resize((at + 1).next_power_of_two(), 0);
        }
        if self.numbers[at] == 0 {
            self.order.push(id);
            self.parents.push(parent);
            self.numbers[at] = self.order.len() as u32;
        }
        self.numbers[at] as usize - 1
    }

    fn finish(self, graph: &Graph) -> Reach {
        let mut stream = Vec::new();
        for id in &self.order {
            let described = graph.described(*id);
            stream.extend_from_slice(&described.digest);
            for (target, _) in &described.targets {
                stream.extend_from_slice(&(self.numbers[*target as usize] - 1).to_le_bytes());
            }
        }
        for root in &self.roots {
            stream.extend_from_slice(&(*root as u32).to_le_bytes());
        }
        let pieces = self.order.iter().zip(&self.parents);
        let pieces = pieces.map(|(id, parent)| graph.piece(*id, *parent)).collect();
        Reach { digest: *blake3::hash(&stream).as_bytes(), pieces, ids: self.order }
    }
}
