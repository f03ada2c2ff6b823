//! Structs at random.

use super::terms::Term;
use super::{
    Field, Made, SAMPLES, Shape, Types, all_agree, all_fit, body, comparison, is_flat, one_in, pattern, pick,
    value,
};
use crate::random::Random;

/// Adds a struct.
pub(super) fn make(types: &mut Types, random: &mut Random) {
    match random.below(8) {
        0 => converted(types, random),
        1 => remote(types, random),
        2 => transparent(types, random),
        _ => plain(types, random),
    }
}

const ATTRIBUTES: [&str; 6] = [
    "",
    "",
    "#[serde(rename = \"Other name\")]",
    "#[serde(rename_all = \"SCREAMING-KEBAB-CASE\")]",
    "#[serde(deny_unknown_fields)]",
    "#[serde(expecting = \"something else\")]",
];

fn plain(types: &mut Types, random: &mut Random) {
    let shape = pick(random, &[Shape::Unit, Shape::Unnamed, Shape::Named, Shape::Named]);
    let count = if shape == Shape::Unit { 0 } else { random.below(5) as usize };
    let fields = Field::all(types, random, count, shape == Shape::Named);
    let mut attribute = pick(random, &ATTRIBUTES).to_owned();
    if is_flat(&fields) {
        attribute = String::new(); // `deny_unknown_fields` is refused beside it
    } else if shape == Shape::Named && one_in(random, 6) {
        attribute = format!("#[serde(tag = \"kind of {}\")]", types.next_name());
    }
    let agrees = all_agree(types, &fields);
    let made = Made { agrees, has_names: shape == Shape::Named, fits: all_fit(types, &fields) };
    add(types, random, made, &attribute, shape, &fields);
}

/// Adds a struct of these fields.
fn add(types: &mut Types, random: &mut Random, made: Made, attribute: &str, shape: Shape, fields: &[Field]) {
    let name = types.next_name();
    let end = if shape == Shape::Named { "" } else { ";" };
    let samples: Vec<_> = (0..SAMPLES).map(|_| format!("{name} {}", value(random, shape, fields))).collect();
    let source = format!(
        "#[derive(Clone, Debug, Serialize, Deserialize)]\n{attribute}\npub struct {name} {}{end}\n\n\
         impl Same for {name} {{\n    fn same(&self, other: &Self) -> bool {{\n        \
         let ({name} {}, {name} {}) = (self, other);\n        {}\n    }}\n}}\n\n",
        body(shape, fields),
        pattern(shape, fields, "a"),
        pattern(shape, fields, "b"),
        comparison(fields),
    );
    types.add(made, &source, &samples);
}

fn transparent(types: &mut Types, random: &mut Random) {
    let mut field = Field::any(types, random, 0, false);
    while field.attribute.contains("skip") {
        field = Field::any(types, random, 0, false);
    }
    let shape = pick(random, &[Shape::Unnamed, Shape::Named]);
    let made = Made { agrees: field.agrees, has_names: false, fits: field.term.fits(types) };
    add(types, random, made, "#[serde(transparent)]", shape, &[field]);
}

/// A struct that is written and read as another type.
fn converted(types: &mut Types, random: &mut Random) {
    let name = types.next_name();
    let other = Term::any(types, random, 2);
    let (agrees, fits) = (other.agrees(types), other.fits(types));
    // Into and from a pair of a number and something; and back another number, if it is to disagree.
    let conversions = [
        ("value.0", "value.0", agrees),
        ("value.0.wrapping_mul(3)", "value.0.wrapping_mul(12_297_829_382_473_034_411)", agrees),
        ("value.0.wrapping_add(1)", "value.0", false),
        ("value.0", "value.0 ^ 1", false),
    ];
    let (into, from, agrees) = pick(random, if types.honest { &conversions[..2] } else { &conversions });
    let (kind, conversion) = if one_in(random, 2) {
        (
            "from",
            format!(
                "impl From<(u64, {other})> for {name} {{\n    fn from(value: (u64, {other})) -> Self {{\n        {name}({from}, value.1)\n    }}\n}}"
            ),
        )
    } else {
        (
            "try_from",
            format!(
                "impl TryFrom<(u64, {other})> for {name} {{\n    type Error = String;\n\n    fn try_from(value: (u64, {other})) -> Result<Self, String> {{\n        Ok({name}({from}, value.1))\n    }}\n}}"
            ),
        )
    };
    let samples: Vec<_> = (0..SAMPLES)
        .map(|_| {
            let number = Term::Plain("u64").value(random);
            format!("{name}({number}, {})", other.value(random))
        })
        .collect();
    let source = format!(
        "#[derive(Clone, Debug, Serialize, Deserialize)]\n\
         #[serde({kind} = \"(u64, {other})\", into = \"(u64, {other})\")]\n\
         pub struct {name}(u64, {other});\n\n\
         {conversion}\n\n\
         impl From<{name}> for (u64, {other}) {{\n    fn from(value: {name}) -> Self {{\n        \
         ({into}, value.1)\n    }}\n}}\n\n\
         impl Same for {name} {{\n    fn same(&self, other: &Self) -> bool {{\n        \
         self.0 == other.0 && self.1.same(&other.1)\n    }}\n}}\n\n"
    );
    types.add(Made { agrees, has_names: false, fits }, &source, &samples);
}

/// A struct that holds one of another crate, whose fields are told by getters.
fn remote(types: &mut Types, random: &mut Random) {
    let name = types.next_name();
    let term = Term::any(types, random, 2);
    let (agrees, fits) = (term.agrees(types), term.fits(types));
    let samples: Vec<_> = (0..SAMPLES)
        .map(|_| {
            let number = Term::Plain("u64").value(random);
            format!("{name}({}::Foreign::new({number}, {}))", name.to_lowercase(), term.value(random))
        })
        .collect();
    let module = name.to_lowercase();
    let source = format!(
        "mod {module} {{\n    use super::*;\n\n    #[derive(Clone, Debug)]\n    \
         pub struct Foreign {{ number: u64, other: {term} }}\n\n    \
         impl Foreign {{\n        \
         pub fn new(number: u64, other: {term}) -> Self {{ Foreign {{ number, other }} }}\n        \
         pub fn number(&self) -> u64 {{ self.number }}\n        \
         pub fn other(&self) -> {term} {{ self.other.clone() }}\n    }}\n}}\n\n\
         #[derive(Serialize, Deserialize)]\n#[serde(remote = \"{module}::Foreign\")]\n\
         struct {name}Def {{\n    #[serde(getter = \"{module}::Foreign::number\")]\n    number: u64,\n    \
         #[serde(getter = \"{module}::Foreign::other\")]\n    other: {term},\n}}\n\n\
         impl From<{name}Def> for {module}::Foreign {{\n    fn from(def: {name}Def) -> Self {{\n        \
         {module}::Foreign::new(def.number, def.other)\n    }}\n}}\n\n\
         #[derive(Clone, Debug, Serialize, Deserialize)]\n\
         pub struct {name}(#[serde(with = \"{name}Def\")] {module}::Foreign);\n\n\
         impl Same for {name} {{\n    fn same(&self, other: &Self) -> bool {{\n        \
         self.0.number() == other.0.number() && self.0.other().same(&other.0.other())\n    }}\n}}\n\n"
    );
    types.add(Made { agrees, has_names: false, fits }, &source, &samples);
}
