//! The traits among which the types of arguments choose.
//!
//! What a reference refers to arrives in a `Box`, which serde can make of sized and unsized types.
//! A parameter whose type shows no lifetime is read by a decoder that lends nothing, as if it
//! borrowed for `'static`, which an alias may hide. Only where a lifetime is written may the
//! argument borrow from the message.

use serde::{Deserialize, Serialize};

use super::{ArgumentWriter, Receive, ReceiveOwned, Received, Send, Unsent};
use crate::codec::raw::{RawArgument, decode_argument, encode_argument};
use crate::codec::{self, Symmetric};
use crate::error::chain;
use crate::remote::Failure;

/// Arguments whose reader is known to read what their writer wrote.
pub trait SendViaSymmetric<T: ?Sized> {
    /// Sends an argument that need not be compared.
    ///
    /// # Errors
    ///
    /// Fails if there is no memory for it.
    fn send(&self, argument: &T, name: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent>;
}

/// Arguments that are nothing but arrays of numbers: they go as they lie in memory.
pub trait SendViaRaw<T: ?Sized> {
    /// Sends an argument.
    ///
    /// # Errors
    ///
    /// Never.
    fn send(&self, argument: &T, name: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent>;
}

impl<T: RawArgument + ?Sized> SendViaRaw<T> for &&&Send<T> {
    fn send(&self, argument: &T, _: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent> {
        sink.put_encoded(&encode_argument(argument), None);
        Ok(())
    }
}

impl<T: Serialize + Symmetric + ?Sized> SendViaSymmetric<T> for &&Send<T> {
    fn send(&self, argument: &T, name: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent> {
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
    fn send(&self, argument: &T, name: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent>;
}

impl<T: Serialize + ?Sized> SendViaSerde<T> for &Send<T> {
    fn send(&self, argument: &T, name: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent> {
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
    fn send(&self, argument: &T, name: &str, sink: &mut ArgumentWriter) -> Result<(), Unsent>;
}

impl<T: ?Sized> SendViaNothing<T> for Send<T> {
    fn send(&self, _: &T, name: &str, _: &mut ArgumentWriter) -> Result<(), Unsent> {
        let of = std::any::type_name::<T>();
        Err(Unsent(format!("its argument `{name}` cannot be sent: `{of}` does not implement `Serialize`")))
    }
}

/// Arguments that are nothing but arrays of numbers.
pub trait ReceiveViaRaw<'b, T: ?Sized> {
    /// The argument, until the call is over.
    type Held;

    /// Takes the next argument.
    ///
    /// # Errors
    ///
    /// Fails if its bytes are no value of the type, or cannot be read.
    fn receive(&self, received: &mut Received<'b>, name: &str) -> Result<Self::Held, Failure>;
}

impl<'b, T: RawArgument + ?Sized> ReceiveViaRaw<'b, T> for &&Receive<T> {
    type Held = T::Held;

    fn receive(&self, received: &mut Received<'b>, name: &str) -> Result<T::Held, Failure> {
        receive_raw::<T>(received, name)
    }
}

impl<'b, T: RawArgument + ?Sized> ReceiveViaRaw<'b, T> for &&ReceiveOwned<T> {
    type Held = T::Held;

    fn receive(&self, received: &mut Received<'b>, name: &str) -> Result<T::Held, Failure> {
        receive_raw::<T>(received, name)
    }
}

fn receive_raw<T: RawArgument + ?Sized>(received: &mut Received<'_>, name: &str) -> Result<T::Held, Failure> {
    let content = received.next()?.content();
    decode_argument::<T>(&content).map_err(|error| Failure::not_sent(unread(name, &error)))
}

/// Arguments that serde can read.
pub trait ReceiveViaSerde<'b, T: ?Sized> {
    /// Takes the next argument.
    ///
    /// # Errors
    ///
    /// Fails if its bytes are no value of the type, or are one that means something else.
    fn receive(&self, received: &mut Received<'b>, name: &str) -> Result<Box<T>, Failure>;
}

impl<'b, T: Serialize + ?Sized> ReceiveViaSerde<'b, T> for &Receive<T>
where
    Box<T>: Deserialize<'b>,
{
    fn receive(&self, received: &mut Received<'b>, name: &str) -> Result<Box<T>, Failure> {
        let argument = received.next()?;
        let value: Box<T> = argument
            .serde()
            .and_then(|(encoding, bytes)| codec::decode_borrowed(encoding, bytes))
            .map_err(|error| argument.misread(unread(name, &*error)))?;
        argument.expect_equal(&*value, name)?;
        Ok(value)
    }
}

impl<'b, T: Serialize + ?Sized> ReceiveViaSerde<'b, T> for &ReceiveOwned<T>
where
    Box<T>: Deserialize<'static>,
{
    fn receive(&self, received: &mut Received<'b>, name: &str) -> Result<Box<T>, Failure> {
        let argument = received.next()?;
        let value: Box<T> = argument
            .serde()
            .and_then(|(encoding, bytes)| codec::decode_owned(encoding, bytes))
            .map_err(|error| argument.misread(unread(name, &*error)))?;
        argument.expect_equal(&*value, name)?;
        Ok(value)
    }
}

fn unread(name: &str, error: &dyn std::error::Error) -> String {
    format!("its argument `{name}` cannot be read back: {}", chain(error))
}

/// All others.
pub trait ReceiveViaNothing<T: ?Sized> {
    /// Takes nothing.
    ///
    /// # Errors
    ///
    /// Fails, saying what to do.
    fn receive(&self, received: &mut Received<'_>, name: &str) -> Result<Box<T>, Failure>;
}

impl<T: ?Sized> ReceiveViaNothing<T> for Receive<T> {
    fn receive(&self, _: &mut Received<'_>, name: &str) -> Result<Box<T>, Failure> {
        Err(unreceivable::<T>(name))
    }
}

impl<T: ?Sized> ReceiveViaNothing<T> for ReceiveOwned<T> {
    fn receive(&self, _: &mut Received<'_>, name: &str) -> Result<Box<T>, Failure> {
        Err(unreceivable::<T>(name))
    }
}

fn unreceivable<T: ?Sized>(name: &str) -> Failure {
    let of = std::any::type_name::<T>();
    Failure::not_sent(format!(
        "its argument `{name}` cannot be received: `{of}` does not implement `Deserialize`"
    ))
}
