use std::sync::mpsc;

use super::*;
use crate::payload::{ByteSource, Content};
use crate::store::Payload;

#[derive(Debug)]
struct Bytes(&'static [u8]);

impl Payload for Bytes {
    fn content(&self) -> Option<Content<'_>> {
        Some(Content { codec: 1, source: ByteSource::Memory(self.0) })
    }

    fn compute_time(&self) -> Duration {
        Duration::ZERO
    }
}

const ONE: Key = Key::from_bytes([1; 32]);
const TWO: Key = Key::from_bytes([2; 32]);

/// Work that depends on some threads.
struct Depends(Vec<ThreadId>);

impl Awaited for Depends {
    fn depends_on(&self) -> Vec<ThreadId> {
        self.0.clone()
    }

    fn free(&self, _: &std::collections::HashSet<ThreadId>) {}
}

/// Tells a channel when it is woken.
struct Tells(Mutex<mpsc::Sender<()>>);

impl Watcher for Tells {
    fn wake(&self) {
        lock(&self.0).send(()).unwrap();
    }
}

/// Joins, leaving the key to others on behalf of `work`; who leaves is told through `told`.
fn leave<'f>(flights: &'f Flights, key: Key, work: &Arc<dyn Awaited>, told: &mpsc::Sender<()>) -> Joined<'f> {
    let watcher = |_: Key| -> Arc<dyn Watcher> { Arc::new(Tells(Mutex::new(told.clone()))) };
    let meanwhile = Meanwhile::Leave(Leave { work, watcher: &watcher });
    flights.join(key, meanwhile, false, "f", None)
}

fn nothing() -> Arc<dyn Awaited> {
    Arc::new(Depends(Vec::new()))
}

fn lead(flights: &Flights, key: Key) -> Leader<'_> {
    match flights.join(key, Meanwhile::Wait, false, "f", None) {
        Joined::Leader(leader) => leader,
        other => panic!("{other:?}"),
    }
}

/// Waits until `thread` waits for somebody.
fn until_waiting(thread: ThreadId) {
    while !waits::is_waiting(thread) {
        thread::yield_now();
    }
}

#[test]
fn a_waiter_gets_what_the_leader_shares() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    assert!(!leader.has_waiters());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| match flights.join(ONE, Meanwhile::Wait, false, "f", None) {
            Joined::Landed(shared) => shared.read(|content| content.whole().unwrap().to_vec()).unwrap(),
            other => panic!("{other:?}"),
        });
        until_waiting(waiter.thread().id());
        assert!(leader.has_waiters());
        leader.land(Shared::new(Bytes(b"value")));
        assert_eq!(waiter.join().unwrap(), b"value");
    });
    drop(leader);
    drop(lead(&flights, ONE));
}

#[test]
fn a_value_that_has_landed_is_to_be_had_until_it_is_stored_also_by_its_leader() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    leader.land(Shared::new(Bytes(b"value")));
    assert!(matches!(flights.join(ONE, Meanwhile::Wait, false, "f", None), Joined::Landed(_)));
    assert!(matches!(leave(&flights, ONE, &nothing(), &mpsc::channel().0), Joined::Landed(_)));
    assert!(
        matches!(flights.join(ONE, Meanwhile::Wait, true, "f", None), Joined::Alone),
        "it would wait for itself"
    );
    thread::scope(|scope| {
        let waiter =
            scope.spawn(|| matches!(flights.join(ONE, Meanwhile::Wait, true, "f", None), Joined::Landed(_)));
        until_waiting(waiter.thread().id());
        drop(leader);
        assert!(waiter.join().unwrap());
    });
    drop(lead(&flights, ONE));
}

#[test]
fn the_next_flight_has_the_memory_of_one_that_nobody_saw_and_nothing_else_of_it() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    let first = Arc::as_ptr(&leader.flight);
    let value = Arc::new(Bytes(b"value"));
    leader.land(Shared::One(Arc::clone(&value) as _));
    drop(leader);
    assert_eq!(Arc::strong_count(&value), 1, "the value is not kept");
    let leader = lead(&flights, ONE);
    assert_eq!(Arc::as_ptr(&leader.flight), first);
    assert!(matches!(lock_flight(&leader.flight).phase, Phase::Flying) && !leader.has_waiters());
    // Who has seen a flight reads there how it ended.
    let seen = Arc::clone(&leader.flight);
    drop(leader);
    let next = lead(&flights, ONE);
    assert!(!Arc::ptr_eq(&next.flight, &seen) && matches!(lock_flight(&seen).phase, Phase::Failed));
}

#[test]
fn a_leader_that_is_dropped_frees_its_waiters() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    thread::scope(|scope| {
        let waiter =
            scope.spawn(|| matches!(flights.join(ONE, Meanwhile::Wait, false, "f", None), Joined::Alone));
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
        let waiter =
            scope.spawn(|| matches!(flights.join(ONE, Meanwhile::Wait, false, "f", None), Joined::Again));
        until_waiting(waiter.thread().id());
        leader.give_up();
        assert!(waiter.join().unwrap());
    });
    drop(lead(&flights, ONE));
}

#[test]
fn who_leaves_a_key_is_told_once_when_it_may_be_asked_for_again() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    let me = thread::current().id();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let busy =
            scope.spawn(|| matches!(leave(&flights, ONE, &nothing(), &tell), Joined::Busy(by) if by == me));
        assert!(busy.join().unwrap());
    });
    assert!(told.try_recv().is_err());
    assert!(leader.has_waiters(), "its value is to be shared");
    leader.land(Shared::new(Bytes(b"value")));
    told.try_recv().unwrap();
    drop(leader);
    assert!(told.try_recv().is_err());
    // Also if nothing came of it.
    let leader = lead(&flights, ONE);
    thread::scope(|scope| {
        scope.spawn(|| assert!(matches!(leave(&flights, ONE, &nothing(), &tell), Joined::Busy(_))));
    });
    drop(leader);
    told.try_recv().unwrap();
}

#[test]
fn a_key_is_not_left_to_who_waits_for_the_same_work() {
    let flights = Flights::default();
    let (tell, _told) = mpsc::channel();
    thread::scope(|scope| {
        let (leads, led) = mpsc::channel();
        let (goes, go) = mpsc::channel::<()>();
        let (flights, work) = (&flights, nothing());
        let theirs = Arc::clone(&work);
        // Leads the key, and waits for the work: as a function does that runs a batch.
        let caller = scope.spawn(move || {
            let _leader = lead(flights, ONE);
            let _waiting = waits::wait_for_work(&theirs);
            leads.send(()).unwrap();
            go.recv().unwrap();
        });
        led.recv().unwrap();
        assert!(matches!(leave(flights, ONE, &work, &tell), Joined::Alone));
        assert!(matches!(leave(flights, ONE, &nothing(), &tell), Joined::Busy(_)), "of other work it may be");
        goes.send(()).unwrap();
        caller.join().unwrap();
    });
}

/// A thread of the work waits for a flight of the caller, and the caller comes to wait for the work after that.
#[test]
fn who_waits_for_the_caller_of_its_work_is_freed() {
    let flights = Flights::default();
    let leader = lead(&flights, ONE);
    thread::scope(|scope| {
        let worker =
            scope.spawn(|| matches!(flights.join(ONE, Meanwhile::Wait, false, "f", None), Joined::Alone));
        let thread = worker.thread().id();
        until_waiting(thread);
        let work: Arc<dyn Awaited> = Arc::new(Depends(vec![thread]));
        waits::try_wait_for_work(&work).unwrap_err();
        assert!(worker.join().unwrap());
        waits::try_wait_for_work(&work).unwrap();
    });
    drop(leader);
}

#[test]
fn a_thread_does_not_wait_for_itself() {
    let flights = Flights::default();
    let _leader = lead(&flights, ONE);
    assert!(matches!(flights.join(ONE, Meanwhile::Wait, false, "f", None), Joined::Alone));
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
            let joined = flights.join(ONE, Meanwhile::Wait, false, "f", None);
            drop(two);
            matches!(joined, Joined::Alone)
        });
        led.recv().unwrap();
        until_waiting(other.thread().id());
        assert!(
            matches!(flights.join(TWO, Meanwhile::Wait, false, "f", None), Joined::Alone),
            "this would wait for ever"
        );
        drop(leader);
        assert!(other.join().unwrap());
    });
}
