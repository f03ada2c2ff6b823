use super::*;

const FUNCTION: Identity = Identity([7; 32]);
const ID: FunctionId = FunctionId([8; 8]);

fn states() -> (tempfile::TempDir, States) {
    let temporary = tempfile::tempdir().unwrap();
    let states = States::new(&Arc::new(Dir::create(temporary.path()).unwrap()));
    (temporary, states)
}

fn code(machine: u32) -> Code {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&machine.to_le_bytes());
    Code { source: [1; 32], platform: [2; 32], machine: digest }
}

fn elsewhere(platform: u8, machine: u32) -> Code {
    Code { platform: [platform; 32], ..code(machine) }
}

fn find(states: &States, code: &Code) -> Digest {
    states.find(&name(&FUNCTION), ID, code).unwrap().state
}

#[test]
fn threads_that_note_at_once_lose_nothing() {
    let (temporary, states) = states();
    let found: Vec<Vec<Digest>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..20).map(|n| find(&states, &code(n))).collect())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().all(|one| *one == found[0]));
    let others = States::new(&Arc::new(Dir::create(temporary.path()).unwrap()));
    assert_eq!(read(others.dir.as_ref().unwrap(), &name(&FUNCTION)).unwrap().len(), 20);
    for (n, state) in (0..20).zip(&found[0]) {
        assert_eq!(find(&others, &code(n)), *state);
    }
}

/// A record that has lost what it knew must not let the source speak for code that it does not show.
#[test]
fn a_damaged_record_costs_entries_and_no_trust() {
    let (temporary, states) = states();
    let first = find(&states, &code(1));
    assert_eq!(find(&states, &elsewhere(3, 30)), first);
    let path = temporary.path().join(name(&FUNCTION));
    let text = std::fs::read(&path).unwrap();
    for damaged in [Vec::new(), text[..text.len() / 2].to_vec(), vec![0; text.len()], b"later 9".to_vec()] {
        std::fs::write(&path, damaged).unwrap();
        assert_ne!(find(&states, &elsewhere(3, 31)), first);
    }
    std::fs::write(&path, &text).unwrap();
    assert_eq!(find(&states, &elsewhere(3, 30)), first);
    assert_ne!(find(&states, &elsewhere(3, 31)), first);
}

#[test]
fn what_cannot_be_noted_is_a_state_of_its_own() {
    let (temporary, states) = states();
    let first = find(&states, &code(1));
    // No record can be put in its place.
    std::fs::remove_file(temporary.path().join(LOCK)).unwrap();
    std::fs::create_dir(temporary.path().join(LOCK)).unwrap();
    assert_eq!(find(&states, &code(1)), first, "what is known is found");
    let written = Written { function: FUNCTION, id: ID, source: &[1; 32], settings: "other" };
    let state = states.of(&written, &[]).state;
    assert_ne!(state, first);
    assert_eq!(state, states.of(&written, &[]).state);
}

#[test]
fn a_stopped_process_keeps_nobody_waiting_for_ever() {
    let (temporary, states) = states();
    let lock = std::fs::File::create(temporary.path().join(LOCK)).unwrap();
    lock.lock().unwrap();
    assert!(states.find(&name(&FUNCTION), ID, &code(1)).is_err());
}

#[test]
fn the_states_of_a_source_are_told_the_latest_first() {
    let (_temporary, states) = states();
    let (one, two) = (find(&states, &code(1)), find(&states, &code(2)));
    find(&states, &Code { source: [9; 32], ..code(3) });
    assert_eq!(states.of_source(&FUNCTION, &[1; 32]), [two, one, [1; 32]]);
}

/// Code of this source, on this platform.
fn written(source: u8, platform: u8, machine: u32) -> Code {
    Code { source: [source; 32], ..elsewhere(platform, machine) }
}

#[test]
fn adopted_code_is_in_the_state_before_until_that_is_taken_back() {
    let (_temporary, states) = states();
    let first = find(&states, &written(1, 2, 10));
    let edited = written(2, 2, 20);
    let own = find(&states, &edited);
    assert_ne!(own, first);
    let number = states.number();
    states.adopt(ID, &edited.source).unwrap();
    assert_ne!(states.number(), number, "what was found before does not count");
    assert_eq!(find(&states, &edited), first);
    // Nor does it count for the next edit.
    assert!(![first, own].contains(&find(&states, &written(3, 2, 30))));
    assert_eq!(find(&states, &written(1, 2, 10)), first);
    states.forget(ID).unwrap();
    assert_eq!(find(&states, &edited), own);
    assert_eq!(find(&states, &written(1, 2, 10)), first);
    assert_eq!(states.adopted(ID).unwrap(), [[0; 32]; 0]);
}

#[test]
fn what_is_adopted_first_and_seen_later_is_in_the_state_before_too() {
    let (_temporary, states) = states();
    states.adopt(ID, &[1; 32]).unwrap();
    let first = find(&states, &written(1, 2, 10));
    assert_eq!(first, written(1, 2, 10).new_state(), "there is no code before it");
    states.adopt(ID, &[2; 32]).unwrap();
    assert_eq!(find(&states, &written(2, 2, 20)), first);
    states.forget(ID).unwrap();
    assert_eq!(find(&states, &written(2, 2, 20)), written(2, 2, 20).new_state());
}

/// Debug and release know different machine code of one edit.
#[test]
fn a_source_is_adopted_on_all_platforms() {
    let (_temporary, states) = states();
    let first = find(&states, &written(1, 2, 10));
    assert_eq!(find(&states, &written(1, 3, 11)), first);
    states.adopt(ID, &[2; 32]).unwrap();
    assert_eq!(find(&states, &written(2, 2, 20)), first);
    assert_eq!(find(&states, &written(2, 3, 21)), first);
    // The same machine code again, of another source, is the same code, and goes with it.
    assert_eq!(find(&states, &written(4, 2, 20)), first);
    states.forget(ID).unwrap();
    let own = find(&states, &written(2, 2, 20));
    assert_ne!(own, first);
    assert_eq!(find(&states, &written(4, 2, 20)), own);
    assert_eq!(find(&states, &written(2, 3, 21)), own);
}

/// A source that runs as other machine code than it did is not what was declared harmless.
#[test]
fn of_an_adopted_source_other_machine_code_is_in_a_state_of_its_own() {
    let (_temporary, states) = states();
    let first = find(&states, &written(1, 2, 10));
    states.adopt(ID, &[2; 32]).unwrap();
    assert_eq!(find(&states, &written(2, 2, 20)), first);
    assert_ne!(find(&states, &written(2, 2, 21)), first);
}

#[test]
fn a_list_that_is_lost_or_damaged_costs_entries() {
    let (temporary, states) = states();
    let first = find(&states, &written(1, 2, 10));
    states.adopt(ID, &[2; 32]).unwrap();
    assert_eq!(find(&states, &written(2, 2, 20)), first);
    let path = temporary.path().join(format!("adopted/{ID}"));
    let text = std::fs::read(&path).unwrap();
    for at in 0..text.len() {
        let mut damaged = text.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(states.adopted(ID).unwrap(), [[0; 32]; 0], "{at}");
    }
    assert_eq!(find(&states, &written(2, 2, 20)), written(2, 2, 20).new_state());
    std::fs::write(&path, text).unwrap();
    assert_eq!(find(&states, &written(2, 2, 20)), first);
}
