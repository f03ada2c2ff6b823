//! Memoized functions: what the macro states about them, and what is learnt of them while they run.

mod definition;
mod info;
mod instance;
mod printed;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use self::definition::text;
pub use self::definition::{Compress, Definition};
pub use self::info::{Code, Fingerprint, FunctionInfo, InstanceCode};
pub use self::instance::Parameters;
use self::instance::{FROM_OUTSIDE, Met};
pub(crate) use self::instance::{Instance, Stated};
use crate::codec::Habit;
use crate::events;
use crate::key::{FunctionId, Identity, IdentityParts, Unknown, fingerprint_with_cfg};
use crate::lock::lock;
use crate::states::{Machine, States, Written};
use crate::usage::{Counters, NumberedSession, Slot};

/// The one record of a memoized function in a process: a `static` next to its code.
#[derive(Debug)]
pub struct Function {
    definition: Definition,
    name: OnceLock<Named>,
    /// The first instance; the only one, unless the function is generic.
    first: OnceLock<&'static Met>,
    others: Mutex<BTreeMap<TypeId, &'static Met>>,
    /// Whether it was told that two instances cannot be told apart.
    told_of_twins: AtomicBool,
    /// Whether it was told that a value cannot be kept.
    told_not_kept: AtomicBool,
    /// Whether a call of it had an input: a file or a directory.
    has_inputs: AtomicBool,
    /// In which encoding its values are tried first, and its arguments on their way to workers.
    values: Habit,
    arguments: Habit,
    /// Where its calls are counted.
    slot: Slot,
    /// Calls that ran in this process, and how long they took together, in nanoseconds.
    runs: AtomicU64,
    nanos: AtomicU64,
}

#[derive(Debug)]
struct Named {
    name: String,
    /// The path of the function as an item; empty for `get_or_compute`.
    path: String,
    fingerprint: [u8; 32],
    id: FunctionId,
}

impl Function {
    /// The record of a function, before its name is known.
    pub const fn new(definition: Definition) -> Self {
        Function {
            definition,
            name: OnceLock::new(),
            first: OnceLock::new(),
            others: Mutex::new(BTreeMap::new()),
            told_of_twins: AtomicBool::new(false),
            told_not_kept: AtomicBool::new(false),
            has_inputs: AtomicBool::new(false),
            values: Habit::new(),
            arguments: Habit::new(),
            slot: Slot::new(),
            runs: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
        }
    }

    /// This record, its name settled. `of` is the name of the type that carries the function: of the struct beside
    /// a free function, of `Self` for a method. (The compiler prints paths only at run time.)
    pub fn named(&'static self, of: &str) -> &'static Self {
        self.name.get_or_init(|| {
            let name = self.definition.name.map_or_else(|| self.definition.path(of), str::to_owned);
            self.settle(name, self.definition.item_path(of))
        });
        self
    }

    fn settle(&self, name: String, path: String) -> Named {
        let fingerprint = fingerprint_with_cfg(&self.definition.fingerprint, self.definition.cfg);
        let id = self.parts(&name, &fingerprint).function_id();
        Named { name, path, fingerprint, id }
    }

    /// The record behind `get_or_compute(name, …)`, kept for the life of the process.
    pub(crate) fn by_name(name: &str) -> &'static Self {
        static BY_NAME: Mutex<Option<HashMap<String, &'static Function>>> = Mutex::new(None);
        let mut functions = BY_NAME.lock().unwrap_or_else(PoisonError::into_inner);
        let functions = functions.get_or_insert_default();
        if let Some(function) = functions.get(name) {
            return function;
        }
        let definition = Definition::without_code();
        let function: &'static Function = Box::leak(Box::new(Function::new(definition)));
        // Set before anyone else can see the record.
        let _ = function.name.set(function.settle(name.to_owned(), String::new()));
        functions.insert(name.to_owned(), function);
        function
    }

    /// Adds to what a session counts of the function.
    #[inline]
    pub(crate) fn count(&'static self, session: &NumberedSession, add: impl Fn(&Counters)) {
        session.count(&self.slot, || (self.id(), self.name()), add);
    }

    /// What is known of the function.
    pub fn info(&'static self) -> FunctionInfo {
        FunctionInfo::of(self)
    }

    pub(crate) fn definition(&self) -> &Definition {
        &self.definition
    }

    pub(crate) fn name(&self) -> &str {
        self.name.get().map_or(self.definition.function, |named| &named.name)
    }

    /// The path of the function as an item; empty for `get_or_compute`.
    pub(crate) fn path(&self) -> &str {
        self.name.get().map_or("", |named| &named.path)
    }

    /// The digest of the code, with what `cfg` makes of it.
    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        self.name.get().map_or(&self.definition.fingerprint, |named| &named.fingerprint)
    }

    pub(crate) fn id(&self) -> FunctionId {
        self.name.get().map_or_else(|| self.own_parts().function_id(), |named| named.id)
    }

    /// The state of the code of one instance, and its identity in that state, where `states` are
    /// recorded; found once for each. `roots` gives the addresses of what its machine code begins with.
    ///
    /// # Errors
    ///
    /// Fails if nothing tells the instance from others.
    #[inline]
    pub(crate) fn stated(
        &self,
        instance: &Instance,
        states: &States,
        roots: &dyn Fn() -> Vec<usize>,
    ) -> Result<Stated, Unknown> {
        let met = self.met(instance);
        met.stated(states.number(), || self.find_state(instance, met, states, roots))
            .inspect_err(|unknown| self.tell(*unknown))
    }

    /// What [`stated`](Self::stated) gives, if this is the first instance and `states` the first that it was asked for: in most
    /// programs the only ones.
    #[inline]
    pub(crate) fn known(&self, instance: &Instance, states: &States) -> Option<&'static Stated> {
        let first = *self.first.get()?;
        if first.id == instance.id { first.known(states.number()) } else { None }
    }

    /// The identity of one instance in a state that another process found.
    ///
    /// # Errors
    ///
    /// As [`stated`](Self::stated).
    pub(crate) fn identity_in(&self, instance: &Instance, state: &[u8; 32]) -> Result<Identity, Unknown> {
        let met = self.met(instance);
        let make = || self.state(instance, *state);
        let stated = met.stated(FROM_OUTSIDE, make).inspect_err(|unknown| self.tell(*unknown))?;
        if stated.state == *state { Ok(stated.identity) } else { Ok(make()?.identity) }
    }

    #[inline]
    fn met(&self, instance: &Instance) -> &'static Met {
        let first = *self.first.get_or_init(|| self.meet(instance));
        if first.id == instance.id {
            return first;
        }
        lock(&self.others).entry(instance.id).or_insert_with(|| self.meet(instance))
    }

    #[cold]
    fn find_state(
        &self,
        instance: &Instance,
        met: &Met,
        states: &States,
        roots: &dyn Fn() -> Vec<usize>,
    ) -> Result<Stated, Unknown> {
        let settings = self.definition.settings;
        let source = self.fingerprint();
        if !self.has_machine_code() {
            return self.state(instance, *source);
        }
        let function = self.codeless(instance, self.own_parts())?;
        let id = self.codeless_id();
        let found = states.of(&Written { function, id, source, settings }, &roots());
        met.machine.get_or_init(|| found.machine);
        if found.is_adopted {
            events::info!("`{}`: values of earlier code count as its own, as `adopt` has it", self.name());
        }
        Ok(Stated { is_adopted: found.is_adopted, ..self.state(instance, found.state)? })
    }

    /// Tells the function from others, whatever its code is.
    pub(crate) fn codeless_id(&self) -> FunctionId {
        self.id_with(&[0; 32])
    }

    /// The id that the function has with another source.
    pub(crate) fn id_with(&self, source: &[u8; 32]) -> FunctionId {
        self.parts(self.name(), source).function_id()
    }

    /// Whether machine code counts, where it can be followed.
    pub(crate) fn has_machine_code(&self) -> bool {
        !self.definition.settings.is_empty()
    }

    /// What is known of the machine code of an instance, once it has a key.
    pub(crate) fn machine(&self, instance: &Instance) -> Option<&'static Machine> {
        self.met(instance).machine.get()
    }

    /// The instances whose calls were made in this process.
    fn instances(&self) -> Vec<&'static Met> {
        let first = self.first.get().copied();
        first.into_iter().chain(lock(&self.others).values().copied()).collect()
    }

    fn state(&self, instance: &Instance, state: [u8; 32]) -> Result<Stated, Unknown> {
        let parts = IdentityParts { fingerprint: &state, ..self.own_parts() };
        let identity = self.identity_under(instance, parts)?;
        Ok(Stated { state, identity, is_adopted: false })
    }

    /// What tells an instance from all others, whatever its code is.
    pub(crate) fn codeless(
        &self,
        instance: &Instance,
        parts: IdentityParts<'_>,
    ) -> Result<Identity, Unknown> {
        self.identity_under(instance, IdentityParts { fingerprint: &[0; 32], ..parts })
    }

    /// The identity that an instance has under other parts.
    pub(crate) fn identity_under(
        &self,
        instance: &Instance,
        parts: IdentityParts<'_>,
    ) -> Result<Identity, Unknown> {
        instance.identity(parts, text(self.definition.types))
    }

    fn meet(&self, instance: &Instance) -> &'static Met {
        Met::new(instance, self.identity_under(instance, self.own_parts()))
    }

    fn tell(&self, unknown: Unknown) {
        if unknown == Unknown::Twin && !self.told_of_twins.swap(true, Ordering::Relaxed) {
            let name = self.name();
            events::warn!(
                "two types that `{name}` is called with have one name: what it returns for them is not remembered any more"
            );
        }
    }

    /// What the function, as it stands in this program, contributes to the identity of each of its instances.
    pub(crate) fn own_parts(&self) -> IdentityParts<'_> {
        self.parts(self.name(), self.fingerprint())
    }

    fn parts<'a>(&self, name: &'a str, fingerprint: &'a [u8; 32]) -> IdentityParts<'a> {
        let Definition { package, version, parameters, .. } = self.definition;
        let (type_parameters, output, types) = ("", "", "");
        IdentityParts { name, package, type_parameters, output, types, version, fingerprint, parameters }
    }

    /// In which encoding its values are tried first.
    pub(crate) fn values(&self) -> &Habit {
        &self.values
    }

    /// In which encoding its arguments are sent first.
    pub(crate) fn arguments(&self) -> &Habit {
        &self.arguments
    }

    /// Whether this is the first time in this process that a value of it cannot be kept.
    pub(crate) fn is_first_not_kept(&self) -> bool {
        !self.told_not_kept.swap(true, Ordering::Relaxed)
    }

    /// Says that a call of it has an input.
    #[cold]
    pub(crate) fn note_inputs(&self) {
        self.has_inputs.store(true, Ordering::Relaxed);
    }

    /// Whether a call of it had an input.
    pub(crate) fn has_inputs(&self) -> bool {
        self.has_inputs.load(Ordering::Relaxed)
    }

    /// Takes note of how long a call took.
    pub(crate) fn took(&self, time: Duration) {
        self.nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    /// How long a call has taken in this process on average, if one has run.
    pub(crate) fn mean_time(&self) -> Option<Duration> {
        let nanos = self.nanos.load(Ordering::Relaxed).checked_div(self.runs.load(Ordering::Relaxed))?;
        Some(Duration::from_nanos(nanos))
    }
}

#[cfg(test)]
mod tests;
