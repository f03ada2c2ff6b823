//! The worker's side: takes jobs from the socket, one message after the other, until the parent is gone.
//!
//! A thread of its own watches the socket: it asks the kernel for nothing but the end of the other
//! side, and kills the process then. This holds after a SIGKILL of the parent. It needs no
//! parent-death signal, which Linux ties to the *thread* of the parent.
//!
//! The memory limit is `RLIMIT_DATA`: `RLIMIT_AS` would count mapped entries.

use std::os::unix::net::UnixStream;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, kill_process_group, setrlimit};

use super::frame::Connection;
use super::journal::Pen;
use super::protocol::{self, Hello};
use crate::panics;
use crate::parallel::cluster::task;
use crate::parallel::pool;
use crate::remote::{Job, reply};
use crate::sys;
use crate::wire::Reader;
use crate::worker::Server;

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
    let served = greet(&mut connection).and_then(|mut pen| {
        if task::is_near() {
            sys::terminate::note();
        }
        panics::install();
        let _inside = pool::Busy::begin();
        let server = Server::storing_large();
        loop {
            answer(&mut connection, &server, pen.as_mut())?;
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
        // With all that its tasks have started.
        let _ = kill_process_group(getpid(), Signal::KILL);
        let _ = kill_process(getpid(), Signal::KILL);
    };
    // Without the thread, the end is seen between two messages.
    let _ = thread::Builder::new().name("rememo-watch".into()).spawn(until_gone);
}

/// Shakes hands, and sets what the parent asks for; the pen for its journal, if there is one. `None`: the parent is gone, or of another
/// kind.
#[expect(clippy::option_option, reason = "no parent, or no journal")]
fn greet(connection: &mut Connection) -> Option<Option<Pen>> {
    let message = connection.receive(None).ok()?;
    let hello = Hello::read(&message)?;
    if let Some(limit) = hello.memory_limit {
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(Resource::Data, limit).ok()?;
    }
    pool::set_cores(hello.threads);
    let pen = hello.journal.as_deref().and_then(Pen::open);
    connection.send(protocol::welcome(pen.is_some())).ok()?;
    Some(pen)
}

/// Runs the jobs of the next message.
fn answer(connection: &mut Connection, server: &Server, mut pen: Option<&mut Pen>) -> Option<()> {
    let message = connection.receive(None).ok()?;
    let (memory, count, mut reader) = protocol::read_jobs(&message)?;
    let memory = memory.map(Arc::new);
    let mut replies = protocol::replies();
    let mut sent = Instant::now();
    for index in 0..count {
        let job = Job::read(&mut reader, memory.as_ref())?;
        if let Some(pen) = &mut pen {
            pen.begin(index);
        }
        let result = server.serve(&job);
        replies.body().number(index);
        let start = replies.len();
        reply::write(&result, replies.body());
        if let Some(pen) = &mut pen {
            pen.reply(index, &replies.bytes()[start..]);
        }
        let is_last = index + 1 == count;
        if is_last || sent.elapsed() > TOGETHER || replies.len() > ENOUGH {
            connection.send(std::mem::replace(&mut replies, protocol::replies())).ok()?;
            sent = Instant::now();
            if let Some(pen) = &mut pen {
                pen.empty();
            }
        }
    }
    Reader::is_empty(&reader).then_some(())
}
