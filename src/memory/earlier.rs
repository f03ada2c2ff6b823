//! How long calls took under earlier code: by that, a batch after a change of code begins with those that take longest.
//!
//! # Invariants
//! 1. What is found orders a batch and does nothing else. Whatever is in records and entries, the worst is another order.
//! 2. The records are read once for each memory; a miss costs one more look-up, and only for functions that are worth it.
//!
//! A long call that starts last keeps all other threads waiting: to start the longest first saves
//! up to a third of such a batch (docs/benchmarks.md, "Dispatch"). Only the latest earlier state is
//! asked, not all of them. Streams stay in the order of the input, since their consumer waits for
//! the first ones. Like any look-up, this one counts as a use of the earlier entry when a budget is
//! kept.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::Memory;
use super::inner::Inner;
use crate::call::{Call, MemoizedCall};
use crate::function::Function;
use crate::key::Key;
use crate::report::Recorded;

/// The order of calls that take less is worth nothing: looking their times up costs some microseconds.
pub(crate) const WORTH_ORDERING: Duration = Duration::from_millis(1);

/// After so many look-ups in a row that found no time worth ordering by, the function is not looked up any more.
const IN_VAIN: usize = 256;

/// The recorded states of all functions, by name, the latest first; read when they are first wanted.
#[derive(Debug, Default)]
pub(super) struct EarlierStates(OnceLock<HashMap<String, Vec<EarlierState>>>);

/// A state of a function's code.
#[derive(Debug)]
struct EarlierState {
    version: String,
    fingerprint: [u8; 32],
    parameters: Vec<String>,
    /// How many look-ups in a row were in vain.
    in_vain: AtomicUsize,
}

impl Memory {
    /// How long each of the calls took under the latest earlier code of its function, where that is known and worth ordering by.
    pub(crate) fn earlier_times<'c, C: Call + 'c>(
        &self,
        calls: impl Iterator<Item = &'c C> + Clone,
    ) -> Vec<Option<Duration>> {
        let Some(inner) = &self.inner else { return Vec::new() };
        let is_cheap = |call: &C| call.memo().is_none_or(|memo| is_cheap(memo.call.function));
        if calls.clone().all(is_cheap) {
            return Vec::new();
        }
        let asked: Vec<_> = calls.map(|call| inner.earlier_key(&call.memo()?.call)).collect();
        let keys: Vec<Key> = asked.iter().flatten().map(|(_, key)| *key).collect();
        if keys.is_empty() {
            return vec![None; asked.len()];
        }
        let mut found = inner.store.get_all(&keys).into_iter();
        let mut time_of = |(state, _): (&EarlierState, Key)| {
            let time = found.next()?.ok().and_then(|lookup| lookup.compute_time());
            let time = time.filter(|&time| time >= WORTH_ORDERING);
            state.in_vain.store(if time.is_some() { 0 } else { state.in_vain.load(Relaxed) + 1 }, Relaxed);
            time
        };
        asked.into_iter().map(|asked| asked.and_then(&mut time_of)).collect()
    }
}

impl Inner {
    /// The key that a call had under the latest earlier code of its function, if that is worth a look-up.
    fn earlier_key(&self, call: &MemoizedCall<'_>) -> Option<(&EarlierState, Key)> {
        if is_cheap(call.function) {
            return None;
        }
        let states = self.earlier.0.get_or_init(|| by_name(self.records.all().unwrap_or_default()));
        let state = states.get(call.function.name())?.iter().find(|state| !state.is_of(call.function))?;
        if state.in_vain.load(Relaxed) >= IN_VAIN {
            return None;
        }
        let parameters: Vec<_> = state.parameters.iter().map(String::as_str).collect();
        let keys = call.keys_under(&self.states, &state.version, &state.fingerprint, &parameters);
        Some((state, keys.first()?.1))
    }
}

/// Whether the order of calls of a function is known to be worth nothing.
fn is_cheap(function: &Function) -> bool {
    function.mean_time().is_some_and(|time| time < WORTH_ORDERING)
}

impl EarlierState {
    fn new(recorded: Recorded) -> Option<Self> {
        let Recorded { record, .. } = recorded;
        let fingerprint = *blake3::Hash::from_hex(&record.fingerprint).ok()?.as_bytes();
        let in_vain = AtomicUsize::new(0);
        Some(EarlierState { version: record.version, fingerprint, parameters: record.parameters, in_vain })
    }

    /// Whether this is the function as it stands in this program.
    fn is_of(&self, function: &Function) -> bool {
        let definition = function.definition();
        self.fingerprint == *function.fingerprint()
            && self.version == definition.version
            && self.parameters == definition.parameters
    }
}

fn by_name(mut recorded: Vec<Recorded>) -> HashMap<String, Vec<EarlierState>> {
    recorded.sort_by_key(|recorded| Reverse(recorded.written));
    let mut states: HashMap<String, Vec<EarlierState>> = HashMap::new();
    for recorded in recorded {
        let name = recorded.record.name.clone();
        states.entry(name).or_default().extend(EarlierState::new(recorded));
    }
    states
}
