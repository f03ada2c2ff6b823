//! The folders of `src` stand in the layers that ARCHITECTURE.md shows, and no two need each other, through however many others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each folder, or file that stands for itself, names of the others.
type Needs = BTreeMap<String, BTreeSet<String>>;

fn read(path: &Path, of: &str, needs: &mut Needs) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    if ["tests", "suite"].contains(&name) {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            read(&entry.unwrap().path(), of, needs);
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    // Unit tests may use whatever they like.
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            let end = rest.find(|c: char| c != '_' && !c.is_ascii_lowercase()).unwrap_or(rest.len());
            needs.entry(of.to_owned()).or_default().insert(rest[..end].to_owned());
        }
    }
}

fn needs() -> Needs {
    let mut needs = Needs::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // The root of the crate is no layer: it names what it exports. The command is a crate of its own.
        if !["lib", "bin"].contains(&name.as_str()) {
            read(&path, &name, &mut needs);
        }
    }
    let names: BTreeSet<_> = needs.keys().cloned().collect();
    for (of, needed) in &mut needs {
        needed.retain(|name| names.contains(name) && name != of);
    }
    needs
}

#[test]
fn a_folder_needs_only_what_stands_below_it_in_the_picture() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let (_, picture) = text.split_once("## Layers").unwrap();
    let rows: Vec<&str> = picture.lines().skip_while(|line| !line.starts_with("    ")).collect();
    let rows: Vec<Vec<&str>> = rows
        .into_iter()
        .take_while(|line| line.starts_with("    "))
        .map(|row| row.split([' ', ',']).filter(|word| !word.is_empty()).collect())
        .collect();
    let last = rows.len() - 1;
    assert!(rows[0].contains(&"parallel") && rows[last].contains(&"sys"), "{rows:?}");
    // What is not in the picture is one of the small modules of the last row.
    let row = |name: &str| rows.iter().position(|row| row.contains(&name)).unwrap_or(last);
    for (name, needed) in needs() {
        for other in needed {
            let is_below = row(&name) < row(&other) || row(&name) == last && row(&other) == last;
            assert!(is_below, "`{name}` stands below or beside `{other}`, which it needs");
        }
    }
}

#[test]
fn no_folder_needs_one_that_needs_it() {
    let needs = needs();
    assert!(needs["parallel"].contains("memory") && needs["store"].contains("sys"), "{needs:?}");
    let reach = |from: &str| {
        let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(name) = left.pop() {
            for next in needs.get(name).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    left.push(next);
                }
            }
        }
        reached
    };
    let in_circle = needs.keys().filter(|name| reach(name).contains(name.as_str()));
    assert_eq!(in_circle.collect::<Vec<_>>(), Vec::<&String>::new());
}
