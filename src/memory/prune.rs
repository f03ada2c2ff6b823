//! Pruning by hand: what a person wants to go, and why each entry went.
//!
//! # Entries of earlier code
//! The states of a function's code that its directory knows are told apart by the records of its name. The newest is the one that
//! was used last. Of the others, those count as earlier whose entries nobody used for a while: two branches of a project may
//! take turns in one directory, and each goes on with its own entries. States that count as the newest (the same machine code, or
//! adopted) stay with it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use super::Memory;
use super::inner::Inner;
use crate::error::{Error, Result};
use crate::key::FunctionId;
use crate::report::{Prune, PruneReason, Pruned, PrunedPart, Recorded};
use crate::store::{Facts, Selection, Verdict};

impl Memory {
    /// Removes what `prune` says, and tells what went and why; with [`Prune::dry_run`] only tells.
    ///
    /// With the log layout, what was used in the last minute stays whatever is said.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed or written, or if no function of the name is recorded.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::Memory;
    /// use rememo::report::{Prune, PruneReason};
    ///
    /// let memory = Memory::open(dir.path())?;
    /// for seed in 0..10_u64 {
    ///     memory.get_or_compute("square", &seed, || seed * seed);
    /// }
    /// let pruned = memory.prune(&Prune::new().items(4).dry_run(true))?;
    /// assert_eq!((pruned.entries, pruned.kept_entries), (6, 4));
    /// assert_eq!(pruned.parts[0].function, "square");
    /// assert_eq!(pruned.parts[0].reason, PruneReason::WorthLeast);
    /// assert_eq!(memory.stats().entries, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prune(&self, prune: &Prune) -> Result<Pruned> {
        let Some(inner) = &self.inner else { return Ok(Pruned::default()) };
        let recorded = inner.records.all()?;
        let scope = match &prune.function {
            Some(name) => Some(inner.scope(&recorded, name)?),
            None => None,
        };
        let stale = match prune.stale {
            Some(unused) => inner.stale(&recorded, unused)?,
            None => Stale::default(),
        };
        let now = SystemTime::now();
        let is_old = |facts: &Facts| {
            let age = now.duration_since(facts.created).unwrap_or_default();
            prune.age.is_some_and(|limit| age >= limit)
        };
        let verdict = |facts: &Facts| match facts {
            Facts { function, .. } if scope.as_ref().is_some_and(|scope| !scope.contains(function)) => {
                Verdict::Stays
            }
            Facts { function, .. } if stale.gone.contains(function) => Verdict::Goes(PruneReason::Stale),
            facts if is_old(facts) => Verdict::Goes(PruneReason::Old),
            _ => Verdict::MayGo,
        };
        let selection = Selection { limits: prune.limits, verdict: &verdict, dry_run: prune.dry_run };
        let selected = inner.store.select(&selection)?;
        let names: HashMap<_, _> = recorded.iter().map(|known| (known.id, &known.record.name)).collect();
        let mut parts: Vec<PrunedPart> = Vec::new();
        for ((id, reason), extent) in selected.parts {
            let function = names.get(&id).map_or_else(|| id.to_string(), |name| (*name).clone());
            match parts.iter_mut().find(|part| part.function == function && part.reason == reason) {
                Some(part) => {
                    part.entries += extent.entries;
                    part.bytes += extent.bytes;
                }
                None => {
                    parts.push(PrunedPart { function, reason, entries: extent.entries, bytes: extent.bytes });
                }
            }
        }
        parts.sort_by(|a, b| (&a.function, a.reason).cmp(&(&b.function, b.reason)));
        let spared = stale.spared.iter().filter(|id| scope.as_ref().is_none_or(|scope| scope.contains(id)));
        let reduced = selected.reduced;
        Ok(Pruned {
            entries: reduced.entries,
            bytes: reduced.bytes,
            kept_entries: reduced.kept_entries,
            kept_bytes: reduced.kept_bytes,
            parts,
            spared_states: spared.count() as u64,
        })
    }
}

/// States of functions that are not the newest.
#[derive(Debug, Default)]
struct Stale {
    gone: HashSet<FunctionId>,
    /// Those that were used lately, and have entries.
    spared: HashSet<FunctionId>,
}

impl Inner {
    /// The ids of the functions of one name.
    fn scope(&self, recorded: &[Recorded], name: &str) -> Result<HashSet<FunctionId>> {
        let of_name = recorded.iter().filter(|recorded| recorded.record.name == name);
        let ids: HashSet<_> = of_name.map(|recorded| recorded.id).collect();
        if ids.is_empty() {
            let reason = format!("no function `{name}` is recorded in it");
            return Err(Error::directory(&self.settings.root, reason));
        }
        Ok(ids)
    }

    /// The states that are not the newest of their function, by whether they were not used for so long.
    fn stale(&self, recorded: &[Recorded], unused: Duration) -> Result<Stale> {
        let mut used: HashMap<FunctionId, SystemTime> = HashMap::new();
        self.store.list(&mut |info| {
            let last = used.entry(info.function_id).or_insert(SystemTime::UNIX_EPOCH);
            *last = (*last).max(info.last_use.unwrap_or(info.created));
        })?;
        let mut by_name: HashMap<&str, Vec<&Recorded>> = HashMap::new();
        for recorded in recorded {
            by_name.entry(&recorded.record.name).or_default().push(recorded);
        }
        let last_use = |recorded: &Recorded| used.get(&recorded.id).copied().unwrap_or(recorded.written);
        let now = SystemTime::now();
        let mut stale = Stale::default();
        for states in by_name.into_values().filter(|states| states.len() > 1) {
            let newest = states.iter().max_by_key(|state| last_use(state));
            let newest = newest.expect("there are several");
            let alike = self.alike(newest)?;
            let earlier = states.iter().filter(|state| !alike.contains(&state.id));
            for state in earlier.filter(|state| used.contains_key(&state.id)) {
                // What was used in the future is in use.
                let is_over = now.duration_since(last_use(state)).is_ok_and(|idle| idle >= unused);
                let ids = if is_over { &mut stale.gone } else { &mut stale.spared };
                ids.insert(state.id);
            }
        }
        Ok(stale)
    }

    /// The ids of the states that count as this one.
    fn alike(&self, state: &Recorded) -> Result<HashSet<FunctionId>> {
        let mut ids = HashSet::from([state.id]);
        let Ok(source) = blake3::Hash::from_hex(&state.record.fingerprint) else { return Ok(ids) };
        let alike = self.states.alike(source.as_bytes())?;
        let alike: Vec<_> = alike.iter().map(|source| blake3::Hash::from_bytes(*source).to_hex()).collect();
        for other in self.records.of_name(&state.record.name)? {
            let is_alike = alike.iter().any(|source| other.record.fingerprint == source.as_str());
            let record = &state.record;
            if is_alike
                && (&other.record.version, &other.record.parameters) == (&record.version, &record.parameters)
            {
                ids.insert(other.id);
            }
        }
        Ok(ids)
    }
}
