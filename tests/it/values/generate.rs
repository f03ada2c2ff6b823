//! Makes types at random, with every attribute of serde, and values to try.
//!
//! What is made is the source of a module with an enum of all types. Of each type the generator
//! knows whether its reader and writer agree: then all its values must be kept, whichever attributes
//! it has. And it writes for each, without serde, what it is for two values to be the same, as far as
//! serde is told of them.
//!
//! Numbers of 128 bits do not fit into the buffers that serde has for `flatten`, `tag` and
//! `untagged`. Values with both are the only ones that are not kept although reader and writer agree.

mod enums;
mod structs;
mod terms;

use std::fmt::Write;

use self::terms::Term;
use crate::random::Random;

/// How many values of each type are tried.
const SAMPLES: usize = 4;

/// Types that were made.
#[derive(Default)]
struct Types {
    /// Of each whether its reader and writer agree, and whether it is a struct with names.
    made: Vec<Made>,
    source: String,
    samples: String,
    /// Whether reader and writer are to agree on the type that is made.
    honest: bool,
}

#[derive(Clone, Copy)]
struct Made {
    agrees: bool,
    has_names: bool,
    /// Whether its values fit into serde's buffers.
    fits: bool,
}

/// The source of a module with so many types. `alone` tells the program to try no others.
pub fn types(seed: u64, count: usize, alone: bool) -> String {
    let mut random = Random::new(seed);
    let mut types = Types::default();
    for _ in 0..count {
        types.honest = one_in(&mut random, 2);
        if one_in(&mut random, 2) {
            structs::make(&mut types, &mut random);
        } else {
            enums::make(&mut types, &mut random);
        }
    }
    let agree = types.made.iter().filter(|made| made.agrees).count();
    assert!(3 * agree >= count, "of {count} types {agree} are to be kept: too few to tell");
    let Types { source, samples, .. } = types;
    format!("{HEAD}\npub const ALONE: bool = {alone};\n\n{source}\nany! {{\n{samples}}}\n")
}

const HEAD: &str = "//! Types that were made at random.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::helpers::{self, is_blank};
use crate::same::Same;
use crate::samples::any;
";

impl Types {
    /// The name of the type that is made next.
    fn next_name(&self) -> String {
        format!("R{}", self.made.len())
    }

    /// Adds a type: its source, and for each sample an expression.
    fn add(&mut self, made: Made, source: &str, samples: &[String]) {
        let name = self.next_name();
        self.made.push(made);
        self.source += source;
        let function = name.to_lowercase();
        let mut arms = String::new();
        for (index, sample) in samples.iter().enumerate() {
            writeln!(arms, "        {index} => {sample},").unwrap();
        }
        writeln!(
            self.source,
            "fn {function}(index: usize) -> {name} {{\n    match index {{\n{arms}        _ => unreachable!(),\n    }}\n}}\n"
        )
        .unwrap();
        let samples: Vec<_> = (0..samples.len()).map(|index| format!("{function}({index})")).collect();
        writeln!(self.samples, "    {name}, {}, [{}];", made.agrees, samples.join(", ")).unwrap();
    }
}

/// A field: its type, what stands before it, and what that means.
struct Field {
    /// Of no other field of any type, so that types can be flattened into one another.
    name: String,
    term: Term,
    attribute: String,
    /// Whether serde is told of it.
    is_told: bool,
    /// Whether reader and writer agree on it.
    agrees: bool,
}

/// Picks one.
fn pick<T: Clone>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize].clone()
}

fn one_in(random: &mut Random, count: u64) -> bool {
    random.below(count) == 0
}

impl Field {
    /// A field of a struct or variant, with names or without.
    fn any(types: &Types, random: &mut Random, index: usize, has_name: bool) -> Self {
        let name = format!("{}_{index}", types.next_name().to_lowercase());
        let plain = |term, attribute: &str| Field {
            name: name.clone(),
            term,
            attribute: attribute.to_owned(),
            is_told: true,
            agrees: true,
        };
        let term = Term::any(types, random, 3);
        let agrees = term.agrees(types);
        match random.below(if has_name { 18 } else { 12 }) {
            0 => Field { is_told: false, ..plain(Term::simple(random), "skip") },
            1 => plain(Term::Plain("u64"), "with = \"helpers::moved\""),
            2 => plain(Term::Plain("u64"), "with = \"helpers::text\""),
            // What only the reader knows, or only the writer, shifts what follows.
            3 if !types.honest => {
                Field { is_told: false, agrees: false, ..plain(Term::simple(random), "skip_serializing") }
            }
            4 if !types.honest => {
                Field { agrees: false, ..plain(Term::simple(random), "skip_deserializing") }
            }
            5 if !types.honest => {
                Field { agrees: false, ..plain(Term::simple(random), "skip_serializing_if = \"is_blank\"") }
            }
            6 if !types.honest => {
                let attribute = "serialize_with = \"helpers::moved::serialize\"";
                Field { agrees: false, ..plain(Term::Plain("u64"), attribute) }
            }
            7 if !types.honest => {
                let attribute = "deserialize_with = \"helpers::moved::deserialize\"";
                Field { agrees: false, ..plain(Term::Plain("u64"), attribute) }
            }
            12 => Field { agrees, ..plain(term, &format!("rename = \"renamed {name}\"")) },
            13 => Field { agrees, ..plain(term, &format!("alias = \"alias {name}\"")) },
            14 => plain(Term::simple(random), "default"),
            15 => {
                let term = Term::flat(types, random);
                let agrees = term.agrees(types) && term.fits(types);
                Field { agrees, ..plain(term, FLATTEN) }
            }
            16 => plain(Term::simple(random), "default, skip_serializing_if = \"is_blank\""),
            _ => Field { agrees, ..plain(term, "") },
        }
    }

    /// All fields of a struct or variant. Of several that are flattened each would take what belongs to
    /// the others.
    fn all(types: &Types, random: &mut Random, count: usize, has_names: bool) -> Vec<Self> {
        let mut fields: Vec<Field> = Vec::new();
        while fields.len() < count {
            let field = Field::any(types, random, fields.len(), has_names);
            if !(field.is_flat() && is_flat(&fields)) {
                fields.push(field);
            }
        }
        fields
    }

    fn is_flat(&self) -> bool {
        self.attribute == FLATTEN
    }

    fn spelled(&self, shape: Shape) -> String {
        let attribute =
            if self.attribute.is_empty() { String::new() } else { format!("#[serde({})] ", self.attribute) };
        let name = if shape == Shape::Named { format!("{}: ", self.name) } else { String::new() };
        format!("{attribute}{name}{}", self.term)
    }
}

const FLATTEN: &str = "flatten";

/// Whether something is flattened into these fields. Then serde buffers all of them.
fn is_flat(fields: &[Field]) -> bool {
    fields.iter().any(Field::is_flat)
}

fn all_fit(types: &Types, fields: &[Field]) -> bool {
    fields.iter().all(|field| !field.is_told || field.term.fits(types))
}

/// Whether readers and writers agree on all fields.
fn all_agree(types: &Types, fields: &[Field]) -> bool {
    fields.iter().all(|field| field.agrees) && (!is_flat(fields) || all_fit(types, fields))
}

/// How the fields of a struct or variant are written.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Unit,
    Unnamed,
    Named,
}

/// What stands between the name of a struct or variant and what follows.
fn body(shape: Shape, fields: &[Field]) -> String {
    wrapped(shape, &fields.iter().map(|field| field.spelled(shape)).collect::<Vec<_>>())
}

/// Values, or names, of the fields.
fn wrapped(shape: Shape, items: &[String]) -> String {
    match shape {
        Shape::Unit => String::new(),
        Shape::Unnamed => format!("({})", items.join(", ")),
        Shape::Named => format!("{{ {} }}", items.join(", ")),
    }
}

/// An expression for the fields, at random.
fn value(random: &mut Random, shape: Shape, fields: &[Field]) -> String {
    let mut items = Vec::new();
    for field in fields {
        let value = field.term.value(random);
        items.push(if shape == Shape::Named { format!("{}: {value}", field.name) } else { value });
    }
    wrapped(shape, &items)
}

/// A pattern that gives the fields names that begin with `prefix`.
fn pattern(shape: Shape, fields: &[Field], prefix: &str) -> String {
    let name = |index: usize| match shape {
        Shape::Named => format!("{}: {prefix}{index}", fields[index].name),
        _ => format!("{prefix}{index}"),
    };
    wrapped(shape, &(0..fields.len()).map(name).collect::<Vec<_>>())
}

/// An expression that compares what [`pattern`] has named, as far as serde is told of it.
fn comparison(fields: &[Field]) -> String {
    let told = fields.iter().enumerate().filter(|(_, field)| field.is_told);
    let all: Vec<_> = told.map(|(index, _)| format!("a{index}.same(b{index})")).collect();
    if all.is_empty() { "true".to_owned() } else { all.join(" && ") }
}
