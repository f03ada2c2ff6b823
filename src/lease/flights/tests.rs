use std::sync::mpsc;

use super::*;
use crate::payload::{Content, Source};

#[derive(Debug)]
struct Bytes(&'static [u8]);

impl Payload for Bytes {
    fn content(&self) -> Option<Content<'_>> {
        Some(Content { codec: 1, source: Source::Memory(self.0) })
    }

    fn compute_time(&self) -> Duration {
        Duration::ZERO
    }
}

const ONE: Key = Key::from_bytes([1; 32]);
const TWO: Key = Key::from_bytes([2; 32]);

const VALUE: Wish = Wish { wait: true, newer: false };
const NEWER_VALUE: Wish = Wish { wait: true, newer: true };
const VALUE_AT_ONCE: Wish = Wish { wait: false, newer: false };

fn lead(flights: &Flights, key: Key) -> Leader<'_> {
    match flights.join(key, VALUE, None) {
        Joined::Leader(leader) => leader,
        other => panic!("{other:?}"),
    }
}

/// Waits until `thread` waits for somebody.
fn until_waiting(thread: ThreadId) {
    while !lock(&WAITS).as_ref().is_some_and(|waits| waits.contains_key(&thread)) {
        thread::yield_now();
    }
}

#[test]
fn a_waiter_gets_what_the_leader_shares() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    assert!(!leader.has_waiters());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| match flights.join(ONE, VALUE, None) {
            Joined::Landed(shared) => shared.content().unwrap().whole().unwrap().to_vec(),
            other => panic!("{other:?}"),
        });
        until_waiting(waiter.thread().id());
        assert!(leader.has_waiters());
        leader.land(Arc::new(Bytes(b"value")));
        assert_eq!(waiter.join().unwrap(), b"value");
    });
    drop(leader);
    drop(lead(&flights, ONE));
}

#[test]
fn a_value_that_has_landed_is_to_be_had_until_it_is_stored_also_by_its_leader() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    leader.land(Arc::new(Bytes(b"value")));
    for wish in [VALUE, VALUE_AT_ONCE] {
        assert!(matches!(flights.join(ONE, wish, None), Joined::Landed(_)));
    }
    assert!(matches!(flights.join(ONE, NEWER_VALUE, None), Joined::Alone), "it would wait for itself");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| matches!(flights.join(ONE, NEWER_VALUE, None), Joined::Landed(_)));
        until_waiting(waiter.thread().id());
        drop(leader);
        assert!(waiter.join().unwrap());
    });
    drop(lead(&flights, ONE));
}

#[test]
fn a_leader_that_is_dropped_frees_its_waiters() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| matches!(flights.join(ONE, VALUE, None), Joined::Alone));
        until_waiting(waiter.thread().id());
        drop(leader);
        assert!(waiter.join().unwrap());
    });
}

/// As when the leader finds that another process computes the key and does not want to wait for it: a waiter that
/// computed alone would compute what that process computes.
#[test]
fn a_leader_that_gives_up_makes_its_waiters_ask_again() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| matches!(flights.join(ONE, VALUE, None), Joined::Again));
        until_waiting(waiter.thread().id());
        leader.give_up();
        assert!(waiter.join().unwrap());
    });
    drop(lead(&flights, ONE));
}

#[test]
fn who_does_not_want_to_wait_is_told_that_the_key_is_busy() {
    let flights = Flights::default();
    let _leader = lead(&flights, ONE);
    thread::scope(|scope| {
        assert!(
            scope.spawn(|| matches!(flights.join(ONE, VALUE_AT_ONCE, None), Joined::Busy)).join().unwrap()
        );
    });
}

#[test]
fn a_thread_does_not_wait_for_itself() {
    let flights = Flights::default();
    let _leader = lead(&flights, ONE);
    assert!(matches!(flights.join(ONE, VALUE, None), Joined::Alone));
}

#[test]
fn a_circle_of_waits_is_not_closed() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    thread::scope(|scope| {
        let (leads, led) = mpsc::channel();
        let flights = &flights;
        let other = scope.spawn(move || {
            let two = lead(flights, TWO);
            leads.send(()).unwrap();
            // Waits for this test's thread, until that drops its flight.
            let joined = flights.join(ONE, VALUE, None);
            drop(two);
            matches!(joined, Joined::Alone)
        });
        led.recv().unwrap();
        until_waiting(other.thread().id());
        assert!(matches!(flights.join(TWO, VALUE, None), Joined::Alone), "this would wait for ever");
        drop(leader);
        assert!(other.join().unwrap());
    });
}
