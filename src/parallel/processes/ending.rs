//! How a worker process ended, in words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::remote::Failure;
use crate::task_error::TaskErrorKind;

/// The failure of the job that a worker was at when it ended, with the last that it wrote to its standard error.
pub(super) fn failure(
    status: Option<ExitStatus>,
    (words, starved): &(String, bool),
    memory_limit: Option<u64>,
) -> Failure {
    let ending = status.map_or_else(|| "its worker process is gone".to_owned(), how);
    if let Some(limit) = memory_limit.filter(|_| *starved) {
        let message = format!("its worker process may have {limit} bytes: {words}");
        return Failure::new(TaskErrorKind::OutOfMemory, message);
    }
    let message = if words.is_empty() { ending } else { format!("{ending}; it wrote: {words}") };
    Failure::new(TaskErrorKind::Crashed, message)
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = name_of(signal).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("killed by signal {signal}{name}")
        }
        (None, Some(code)) => format!("exited with code {code}"),
        (None, None) => "ended, nobody knows how".to_owned(),
    }
}

/// The name of a signal that ends processes, as Linux numbers them.
fn name_of(signal: i32) -> Option<&'static str> {
    use rustix::process::Signal;
    let names = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::SYS, "SIGSYS"),
    ];
    names.into_iter().find_map(|(known, name)| (known.as_raw() == signal).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_told_with_its_signal_and_its_last_words() {
        let killed = failure(Some(ExitStatus::from_raw(11)), &(String::new(), false), None);
        assert_eq!(
            (killed.kind(), killed.message()),
            (TaskErrorKind::Crashed, "killed by signal 11 (SIGSEGV)")
        );
        let exited = failure(Some(ExitStatus::from_raw(3 << 8)), &("bye".to_owned(), false), None);
        assert_eq!(exited.message(), "exited with code 3; it wrote: bye");
    }

    #[test]
    fn an_allocation_that_failed_under_a_limit_is_a_lack_of_memory() {
        let words = ("memory allocation of 99 bytes failed".to_owned(), true);
        let status = Some(ExitStatus::from_raw(6));
        assert_eq!(failure(status, &words, Some(50)).kind(), TaskErrorKind::OutOfMemory);
        assert_eq!(failure(status, &words, None).kind(), TaskErrorKind::Crashed);
    }
}
