//! A key that is computed twice at a time, as to wait for the first would never end.

use std::sync::{MutexGuard, Weak};
use std::thread::{self, ThreadId};

use super::{ALL, Flight, Flights, Joined, Table};
use crate::events;
use crate::lock::lock;

/// Has this thread compute what the leader of the flight does, since waiting for it would never end, and says so. If it is over
/// by now, its value is to be had.
#[cold]
#[inline(never)]
pub(super) fn alone(flight: &Flight, newer: bool) -> Joined<'static> {
    if !lock(&flight.course).is_waited_for(newer) {
        return Joined::Again;
    }
    warn_of_second_time(flight);
    Joined::Alone
}

/// Says that what others compute is computed a second time on this thread, and why.
fn warn_of_second_time(flight: &Flight) {
    let all: Vec<_> = lock(&ALL).values().filter_map(Weak::upgrade).collect();
    let here: Vec<_> = all.iter().flat_map(|flights| flights.led_by(thread::current().id())).collect();
    events::warn!(
        "`{}` is computed a second time, inside {}: two calls came to wait for each other through rayon, which runs pieces of \
         one on the stack of another that waits",
        flight.function,
        if here.is_empty() {
            "a piece of rayon's work".to_owned()
        } else {
            format!("`{}`", here.join("`, `"))
        },
    );
}

impl Flights {
    /// The functions of the flights that a thread leads, for people.
    fn led_by(&self, thread: ThreadId) -> Vec<&'static str> {
        let tables = self.tables.iter().map(lock);
        let led = |table: MutexGuard<'_, Table>| {
            let of_thread = table.flights.values().filter(|flight| flight.leader == thread);
            of_thread.map(|flight| flight.function).collect::<Vec<_>>()
        };
        tables.flat_map(led).collect()
    }
}
