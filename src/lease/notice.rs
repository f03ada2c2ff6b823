//! Says that somebody waits, once it has been for long.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::tell;

/// A wait of this length is worth a line. Another follows after ten times as long.
const LONG: Duration = Duration::from_secs(10);

/// Tells of a wait while this lives.
#[derive(Debug)]
pub(super) struct Notice {
    /// Dropped with the notice, which ends the thread that tells.
    _ended: Sender<()>,
}

impl Notice {
    /// Says what `message` tells of a wait of the given length, when it has taken so long.
    pub(super) fn new(message: impl Fn(Duration) -> String + Send + 'static) -> Self {
        Notice::after(LONG, move |waited| tell::user(&message(waited)))
    }

    fn after(first: Duration, tell: impl Fn(Duration) + Send + 'static) -> Self {
        let (sender, ended) = mpsc::channel();
        let watch = move || {
            let (mut waited, mut next) = (Duration::ZERO, first);
            while ended.recv_timeout(next) == Err(RecvTimeoutError::Timeout) {
                waited += next;
                tell(waited);
                next *= 10;
            }
        };
        // Without a thread for it nothing is said.
        let _ = thread::Builder::new().name("rememo notice".into()).spawn(watch);
        Notice { _ended: sender }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_told_and_a_short_one_is_not() {
        let (told, heard) = mpsc::channel();
        let sender = told.clone();
        drop(Notice::after(Duration::from_hours(1), move |waited| sender.send(waited).unwrap()));
        let notice = Notice::after(Duration::from_millis(10), move |waited| told.send(waited).unwrap());
        assert_eq!(heard.recv(), Ok(Duration::from_millis(10)));
        assert_eq!(heard.recv(), Ok(Duration::from_millis(110)));
        drop(notice);
        assert!(heard.recv().is_err() || heard.recv().is_err(), "both have ended");
    }
}
