//! Messages over a socket pair: each behind its length.

use std::io::{self, Write};
use std::mem;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

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
    /// The process at the other end: a program that it has started may keep the socket open longer than it lives.
    other: Option<Arc<OwnedFd>>,
}

/// Most bytes that are read in one go.
const READ: usize = 1024 * 1024;

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

    /// All of it, with the place of its length.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.0.len()
    }
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Connection { stream, buffer: Vec::new(), other: None }
    }

    /// Also ends when the process ends that `other` stands for.
    pub(super) fn to(stream: UnixStream, other: Option<Arc<OwnedFd>>) -> Self {
        Connection { other, ..Connection::new(stream) }
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
                // A little at a time, as it comes: what is announced may be absurd.
                let missing = HEAD + length - self.buffer.len();
                self.buffer.reserve(missing.min(READ.max(self.buffer.len())));
            } else {
                self.buffer.reserve(4096);
            }
            self.await_more(deadline)?;
            self.read_some()?;
        }
    }

    /// Waits until there is something to be read, or the other end is gone. What is there is read before anybody looks at the
    /// clock: this process may have been stopped for a while.
    fn await_more(&self, deadline: Option<Instant>) -> io::Result<()> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let patience = left.and_then(|left| Timespec::try_from(left).ok());
            let mut ends = vec![PollFd::new(&self.stream, PollFlags::IN)];
            ends.extend(self.other.as_ref().map(|other| PollFd::new(other, PollFlags::IN)));
            match poll(&mut ends, patience.as_ref()) {
                Ok(0) if left.is_some() => return Err(io::ErrorKind::TimedOut.into()),
                Err(Errno::INTR) | Ok(0) => {}
                Err(error) => return Err(error.into()),
                Ok(_) if !ends[0].revents().is_empty() => return Ok(()),
                // It has ended, and left nothing to be read.
                Ok(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
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

    fn read_some(&mut self) -> io::Result<()> {
        match rustix::io::read(&self.stream, spare_capacity(&mut self.buffer)) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    /// Regression: all room that was left was zeroed before each read, so that the time grew with the square of the length.
    #[test]
    fn a_message_of_half_a_gigabyte_arrives_in_linear_time() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut here, mut there) = (Connection::new(here), Connection::new(there));
        let sender = std::thread::spawn(move || {
            let mut message = Message::new(7);
            message.body().0.resize(512 << 20, 9);
            here.send(message).unwrap();
        });
        let started = Instant::now();
        assert_eq!(there.receive(None).unwrap().len(), (512 << 20) - HEAD);
        sender.join().unwrap();
        assert!(started.elapsed() < Duration::from_mins(1), "it takes for ever");
    }

    /// As after a process was stopped and goes on: what came meanwhile counts, however late it is.
    #[test]
    fn what_is_there_is_read_after_the_deadline() {
        let (here, there) = UnixStream::pair().unwrap();
        Connection::new(here).send(Message::new(7)).unwrap();
        let mut there = Connection::new(there);
        let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(there.receive(Some(past)).unwrap(), [7]);
        assert_eq!(there.receive(Some(past)).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
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
