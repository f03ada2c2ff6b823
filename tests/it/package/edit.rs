//! An edit of a package, and which functions must be computed anew because of it.

use super::{Files, Report};

/// An edit, made up of changes; nothing may be a miss after it unless [`Edit::misses`] or [`Edit::may_miss`] say so.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    changes: Vec<Change>,
    run: Option<&'static [&'static str]>,
    variables: Vec<(&'static str, &'static str)>,
    misses: Vec<&'static str>,
    may_miss: Vec<&'static str>,
}

#[derive(Clone, Debug)]
enum Change {
    Replace { file: String, old: String, new: String },
    Add { file: String, text: String },
    Touch { file: String },
    Cargo { arguments: &'static [&'static str] },
}

/// Replaces a text, wherever it occurs in a file.
pub fn replace(file: &str, old: &str, new: &str) -> Edit {
    Edit::default().replace(file, old, new)
}

/// Adds a file.
pub fn add(file: &str, text: impl Into<String>) -> Edit {
    Edit::default().with(Change::Add { file: file.to_owned(), text: text.into() })
}

/// Writes a file with the text that it has.
pub fn touch(file: &str) -> Edit {
    Edit::default().with(Change::Touch { file: file.to_owned() })
}

/// Runs a command of cargo before the program is built.
pub fn cargo(arguments: &'static [&'static str]) -> Edit {
    Edit::default().cargo(arguments)
}

/// Lets cargo run the program in another way.
pub fn run_as(arguments: &'static [&'static str]) -> Edit {
    Edit { run: Some(arguments), ..Edit::default() }
}

/// Sets an environment variable of the build.
pub fn add_variable(name: &'static str, value: &'static str) -> Edit {
    Edit { variables: vec![(name, value)], ..Edit::default() }
}

impl Edit {
    pub fn replace(self, file: &str, old: &str, new: &str) -> Self {
        self.with(Change::Replace { file: file.to_owned(), old: old.to_owned(), new: new.to_owned() })
    }

    pub fn cargo(self, arguments: &'static [&'static str]) -> Self {
        self.with(Change::Cargo { arguments })
    }

    /// Also makes the changes of `other`.
    pub fn and(mut self, other: Edit) -> Self {
        self.changes.extend(other.changes);
        self.variables.extend(other.variables);
        self.run = other.run.or(self.run);
        self
    }

    /// The functions that return something else after the edit.
    pub fn misses(mut self, functions: &[&'static str]) -> Self {
        self.misses.extend(functions);
        self
    }

    /// Functions that return the same after the edit, and may be computed anew: telling would take more than names.
    pub fn may_miss(mut self, functions: &[&'static str]) -> Self {
        self.may_miss.extend(functions);
        self
    }

    /// Nothing is computed anew; says what an edit without the two above means.
    pub fn hits(self) -> Self {
        assert!(self.misses.is_empty() && self.may_miss.is_empty());
        self
    }

    fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// What is wrong with `edited`, which printed `base` before the edit.
    pub(super) fn problems(&self, base: &Report, edited: &Report) -> Vec<String> {
        if edited.functions() != base.functions() {
            return vec![format!("{self}: other functions, {:?}", edited.functions())];
        }
        let (missed, stale) = (edited.missed(), edited.stale());
        let unknown =
            self.misses.iter().chain(&self.may_miss).filter(|name| !base.functions().contains(name));
        let mut problems: Vec<String> =
            unknown.map(|name| format!("{self}: there is no function `{name}`")).collect();
        for function in base.functions() {
            let same = edited.same_values(base, function);
            let (is_miss, must_miss) = (missed.contains(&function), self.misses.contains(&function));
            let values = edited.values(function);
            let problem = if same && must_miss {
                "NO EVIDENCE, it returns what it did before"
            } else if !same && !must_miss {
                "UNEXPECTED, it returns something else"
            } else if stale.contains(&function) {
                "STALE"
            } else if must_miss && !is_miss {
                "HIT by luck, where a miss is due"
            } else if is_miss && !must_miss && !self.may_miss.contains(&function) {
                "NEEDLESS MISS"
            } else {
                continue;
            };
            problems.push(format!("{self}: `{function}`: {problem}: {values:?}"));
        }
        problems
    }

    /// Gathers edits that can be made in one go, as none of them concerns a function or a text that another one does. Each
    /// function is then judged by the one edit that concerns it, if any does.
    pub(super) fn gathered(edits: Vec<Edit>, files: &Files) -> Vec<Vec<Edit>> {
        let mut groups: Vec<(Files, Vec<Edit>)> = Vec::new();
        for edit in edits {
            let group = groups.iter_mut().find(|(edited, group)| {
                let joins =
                    |other: &Edit| edit.is_plain() && other.is_plain() && !edit.concerns_that_of(other);
                group.iter().all(joins) && edit.finds_what_it_did(files, edited)
            });
            match group {
                Some((edited, group)) => {
                    *edited = edit.applied_to(edited);
                    group.push(edit);
                }
                None => groups.push((edit.applied_to(files), vec![edit])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// All of these edits as one.
    pub(super) fn all(group: &[Edit]) -> Self {
        let mut all = group[0].clone();
        for edit in &group[1..] {
            all.misses.extend(&edit.misses);
            all.may_miss.extend(&edit.may_miss);
            all = all.and(edit.clone());
        }
        all
    }

    /// Whether it changes texts of files alone.
    fn is_plain(&self) -> bool {
        let is_replacement = |change: &Change| matches!(change, Change::Replace { .. });
        self.run.is_none() && self.variables.is_empty() && self.changes.iter().all(is_replacement)
    }

    fn concerns_that_of(&self, other: &Edit) -> bool {
        let mut concerned = self.misses.iter().chain(&self.may_miss);
        concerned.any(|function| other.misses.contains(function) || other.may_miss.contains(function))
    }

    /// Whether the texts that it replaces are in `edited` as they are in `files`.
    fn finds_what_it_did(&self, files: &Files, edited: &Files) -> bool {
        self.changes.iter().all(|change| match change {
            Change::Replace { file, old, .. } => {
                let count =
                    |files: &Files| files.get(file).map_or(0, |text| text.matches(old.as_str()).count());
                count(files) > 0 && count(files) == count(edited)
            }
            _ => false,
        })
    }

    pub(super) fn applied_to(&self, files: &Files) -> Files {
        let mut files = files.clone();
        for change in &self.changes {
            change.apply_to(&mut files);
        }
        files
    }

    pub(super) fn touched(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().filter_map(|change| match change {
            Change::Touch { file } => Some(file.as_str()),
            _ => None,
        })
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = &'static [&'static str]> {
        self.changes.iter().filter_map(|change| match change {
            Change::Cargo { arguments } => Some(*arguments),
            _ => None,
        })
    }

    pub(super) fn run(&self) -> Option<&[&'static str]> {
        self.run
    }

    pub(super) fn variables(&self) -> &[(&'static str, &'static str)] {
        &self.variables
    }
}

impl Change {
    fn apply_to(&self, files: &mut Files) {
        match self {
            Change::Replace { file, old, new } => {
                let text = files.get_mut(file).unwrap_or_else(|| panic!("there is no file {file}"));
                assert!(text.contains(old), "there is no `{old}` in {file}");
                *text = text.replace(old, new);
            }
            Change::Add { file, text } => {
                let there = files.insert(file.clone(), text.clone());
                assert!(there.is_none(), "there is a file {file} already");
            }
            Change::Touch { .. } | Change::Cargo { .. } => {}
        }
    }
}

impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for change in &self.changes {
            match change {
                Change::Replace { file, old, new } => write!(f, "[{file}: {old:?} -> {new:?}]")?,
                Change::Add { file, .. } => write!(f, "[add {file}]")?,
                Change::Touch { file } => write!(f, "[touch {file}]")?,
                Change::Cargo { arguments } => write!(f, "[cargo {}]", arguments.join(" "))?,
            }
        }
        self.run.iter().try_for_each(|run| write!(f, "[run as cargo {}]", run.join(" ")))?;
        self.variables.iter().try_for_each(|(name, value)| write!(f, "[{name}={value}]"))
    }
}
