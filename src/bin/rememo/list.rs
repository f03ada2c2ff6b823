//! `rememo ls`: functions, or the entries of one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::ControlFlow;

use rememo::report::{Usage, one_line};
use rememo::{EntryInfo, Memory};
use serde_json::json;

use crate::args::{Ls, Sort};
use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::units;

pub(crate) fn run(memory: &Memory, asked: &Ls, output: &mut Output) -> Result<Verdict, Stop> {
    // Before anything is printed.
    match (&asked.function, asked.sort) {
        (None, Some(Sort::Age)) => return Err(cannot_sort(Sort::Age, "functions")),
        (Some(_), Some(Sort::Entries)) => return Err(cannot_sort(Sort::Entries, "entries")),
        _ => {}
    }
    match &asked.function {
        None => functions(memory, asked, output)?,
        Some(function) => entries(memory, &find::function(memory, function)?, asked, output)?,
    }
    Ok(Verdict::Right)
}

/// All states of the code of one function.
#[derive(Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) states: u64,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) usage: Usage,
}

fn functions(memory: &Memory, asked: &Ls, output: &mut Output) -> Result<(), Stop> {
    let head = "entries       size  computed      hits     saved    last use  function";
    print_head(head, output)?;
    let mut functions = recorded(memory)?;
    match asked.sort {
        None | Some(Sort::Name | Sort::Age) => {}
        Some(Sort::Entries) => functions.sort_by_key(|function| Reverse(function.entries)),
        Some(Sort::Size) => functions.sort_by_key(|function| Reverse(function.bytes)),
        Some(Sort::Took) => functions.sort_by_key(|function| Reverse(function.usage.computed)),
        Some(Sort::Used) => functions.sort_by_key(|function| Reverse(function.usage.last_use)),
    }
    functions.truncate(asked.limit.unwrap_or(usize::MAX));
    functions.iter().try_for_each(|function| line(function, output))?;
    Ok(())
}

/// The functions that have a record, by name.
pub(crate) fn recorded(memory: &Memory) -> Result<Vec<Function>, Stop> {
    let mut by_name: BTreeMap<String, Function> = BTreeMap::new();
    for record in memory.functions()? {
        let function = by_name.entry(record.name.clone()).or_default();
        function.name = record.name;
        function.states += 1;
        function.entries += record.entries;
        function.bytes += record.bytes;
    }
    // Of all states, those too whose records are gone.
    for (name, usage) in memory.usage()? {
        if let Some(function) = by_name.get_mut(&name) {
            function.usage = usage;
        }
    }
    Ok(by_name.into_values().collect())
}

fn print_head(head: impl fmt::Display, output: &mut Output) -> io::Result<()> {
    if output.json { Ok(()) } else { output.line(head) }
}

fn line(function: &Function, output: &mut Output) -> io::Result<()> {
    let Function { name, states, entries, bytes, usage } = function;
    if output.json {
        let mut object = units::usage(usage);
        object["function"] = name.as_str().into();
        object["entries"] = (*entries).into();
        object["bytes"] = (*bytes).into();
        object["states"] = (*states).into();
        return output.object(&object);
    }
    let (entries, size, hits) = (units::grouped(*entries), units::size(*bytes), units::grouped(usage.hits));
    let (computed, saved) = (units::span(usage.computed), units::span(usage.saved));
    let used = usage.last_use.map_or_else(|| "never".into(), units::ago);
    let name = one_line(name);
    output.line(format_args!(
        "{entries:>7}  {size:>9}  {computed:>8}  {hits:>8}  {saved:>8}  {used:>10}  {name}"
    ))
}

fn entries(memory: &Memory, function: &str, asked: &Ls, output: &mut Output) -> Result<(), Stop> {
    let limit = asked.limit.unwrap_or(usize::MAX);
    let (key, age, took, size) = ("key", "age", "took", "size");
    print_head(format_args!("{key:<12}  {age:>7}  {took:>7}  {size:>9}  arguments"), output)?;
    if let Some(sort) = asked.sort {
        let first = first(memory, function, sort, limit)?;
        first.iter().try_for_each(|info| entry(info, output))?;
        return Ok(());
    }
    let (mut listed, mut printed) = (0, Ok(()));
    memory.each_entry(|info| {
        if listed >= limit {
            return ControlFlow::Break(());
        }
        if info.function() == function {
            listed += 1;
            printed = entry(&info, output);
        } else {
            printed = output.pass_on();
        }
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(printed?)
}

/// Those that come first; without a limit all.
fn first(memory: &Memory, function: &str, sort: Sort, limit: usize) -> Result<Vec<EntryInfo>, Stop> {
    /// So many more than the limit are held, that they are seldom put in order.
    const MORE: usize = 4096;
    let mut entries = Vec::new();
    memory.each_entry(|info| {
        if info.function() == function {
            entries.push(info);
        }
        if entries.len() >= limit.saturating_add(MORE) {
            order(&mut entries, sort);
            entries.truncate(limit);
        }
        ControlFlow::Continue(())
    })?;
    order(&mut entries, sort);
    entries.truncate(limit);
    Ok(entries)
}

fn order(entries: &mut [EntryInfo], sort: Sort) {
    match sort {
        Sort::Name => entries.sort_by(|a, b| a.arguments().cmp(b.arguments())),
        Sort::Size => entries.sort_by_key(|info| Reverse(info.bytes())),
        Sort::Age => entries.sort_by_key(|info| Reverse(info.created())),
        Sort::Took => entries.sort_by_key(|info| Reverse(info.compute_time())),
        Sort::Used => entries.sort_by_key(|info| Reverse(info.last_use())),
        // It was refused.
        Sort::Entries => {}
    }
}

fn cannot_sort(sort: Sort, what: &str) -> Stop {
    Stop::Usage(format!("{what} cannot be sorted by `{}`", format!("{sort:?}").to_lowercase()))
}

fn entry(info: &EntryInfo, output: &mut Output) -> io::Result<()> {
    if output.json {
        return output.object(&json!({
            "key": info.key().to_string(),
            "function": info.function(),
            "arguments": info.arguments(),
            "created": units::timestamp(info.created()),
            "last_use": info.last_use().map(units::timestamp),
            "seconds": info.compute_time().as_secs_f64(),
            "bytes": info.bytes(),
        }));
    }
    let key = info.key().to_string();
    let (age, took) = (units::span(info.age()), units::span(info.compute_time()));
    let (size, arguments) = (units::size(info.bytes()), one_line(info.arguments()));
    output.line(format_args!("{}  {age:>7}  {took:>7}  {size:>9}  {arguments}", &key[..12]))
}
