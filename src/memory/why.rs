//! Explains calls: what a look-up sees, and where it sees nothing, what the records tell.
//!
//! # Invariants
//! 1. Nothing is computed, counted, written or waited for.
//! 2. Records are hints: whatever is in them, the worst is a poor explanation.
//!
//! # How a change is found
//! A key is a digest and tells nothing. So a function leaves a record with its first entry, one for
//! each state of its code: fingerprint, version, parameters in the key, and the items that the
//! fingerprint covers, each with a digest of its own. (The id of a function covers the first three.
//! Otherwise two states would share a record.) For a call without an entry:
//!
//! 1. The records of its name are read.
//! 2. From the fingerprint, version and parameters of each follows the key that this call had then.
//!    The store is asked for that key.
//! 3. The nearest state is one that has the key; of several the one with the fewest changes, then
//!    the latest.
//! 4. If no earlier state has the call and this state has a record, the arguments are what is new.
//!
//! Arguments that were in the key then and are ignored now are no longer shown. Of such a state it
//! cannot be told whether it had the call, and it is not claimed. Look-ups of values never read
//! records.

use std::cmp::Reverse;
use std::time::SystemTime;

use super::inner::Inner;
use super::{Memory, Miss, MissReason};
use crate::call::{Call, MemoizedCall};
use crate::codec::DecodeError;
use crate::error::chain;
use crate::payload::Content;
use crate::report::{self, Change, FunctionRecord, Recorded, Why};
use crate::states::Difference;
use crate::store::Payload;

impl Memory {
    /// Explains whether and why [`call`](Self::call) would run the function: one line for people, and what it is made of.
    ///
    /// Of a call without an entry it tells what is new: the function, its code (which helper, type or constant), its
    /// version, or only the arguments. Earlier code is known from the records that [`functions`](Self::functions) lists.
    /// It is compared with the code under which this very call has an entry, and of several with the most similar.
    ///
    /// Where machine code decides, it is compared too, if both programs were built alike and ran on this machine: then
    /// functions of other crates and of C are named as well, with the way to them
    /// (`geo::area differs (price → shipping::cost → geo::area)`). What the source shows is named as the source has it.
    ///
    /// Of a hit it tells what the function may read of the outside world, such as a variable of the environment: the value may depend
    /// on it, and the key does not.
    ///
    /// Computes nothing and counts as neither hit nor miss. Reads the entry as [`call`](Self::call) does, and of a hit a small file of
    /// what is known of the machine code; if there is no entry, it also reads the records of all functions in the cache, a small file for each state of each function's code, and
    /// two lists of a few KB that are kept below the user's cache directory.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, Why, memo};
    ///
    /// #[memo(name = "price")]
    /// fn price(item: u64, day: u64) -> u64 {
    ///     item * 10 + day
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// let why = memory.why(&price::delayed(3, 4));
    /// assert_eq!(why.to_string(), "never computed: no value of `price` is in this cache");
    ///
    /// memory.call(price::delayed(3, 4));
    /// assert!(memory.why(&price::delayed(3, 4)).is_hit());
    /// assert!(matches!(memory.why(&price::delayed(5, 4)), Why::NewArguments { .. }));
    ///
    /// // What another state of the program would find:
    /// mod later {
    ///     #[rememo::memo(name = "price")]
    ///     pub fn price(item: u64, day: u64) -> u64 {
    ///         item * 12 + day
    ///     }
    /// }
    /// let why = memory.why(&later::price::delayed(3, 4));
    /// assert!(why.to_string().starts_with("the code changed since this was computed: "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn why<C: Call>(&self, call: &C) -> Why {
        let Some(memo) = call.memo() else { return Why::Miss(MissReason::NotMemoized) };
        let check = |value: &Content<'_>| memo.codec.decode(value).map(drop);
        self.explain(&memo.call, &check).unwrap_or_else(Why::Miss)
    }

    /// Explains a call of which a look-up has seen that it is a miss.
    pub(crate) fn why_missed<C: Call>(&self, call: &C, miss: &Miss) -> Why {
        match (&miss.reason, self.why(call)) {
            (MissReason::Absent, why) if !why.is_hit() => why,
            (reason, _) => Why::Miss(reason.clone()),
        }
    }

    /// Explains a call; `check` tells whether its value can be read.
    fn explain(
        &self,
        call: &MemoizedCall<'_>,
        check: &dyn Fn(&Content<'_>) -> Result<(), DecodeError>,
    ) -> Result<Why, MissReason> {
        let inner = self.inner.as_deref().ok_or(MissReason::Disabled)?;
        let key = call.key(&inner.states).map_err(|error| MissReason::Unkeyed(chain(&error).to_string()))?;
        let entry = match inner.usable(inner.store.get(&key), call.function) {
            Err(MissReason::Absent) => {
                if let Some(reason) = inner.not_kept.reason(&key) {
                    let function = call.function.name().to_owned();
                    return Ok(Why::NotKept { function, reason: reason.to_string() });
                }
                let records = inner.records.of_name(call.function.name());
                let records = records.map_err(|error| MissReason::Unavailable(chain(&error).to_string()))?;
                return Ok(of_absence(records, inner, call));
            }
            usable => usable?,
        };
        check(&entry.value()).map_err(|error| MissReason::of_decoding(&error))?;
        let info = inner.store.info(&entry, "");
        let is_adopted = call.stated(&inner.states).is_ok_and(|stated| stated.is_adopted);
        let adopted = is_adopted && info.function_id != call.function.id();
        let reads = report::reads(call.function.info());
        Ok(Why::Hit { age: info.age(), took: entry.compute_time(), adopted, reads })
    }
}

/// Why there is no entry, by the records of the functions of this name.
fn of_absence(records: Vec<Recorded>, inner: &Inner, call: &MemoizedCall<'_>) -> Why {
    let now = FunctionRecord::of(call.function);
    let (same, other): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|recorded| recorded.record.is_same_code(&now));
    let nearest = other
        .into_iter()
        .map(|recorded| Earlier::new(recorded, &now, inner, call))
        .min_by_key(Earlier::distance);
    match nearest {
        Some(earlier) if same.is_empty() || earlier.past.computed_before == Some(true) => {
            earlier.why(&now, inner, call)
        }
        None if same.is_empty() => Why::NeverComputed { function: now.name },
        _ => {
            let past = Past::of(&now, inner, call);
            if past.computed_before == Some(true) {
                let differences = past.differences(&now, inner, call);
                return Why::CodeChanged {
                    changes: report::unseen(&differences),
                    computed_before: Some(true),
                };
            }
            new_arguments(now.name, call)
        }
    }
}

fn new_arguments(function: String, call: &MemoizedCall<'_>) -> Why {
    let mut type_parameters = call.type_parameters();
    // The first one of a method is the type that it is a method of, which its name tells.
    if call.function.definition().method && !type_parameters.contains(", ") {
        type_parameters = "";
    }
    let arguments = call.preview().to_string();
    Why::NewArguments { function, arguments, type_parameters: type_parameters.to_owned() }
}

/// A function of the same name, in another state.
struct Earlier {
    record: FunctionRecord,
    written: SystemTime,
    /// What changed in the source since; empty if that is not recorded.
    changes: Vec<Change>,
    past: Past,
}

impl Earlier {
    fn new(recorded: Recorded, now: &FunctionRecord, inner: &Inner, call: &MemoizedCall<'_>) -> Self {
        let Recorded { record, written, .. } = recorded;
        Earlier {
            changes: report::between(&record, now),
            past: Past::of(&record, inner, call),
            record,
            written,
        }
    }

    /// How far it is from the function as it is now. Of several that are equally near the latest is the nearest.
    fn distance(&self) -> impl Ord + use<> {
        let changes = if self.changes.is_empty() { usize::MAX } else { self.changes.len() };
        let computed = self.past.computed_before == Some(true);
        (Reverse(computed), changes, Reverse(self.written))
    }

    fn why(self, now: &FunctionRecord, inner: &Inner, call: &MemoizedCall<'_>) -> Why {
        let Earlier { record: was, changes, past, .. } = self;
        let changes = || {
            let differences = past.differences(&was, inner, call);
            report::with_machine_code(changes, &differences, &was, now)
        };
        changed(&was, now, past.computed_before, changes)
    }
}

/// What is other now than in an earlier state; `changes` are those of the code.
fn changed(
    was: &FunctionRecord,
    now: &FunctionRecord,
    computed_before: Option<bool>,
    changes: impl FnOnce() -> Vec<Change>,
) -> Why {
    if was.fingerprint != now.fingerprint {
        Why::CodeChanged { changes: changes(), computed_before }
    } else if was.version != now.version {
        Why::Version { was: was.version.clone(), now: now.version.clone(), computed_before }
    } else {
        Why::Parameters { was: was.parameters.clone(), now: now.parameters.clone(), computed_before }
    }
}

/// This very call, under the function of a record.
struct Past {
    /// Whether it has an entry; `None` if that cannot be told.
    computed_before: Option<bool>,
    /// The states of the code of which it has one, the latest first; without any, the latest state.
    states: Vec<[u8; 32]>,
}

/// Of more states of one source the machine code is not compared.
const COMPARED: usize = 8;

impl Past {
    fn of(record: &FunctionRecord, inner: &Inner, call: &MemoizedCall<'_>) -> Self {
        let Ok(fingerprint) = blake3::Hash::from_hex(&record.fingerprint) else {
            return Past { computed_before: None, states: Vec::new() };
        };
        let keys =
            call.keys_under(&inner.states, &record.version, fingerprint.as_bytes(), &parameters_of(record));
        let held = keys.into_iter().map_while(|(state, key)| Some((state, inner.store.holds(&key).ok()?)));
        let (with, without): (Vec<_>, Vec<_>) = held.partition(|(_, holds)| *holds);
        let computed_before = (!with.is_empty() || !without.is_empty()).then_some(!with.is_empty());
        let states = if with.is_empty() { without.into_iter().take(1).collect() } else { with };
        Past { computed_before, states: states.into_iter().map(|(state, _)| state).collect() }
    }

    /// What differs in the machine code since: compared with the most similar of the states, and of several with the
    /// latest. Nothing if that is not known.
    fn differences(&self, was: &FunctionRecord, inner: &Inner, call: &MemoizedCall<'_>) -> Vec<Difference> {
        let parameters = parameters_of(was);
        let since = |state| call.differences(&inner.states, &was.version, &parameters, state);
        let all = self.states.iter().take(COMPARED).map(since);
        all.filter(|differences| !differences.is_empty()).min_by_key(Vec::len).unwrap_or_default()
    }
}

fn parameters_of(record: &FunctionRecord) -> Vec<&str> {
    record.parameters.iter().map(String::as_str).collect()
}

mod entry;
#[cfg(test)]
mod tests;
