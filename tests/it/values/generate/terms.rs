//! Types that fields have, and values of them.

use std::fmt;

use super::{SAMPLES, Types, one_in, pick};
use crate::random::Random;

/// The type of a field.
pub(super) enum Term {
    /// A type of Rust's own.
    Plain(&'static str),
    Option(Box<Term>),
    Vec(Box<Term>),
    Boxed(Box<Term>),
    Pair(Box<Term>, Box<Term>),
    Array(Box<Term>),
    BTreeMap(&'static str, Box<Term>),
    HashMap(&'static str, Box<Term>),
    BTreeSet(&'static str),
    HashSet(&'static str),
    Result(Box<Term>, Box<Term>),
    /// One that was made, by its number.
    Made(usize),
}

const PLAIN: [&str; 10] = ["()", "bool", "char", "u8", "u64", "i16", "i128", "f32", "f64", "String"];
const KEYS: [&str; 2] = ["u8", "String"];

impl Term {
    /// Any type, with others in it down to a depth.
    pub(super) fn any(types: &Types, random: &mut Random, depth: u64) -> Self {
        if depth == 0 || one_in(random, 3) {
            return Term::Plain(pick(random, &PLAIN));
        }
        let fit = |&made: &usize| types.made[made].agrees || !types.honest;
        let made: Vec<_> = (0..types.made.len()).filter(fit).collect();
        if !made.is_empty() && one_in(random, 2) {
            return Term::Made(pick(random, &made));
        }
        let inner = |random: &mut Random| Box::new(Term::any(types, random, depth - 1));
        match random.below(11) {
            0 => Term::Option(inner(random)),
            1 => Term::Vec(inner(random)),
            2 => Term::Boxed(inner(random)),
            3 => Term::Pair(inner(random), inner(random)),
            4 => Term::Array(inner(random)),
            5 => Term::BTreeMap(pick(random, &KEYS), inner(random)),
            6 | 7 => Term::HashMap(pick(random, &KEYS), inner(random)),
            8 => Term::BTreeSet(pick(random, &KEYS)),
            9 => Term::HashSet(pick(random, &KEYS)),
            _ => Term::Result(inner(random), inner(random)),
        }
    }

    /// A type with a default value that can be blank.
    pub(super) fn simple(random: &mut Random) -> Self {
        let plain = Term::Plain(pick(random, &PLAIN));
        match random.below(5) {
            0 => Term::Option(Box::new(plain)),
            1 => Term::Vec(Box::new(plain)),
            2 => Term::HashMap("u8", Box::new(plain)),
            _ => plain,
        }
    }

    /// A type that can be flattened.
    pub(super) fn flat(types: &Types, random: &mut Random) -> Self {
        let fit = |&made: &usize| {
            let made = types.made[made];
            made.has_names && (made.agrees && made.fits || !types.honest)
        };
        let with_names: Vec<_> = (0..types.made.len()).filter(fit).collect();
        if with_names.is_empty() || one_in(random, 3) {
            return Term::BTreeMap("String", Box::new(Term::Plain("u8")));
        }
        Term::Made(pick(random, &with_names))
    }

    /// Whether readers and writers agree on all of it.
    pub(super) fn agrees(&self, types: &Types) -> bool {
        match self {
            Term::Plain(_) | Term::BTreeSet(_) | Term::HashSet(_) => true,
            Term::Option(inner)
            | Term::Vec(inner)
            | Term::Boxed(inner)
            | Term::Array(inner)
            | Term::BTreeMap(_, inner)
            | Term::HashMap(_, inner) => inner.agrees(types),
            Term::Pair(one, other) | Term::Result(one, other) => one.agrees(types) && other.agrees(types),
            Term::Made(made) => types.made[*made].agrees,
        }
    }

    /// Whether values fit into serde's buffers.
    pub(super) fn fits(&self, types: &Types) -> bool {
        match self {
            Term::Plain(name) => *name != "i128",
            Term::BTreeSet(_) | Term::HashSet(_) => true,
            Term::Option(inner)
            | Term::Vec(inner)
            | Term::Boxed(inner)
            | Term::Array(inner)
            | Term::BTreeMap(_, inner)
            | Term::HashMap(_, inner) => inner.fits(types),
            Term::Pair(one, other) | Term::Result(one, other) => one.fits(types) && other.fits(types),
            Term::Made(made) => types.made[*made].fits,
        }
    }

    /// An expression of this type.
    pub(super) fn value(&self, random: &mut Random) -> String {
        let many = |random: &mut Random, one: &mut dyn FnMut(&mut Random) -> String| {
            let count = random.below(4);
            (0..count).map(|_| one(random)).collect::<Vec<_>>().join(", ")
        };
        match self {
            Term::Plain(name) => plain(name, random),
            Term::Option(_) if one_in(random, 3) => "None".to_owned(),
            Term::Option(inner) => format!("Some({})", inner.value(random)),
            Term::Vec(inner) => format!("vec![{}]", many(random, &mut |random| inner.value(random))),
            Term::Boxed(inner) => format!("Box::new({})", inner.value(random)),
            Term::Pair(one, other) => {
                format!("({}, {})", one.value(random), other.value(random))
            }
            Term::Array(inner) => {
                format!("[{}, {}]", inner.value(random), inner.value(random))
            }
            Term::BTreeMap(key, inner) | Term::HashMap(key, inner) => {
                let mut entry =
                    |random: &mut Random| format!("({}, {})", plain(key, random), inner.value(random));
                format!("[{}].into_iter().collect()", many(random, &mut entry))
            }
            Term::BTreeSet(key) | Term::HashSet(key) => {
                format!("[{}].into_iter().collect()", many(random, &mut |random| plain(key, random)))
            }
            Term::Result(one, _) if one_in(random, 2) => format!("Ok({})", one.value(random)),
            Term::Result(_, other) => format!("Err({})", other.value(random)),
            Term::Made(made) => format!("r{made}({})", random.below(SAMPLES as u64)),
        }
    }
}

fn plain(name: &str, random: &mut Random) -> String {
    let from: &[&str] = match name {
        "()" => &["()"],
        "bool" => &["true", "false"],
        "char" => &["'a'", "'☃'", "'\\0'"],
        "u8" => &["0", "1", "2", "255"],
        "u64" => &["0", "1", "256", "u64::MAX"],
        "i16" => &["0", "-1", "i16::MIN"],
        "i128" => &["0", "1", "i128::MIN"],
        "f32" => &["0.0", "-0.0", "1.5", "f32::NAN", "f32::INFINITY"],
        "f64" => &["0.0", "-0.0", "1.5", "f64::NAN", "f64::from_bits(0x7ff8_0000_0000_0077)"],
        "String" => &["String::new()", "\"a\".into()", "\"é☃\".into()", "\"x\".repeat(5000)"],
        name => panic!("no values of {name}"),
    };
    pick(random, from).to_owned()
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Plain(name) => f.write_str(name),
            Term::Option(inner) => write!(f, "Option<{inner}>"),
            Term::Vec(inner) => write!(f, "Vec<{inner}>"),
            Term::Boxed(inner) => write!(f, "Box<{inner}>"),
            Term::Pair(one, other) => write!(f, "({one}, {other})"),
            Term::Array(inner) => write!(f, "[{inner}; 2]"),
            Term::BTreeMap(key, inner) => write!(f, "BTreeMap<{key}, {inner}>"),
            Term::HashMap(key, inner) => write!(f, "HashMap<{key}, {inner}>"),
            Term::BTreeSet(key) => write!(f, "BTreeSet<{key}>"),
            Term::HashSet(key) => write!(f, "HashSet<{key}>"),
            Term::Result(one, other) => write!(f, "Result<{one}, {other}>"),
            Term::Made(made) => write!(f, "R{made}"),
        }
    }
}
