use super::*;

const KEY: Key = Key::from_bytes([3; 32]);

fn leases() -> (tempfile::TempDir, LeaseFiles) {
    let temporary = tempfile::tempdir().unwrap();
    let leases = LeaseFiles::open(&Arc::new(Dir::create(temporary.path()).unwrap()));
    (temporary, leases)
}

/// Another process that has locked the byte of the key, until its input is closed.
#[cfg(target_os = "linux")]
fn other_process(path: &std::path::Path) -> std::process::Child {
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    let script = "import fcntl, os, sys\n\
                  file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n\
                  fcntl.lockf(file, fcntl.LOCK_EX, 1, 0x03030303 >> 1)\n\
                  print('.', end='', flush=True)\n\
                  sys.stdin.read()\n";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

#[test]
#[cfg(target_os = "linux")]
fn a_lease_is_busy_while_another_process_holds_it_and_free_when_that_is_killed() {
    let (dir, leases) = leases();
    let mut other = other_process(&dir.path().join("leases"));
    assert!(leases.try_acquire(&KEY).unwrap().is_none());
    let _other_key = leases.try_acquire(&Key::from_bytes([4; 32])).unwrap().expect("it is free");
    let holder = leases.locks.holder(&KEY);
    assert!(holder.contains(&format!("process {} (python3", other.id())), "{holder}");
    let killed = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        other.kill().unwrap();
        other.wait().unwrap();
    });
    let lease = leases.acquire(&KEY, "f").unwrap();
    killed.join().unwrap();
    drop(lease);
    drop(leases.try_acquire(&KEY).unwrap().expect("it is free"));
}

/// Who only waits for a lease neither has it nor is in the way of who asks for it meanwhile.
#[test]
#[cfg(target_os = "linux")]
fn a_lease_that_is_waited_for_is_busy_for_the_other_threads_too() {
    let (dir, leases) = leases();
    let mut other = other_process(&dir.path().join("leases"));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| leases.wait(&KEY, "f").unwrap());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(leases.try_acquire(&KEY).unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
        waiter.join().unwrap();
    });
    let mut other = other_process(&dir.path().join("leases"));
    assert!(leases.try_acquire(&KEY).unwrap().is_none(), "it was not kept");
    drop(other.stdin.take());
    other.wait().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn thousands_of_leases_take_one_descriptor_and_one_file() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let (dir, leases) = leases();
    let first = leases.try_acquire(&KEY).unwrap().expect("it is free");
    let before = descriptors();
    let all: Vec<_> = (0..3000_u32)
        .map(|number| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&(2 * number).to_le_bytes());
            leases.try_acquire(&Key::from_bytes(key)).unwrap().expect("it is free")
        })
        .collect();
    // Other tests open and close files meanwhile.
    assert!(descriptors() < before + 1000);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    drop((first, all));
}

#[test]
#[cfg(target_os = "linux")]
fn memories_of_one_directory_do_not_take_each_others_leases_by_closing() {
    let (dir, leases) = leases();
    let other = LeaseFiles::open(&Arc::new(Dir::create(dir.path()).unwrap()));
    let lease = leases.try_acquire(&KEY).unwrap().expect("it is free");
    drop(other.try_acquire(&Key::from_bytes([4; 32])).unwrap().expect("it is free"));
    drop(other);
    let locked = "import fcntl, os, sys\n\
                  file = os.open(sys.argv[1], os.O_RDWR)\n\
                  try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0x03030303 >> 1)\n\
                  except OSError: sys.exit(7)\n";
    let ask = || {
        let path = dir.path().join("leases");
        std::process::Command::new("python3").args(["-c", locked]).arg(path).status().unwrap().code()
    };
    assert_eq!(ask(), Some(7));
    drop(lease);
    assert_eq!(ask(), Some(0));
}

#[test]
fn a_file_that_was_removed_is_made_again() {
    let (dir, leases) = leases();
    let first = leases.try_acquire(&KEY).unwrap().expect("it is free");
    if cfg!(target_os = "linux") {
        std::fs::remove_file(dir.path().join("leases")).unwrap();
        drop(leases.try_acquire(&Key::from_bytes([4; 32])).unwrap().expect("it is free"));
        assert!(dir.path().join("leases").exists());
    }
    drop(first);
}
