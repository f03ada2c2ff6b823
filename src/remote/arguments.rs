//! Arguments of a call that leaves the process.
//!
//! Arrays of numbers go as they lie in memory, all others through serde. To a worker process a large argument is
//! [lent], once for all calls that share it; an [`Array`](crate::Array) or a slice is mapped there.
//!
//! An argument that arrives must mean what the sender's does (see [`codec`]). Its
//! digest travels with it, and whoever receives it refuses the call if that of what was read is
//! another. The call is then sent once more, with its arguments in the other of serde's encodings.
//! The sender cannot read them back itself: it may only have borrowed them. The key of the call would tell as well, but there are calls without one, and arguments
//! that are not in it.

pub(super) mod via;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use super::job::Route;
use super::lent::{self, Lent};
use super::reply::{Again, Failure};
use super::shelf::{self, SHELF};
use crate::codec::{self, CodecError, Encoded, Meaning, NAMED, POSITIONAL};
use crate::error::chain;
use crate::key::preview_of;
use crate::lock::lock;
use crate::payload::{ByteSource, Content, LARGE, PayloadFile};
use crate::wire::{Reader, Writer};

/// An argument lies in the message.
const HERE: u8 = 0;
/// An argument lies in a file in memory.
const LENT: u8 = 1;

/// Writes the arguments of a call that is sent.
#[derive(Debug)]
pub struct ArgumentWriter {
    pub(crate) bytes: Writer,
    /// Those that are not among the bytes.
    pub(crate) lent: Vec<Arc<Lent>>,
    /// The call that files are lent to; `None` if its arguments go with the message.
    lent_to: Option<u64>,
    /// In which encoding arguments go whose reader may disagree with their writer.
    encoding: u8,
}

/// Why a call cannot be sent.
#[derive(Debug)]
pub struct Unsent(pub(crate) String);

impl ArgumentWriter {
    pub(crate) fn new(route: Route, encoding: u8) -> Self {
        let lent_to = (route == Route::Lent).then(|| lock(&SHELF).next_call());
        ArgumentWriter { bytes: Writer::default(), lent: Vec::new(), lent_to, encoding }
    }

    /// Takes an argument that serde can write, with the digest of what it means if its reader is to compare it.
    fn put<T: Serialize + ?Sized>(&mut self, value: &T, name: &str, compare: bool) -> Result<(), Unsent> {
        let codec = if compare { self.encoding } else { POSITIONAL };
        let (bytes, digest) = encoded(codec, value, compare).map_err(|error| {
            Unsent(format!("its argument `{name}` cannot be written: {}", chain(&*error)))
        })?;
        self.put_encoded(&Encoded { codec, bytes: bytes.into() }, digest);
        Ok(())
    }

    fn put_encoded(&mut self, argument: &Encoded<'_>, digest: Option<Digest>) {
        self.bytes.option(digest, |to, digest| to.array(&digest));
        self.bytes.byte(argument.codec);
        let lent_to = self.lent_to.filter(|_| argument.bytes.len() >= LARGE);
        // Without memory for a file it goes with the message.
        if let Some(lent) = lent_to.and_then(|call| shelf::lend(&SHELF, argument, call)) {
            self.bytes.byte(LENT);
            lent.write(&mut self.bytes);
            self.lent.push(lent);
        } else {
            self.bytes.byte(HERE);
            self.bytes.parts(argument.bytes.len(), argument.bytes.parts());
        }
    }
}

fn encoded<T: Serialize + ?Sized>(
    codec: u8,
    value: &T,
    compare: bool,
) -> Result<(Vec<u8>, Option<Digest>), CodecError> {
    let digest = if compare { Some(Meaning::of(value)?.digest()) } else { None };
    Ok((codec::write_value_as(codec, value)?, digest))
}

/// A digest of what an argument means.
type Digest = [u8; 16];

/// An argument as it arrived.
#[derive(Debug)]
pub(crate) struct Argument<'b> {
    codec: u8,
    bytes: Held<'b>,
    /// `None` if its type is one whose reader and writer are known to agree.
    digest: Option<Digest>,
}

/// Where the bytes of an argument are.
#[derive(Debug)]
enum Held<'b> {
    Memory(Cow<'b, [u8]>),
    /// Of arrays, which are read to their place, or mapped.
    File(Box<PayloadFile>),
}

impl Argument<'_> {
    /// Whether its type is one whose reader is known to read what its writer wrote, and that names no file.
    pub(crate) fn is_exact(&self) -> bool {
        self.digest.is_none()
    }

    /// The bytes of what serde has written, and their encoding.
    fn serde(&self) -> Result<(u8, &[u8]), CodecError> {
        match (&self.bytes, self.codec) {
            (Held::Memory(bytes), POSITIONAL | NAMED) => Ok((self.codec, bytes)),
            _ => Err("it is in another encoding".into()),
        }
    }

    /// The failure that it does not arrive in the encoding that it came in.
    fn misread(&self, how: String) -> Failure {
        Failure { again: Some(Again::NotIn(self.codec)), ..Failure::not_sent(how) }
    }

    fn content(&self) -> Content<'_> {
        let source = match &self.bytes {
            Held::Memory(bytes) => ByteSource::Memory(bytes),
            Held::File(file) => ByteSource::File(file),
        };
        Content { codec: self.codec, source }
    }

    /// Fails unless `value`, which was read of it, means what was sent.
    fn expect_equal<T: Serialize + ?Sized>(&self, value: &T, name: &str) -> Result<(), Failure> {
        let Some(digest) = self.digest else { return Ok(()) };
        let why = match Meaning::of(value) {
            Ok(meaning) if meaning.digest() == digest => return Ok(()),
            Ok(_) => codec::REMEDY.to_owned(),
            Err(error) => chain(&error).to_string(),
        };
        let preview = preview_of(value);
        Err(self.misread(format!("its argument `{name}` arrives as another value, `{preview}`: {why}")))
    }
}

/// The arguments of a call as they arrived. The code that `#[memo]` writes takes them one by one.
#[derive(Debug)]
pub struct Received<'b>(std::slice::Iter<'b, Argument<'b>>);

impl<'b> Received<'b> {
    pub(crate) fn new(arguments: &'b [Argument<'b>]) -> Self {
        Received(arguments.iter())
    }

    /// Whether all of them were taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn next(&mut self) -> Result<&'b Argument<'b>, Failure> {
        self.0.next().ok_or_else(Failure::garbled)
    }
}

/// Takes the bytes of arguments apart; the files of those that are lent are opened.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<Argument<'_>>, Failure> {
    let mut reader = Reader(bytes);
    let mut arguments = Vec::new();
    while !reader.is_empty() {
        arguments.push(unpack_one(&mut reader).ok_or_else(Failure::garbled)??);
    }
    Ok(arguments)
}

/// `None` if it is garbled.
fn unpack_one<'b>(reader: &mut Reader<'b>) -> Option<Result<Argument<'b>, Failure>> {
    let digest = reader.option(Reader::array)?;
    let codec = reader.byte()?;
    let bytes = match reader.byte()? {
        HERE => Ok(Held::Memory(reader.bytes()?.into())),
        LENT => borrow(reader, codec)?,
        _ => return None,
    };
    let gone = |_| Failure::missing("the file of a large argument cannot be opened");
    Some(bytes.map(|bytes| Argument { codec, bytes, digest }).map_err(gone))
}

/// Opens the file of an argument, and reads it if serde will want all of its bytes; `None` if it is garbled.
fn borrow<'b>(reader: &mut Reader<'_>, codec: u8) -> Option<io::Result<Held<'b>>> {
    let file = lent::open(reader)?;
    Some(file.and_then(|file| match codec {
        POSITIONAL | NAMED => Ok(Held::Memory(file.read_whole()?.into())),
        _ => Ok(Held::File(Box::new(file))),
    }))
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
