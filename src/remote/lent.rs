//! A large argument, lent to the processes that need it.
//!
//! Its bytes lie in a file in memory that has no name and that nobody can change. Worker processes open it through `/proc`, so
//! that it is written once and read, or mapped, by each of them. It is gone when its owner has dropped it, and with its owner,
//! however that ends.
//!
//! Earlier, large arguments were entries of the store: encoded and hashed for each call, and left
//! behind by a killed process.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::payload::{Bytes, HeadOfFile, PayloadFile};
use crate::sys::{self, AnonymousFile};
use crate::wire::{Reader, Writer};

/// An argument in a file, as its owner has it.
#[derive(Debug)]
pub(crate) struct Lent {
    file: AnonymousFile,
    length: u64,
}

impl Lent {
    pub(super) fn new(bytes: &Bytes<'_>) -> io::Result<Self> {
        let file = AnonymousFile::new("rememo-argument")?;
        for part in bytes.parts() {
            file.file().write_all(part)?;
        }
        file.seal()?;
        Ok(Lent { file, length: bytes.len() as u64 })
    }

    /// Writes where it is.
    pub(super) fn write(&self, to: &mut Writer) {
        to.bytes(self.file.path().as_os_str().as_encoded_bytes());
        to.number(self.length);
    }
}

/// Opens the file that [`Lent::write`] told of; `None` if the message is garbled.
pub(super) fn open(from: &mut Reader<'_>) -> Option<io::Result<PayloadFile>> {
    let path = Path::new(from.text()?);
    let length = from.number()?;
    let open = || {
        let file = File::open(path)?;
        if sys::stat(&file)?.size != length {
            return Err(io::ErrorKind::NotFound.into());
        }
        let head = HeadOfFile { checksum: [0; 16], covered: Vec::new(), start: 0, length, ahead: Vec::new() };
        // Nobody can have changed it, so its checksum is not looked at.
        Ok(PayloadFile::new(file, head, None, true, true))
    };
    Some(open())
}
