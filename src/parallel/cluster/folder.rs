//! The folder of an array job: what is asked of its tasks, and what they have taken.
//!
//! | name | what it is |
//! | --- | --- |
//! | `jobs` | the jobs, behind what tasks and other callers need to know of them |
//! | `program` | a copy of the program |
//! | `run` | the script that starts one task |
//! | `callers`, `tasks` | locked, with others, by callers that watch and tasks that run |
//! | `launched` | locked by the launcher as long as it runs |
//! | `claims/N` | there if a task has taken chunk N; its name is in it |
//! | `replies/TASK` | see [`replies`](super::replies) |
//! | `log` | what the tasks have printed |
//! | `stop` | there if no more chunks are to be taken |
//! | `failed` | there if it is named in an error |

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use crate::checksum;
use crate::key::Key;
use crate::memory::JOBS;
use crate::remote::{Job, MemorySettings, read_memory, write_memory};
use crate::sys;
use crate::wire::{Reader, Writer};
use crate::worker;

/// The first bytes of `jobs`; the number is the version of all that is in a folder.
const MAGIC: &[u8; 16] = b"rememo jobs 1\n\0\0";

/// What all names of folders begin with.
pub(super) const PREFIX: &str = "rememo-";

/// The files that those who use a folder lock.
pub(super) const CALLERS: &str = "callers";
pub(super) const TASKS: &str = "tasks";

/// The path of a folder that was written.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

/// What is known of the jobs of a folder, without themselves.
#[derive(Debug)]
pub(super) struct Contents {
    /// Of the program; see [`worker::code_digest`].
    pub(super) digest: [u8; 32],
    /// The kind of the engine that starts the tasks.
    pub(super) engine: String,
    pub(super) timeout: Option<Duration>,
    /// Jobs of a chunk.
    pub(super) chunk: usize,
    /// Calls that a task runs at a time.
    pub(super) cores: usize,
    /// Where workers are to be started.
    pub(super) directory: PathBuf,
    pub(super) memory: Option<MemorySettings>,
    /// Of each job its key, and where its bytes are.
    pub(super) jobs: Vec<(Option<Key>, u64, u64)>,
}

impl Contents {
    /// As bytes, with jobs of these lengths; where they are is not looked at.
    fn head(&self, jobs: &[&Job], bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut head = Writer::default();
        head.array(&self.digest);
        head.bytes(self.engine.as_bytes());
        head.option(self.timeout, |to, timeout| to.number(nanos(timeout)));
        head.number(self.chunk as u64);
        head.number(self.cores as u64);
        head.bytes(self.directory.as_os_str().as_encoded_bytes());
        write_memory(self.memory.as_ref(), &mut head);
        head.number(jobs.len() as u64);
        for (job, body) in jobs.iter().zip(bodies) {
            head.option(job.key, |to, key| to.array(key.as_bytes()));
            head.number(body.len() as u64);
        }
        head.0
    }

    fn read(head: &[u8], start: u64) -> Option<Self> {
        let mut reader = Reader(head);
        let mut contents = Contents {
            digest: reader.array()?,
            engine: reader.text()?.to_owned(),
            timeout: reader.option(Reader::number)?.map(Duration::from_nanos),
            chunk: usize::try_from(reader.number()?).ok()?.max(1),
            cores: usize::try_from(reader.number()?).ok()?,
            directory: path(reader.bytes()?),
            memory: read_memory(&mut reader)?,
            jobs: Vec::new(),
        };
        let count = reader.number()?;
        let mut at = start;
        for _ in 0..count {
            let key = reader.option(|reader| reader.array().map(Key::from_bytes))?;
            let length = reader.number()?;
            contents.jobs.push((key, at, length));
            at = at.checked_add(length)?;
        }
        reader.is_empty().then_some(contents)
    }

    pub(super) fn chunks(&self) -> usize {
        self.jobs.len().div_ceil(self.chunk)
    }

    /// The places of the jobs of a chunk.
    pub(super) fn chunk(&self, number: usize) -> std::ops::Range<usize> {
        number * self.chunk..((number + 1) * self.chunk).min(self.jobs.len())
    }
}

impl Folder {
    /// Writes a folder of jobs, which are all of one memory. It appears under its name when all of it is there.
    pub(super) fn create(
        path: &Path,
        contents: &Contents,
        jobs: &[&Job],
        script: &[u8],
    ) -> io::Result<Folder> {
        let made = path.with_added_extension("new");
        let write = || {
            fs::create_dir_all(&made)?;
            for name in ["claims", "replies", "log"] {
                fs::create_dir(made.join(name))?;
            }
            for name in [CALLERS, TASKS, "launched"] {
                fs::write(made.join(name), [])?;
            }
            // Not its path: another may have taken its place since it was started.
            fs::copy("/proc/self/exe", made.join("program"))?;
            let mut run =
                OpenOptions::new().write(true).create_new(true).mode(0o755).open(made.join("run"))?;
            run.write_all(script)?;
            write_jobs(&made.join("jobs"), contents, jobs)?;
            fs::rename(&made, path)
        };
        write().inspect_err(|_| drop(fs::remove_dir_all(&made)))?;
        Ok(Folder { path: path.to_owned() })
    }

    /// What is known of the jobs; `None` if they are not those of this version.
    pub(super) fn contents(&self) -> io::Result<Option<Contents>> {
        let mut file = File::open(self.path.join("jobs"))?;
        let mut start = [0; 40];
        file.read_exact(&mut start)?;
        let mut reader = Reader(&start);
        let (magic, checksum) = (reader.array(), reader.array::<16>());
        let Some(length) = reader.number().filter(|_| magic.as_ref() == Some(MAGIC)) else {
            return Ok(None);
        };
        let mut head = Vec::new();
        file.take(length).read_to_end(&mut head)?;
        let is_sound = checksum == Some(checksum::of(&head, 0));
        Ok(is_sound.then(|| Contents::read(&head, 40 + length)).flatten())
    }

    /// The jobs of a chunk.
    pub(super) fn jobs(&self, contents: &Contents, chunk: usize) -> io::Result<Vec<Job>> {
        let file = File::open(self.path.join("jobs"))?;
        let memory = contents.memory.clone().map(std::sync::Arc::new);
        let read = |&(_, at, length): &(Option<Key>, u64, u64)| {
            let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidData)?;
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, at)?;
            Job::read(&mut Reader(&bytes), memory.as_ref()).ok_or(io::ErrorKind::InvalidData.into())
        };
        contents.jobs[contents.chunk(chunk)].iter().map(read).collect()
    }

    /// Takes a chunk for a task; whether it was free.
    pub(super) fn claim(&self, chunk: usize, task: &str) -> io::Result<bool> {
        let path = self.path.join("claims").join(chunk.to_string());
        match OpenOptions::new().write(true).create_new(true).open(path) {
            // Who has it is for people, and for errors.
            Ok(mut file) => Ok(file.write_all(task.as_bytes()).map_or(true, |()| true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The task that has taken a chunk.
    pub(super) fn claimed_by(&self, chunk: usize) -> Option<String> {
        fs::read_to_string(self.path.join("claims").join(chunk.to_string())).ok()
    }

    pub(super) fn replies(&self) -> PathBuf {
        self.path.join("replies")
    }

    /// Has no more chunks taken.
    pub(super) fn stop(&self) {
        let _ = fs::write(self.path.join("stop"), []);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.path.join("stop").exists()
    }

    /// Keeps it for people: it is named in an error.
    pub(super) fn note_failure(&self) {
        let _ = fs::write(self.path.join("failed"), []);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.path.join("failed").exists()
    }

    /// Becomes one of its [`CALLERS`] or [`TASKS`], until the file is dropped.
    pub(super) fn enter(&self, among: &str) -> io::Result<File> {
        let users = File::open(self.path.join(among))?;
        users.lock_shared()?;
        Ok(users)
    }

    /// Whether nobody uses it; also if that was this thread before.
    pub(super) fn is_left(&self) -> bool {
        let is_free = |among| File::open(self.path.join(among)).is_ok_and(|users| users.try_lock().is_ok());
        is_free(CALLERS) && is_free(TASKS)
    }

    pub(super) fn remove(&self) {
        // Moved away first, so that nobody takes a half of it for the whole.
        let gone = self.path.with_added_extension("gone");
        let path = if fs::rename(&self.path, &gone).is_ok() { &gone } else { &self.path };
        let _ = fs::remove_dir_all(path);
    }

    /// The end of what a task has printed, else of what any has.
    pub(super) fn last_words(&self, task: Option<&str>) -> String {
        let log = self.path.join("log");
        let own = task.and_then(|task| task.split_once('-')).map(|(number, _)| log.join(number));
        let others = fs::read_dir(&log).into_iter().flatten().flatten().map(|entry| entry.path());
        let read = |path: PathBuf| fs::read(path).ok().filter(|text| !text.is_empty());
        let text = own.into_iter().chain(others).find_map(read).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().filter(|line| !line.is_empty()).take(LAST_LINES).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// Lines of a log that are part of an error.
const LAST_LINES: usize = 6;

/// The file among the folders that is locked while folders are looked through, made and removed.
pub(super) const LOCK: &str = "lock";

fn write_jobs(path: &Path, contents: &Contents, jobs: &[&Job]) -> io::Result<()> {
    let body = |job: &&Job| {
        let mut bytes = Writer::default();
        job.write(&mut bytes);
        bytes.0
    };
    let bodies: Vec<Vec<u8>> = jobs.iter().map(body).collect();
    let head = contents.head(jobs, &bodies);
    let mut file = io::BufWriter::new(File::create_new(path)?);
    file.write_all(MAGIC)?;
    file.write_all(&checksum::of(&head, 0))?;
    file.write_all(&(head.len() as u64).to_le_bytes())?;
    file.write_all(&head)?;
    for body in bodies {
        file.write_all(&body)?;
    }
    file.into_inner()?.sync_all()
}

/// Whether no other caller watches, so that this one may stop it.
pub(super) fn is_alone(caller: &File) -> bool {
    caller.unlock().is_ok() && caller.try_lock().is_ok()
}

/// Removes a folder, unless it is used, and the lock of the directory that it was the last in; whether it has gone.
pub(super) fn remove_if_left(folder: &Folder, memory_root: Option<&Path>) -> bool {
    let Some(all) = folder.path.parent().filter(|_| folder.path.exists()) else { return true };
    let Ok(lock) = lock(all) else { return false };
    let has_gone = !folder.path.exists() || folder.is_left();
    if has_gone {
        folder.remove();
    }
    drop(lock);
    // Also where another has removed it meanwhile: then the lock was made anew just now.
    remove_place(all, memory_root);
    has_gone
}

/// Removes the lock of a directory in which no folders are left; with the directory, if it is the one in that of the memory.
pub(super) fn remove_place(all: &Path, memory_root: Option<&Path>) {
    if !all.is_dir() {
        return;
    }
    let Ok(_lock) = lock(all) else { return };
    let is_ours = |name: &OsStr| name == LOCK || name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
    let names: Vec<_> =
        fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    if names.iter().any(|name| is_ours(name) && name != LOCK) {
        return;
    }
    let _ = fs::remove_file(all.join(LOCK));
    let own = memory_root.and_then(|root| std::path::absolute(root.join(JOBS)).ok());
    if own.is_some_and(|own| own == all) {
        let _ = fs::remove_dir(all);
    }
}

/// A name that no other folder has.
pub(super) fn new_name(jobs: &[&Job]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&worker::code_digest());
    for key in jobs.iter().filter_map(|job| job.key) {
        hasher.update(key.as_bytes());
    }
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    hasher.update(format!("{} {time:?}", process::id()).as_bytes());
    format!("{PREFIX}{}", &hasher.finalize().to_hex()[..16])
}

/// Locks the folders of `all` until the file is dropped.
pub(super) fn lock(all: &Path) -> io::Result<File> {
    loop {
        fs::create_dir_all(all)?;
        let file = match OpenOptions::new().append(true).create(true).open(all.join(LOCK)) {
            // It was removed again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        file.lock()?;
        // Who removed the last folder has removed it, too.
        if sys::is_named(&file)? {
            return Ok(file);
        }
    }
}

/// The folders of this program's batches that start with the same kind of engine. To be asked under the [`lock`]: what was left
/// half made or half removed goes.
pub(super) fn of_this_program(all: &Path, engine: &str) -> Vec<(Folder, Contents)> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(PREFIX) {
            continue;
        }
        // Folders are made and removed under the lock: nobody is at work at these any more.
        if name.contains('.') {
            let _ = fs::remove_dir_all(entry.path());
            continue;
        }
        let folder = Folder { path: entry.path() };
        if let Ok(Some(contents)) = folder.contents()
            && contents.digest == worker::code_digest()
            && contents.engine == engine
        {
            folders.push((folder, contents));
        }
    }
    folders
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Who waits for the lock of a directory that goes meanwhile makes it anew, and has to remove it once more.
    #[test]
    fn two_that_remove_a_folder_at_once_leave_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        let all = root.join(JOBS);
        let folder = Folder { path: all.join(format!("{PREFIX}1")) };
        fs::create_dir_all(&folder.path).unwrap();
        for users in [CALLERS, TASKS] {
            File::create(folder.path.join(users)).unwrap();
        }
        let first = lock(&all).unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| remove_if_left(&folder, Some(root)));
            // Time to see the folder, and to wait for the lock.
            thread::sleep(Duration::from_millis(100));
            folder.remove();
            fs::remove_file(all.join(LOCK)).unwrap();
            fs::remove_dir(&all).unwrap();
            drop(first);
            assert!(second.join().unwrap(), "it has gone");
        });
        assert!(!all.exists());
    }
}
