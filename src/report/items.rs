//! What a fingerprint covers, item by item.

use serde_json::Value;

use crate::function::Definition;

/// One part of what the fingerprint of a function covers, as the function's [record](crate::report::FunctionRecord) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeItem {
    /// The path of the item, such as `shop::tax::rate`, or what else it is: `crate rand 0.8.5`, `cfg(feature = "fast")`.
    pub path: String,
    /// A digest of its text in hexadecimal digits; of a `cfg` predicate, `true` or `false`.
    pub digest: String,
    /// Where it stood when the record was written, such as `src/tax.rs:12`; empty if it has no place.
    pub place: String,
}

impl CodeItem {
    /// What the fingerprint of a function covers: items, then `cfg` predicates.
    pub(super) fn all(definition: &Definition) -> Vec<Self> {
        let items = definition.lines().filter_map(CodeItem::from_line);
        let predicates = definition.cfg.iter().map(|(predicate, holds)| CodeItem {
            path: format!("cfg({predicate})"),
            digest: holds.to_string(),
            place: String::new(),
        });
        items.chain(predicates).collect()
    }

    /// Reads a line of [`Definition::items`].
    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.splitn(3, '\t').map(str::to_owned);
        let (digest, path) = (fields.next()?, fields.next()?);
        Some(CodeItem { path, digest, place: fields.next().unwrap_or_default() })
    }

    /// Reads an item of a record; `None` if it is none.
    pub(super) fn from_json(item: &Value) -> Option<Self> {
        let text = |field: &str| Some(item.get(field)?.as_str()?.to_owned());
        Some(CodeItem {
            path: text("path")?,
            digest: text("digest")?,
            place: text("place").unwrap_or_default(),
        })
    }

    /// The item in a record, on one line.
    pub(super) fn to_json(&self) -> String {
        let CodeItem { path, digest, place } = self;
        let [path, digest, place] = [path, digest, place].map(|text| Value::from(text.as_str()));
        format!("{{\"path\": {path}, \"digest\": {digest}, \"place\": {place}}}")
    }

    /// Whether it is a `cfg` predicate and not code.
    pub(super) fn is_predicate(&self) -> bool {
        self.path.starts_with("cfg(")
    }
}
