//! The fingerprints of the program that runs, on x86-64 Linux: asked for, made, and kept below the user's cache directory.
//! Beside them lie lists of what each fingerprint is made of, by name, for explanations.
//!
//! Trouble with what is kept costs time, and is passed over.

mod lists;

use std::collections::HashMap;
use std::fmt::Write;
use std::fs::File;
use std::sync::{Mutex, OnceLock};
use std::time::UNIX_EPOCH;

pub(in crate::states) use self::lists::pieces;
use super::super::record::{self, Digest};
use crate::code::{Boundary, Loaded, Obstacle, Running};
use crate::error::{Error, Result, chain};
use crate::events;
use crate::key::Identity;
use crate::lock::lock;
use crate::panics;
use crate::sealed;
use crate::sys::{self, Dir};

/// The first line of a file.
const FIRST: &str = "rememo programs 3 ";

/// The file of the program, also if it was moved, replaced or removed since.
const PROGRAM: &str = "/proc/self/exe";

/// Where the files are. Below it nothing else is: what was not used for longest goes.
const BUILDS: &str = "builds";

/// Locked while a file is changed.
const LOCK: &str = "lock";

/// Builds of which fingerprints are kept.
const MOST: usize = 256;

/// A longer file is none.
const LARGEST: u64 = 16 << 20;

/// What is known of the program that runs.
struct Program {
    loaded: Loaded,
    known: Mutex<Known>,
    /// Its machine code; read when a fingerprint is not known.
    running: Mutex<Option<Result<Running, Obstacle>>>,
}

#[derive(Default)]
struct Known {
    /// What compiled it.
    compilers: Option<Digest>,
    /// By function and the addresses where its code begins; where there is none, the reason.
    fingerprints: HashMap<Digest, std::result::Result<Digest, String>>,
}

/// What compiled the program, and the fingerprint of the function whose code begins at `roots`.
pub(super) fn fingerprint(
    function: &Identity,
    roots: &[usize],
) -> std::result::Result<(Digest, Digest), Obstacle> {
    static PROGRAM: OnceLock<std::result::Result<Program, String>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| Program::find().map_err(|obstacle| obstacle.to_string()));
    program.as_ref().map_err(|obstacle| Obstacle::Earlier(obstacle.clone()))?.fingerprint(function, roots)
}

impl Program {
    fn find() -> std::result::Result<Self, Obstacle> {
        let loaded = Loaded::find()?;
        let known = BuildFile::of(&loaded)
            .and_then(|place| place.map_or(Ok(None), |place| place.read()))
            .inspect_err(|error| events::debug!(error = &error, "machine fingerprints are not known"));
        let known = Mutex::new(known.ok().flatten().unwrap_or_default());
        Ok(Program { loaded, known, running: Mutex::new(None) })
    }

    fn fingerprint(
        &self,
        function: &Identity,
        roots: &[usize],
    ) -> std::result::Result<(Digest, Digest), Obstacle> {
        let mut addresses = Vec::new();
        for root in roots {
            addresses.push(self.loaded.address(*root).ok_or(Obstacle::OtherFile)?);
        }
        let begin = begin_of(function, &addresses);
        {
            let known = lock(&self.known);
            if let (Some(compilers), Some(fingerprint)) = (known.compilers, known.fingerprints.get(&begin)) {
                return match fingerprint {
                    Ok(fingerprint) => Ok((compilers, *fingerprint)),
                    Err(reason) => Err(Obstacle::Earlier(reason.clone())),
                };
            }
        }
        // A fault in what follows the code would be the library's own; it costs nobody a value.
        let made = panics::catch(|| self.make(function, &addresses));
        let found = made.unwrap_or_else(|_| Err(Obstacle::Earlier("it could not be followed".to_owned())))?;
        self.keep(begin, &found);
        let (compilers, reach) = found;
        reach.map(|digest| (compilers, digest))
    }

    /// Follows the code.
    fn make(
        &self,
        function: &Identity,
        addresses: &[u64],
    ) -> std::result::Result<(Digest, std::result::Result<Digest, Obstacle>), Obstacle> {
        let mut running = lock(&self.running);
        let running = running.get_or_insert_with(|| Running::read(&self.loaded, &Boundary::OF_THIS));
        let running = running.as_mut().map_err(|obstacle| Obstacle::Earlier(chain(obstacle).to_string()))?;
        let compilers = *blake3::hash(running.program.compilers()).as_bytes();
        let reach = running.program.reach(addresses);
        if let Ok(reach) = &reach {
            let told = panics::catch(|| (running.program.parts(reach), running.program.outside(reach)));
            let keep =
                |(parts, outside): (Vec<_>, Vec<_>)| lists::keep(function, &reach.digest, &parts, &outside);
            let kept = told.map_or(Ok(()), keep);
            if let Err(error) = kept {
                events::debug!(error = &error, "what machine code consists of is not kept");
            }
        }
        Ok((compilers, reach.map(|reach| reach.digest)))
    }

    fn keep(&self, begin: Digest, found: &(Digest, std::result::Result<Digest, Obstacle>)) {
        let (compilers, fingerprint) = found;
        let mut known = lock(&self.known);
        known.compilers = Some(*compilers);
        known
            .fingerprints
            .insert(begin, fingerprint.as_ref().copied().map_err(|obstacle| chain(obstacle).to_string()));
        let kept =
            BuildFile::of(&self.loaded).and_then(|file| file.map_or(Ok(()), |file| file.write(&mut known)));
        if let Err(error) = kept {
            events::debug!(error = &error, "a machine fingerprint is not kept");
        }
    }
}

/// The digest of a function and the addresses where its code begins. Linkers give functions of equal code one address,
/// and each has a list of its own.
fn begin_of(function: &Identity, addresses: &[u64]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&function.0);
    for address in addresses {
        hasher.update(&address.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// The directory below that of the user's caches; `None` if there is no home directory.
fn programs() -> Result<Option<Dir>> {
    dirs::cache_dir().map(|caches| Dir::create(&caches.join("rememo-programs"))).transpose()
}

/// The text of a file, if it is there.
fn read(dir: &Dir, name: &str) -> Result<Option<String>> {
    Ok(dir.read(name, LARGEST)?.and_then(|(text, _)| String::from_utf8(text).ok()))
}

/// The file in which the fingerprints of a build are kept. It is named by the number that the linker gave the build, and by size and
/// time of the program's file: linkers can be told to give every build the same number.
struct BuildFile {
    dir: Dir,
    name: String,
}

impl BuildFile {
    /// `None` if there is no home directory, or the build has no number to tell it from others.
    fn of(loaded: &Loaded) -> Result<Option<Self>> {
        let build = loaded.build_id();
        let Some(dir) = programs()?.filter(|_| build.len() >= 8) else { return Ok(None) };
        let unseen = |error| Error::io("look at", PROGRAM, error);
        let stat = sys::stat(&File::open(PROGRAM).map_err(unseen)?).map_err(unseen)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(build).update(&stat.size.to_le_bytes());
        let modified = stat.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        hasher.update(&modified.as_nanos().to_le_bytes());
        let name = format!("{BUILDS}/{}", &record::hex(hasher.finalize().as_bytes())[..32]);
        Ok(Some(BuildFile { dir, name }))
    }

    fn read(&self) -> Result<Option<Known>> {
        Ok(read(&self.dir, &self.name)?.as_deref().and_then(Known::parse))
    }

    /// Writes what is known here and in the file.
    fn write(&self, known: &mut Known) -> Result<()> {
        let _lock = sys::lock_file(&self.dir, LOCK)?;
        for (begin, fingerprint) in self.read()?.unwrap_or_default().fingerprints {
            known.fingerprints.entry(begin).or_insert(fingerprint);
        }
        let Some(text) = known.print() else { return Ok(()) };
        let is_new = self.dir.stat(&self.name)?.is_none();
        sys::replace(&self.dir, &self.name, &[text.as_bytes()])?;
        if is_new {
            sys::sweep(&self.dir)?;
            sys::prune(&self.dir, BUILDS, MOST)?;
        }
        Ok(())
    }
}

impl Known {
    fn print(&self) -> Option<String> {
        let mut lines = record::hex(&self.compilers?) + "\n";
        for (begin, fingerprint) in &self.fingerprints {
            let fingerprint = match fingerprint {
                Ok(fingerprint) => record::hex(fingerprint),
                Err(reason) => format!("none {}", reason.replace(char::is_control, " ")),
            };
            let _ = writeln!(lines, "{} {fingerprint}", record::hex(begin));
        }
        Some(sealed::with_checksum(FIRST, &lines))
    }

    /// Reads what was printed; `None` if it is damaged in any place.
    fn parse(text: &str) -> Option<Self> {
        let lines = sealed::checked(FIRST, text)?;
        let mut lines = lines.lines();
        let compilers = Some(record::digest(lines.next()?)?);
        let mut fingerprints = HashMap::new();
        for line in lines {
            let (begin, fingerprint) = line.split_once(' ')?;
            let fingerprint = match fingerprint.strip_prefix("none ") {
                Some(reason) => Err(reason.to_owned()),
                None => Ok(record::digest(fingerprint)?),
            };
            fingerprints.insert(record::digest(begin)?, fingerprint);
        }
        Some(Known { compilers, fingerprints })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was_written_or_not_at_all() {
        let fingerprints = HashMap::from([([1; 32], Ok([2; 32])), ([3; 32], Err("why".to_owned()))]);
        let known = Known { compilers: Some([9; 32]), fingerprints };
        let text = known.print().unwrap();
        let read = Known::parse(&text).unwrap();
        assert_eq!((read.compilers, read.fingerprints), (known.compilers, known.fingerprints));
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            assert!(String::from_utf8(damaged).ok().and_then(|text| Known::parse(&text)).is_none(), "{at}");
            assert!(Known::parse(&text[..at]).is_none(), "{at}");
        }
    }

    /// Regression: the file of the lock was the oldest, and was removed while others held it.
    #[test]
    fn the_lock_stays_when_there_are_too_many_builds() {
        let caches = tempfile::tempdir().unwrap();
        let write = |build: usize| {
            let dir = Dir::create(caches.path()).unwrap();
            let mut known = Known { compilers: Some([9; 32]), ..Known::default() };
            BuildFile { dir, name: format!("{BUILDS}/{build}") }.write(&mut known).unwrap();
        };
        let builds = || std::fs::read_dir(caches.path().join(BUILDS)).unwrap().count();
        write(0);
        let lock = File::open(caches.path().join(LOCK)).unwrap();
        (1..=MOST).for_each(write);
        assert!(builds() < MOST, "{}", builds());
        assert!(sys::is_named(&lock).unwrap());
    }
}
