//! Calls of closures under a name.

use super::{Call, Memo, MemoizedCall, Show};
use crate::codec::Codec;
use crate::function::{Function, Instance, Parameters};
use crate::key::{ArgumentError, Arguments};
use crate::remote::{ArgumentWriter, Unsent};

/// A call of a closure under an explicit name: what `Memory::get_or_compute` makes.
pub(crate) struct NamedCall<S, F, T> {
    function: &'static Function,
    show: S,
    run: F,
    codec: Codec<T>,
}

impl<S, F, T> NamedCall<S, F, T> {
    pub(crate) fn new(function: &'static Function, show: S, run: F, codec: Codec<T>) -> Self {
        NamedCall { function, show, run, codec }
    }
}

impl<S, F, T> Call for NamedCall<S, F, T>
where
    S: Fn(&mut Arguments<'_>) -> Result<(), ArgumentError>,
    F: FnOnce() -> T,
{
    type Output = T;

    fn run(self) -> T {
        (self.run)()
    }

    fn memo(&self) -> Option<Memo<'_, T>> {
        let instance = Instance::new::<(), (), T>(&Parameters::of(&()));
        let call = MemoizedCall { function: self.function, instance, arguments: self };
        Some(Memo { call, codec: self.codec })
    }
}

impl<S, F, T> Show for NamedCall<S, F, T>
where
    S: Fn(&mut Arguments<'_>) -> Result<(), ArgumentError>,
{
    fn show(&self, sink: &mut Arguments<'_>) -> Result<(), ArgumentError> {
        (self.show)(sink)
    }

    fn send(&self, _: &mut ArgumentWriter) -> Result<(), Unsent> {
        Err(Unsent("it is a closure".into()))
    }

    fn roots(&self) -> Vec<usize> {
        self.codec.roots().into()
    }
}
