//! Calls: functions with their arguments, not yet run.

mod boxed;
pub mod copies;
mod delayed;
mod named;

use std::fmt;
use std::sync::Arc;

pub use self::boxed::BoxedCall;
pub use self::delayed::{Delayed, Repeatable, delayed};
pub(crate) use self::named::NamedCall;
use crate::codec::Codec;
use crate::function::{Function, Instance, Parameters, Stated};
use crate::input::{self, Inputs};
use crate::key::{self, ArgumentError, Arguments, IdentityParts, Key};
use crate::remote::{ArgumentWriter, Remote, Travel, Unsent, WholeCodec};
use crate::states::{Difference, States};

/// A function with its arguments, not yet run: what [`Memory::call`](crate::Memory::call) and
/// [`Parallel::run`](crate::Parallel::run) take.
///
/// There are two: `f::delayed(…)` of a memoized function `f` makes a [`FunctionCall`], and
/// [`delayed()`] makes a [`Delayed`] of a plain closure, which is never kept. A [`BoxedCall`] has one
/// of them inside: calls of several functions are one batch by [`calls!`](crate::calls).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a call",
    label = "a call that has not run yet is expected here",
    note = "write `f::delayed(…)` for a memoized function `f` (`f(…)` runs at once), or `rememo::delayed(|| …)` for a closure",
    note = "calls of several functions are one batch as `rememo::calls![a::delayed(…), b::delayed(…)]`"
)]
pub trait Call: Sized {
    /// What the function returns.
    type Output;

    /// Runs the function; neither reads nor writes a cache.
    fn run(self) -> Self::Output;

    /// What makes the call a memoized one; `None` for a plain closure. No API.
    #[doc(hidden)]
    fn memo(&self) -> Option<Memo<'_, Self::Output>>;

    /// How a value travels that is not kept, if it can. No API.
    #[doc(hidden)]
    fn whole(&self) -> Option<WholeCodec<Self::Output>> {
        None
    }

    /// The same call once more, for another attempt; `None` if it cannot be copied. No API.
    #[doc(hidden)]
    fn again(&self) -> Option<Self> {
        None
    }
}

/// The memoized side of a call: its function with its arguments, and how its value is written. No API.
#[derive(Debug)]
pub struct Memo<'c, T> {
    pub(crate) call: MemoizedCall<'c>,
    pub(crate) codec: Codec<T>,
}

/// What a memoized call is whatever its arguments and its value are: code about it is compiled once, with the library. No API.
#[derive(Clone, Copy)]
pub(crate) struct MemoizedCall<'c> {
    pub(crate) function: &'static Function,
    instance: Instance,
    arguments: &'c dyn Show,
}

/// Shows the arguments of a call.
trait Show {
    fn show(&self, sink: &mut Arguments<'_>) -> Result<(), ArgumentError>;

    /// Sends all arguments, those that are ignored too, to another process.
    fn send(&self, sink: &mut ArgumentWriter) -> Result<(), Unsent>;

    /// Where the machine code begins of the function, if it counts, and of what writes and reads its values.
    fn roots(&self) -> Vec<usize>;
}

impl MemoizedCall<'_> {
    /// The key of the call where `states` are recorded.
    #[inline]
    pub(crate) fn key(&self, states: &States) -> Result<Key, ArgumentError> {
        let show = |sink: &mut Arguments<'_>| self.arguments.show(sink);
        // Nearly always: nothing is copied.
        let key = match self.function.known(&self.instance, states) {
            Some(known) => key::key(&known.identity, show),
            None => key::key(&self.stated(states)?.identity, show),
        };
        self.note_inputs();
        key
    }

    /// Takes note if the key that was just made is of inputs.
    #[inline]
    fn note_inputs(&self) {
        if input::were_met() {
            self.function.note_inputs();
        }
    }

    /// The inputs among the arguments, as they are now, with what `key` makes of them; of most functions there are none.
    pub(crate) fn inputs<R>(&self, key: impl FnOnce() -> R) -> Option<(Inputs, R)> {
        self.function.has_inputs().then(|| Inputs::of(key))
    }

    /// The key of a call whose value is not kept, if its function may ask for that.
    pub(crate) fn key_asked_for(&self) -> Option<Key> {
        // No memory, no states: as in a new directory.
        if self.function.definition().asks_for_key { self.key(States::nowhere()).ok() } else { None }
    }

    /// The state of the code that the key contains.
    pub(crate) fn stated(&self, states: &States) -> Result<Stated, ArgumentError> {
        self.function.stated(&self.instance, states, &|| self.roots()).map_err(ArgumentError::unknown)
    }

    /// The key of the call in a state that another process found.
    pub(crate) fn key_in(&self, state: &[u8; 32]) -> Result<Key, ArgumentError> {
        let identity = self.function.identity_in(&self.instance, state).map_err(ArgumentError::unknown)?;
        let key = key::key(&identity, |sink| self.arguments.show(sink));
        self.note_inputs();
        key
    }

    /// Where the machine code begins that decides about the value: the function's, and what writes arguments and values and
    /// reads values.
    fn roots(&self) -> Vec<usize> {
        let mut roots = self.arguments.roots();
        roots.extend(key::writers(|sink| self.arguments.show(sink)));
        roots
    }

    /// The keys that this call had in programs where the function was of this version and source, and had these parameters
    /// in the key: one for each state of that source, with the state, the latest first. None if they cannot be told, because the
    /// call now has other arguments in its key.
    pub(crate) fn keys_under(
        &self,
        states: &States,
        version: &str,
        source: &[u8; 32],
        parameters: &[&str],
    ) -> Vec<([u8; 32], Key)> {
        let parts = IdentityParts { version, parameters, ..self.function.own_parts() };
        let Ok(function) = self.function.codeless(&self.instance, parts) else { return Vec::new() };
        let key = |state: &[u8; 32]| {
            let parts = IdentityParts { fingerprint: state, ..parts };
            let identity = self.function.identity_under(&self.instance, parts).ok()?;
            let key = key::key_of_some(&identity, parameters, |sink| self.arguments.show(sink))?;
            Some((*state, key))
        };
        states.of_source(&function, source).iter().map_while(key).collect()
    }

    /// What differs in the machine code between a state of the function when it was of this version and had these parameters
    /// in the key, and now; nothing if that is not known.
    pub(crate) fn differences(
        &self,
        states: &States,
        version: &str,
        parameters: &[&str],
        state: &[u8; 32],
    ) -> Vec<Difference> {
        let parts = IdentityParts { version, parameters, ..self.function.own_parts() };
        let (Ok(function), Some(machine)) =
            (self.function.codeless(&self.instance, parts), self.function.machine(&self.instance))
        else {
            return Vec::new();
        };
        states.differences(&function, state, machine, self.function.path())
    }

    /// The arguments in short, for people.
    pub(crate) fn preview(&self) -> Arc<str> {
        key::preview(|sink| self.arguments.show(sink))
    }

    /// The type and const parameters of the function in this call; empty if there are none.
    pub(crate) fn type_parameters(&self) -> &'static str {
        self.instance.type_parameters()
    }

    /// Sends the arguments to another process.
    pub(crate) fn send(&self, sink: &mut ArgumentWriter) -> Result<(), Unsent> {
        self.arguments.send(sink)
    }
}

impl fmt::Debug for MemoizedCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoizedCall").field("function", &self.function.name()).finish_non_exhaustive()
    }
}

/// A call of a memoized function, made by `f::delayed(…)`: nothing has run yet.
///
/// `A` is the tuple of the arguments, borrowed or owned as the function declares them. So calls of
/// two functions have different types, and do not go into one array, unless they are
/// [boxed](Self::boxed) or made by [`calls!`](crate::calls).
#[must_use = "a call does nothing until a `Memory` or a `Parallel` runs it"]
pub struct FunctionCall<A, T> {
    function: &'static Function,
    instance: Instance,
    arguments: A,
    show: fn(&A, &mut Arguments<'_>) -> Result<(), ArgumentError>,
    run: fn(A) -> T,
    /// Copies the arguments, if they are seen to be `Clone` where the function stands.
    copy: Option<fn(&A) -> A>,
    codec: Codec<T>,
    remote: fn() -> Remote<A, T>,
}

impl<A, T> FunctionCall<A, T> {
    /// For the code that `#[memo]` writes.
    #[doc(hidden)]
    pub fn new<F, P>(
        function: &'static Function,
        parameters: &Parameters<F, P>,
        arguments: A,
        show: fn(&A, &mut Arguments<'_>) -> Result<(), ArgumentError>,
        run: fn(A) -> T,
        codec: Codec<T>,
        remote: fn() -> Remote<A, T>,
    ) -> Self {
        let instance = Instance::new::<F, P, T>(parameters);
        FunctionCall { function, instance, arguments, show, run, copy: None, codec, remote }
    }

    /// For the code that `#[memo]` writes: the call whose arguments `copy` copies.
    #[doc(hidden)]
    pub fn copied_by(self, copy: Option<fn(&A) -> A>) -> Self {
        FunctionCall { copy, ..self }
    }

    pub(crate) fn as_memo(&self) -> Memo<'_, T> {
        let call = MemoizedCall { function: self.function, instance: self.instance, arguments: self };
        Memo { call, codec: self.codec }
    }

    /// What the call needs to leave the process; else why it cannot.
    pub(crate) fn travel(&self) -> Result<Travel<A, T>, &'static str> {
        (self.remote)().travel()
    }

    /// The name of the function.
    pub fn function(&self) -> &'static str {
        self.function.name()
    }

    /// The arguments.
    pub fn arguments(&self) -> &A {
        &self.arguments
    }
}

impl<A, T> Call for FunctionCall<A, T> {
    type Output = T;

    fn run(self) -> T {
        (self.run)(self.arguments)
    }

    fn memo(&self) -> Option<Memo<'_, T>> {
        Some(self.as_memo())
    }

    fn whole(&self) -> Option<WholeCodec<T>> {
        self.travel().ok()?.whole
    }

    fn again(&self) -> Option<Self> {
        let arguments = self.copy?(&self.arguments);
        Some(FunctionCall { arguments, ..*self })
    }
}

impl<A, T> Show for FunctionCall<A, T> {
    fn show(&self, sink: &mut Arguments<'_>) -> Result<(), ArgumentError> {
        (self.show)(&self.arguments, sink)
    }

    fn send(&self, sink: &mut ArgumentWriter) -> Result<(), Unsent> {
        let travel = self.travel().map_err(|reason| Unsent(reason.into()))?;
        (travel.send)(&self.arguments, sink)
    }

    fn roots(&self) -> Vec<usize> {
        [self.run as usize].into_iter().chain(self.codec.roots()).collect()
    }
}

impl<A: Clone, T> Clone for FunctionCall<A, T> {
    fn clone(&self) -> Self {
        FunctionCall { arguments: self.arguments.clone(), ..*self }
    }
}

impl<A, T> fmt::Debug for FunctionCall<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = key::preview(|sink| (self.show)(&self.arguments, sink));
        write!(f, "{}({arguments})", self.function.name())
    }
}
