//! The worker's side: takes jobs from the socket, one message after the other, until the parent is gone.

use std::os::unix::net::UnixStream;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

use super::frame::Connection;
use super::protocol::{self, Hello};
use crate::panics;
use crate::parallel::pool;
use crate::remote::{Job, Server, reply};
use crate::wire::Reader;

/// Replies of short jobs wait for one another so long.
const TOGETHER: Duration = Duration::from_micros(200);

/// Replies of so many bytes go out at once.
const ENOUGH: usize = 64 * 1024;

/// Serves until the parent is gone.
pub(super) fn serve(stream: UnixStream) -> ! {
    if let Ok(watched) = stream.try_clone() {
        watch(watched);
    }
    let mut connection = Connection::new(stream);
    let served = greet(&mut connection).and_then(|()| {
        panics::install();
        let _inside = pool::Busy::begin();
        let server = Server::new();
        loop {
            answer(&mut connection, &server)?;
        }
    });
    // The parent has what it needs to know: it closed the socket, or it sees that this end is closed.
    let never: Option<std::convert::Infallible> = served;
    process::exit(i32::from(never.is_some()));
}

/// Kills this process when the other end of `stream` is gone, whatever it is doing.
fn watch(stream: UnixStream) {
    let until_gone = move || {
        // Nothing is asked for, so that only the end of the other side is told.
        while poll(&mut [PollFd::new(&stream, PollFlags::empty())], None) == Err(rustix::io::Errno::INTR) {}
        let _ = kill_process(getpid(), Signal::KILL);
    };
    // Without the thread, the end is seen between two messages.
    let _ = thread::Builder::new().name("rememo-watch".into()).spawn(until_gone);
}

/// Shakes hands, and sets what the parent asks for. `None`: the parent is gone, or of another kind.
fn greet(connection: &mut Connection) -> Option<()> {
    let message = connection.receive(None).ok()?;
    let hello = Hello::read(&message)?;
    if let Some(limit) = hello.memory_limit {
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(Resource::Data, limit).ok()?;
    }
    pool::set_cores(hello.threads);
    connection.send(protocol::welcome()).ok()
}

/// Runs the jobs of the next message.
fn answer(connection: &mut Connection, server: &Server) -> Option<()> {
    let message = connection.receive(None).ok()?;
    let (memory, count, mut reader) = protocol::read_jobs(&message)?;
    let memory = memory.map(Arc::new);
    let mut replies = protocol::replies();
    let mut sent = Instant::now();
    for index in 0..count {
        let job = Job::read(&mut reader, memory.as_ref())?;
        let result = server.serve(&job);
        replies.body().number(index);
        reply::write(&result, replies.body());
        let is_last = index + 1 == count;
        if is_last || sent.elapsed() > TOGETHER || replies.len() > ENOUGH {
            connection.send(std::mem::replace(&mut replies, protocol::replies())).ok()?;
            sent = Instant::now();
        }
    }
    Reader::is_empty(&reader).then_some(())
}
