use super::*;

const FUNCTION: Identity = Identity([7; 32]);

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
    states.find(&name(&FUNCTION), code).unwrap()
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
    let written = Written { function: FUNCTION, source: &[1; 32], settings: "other" };
    let (state, _) = states.of(&written, &[]);
    assert_ne!(state, first);
    assert_eq!(state, states.of(&written, &[]).0);
}

#[test]
fn a_stopped_process_keeps_nobody_waiting_for_ever() {
    let (temporary, states) = states();
    let lock = std::fs::File::create(temporary.path().join(LOCK)).unwrap();
    lock.lock().unwrap();
    assert!(states.find(&name(&FUNCTION), &code(1)).is_err());
}

#[test]
fn the_states_of_a_source_are_told_the_latest_first() {
    let (_temporary, states) = states();
    let (one, two) = (find(&states, &code(1)), find(&states, &code(2)));
    find(&states, &Code { source: [9; 32], ..code(3) });
    assert_eq!(states.of_source(&FUNCTION, &[1; 32]), [two, one, [1; 32]]);
}
