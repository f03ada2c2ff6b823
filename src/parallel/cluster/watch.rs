//! The side of the caller: submits jobs, or joins those that were submitted before, and takes their replies.

mod check;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{self, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use self::check::{Check, Verdict};
use super::engine::{Life, name_of};
use super::folder::{self, CALLERS, Contents, Folder};
use super::replies::ReplyReader;
use super::{Cluster, Engine, script};
use crate::events;
use crate::key::Key;
use crate::memory::JOBS;
use crate::parallel::processes::entry;
use crate::remote::{Failure, Job, Reply};
use crate::task_error::TaskErrorKind;
use crate::{tell, worker};

/// A call that was begun is submitted again so often when its task has ended before it.
const RESUBMISSIONS: u32 = 2;

/// So many submissions in a row may end without a word from any task.
const FRUITLESS: u32 = 3;

/// Each core takes about so many chunks of a large batch: the last ones spread over all cores.
const CHUNKS: usize = 64;

/// The shortest and the longest time between two looks at the replies.
const SHORTEST: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(250);

/// How long tasks that are about to end are waited for.
const LEAVING: Duration = Duration::from_secs(2);

type Event<'e> = dyn FnMut(Option<(usize, Result<Reply, Failure>)>) -> ControlFlow<()> + 'e;

/// Jobs that are watched until there is an answer to each.
#[derive(Debug)]
pub(super) struct Watch<'c> {
    cluster: &'c Cluster,
    jobs: &'c [Job],
    timeout: Option<Duration>,
    watched: Vec<Watched>,
    /// How often the task of each job ended before it.
    lost: Vec<u32>,
    fruitless: u32,
    /// Folders that are done with and were in use.
    leaving: Vec<Folder>,
}

/// A folder that is watched.
#[derive(Debug)]
struct Watched {
    folder: Folder,
    contents: Contents,
    /// The lock of this caller.
    caller: File,
    reader: ReplyReader,
    /// The jobs that are waited for, by their places in the folder.
    wanted: HashMap<usize, usize>,
    /// The places that there is an answer to.
    answered: HashSet<usize>,
    check: Check,
}

impl<'c> Watch<'c> {
    pub(super) fn new(cluster: &'c Cluster, jobs: &'c [Job], timeout: Option<Duration>) -> Self {
        Watch {
            cluster,
            jobs,
            timeout,
            watched: Vec::new(),
            lost: vec![0; jobs.len()],
            fruitless: 0,
            leaving: Vec::new(),
        }
    }

    /// Sees the jobs through.
    pub(super) fn run(mut self, event: &mut Event<'_>) {
        self.submit((0..self.jobs.len()).collect(), event);
        let mut pause = SHORTEST;
        while !self.watched.is_empty() {
            if event(None).is_break() {
                self.stop();
                break;
            }
            let has_news = self.look(event);
            pause = if has_news { SHORTEST } else { (pause * 3 / 2).min(LONGEST) };
            if !has_news {
                thread::sleep(pause);
            }
        }
        for folder in std::mem::take(&mut self.leaving) {
            folder::remove_if_left(&folder, self.memory_root());
        }
    }

    fn memory_root(&self) -> Option<&'c path::Path> {
        Some(&self.jobs.first()?.memory()?.root)
    }

    /// Where the folders are.
    fn place(&self) -> Result<PathBuf, String> {
        let place = match (&self.cluster.folder, self.memory_root()) {
            (Some(folder), _) => folder.clone(),
            (None, Some(root)) => root.join(JOBS),
            (None, None) => {
                return Err(
                    "without a memory, the executor needs a folder that the nodes share: `.folder(path)`"
                        .into(),
                );
            }
        };
        path::absolute(&place).map_err(|error| format!("{}: {error}", place.display()))
    }

    /// Joins or submits jobs; whatever cannot be is answered.
    fn submit(&mut self, jobs: Vec<usize>, event: &mut Event<'_>) {
        let mut left = jobs;
        let submitted = self.place().and_then(|all| {
            let submitted = self.try_submit(&all, &mut left);
            folder::remove_place(&all, self.memory_root());
            submitted
        });
        if let Err(why) = submitted {
            for index in left {
                let _ = event(Some((index, Err(Failure::not_sent(&why)))));
            }
        }
    }

    /// Takes those out of `left` that are under way.
    fn try_submit(&mut self, all: &path::Path, left: &mut Vec<usize>) -> Result<(), String> {
        let arguments = entry::arguments()?;
        let at = |error: io::Error| format!("its job folder in {} cannot be written: {error}", all.display());
        let _lock = folder::lock(all).map_err(at)?;
        self.join(all, left);
        if left.is_empty() {
            return Ok(());
        }
        let jobs: Vec<&Job> = left.iter().map(|&index| &self.jobs[index]).collect();
        let path = all.join(folder::new_name(&jobs));
        let contents = self.contents(&jobs).map_err(at)?;
        let script = script::text(&path, &contents.directory, &self.cluster.setup, &arguments);
        let folder = Folder::create(&path, &contents, &jobs, &script).map_err(at)?;
        let remove = |why: String| {
            folder.remove();
            why
        };
        let caller = folder.enter(CALLERS).map_err(at).map_err(remove)?;
        let contents = folder.contents().map_err(at).map_err(remove)?;
        let contents = contents.ok_or_else(|| remove("its job folder is not as it was written".into()))?;
        let tasks = contents.chunks().div_ceil(self.cluster.cores.max(1)).min(self.cluster.tasks.max(1));
        self.cluster.engine.start(self.cluster, &folder, tasks).map_err(remove)?;
        self.tell(&folder, jobs.len());
        let wanted = left.drain(..).enumerate().collect();
        self.watched.push(Watched::new(&self.cluster.engine, folder, contents, caller, wanted));
        Ok(())
    }

    fn tell(&self, folder: &Folder, jobs: usize) {
        let (name, path) = (name_of(folder), folder.path.display());
        events::info!("{jobs} calls are submitted: {path}");
        if let Engine::Slurm(_) = self.cluster.engine {
            tell::user(&format!(
                "{jobs} calls are submitted to Slurm as {name}; if this program is ended they go on, and it finds them when it \
                 is started again; `scancel --name={name}` cancels them"
            ));
        }
    }

    fn contents(&self, jobs: &[&Job]) -> io::Result<Contents> {
        Ok(Contents {
            digest: worker::code_digest(),
            engine: self.cluster.engine.kind().to_owned(),
            timeout: self.timeout,
            chunk: jobs.len().div_ceil(self.cluster.slots().saturating_mul(CHUNKS)).max(1),
            cores: self.cluster.cores.max(1),
            directory: std::env::current_dir()?,
            memory: jobs.first().and_then(|job| job.memory()).cloned(),
            jobs: Vec::new(),
        })
    }

    /// Joins what this program has submitted before, in this process or another. What has failed there is submitted again.
    fn join(&mut self, all: &path::Path, left: &mut Vec<usize>) {
        let mut by_key: HashMap<Key, usize> =
            left.iter().filter_map(|&index| Some((self.jobs[index].key?, index))).collect();
        let engine = &self.cluster.engine;
        for (folder, contents) in folder::of_this_program(all, engine.kind()) {
            let keys = contents.jobs.iter().enumerate();
            let mut wanted: HashMap<usize, usize> =
                keys.filter_map(|(place, (key, ..))| Some((place, *by_key.get(key.as_ref()?)?))).collect();
            let is_known = self.watched.iter().any(|watched| watched.folder.path == folder.path);
            if wanted.is_empty() || is_known || folder.is_stopped() {
                continue;
            }
            // If nobody can tell, it is waited for.
            if engine.life(&folder) == Ok(Life::Gone) {
                if !folder.has_failed() && folder.is_left() {
                    folder.remove();
                }
                continue;
            }
            let Ok(caller) = folder.enter(CALLERS) else { continue };
            for (place, answer) in ReplyReader::default().read(&folder.replies()) {
                if answer.is_err() {
                    wanted.remove(&place);
                }
            }
            let joined: HashSet<usize> = wanted.values().copied().collect();
            left.retain(|index| !joined.contains(index));
            by_key.retain(|_, index| !joined.contains(index));
            events::info!("{} calls are under way: {}", joined.len(), folder.path.display());
            self.watched.push(Watched::new(engine, folder, contents, caller, wanted));
        }
    }

    /// Looks once at each folder; whether there was anything new.
    fn look(&mut self, event: &mut Event<'_>) -> bool {
        let mut has_news = false;
        let mut index = 0;
        while index < self.watched.len() {
            let watched = &mut self.watched[index];
            let news = watched.take_replies(event);
            has_news |= news;
            if watched.wanted.is_empty() {
                let watched = self.watched.swap_remove(index);
                self.finish(watched);
                continue;
            }
            match watched.check.look(&self.cluster.engine, &watched.folder, news) {
                Verdict::Alive => index += 1,
                Verdict::Gone => {
                    has_news = true;
                    let mut watched = self.watched.swap_remove(index);
                    watched.take_replies(event);
                    self.take_up(watched, event);
                }
                Verdict::Unknown(why) => {
                    has_news = true;
                    let watched = self.watched.swap_remove(index);
                    let path = watched.folder.path.display();
                    let why = format!("nobody tells whether its job lives, {path}: {why}");
                    for &index in watched.wanted.values() {
                        let _ = event(Some((index, Err(Failure::not_sent(&why)))));
                    }
                }
            }
        }
        has_news
    }

    /// Submits again what is not answered in a folder that nobody works at any more.
    fn take_up(&mut self, watched: Watched, event: &mut Event<'_>) {
        let Watched { folder, contents, caller, wanted, .. } = watched;
        if wanted.is_empty() {
            drop(caller);
            return self.remove(folder);
        }
        let claims: HashMap<usize, String> =
            (0..contents.chunks()).filter_map(|chunk| Some((chunk, folder.claimed_by(chunk)?))).collect();
        self.fruitless = if claims.is_empty() { self.fruitless + 1 } else { 0 };
        let path = folder.path.display();
        let hopeless = (self.fruitless >= FRUITLESS).then(|| self.why_nothing_begins(&folder));
        let (mut again, mut has_failed) = (Vec::new(), false);
        for (place, index) in wanted {
            let task = claims.get(&(place / contents.chunk));
            self.lost[index] += u32::from(task.is_some());
            let failure = if self.lost[index] > RESUBMISSIONS {
                let words = folder.last_words(task.map(String::as_str));
                let message =
                    format!("its task ended before it, {} times; {path}: {words}", self.lost[index]);
                Failure::new(TaskErrorKind::Crashed, message)
            } else if let Some(why) = &hopeless {
                Failure::not_sent(why)
            } else {
                again.push(index);
                continue;
            };
            has_failed = true;
            let _ = event(Some((index, Err(failure))));
        }
        drop(caller);
        if has_failed {
            folder.note_failure();
        } else {
            self.remove(folder);
        }
        if !again.is_empty() {
            events::warn!("{} calls are submitted again: the tasks that had them have ended", again.len());
            again.sort_unstable();
            self.submit(again, event);
        }
    }

    fn why_nothing_begins(&self, folder: &Folder) -> String {
        let (fate, words) = (self.cluster.engine.fate(folder), folder.last_words(None));
        let why = if words.is_empty() { "is it on a file system that all nodes share?" } else { &words };
        let path = folder.path.display();
        format!("no task of its job has begun, {path}: {why} {fate}").trim_end().to_owned()
    }

    /// All that is wanted of a folder is there.
    fn finish(&mut self, watched: Watched) {
        let Watched { folder, contents, caller, answered, .. } = watched;
        drop(caller);
        if answered.len() == contents.jobs.len() {
            folder.stop();
            let has_one_task = contents.chunks() <= contents.cores;
            if !has_one_task {
                self.cluster.engine.cancel(&folder, false);
            }
            self.remove(folder);
        }
        // The rest is for somebody else, or for the next run.
    }

    /// Removes a folder, if nobody uses it. Else the last task does it, unless that is killed: it is tried again at the end.
    fn remove(&mut self, folder: Folder) {
        let started = Instant::now();
        while !folder::remove_if_left(&folder, self.memory_root()) {
            if started.elapsed() > LEAVING {
                return self.leaving.push(folder);
            }
            thread::sleep(SHORTEST);
        }
    }

    /// The batch was stopped: nothing more is begun, unless somebody else waits for it.
    fn stop(&mut self) {
        for watched in std::mem::take(&mut self.watched) {
            let Watched { folder, caller, .. } = watched;
            let is_alone = folder::is_alone(&caller);
            drop(caller);
            if is_alone {
                folder.stop();
                self.cluster.engine.cancel(&folder, self.cluster.cancels);
                self.remove(folder);
            }
        }
    }
}

impl Watched {
    /// Nothing of the folder was read yet.
    fn new(
        engine: &Engine,
        folder: Folder,
        contents: Contents,
        caller: File,
        wanted: HashMap<usize, usize>,
    ) -> Self {
        let (reader, answered, check) = (ReplyReader::default(), HashSet::new(), Check::new(engine));
        Watched { folder, contents, caller, reader, wanted, answered, check }
    }

    /// Takes what replies have come; whether one of them was waited for.
    fn take_replies(&mut self, event: &mut Event<'_>) -> bool {
        let mut has_news = false;
        for (place, result) in self.reader.read(&self.folder.replies()) {
            self.answered.insert(place);
            if let Some(index) = self.wanted.remove(&place) {
                has_news = true;
                let _ = event(Some((index, result)));
            }
        }
        has_news
    }
}
