//! Functions by the end of their name, and entries by the beginning of their key.

use std::ops::ControlFlow;

use rememo::{EntryInfo, Key, Memory};

use crate::output::Stop;

/// The function of this name; else the only one whose name ends in `::` and this.
pub(crate) fn function(memory: &Memory, asked: &str) -> Result<String, Stop> {
    match functions(memory, asked)?.as_slice() {
        [name] => Ok(name.clone()),
        [] => Err(Stop::Failed(format!(
            "no function `{asked}` is recorded in {}; `rememo ls` lists those that are",
            root(memory)
        ))),
        several => Err(Stop::Usage(format!(
            "`{asked}` may be any of {}: write more of its name",
            several.join(", ")
        ))),
    }
}

/// The functions that may be meant.
fn functions(memory: &Memory, asked: &str) -> Result<Vec<String>, Stop> {
    let names = memory.function_names()?;
    if names.contains(asked) {
        return Ok(vec![asked.to_owned()]);
    }
    let is_meant = |name: &String| name.strip_suffix(asked).is_some_and(|rest| rest.ends_with("::"));
    Ok(names.into_iter().filter(is_meant).collect())
}

/// The entry whose key begins so.
pub(crate) fn entry(memory: &Memory, asked: &str) -> Result<Key, Stop> {
    if let Some(key) = Key::from_hex(asked) {
        return Ok(key);
    }
    let entries = beginning(memory, asked)?;
    match entries.as_slice() {
        [entry] => Ok(entry.key()),
        [] => Err(Stop::Failed(format!("no entry has a key that begins with `{asked}`"))),
        _ => Err(Stop::Usage(format!("several keys begin with `{asked}`: write more digits"))),
    }
}

/// That there is none of this key.
pub(crate) fn no_entry(key: &Key) -> Stop {
    Stop::Failed(format!("there is no entry of the key {key}"))
}

/// At most two of the entries whose keys begin so.
fn beginning(memory: &Memory, asked: &str) -> Result<Vec<EntryInfo>, Stop> {
    if !is_key(asked) {
        return Err(Stop::Usage(format!(
            "`{asked}` is no key: four or more of its 64 hexadecimal digits, as `rememo ls FUNCTION` shows them"
        )));
    }
    let mut found = Vec::new();
    memory.each_entry(|info| {
        if info.key().to_string().starts_with(asked) {
            found.push(info);
        }
        if found.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// Whether it may be the beginning of a key.
fn is_key(asked: &str) -> bool {
    (4..=64).contains(&asked.len()) && asked.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a word may mean where both functions and entries can be meant.
#[derive(Debug)]
pub(crate) enum Meant {
    Function(String),
    Entry(Key),
}

/// The function of this name, else the entry whose key begins so.
pub(crate) fn either(memory: &Memory, asked: &str) -> Result<Meant, Stop> {
    if is_key(asked) && functions(memory, asked)?.is_empty() {
        return entry(memory, asked).map(Meant::Entry);
    }
    function(memory, asked).map(Meant::Function)
}

/// The directory, for messages.
pub(crate) fn root(memory: &Memory) -> String {
    memory.root().map_or_else(String::new, |root| format!("`{}`", root.display()))
}
