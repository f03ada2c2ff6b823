//! Messages over a socket pair: each behind its length.

use std::io::{self, Read, Write};
use std::mem;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::wire::Writer;

/// Bytes of the length.
const HEAD: usize = 8;

/// A message that is longer is none.
const LONGEST: u64 = 1 << 40;

/// One end of a socket pair, and what was read of it and not taken.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// The patience that the socket has been told.
    patience: Option<Duration>,
}

/// A message to be sent.
#[derive(Debug)]
pub(super) struct Message(Writer);

impl Message {
    pub(super) fn new(kind: u8) -> Self {
        let mut writer = Writer(vec![0; HEAD]);
        writer.byte(kind);
        Message(writer)
    }

    pub(super) fn body(&mut self) -> &mut Writer {
        &mut self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.0.len()
    }
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Connection { stream, buffer: Vec::new(), patience: None }
    }

    /// # Errors
    ///
    /// Fails if the other end is gone.
    pub(super) fn send(&mut self, message: Message) -> io::Result<()> {
        let mut bytes = message.0.0;
        let length = (bytes.len() - HEAD) as u64;
        bytes[..HEAD].copy_from_slice(&length.to_le_bytes());
        self.stream.write_all(&bytes)
    }

    /// Waits for the next message, until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Fails with [`TimedOut`](io::ErrorKind::TimedOut) if there is none by then, with
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the other end is gone.
    pub(super) fn receive(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u8>> {
        loop {
            if let Some(length) = self.announced()? {
                if self.buffer.len() >= HEAD + length {
                    let rest = self.buffer.split_off(HEAD + length);
                    let mut message = mem::replace(&mut self.buffer, rest);
                    message.drain(..HEAD);
                    return Ok(message);
                }
                self.buffer.reserve(HEAD + length - self.buffer.len());
            }
            self.set_patience(deadline)?;
            self.read_some()?;
        }
    }

    /// How long the message is whose beginning is there.
    fn announced(&self) -> io::Result<Option<usize>> {
        let Some(head) = self.buffer.first_chunk::<HEAD>() else { return Ok(None) };
        let length = u64::from_le_bytes(*head);
        let length = usize::try_from(length).ok().filter(|_| length <= LONGEST);
        length
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message of absurd length"))
    }

    fn set_patience(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let patience = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return Err(io::ErrorKind::TimedOut.into()),
            patience => patience,
        };
        if patience != self.patience {
            self.stream.set_read_timeout(patience)?;
            self.patience = patience;
        }
        Ok(())
    }

    fn read_some(&mut self) -> io::Result<()> {
        let start = self.buffer.len();
        let room = (self.buffer.capacity() - start).max(4096);
        self.buffer.resize(start + room, 0);
        let read = self.stream.read(&mut self.buffer[start..]);
        self.buffer.truncate(start + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => Ok(()),
                io::ErrorKind::WouldBlock => Err(io::ErrorKind::TimedOut.into()),
                _ => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_one_by_one_whatever_their_length() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut here, mut there) = (Connection::new(here), Connection::new(there));
        let sender = std::thread::spawn(move || {
            for length in [0_usize, 1, 5000, 3_000_000] {
                let mut message = Message::new(7);
                message.body().0.resize(HEAD + 1 + length, 9);
                here.send(message).unwrap();
            }
        });
        for length in [0_usize, 1, 5000, 3_000_000] {
            let message = there.receive(None).unwrap();
            assert_eq!((message[0], message.len()), (7, length + 1));
            assert!(message[1..].iter().all(|&byte| byte == 9));
        }
        sender.join().unwrap();
        assert_eq!(there.receive(None).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let (_here, there) = UnixStream::pair().unwrap();
        let deadline = Instant::now() + Duration::from_millis(20);
        let error = Connection::new(there).receive(Some(deadline)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
    }
}
