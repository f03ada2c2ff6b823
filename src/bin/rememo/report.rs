//! `rememo report`: what a directory has saved, as one page that fetches nothing.

use std::cmp::Reverse;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use rememo::Memory;
use rememo::report::{Run, Usage};
use serde_json::json;

use crate::chart::{self, Bars};
use crate::list::{self, Function};
use crate::output::{Output, Stop, Verdict};
use crate::{stats, units};

const PAGE: &str = include_str!("report.html");

/// So many functions, and runs, have bars.
const BARS: usize = 15;

pub(crate) fn run(memory: &Memory, file: &Path, output: &mut Output) -> Result<Verdict, Stop> {
    let page = page(memory)?;
    fs::write(file, &page)
        .map_err(|error| Stop::Failed(format!("cannot write `{}`: {error}", file.display())))?;
    if output.json {
        output.object(&json!({"file": file.display().to_string(), "bytes": page.len()}))?;
    } else {
        output.line(format_args!("{} in `{}`", units::size(page.len() as u64), file.display()))?;
    }
    Ok(Verdict::Right)
}

fn page(memory: &Memory) -> Result<String, Stop> {
    let mut functions = list::recorded(memory)?;
    functions.sort_by_key(|function| Reverse(function.usage.saved));
    let mut runs = memory.runs()?;
    runs.reverse();
    let root = memory.root().map_or_else(String::new, |root| root.display().to_string());
    let mut body = format!("<h1>{}</h1>\n", escaped(&root));
    figures(&mut body, memory);
    if functions.is_empty() {
        body.push_str("<p>Nothing is kept in it yet.</p>\n");
    } else {
        let bars: Vec<_> = functions.iter().take(BARS).map(bars_of_function).collect();
        section(&mut body, "Functions", &bars)?;
        table_of_functions(&mut body, &functions);
    }
    if !runs.is_empty() {
        let bars: Vec<_> = runs.iter().take(BARS).map(bars_of_run).collect();
        section(&mut body, "Runs", &bars)?;
        table_of_runs(&mut body, &runs);
    }
    changes(&mut body, memory, &functions)?;
    Ok(PAGE.replace("{title}", &escaped(&root)).replace("{body}", &body))
}

fn figures(body: &mut String, memory: &Memory) {
    let stats = memory.stats();
    let all = &stats.all_runs;
    let figures = [
        ("saved", units::span(all.saved)),
        ("computed", units::span(all.computed)),
        ("of the calls were hits", hit_rate(all)),
        ("entries", units::grouped(stats.entries)),
        ("on the disk", units::size(stats.bytes)),
    ];
    body.push_str("<ul class=\"figures\">\n");
    for (what, figure) in figures {
        let _ = writeln!(body, "<li><b>{figure}</b> {what}</li>");
    }
    let date = units::date(std::time::SystemTime::now());
    let _ = writeln!(body, "</ul>\n<p>As of {date}, over all runs that are known.</p>");
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn hit_rate(usage: &Usage) -> String {
    let calls = usage.hits + usage.misses + usage.joined;
    if calls == 0 { "–".into() } else { format!("{:.0} %", usage.hits as f64 * 100.0 / calls as f64) }
}

fn section(body: &mut String, title: &str, rows: &[Bars]) -> Result<(), Stop> {
    let chart = chart::bars(rows).map_err(|error| Stop::Failed(format!("cannot draw a chart: {error}")))?;
    let legend = "<span class=\"saved\">■</span> saved <span class=\"spent\">■</span> computed";
    let _ = writeln!(body, "<h2>{title}</h2>\n<p>{legend}</p>\n<div class=\"wide\">{chart}</div>");
    Ok(())
}

fn bars_of_function(function: &Function) -> Bars {
    let Usage { saved, computed, .. } = function.usage;
    Bars { name: function.name.clone(), saved, spent: computed }
}

fn bars_of_run(run: &Run) -> Bars {
    let name = format!("{} {}", run.program, units::date(run.started));
    Bars { name, saved: run.usage.saved, spent: run.usage.computed }
}

/// A cell: what it is sorted by, and what is shown.
type Cell = (String, String);

fn table(body: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<Cell>>) {
    body.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for head in heads {
        let _ = write!(body, "<th>{head}</th>");
    }
    body.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        body.push_str("<tr>");
        for (value, shown) in row {
            let _ = write!(body, "<td data-value=\"{}\">{}</td>", escaped(&value), escaped(&shown));
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div>\n");
}

fn number(number: u64) -> Cell {
    (number.to_string(), units::grouped(number))
}

fn time(time: std::time::Duration) -> Cell {
    (time.as_secs_f64().to_string(), units::span(time))
}

fn text(text: &str) -> Cell {
    (text.to_owned(), text.to_owned())
}

fn table_of_functions(body: &mut String, functions: &[Function]) {
    let heads =
        ["entries", "size", "computed", "hits", "misses", "saved", "hit rate", "last use", "function"];
    let row = |function: &Function| {
        let usage = &function.usage;
        let used =
            usage.last_use.map_or_else(|| text("never"), |used| (units::timestamp(used), units::date(used)));
        vec![
            number(function.entries),
            (function.bytes.to_string(), units::size(function.bytes)),
            time(usage.computed),
            number(usage.hits),
            number(usage.misses),
            time(usage.saved),
            (hit_rate(usage).replace(" %", ""), hit_rate(usage)),
            used,
            text(&function.name),
        ]
    };
    table(body, &heads, functions.iter().map(row));
}

fn table_of_runs(body: &mut String, runs: &[Run]) {
    let heads = ["started", "ending", "hits", "misses", "computed", "saved", "host", "program"];
    let row = |run: &Run| {
        vec![
            (units::timestamp(run.started), units::date(run.started)),
            text(stats::ending(run.ending)),
            number(run.usage.hits),
            number(run.usage.misses),
            time(run.usage.computed),
            time(run.usage.saved),
            text(&run.host),
            text(&run.program),
        ]
    };
    table(body, &heads, runs.iter().map(row));
}

/// What changed in the code of functions, so that values were computed again.
fn changes(body: &mut String, memory: &Memory, functions: &[Function]) -> Result<(), Stop> {
    let mut is_first = true;
    for function in functions {
        let history = memory.history(&function.name)?;
        for revision in history.iter().skip(1) {
            if std::mem::take(&mut is_first) {
                body.push_str("<h2>Changes of code</h2>\n");
            }
            let date = units::date(revision.recorded);
            let _ =
                writeln!(body, "<p>{date} <b>{}</b></p>\n<ul class=\"changes\">", escaped(&function.name));
            for change in &revision.changes {
                let _ = writeln!(body, "<li>{}</li>", escaped(&change.to_string()));
            }
            if revision.changes.is_empty() {
                body.push_str("<li>not recorded</li>\n");
            }
            body.push_str("</ul>\n");
        }
    }
    Ok(())
}

/// Text as it stands in a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
