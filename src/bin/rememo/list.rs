//! `rememo ls`: functions, or the entries of one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
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
    let mut functions = recorded(memory)?;
    match asked.sort {
        None | Some(Sort::Name) => {}
        Some(Sort::Entries) => functions.sort_by_key(|function| Reverse(function.entries)),
        Some(Sort::Size) => functions.sort_by_key(|function| Reverse(function.bytes)),
        Some(Sort::Took) => functions.sort_by_key(|function| Reverse(function.usage.computed)),
        Some(Sort::Used) => functions.sort_by_key(|function| Reverse(function.usage.last_use)),
        Some(sort @ Sort::Age) => return Err(cannot_sort(sort, "functions")),
    }
    functions.truncate(asked.limit.unwrap_or(usize::MAX));
    if !output.json {
        output.line("entries       size  computed      hits     saved    last use  function")?;
    }
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
    if !output.json {
        let head = ["age", "took", "size"];
        output
            .line(format_args!("{:<12}  {:>7}  {:>7}  {:>9}  arguments", "key", head[0], head[1], head[2]))?;
    }
    if let Some(sort) = asked.sort {
        let mut sorted = Vec::new();
        memory.each_entry(|info| {
            if info.function() == function {
                sorted.push(info);
            }
            ControlFlow::Continue(())
        })?;
        order(&mut sorted, sort)?;
        sorted.iter().take(limit).try_for_each(|info| entry(info, output))?;
        return Ok(());
    }
    let (mut listed, mut printed) = (0, Ok(()));
    memory.each_entry(|info| {
        if listed >= limit {
            return ControlFlow::Break(());
        }
        if info.function() != function {
            return ControlFlow::Continue(());
        }
        listed += 1;
        printed = entry(&info, output);
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(printed?)
}

fn order(entries: &mut [EntryInfo], sort: Sort) -> Result<(), Stop> {
    match sort {
        Sort::Name => entries.sort_by(|a, b| a.arguments().cmp(b.arguments())),
        Sort::Size => entries.sort_by_key(|info| Reverse(info.bytes())),
        Sort::Age => entries.sort_by_key(|info| Reverse(info.created())),
        Sort::Took => entries.sort_by_key(|info| Reverse(info.compute_time())),
        Sort::Used => entries.sort_by_key(|info| Reverse(info.last_use())),
        Sort::Entries => return Err(cannot_sort(sort, "entries")),
    }
    Ok(())
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
