//! Arguments of a call that leaves the process: each through serde, a large one through the store.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::job::Place;
use super::reply::Lost;
use crate::codec;
use crate::key::Key;
use crate::memory::Memory;
use crate::payload::LARGE;
use crate::wire::{Reader, Writer};

/// An argument lies in the message.
const HERE: u8 = 0;
/// An argument lies in the store, under a key.
const STORED: u8 = 1;

/// Takes the arguments of a call that is sent.
#[derive(Debug)]
pub struct Sink<'p> {
    pub(super) bytes: Writer,
    /// Where large ones go; `None`: all go with the message.
    place: Option<&'p Place>,
}

/// Why a call cannot be sent.
#[derive(Debug)]
pub struct Unsent(pub(crate) String);

impl<'p> Sink<'p> {
    pub(super) fn new(place: Option<&'p Place>) -> Self {
        Sink { bytes: Writer::default(), place }
    }

    fn put<T: Serialize + ?Sized>(&mut self, value: &T, name: &str) -> Result<(), Unsent> {
        let bytes = codec::write_value(value)
            .map_err(|error| Unsent(format!("its argument `{name}` cannot be written: {error}")))?;
        let key = self.place.filter(|_| bytes.len() >= LARGE).and_then(|place| place.keep(&bytes));
        if let Some(key) = key {
            self.bytes.byte(STORED);
            self.bytes.array(key.as_bytes());
        } else {
            self.bytes.byte(HERE);
            self.bytes.bytes(&bytes);
        }
        Ok(())
    }
}

/// The arguments of a call as they arrived. The code that `#[memo]` writes takes them one by one, then runs the call.
#[derive(Debug)]
pub struct Given<'b> {
    pub(super) arguments: std::slice::Iter<'b, Cow<'b, [u8]>>,
    pub(super) key: Option<Key>,
    pub(super) memory: &'b Memory,
    pub(super) share: super::serve::Share,
}

impl<'b> Given<'b> {
    fn next(&mut self) -> Result<&'b [u8], Lost> {
        self.arguments.next().map(|bytes| &**bytes).ok_or(Lost::garbled())
    }
}

/// Takes the bytes of arguments apart; those that lie in the store are fetched.
pub(super) fn unpack<'b>(bytes: &'b [u8], memory: &Memory) -> Result<Vec<Cow<'b, [u8]>>, Lost> {
    let mut reader = Reader(bytes);
    let mut arguments = Vec::new();
    while !reader.is_empty() {
        let argument = match reader.byte() {
            Some(HERE) => reader.bytes().map(Cow::Borrowed).ok_or(Lost::garbled())?,
            Some(STORED) => {
                let key = reader.array().map(Key::from_bytes).ok_or(Lost::garbled())?;
                memory.argument(&key).map(Cow::Owned).ok_or(Lost::ArgumentGone)?
            }
            _ => return Err(Lost::garbled()),
        };
        arguments.push(argument);
    }
    Ok(arguments)
}

/// Stands for the type of an argument while it is asked whether it can be sent.
pub struct Send<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> Send<T> {
    /// A value to call `send` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        Send(PhantomData)
    }
}

impl<T: ?Sized> fmt::Debug for Send<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Send(..)")
    }
}

/// Stands for the type of an argument while it is asked whether it can be received.
pub struct Receive<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> Receive<T> {
    /// A value to call `receive` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        Receive(PhantomData)
    }
}

impl<T: ?Sized> fmt::Debug for Receive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receive(..)")
    }
}

/// The same of a type that shows no lifetime: it borrows nothing, or for `'static`, by an alias that does not say so.
pub struct ReceiveOwned<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> ReceiveOwned<T> {
    /// A value to call `receive` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        ReceiveOwned(PhantomData)
    }
}

impl<T: ?Sized> fmt::Debug for ReceiveOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiveOwned(..)")
    }
}

/// The traits among which the types of arguments choose.
pub(super) mod via {
    use super::{Deserialize, Given, Lost, Receive, ReceiveOwned, Send, Serialize, Sink, Unsent, codec};

    /// Arguments that serde can write.
    pub trait SendViaSerde<T: ?Sized> {
        /// Sends an argument.
        ///
        /// # Errors
        ///
        /// Fails if its `Serialize` implementation does.
        fn send(&self, argument: &T, name: &str, sink: &mut Sink<'_>) -> Result<(), Unsent>;
    }

    impl<T: Serialize + ?Sized> SendViaSerde<T> for &Send<T> {
        fn send(&self, argument: &T, name: &str, sink: &mut Sink<'_>) -> Result<(), Unsent> {
            sink.put(argument, name)
        }
    }

    /// All others.
    pub trait SendViaNothing<T: ?Sized> {
        /// Sends nothing.
        ///
        /// # Errors
        ///
        /// Fails, saying what to do.
        fn send(&self, argument: &T, name: &str, sink: &mut Sink<'_>) -> Result<(), Unsent>;
    }

    impl<T: ?Sized> SendViaNothing<T> for Send<T> {
        fn send(&self, _: &T, name: &str, _: &mut Sink<'_>) -> Result<(), Unsent> {
            let of = std::any::type_name::<T>();
            Err(Unsent(format!(
                "its argument `{name}` cannot be sent: `{of}` does not implement `Serialize`"
            )))
        }
    }

    /// Arguments that serde can read.
    pub trait ReceiveViaSerde<'b, T: ?Sized> {
        /// Takes the next argument.
        ///
        /// # Errors
        ///
        /// Fails if its bytes are no value of the type.
        fn receive(&self, given: &mut Given<'b>, name: &str) -> Result<Box<T>, Lost>;
    }

    impl<'b, T: ?Sized> ReceiveViaSerde<'b, T> for &Receive<T>
    where
        Box<T>: Deserialize<'b>,
    {
        fn receive(&self, given: &mut Given<'b>, name: &str) -> Result<Box<T>, Lost> {
            codec::decode_borrowed(given.next()?).map_err(|error| unread(name, &error))
        }
    }

    impl<'b, T: ?Sized> ReceiveViaSerde<'b, T> for &ReceiveOwned<T>
    where
        Box<T>: Deserialize<'static>,
    {
        fn receive(&self, given: &mut Given<'b>, name: &str) -> Result<Box<T>, Lost> {
            codec::decode_owned(given.next()?).map_err(|error| unread(name, &error))
        }
    }

    fn unread(name: &str, error: &codec::CodecError) -> Lost {
        Lost::Refused(format!("its argument `{name}` cannot be read back: {error}"))
    }

    /// All others.
    pub trait ReceiveViaNothing<T: ?Sized> {
        /// Takes nothing.
        ///
        /// # Errors
        ///
        /// Fails, saying what to do.
        fn receive(&self, given: &mut Given<'_>, name: &str) -> Result<Box<T>, Lost>;
    }

    impl<T: ?Sized> ReceiveViaNothing<T> for Receive<T> {
        fn receive(&self, _: &mut Given<'_>, name: &str) -> Result<Box<T>, Lost> {
            Err(unreceivable::<T>(name))
        }
    }

    impl<T: ?Sized> ReceiveViaNothing<T> for ReceiveOwned<T> {
        fn receive(&self, _: &mut Given<'_>, name: &str) -> Result<Box<T>, Lost> {
            Err(unreceivable::<T>(name))
        }
    }

    fn unreceivable<T: ?Sized>(name: &str) -> Lost {
        let of = std::any::type_name::<T>();
        Lost::Refused(format!(
            "its argument `{name}` cannot be received: `{of}` does not implement `Deserialize`"
        ))
    }
}
