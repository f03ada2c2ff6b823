//! Enums at random.

use std::fmt::Write;

use super::terms::Term;
use super::{
    Field, Made, SAMPLES, Shape, Types, all_agree, all_fit, body, comparison, one_in, pattern, pick, value,
};
use crate::random::Random;

/// How variants are told apart.
#[derive(Clone, Copy, PartialEq)]
enum Tagging {
    External,
    Internal,
    Adjacent,
    Untagged,
}

struct Variant {
    name: String,
    attribute: String,
    shape: Shape,
    fields: Vec<Field>,
    /// Whether it is left out of what is written, or of what is read.
    is_skipped: bool,
    /// Whether reader and writer agree on it, wherever it stands.
    agrees: bool,
}

/// Adds an enum.
pub(super) fn make(types: &mut Types, random: &mut Random) {
    let tagging = pick(
        random,
        &[
            Tagging::External,
            Tagging::External,
            Tagging::External,
            Tagging::Internal,
            Tagging::Adjacent,
            Tagging::Untagged,
        ],
    );
    let count = 1 + random.below(if tagging == Tagging::Untagged { 3 } else { 5 }) as usize;
    let variants: Vec<_> =
        (0..count).map(|index| variant(types, random, tagging, index, index + 1 == count)).collect();
    // Values of a variant that is skipped cannot be written or read.
    let written: Vec<_> = variants.iter().filter(|variant| !(types.honest && variant.is_skipped)).collect();
    let tried = if written.is_empty() { variants.iter().collect() } else { written };
    let fits = variants.iter().all(|variant| all_fit(types, &variant.fields));
    let is_buffered = matches!(tagging, Tagging::Internal | Tagging::Untagged);
    let agrees = (fits || !is_buffered) && tried.iter().all(|variant| variant.agrees && !variant.is_skipped);
    let name = types.next_name();
    let samples: Vec<_> = (0..SAMPLES)
        .map(|_| {
            let variant = tried[random.below(tried.len() as u64) as usize];
            let value = value(random, variant.shape, &variant.fields);
            format!("{name}::{} {value}", variant.name)
        })
        .collect();
    let (mut spelled, mut compared) = (String::new(), String::new());
    for Variant { name: variant, attribute, shape, fields, .. } in &variants {
        writeln!(spelled, "    {attribute} {variant} {},", body(*shape, fields)).unwrap();
        let (one, other) = (pattern(*shape, fields, "a"), pattern(*shape, fields, "b"));
        let is_same = comparison(fields);
        writeln!(compared, "            ({name}::{variant} {one}, {name}::{variant} {other}) => {is_same},")
            .unwrap();
    }
    let source = format!(
        "#[derive(Clone, Debug, Serialize, Deserialize)]\n{}\npub enum {name} {{\n{spelled}}}\n\n\
         impl Same for {name} {{\n    fn same(&self, other: &Self) -> bool {{\n        \
         match (self, other) {{\n{compared}            _ => false,\n        }}\n    }}\n}}\n\n",
        attribute(random, tagging, &name),
    );
    types.add(Made { agrees, has_names: false, fits }, &source, &samples);
}

fn attribute(random: &mut Random, tagging: Tagging, name: &str) -> String {
    match tagging {
        Tagging::External => pick(
            random,
            &["", "", "#[serde(rename_all = \"kebab-case\", rename_all_fields = \"UPPERCASE\")]"],
        )
        .to_owned(),
        // Of no other type, so that all can be flattened into one.
        Tagging::Internal => format!("#[serde(tag = \"kind of {name}\")]"),
        Tagging::Adjacent => "#[serde(tag = \"kind\", content = \"content\")]".to_owned(),
        Tagging::Untagged => "#[serde(untagged)]".to_owned(),
    }
}

fn variant(types: &Types, random: &mut Random, tagging: Tagging, index: usize, is_last: bool) -> Variant {
    let name = format!("V{index}");
    let shape = pick(random, &[Shape::Unit, Shape::Unnamed, Shape::Unnamed, Shape::Named]);
    let shape = match tagging {
        // With a tag inside, fields must have names.
        Tagging::Internal if shape == Shape::Unnamed => Shape::Named,
        // Without a tag, variants of one shape are the same to serde; and it takes a sequence for fields, too.
        Tagging::Untagged => [Shape::Unnamed, Shape::Named, Shape::Unit][index],
        _ => shape,
    };
    let count = match (shape, tagging) {
        (Shape::Unit, _) => 0,
        (Shape::Unnamed, Tagging::Untagged) => 2 + random.below(2) as usize,
        _ => 1 + random.below(3) as usize,
    };
    let mut fields = Field::all(types, random, count, shape == Shape::Named);
    // serde's derive takes these for attributes of a variant, or refuses them there.
    while count == 1 && shape == Shape::Unnamed && fields[0].attribute.starts_with("skip") {
        fields = Field::all(types, random, count, false);
    }
    let agrees = all_agree(types, &fields);
    let mut variant = Variant { name, attribute: String::new(), shape, fields, is_skipped: false, agrees };
    if one_in(random, 2) {
        return variant;
    }
    match random.below(9) {
        0 => variant.attribute = format!("#[serde(rename = \"renamed {index}\")]"),
        1 => variant.attribute = format!("#[serde(alias = \"alias {index}\")]"),
        2..=4 if tagging != Tagging::Untagged => {
            let kinds = ["skip", "skip", "skip_serializing", "skip_deserializing"];
            variant.attribute = format!("#[serde({})]", pick(random, &kinds));
            variant.is_skipped = true;
        }
        5 if is_last && shape == Shape::Unit && tagging != Tagging::Untagged => {
            variant.attribute.push_str("#[serde(other)]");
        }
        6 if is_last && tagging != Tagging::Untagged && !types.honest => {
            variant.attribute.push_str("#[serde(untagged)]");
            variant.agrees = false;
        }
        7 if count == 1 && shape == Shape::Unnamed => {
            let ways = [
                ("with = \"helpers::moved\"", true),
                ("serialize_with = \"helpers::moved::serialize\"", false),
                ("deserialize_with = \"helpers::moved::deserialize\"", false),
            ];
            let (attribute, agrees) = pick(random, if types.honest { &ways[..1] } else { &ways });
            variant.fields[0] = Field {
                name: String::new(),
                term: Term::Plain("u64"),
                attribute: String::new(),
                is_told: true,
                agrees,
            };
            variant.attribute = format!("#[serde({attribute})]");
            variant.agrees = agrees;
        }
        8 if shape == Shape::Named => variant.attribute.push_str("#[serde(rename_all = \"camelCase\")]"),
        _ => {}
    }
    variant
}
