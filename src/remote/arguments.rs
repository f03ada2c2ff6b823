//! Arguments of a call that leaves the process: each through serde, a large one through the store.
//!
//! An argument that arrives must mean what the sender's does (see [`codec`](crate::codec)). Its
//! digest travels with it, and whoever receives it refuses the call if that of what was read is
//! another. The key of the call would tell as well, but there are calls without one, and arguments
//! that are not in it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::job::Place;
use super::reply::Lost;
use crate::codec::{self, CodecError, Meaning, Symmetric};
use crate::key::{Key, preview_of};
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

    /// Takes an argument, with the digest of what it means if its reader is to compare it.
    fn put<T: Serialize + ?Sized>(&mut self, value: &T, name: &str, compare: bool) -> Result<(), Unsent> {
        let (bytes, digest) = encoded(value, compare)
            .map_err(|error| Unsent(format!("its argument `{name}` cannot be written: {error}")))?;
        self.bytes.option(digest, |to, digest| to.array(&digest));
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

fn encoded<T: Serialize + ?Sized>(value: &T, compare: bool) -> Result<(Vec<u8>, Option<Digest>), CodecError> {
    let digest = if compare { Some(Meaning::of(value)?.digest()) } else { None };
    Ok((codec::write_value(value)?, digest))
}

/// Of what an argument means.
type Digest = [u8; 16];

/// An argument as it arrived.
#[derive(Debug)]
pub(super) struct Argument<'b> {
    bytes: Cow<'b, [u8]>,
    /// `None` if its type is one whose reader and writer are known to agree.
    digest: Option<Digest>,
}

impl Argument<'_> {
    /// Fails unless `value`, which was read of it, means what was sent.
    fn expect_equal<T: Serialize + ?Sized>(&self, value: &T, name: &str) -> Result<(), Lost> {
        let Some(digest) = self.digest else { return Ok(()) };
        let why = match Meaning::of(value) {
            Ok(meaning) if meaning.digest() == digest => return Ok(()),
            Ok(_) => codec::REMEDY.to_owned(),
            Err(error) => error.to_string(),
        };
        let shown = preview_of(value);
        Err(Lost::Refused(format!("its argument `{name}` arrives as another value, `{shown}`: {why}")))
    }
}

/// The arguments of a call as they arrived. The code that `#[memo]` writes takes them one by one, then runs the call.
#[derive(Debug)]
pub struct Given<'b> {
    pub(super) arguments: std::slice::Iter<'b, Argument<'b>>,
    pub(super) key: Option<Key>,
    pub(super) memory: &'b Memory,
    pub(super) share: super::serve::Share,
}

impl<'b> Given<'b> {
    fn next(&mut self) -> Result<&'b Argument<'b>, Lost> {
        self.arguments.next().ok_or(Lost::garbled())
    }
}

/// Takes the bytes of arguments apart; those that lie in the store are fetched.
pub(super) fn unpack<'b>(bytes: &'b [u8], memory: &Memory) -> Result<Vec<Argument<'b>>, Lost> {
    let mut reader = Reader(bytes);
    let mut arguments = Vec::new();
    while !reader.is_empty() {
        let digest = reader.option(Reader::array).ok_or(Lost::garbled())?;
        let bytes = match reader.byte() {
            Some(HERE) => reader.bytes().map(Cow::Borrowed).ok_or(Lost::garbled())?,
            Some(STORED) => {
                let key = reader.array().map(Key::from_bytes).ok_or(Lost::garbled())?;
                memory.argument(&key).map(Cow::Owned).ok_or(Lost::ArgumentGone)?
            }
            _ => return Err(Lost::garbled()),
        };
        arguments.push(Argument { bytes, digest });
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
    use super::{
        Deserialize, Given, Lost, Receive, ReceiveOwned, Send, Serialize, Sink, Symmetric, Unsent, codec,
    };

    /// Arguments whose reader is known to read what their writer wrote.
    pub trait SendViaSymmetric<T: ?Sized> {
        /// Sends an argument that need not be compared.
        ///
        /// # Errors
        ///
        /// Fails if there is no memory for it.
        fn send(&self, argument: &T, name: &str, sink: &mut Sink<'_>) -> Result<(), Unsent>;
    }

    impl<T: Serialize + Symmetric + ?Sized> SendViaSymmetric<T> for &&Send<T> {
        fn send(&self, argument: &T, name: &str, sink: &mut Sink<'_>) -> Result<(), Unsent> {
            sink.put(argument, name, false)
        }
    }

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
            sink.put(argument, name, true)
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
        /// Fails if its bytes are no value of the type, or are one that means something else.
        fn receive(&self, given: &mut Given<'b>, name: &str) -> Result<Box<T>, Lost>;
    }

    impl<'b, T: Serialize + ?Sized> ReceiveViaSerde<'b, T> for &Receive<T>
    where
        Box<T>: Deserialize<'b>,
    {
        fn receive(&self, given: &mut Given<'b>, name: &str) -> Result<Box<T>, Lost> {
            let argument = given.next()?;
            let value: Box<T> =
                codec::decode_borrowed(&argument.bytes).map_err(|error| unread(name, &error))?;
            argument.expect_equal(&*value, name)?;
            Ok(value)
        }
    }

    impl<'b, T: Serialize + ?Sized> ReceiveViaSerde<'b, T> for &ReceiveOwned<T>
    where
        Box<T>: Deserialize<'static>,
    {
        fn receive(&self, given: &mut Given<'b>, name: &str) -> Result<Box<T>, Lost> {
            let argument = given.next()?;
            let value: Box<T> = codec::decode_owned(&argument.bytes).map_err(|error| unread(name, &error))?;
            argument.expect_equal(&*value, name)?;
            Ok(value)
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
