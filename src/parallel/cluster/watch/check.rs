//! Asks from time to time whether anybody is left who could reply; on a thread of its own, as an answer may take its time.

use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use crate::parallel::cluster::Engine;
use crate::parallel::cluster::engine::{Life, name_of};
use crate::parallel::cluster::folder::Folder;
use crate::tell;

/// How long somebody who cannot tell is asked.
const PATIENCE: Duration = Duration::from_mins(10);

/// How long replies of a task that has ended may be on their way.
const GRACE: Duration = Duration::from_secs(1);

/// How long tasks may be about to end: as a rule they are killed after half a minute.
const ENDING: Duration = Duration::from_secs(90);

/// A job that has waited so long is told of, with the reason.
const LONG: Duration = Duration::from_secs(30);

/// The longest time between two questions; a controller has many to answer.
const SELDOM: Duration = Duration::from_secs(10);

/// What is known of the tasks of a folder.
#[derive(Debug)]
pub(super) enum Verdict {
    Alive,
    Gone,
    /// Nobody could tell for too long, for this reason.
    Unknown(String),
}

#[derive(Debug)]
pub(super) struct Check {
    /// When it is asked again, and after how long then.
    due: Instant,
    step: Duration,
    asked: Option<Receiver<Result<Life, String>>>,
    /// Since when it is known that nobody is left.
    gone: Option<Instant>,
    /// Since when nobody could tell.
    away: Option<Instant>,
    /// Since when the last tasks are about to end.
    ends: Option<Instant>,
    /// When the first task is told to be late; `None` if it was.
    late: Option<Instant>,
}

impl Check {
    pub(super) fn new(engine: &Engine) -> Self {
        let step = match engine {
            Engine::Slurm(_) => Duration::from_secs(1),
            Engine::Launcher(_) => Duration::from_millis(200),
        };
        let now = Instant::now();
        let late = Some(now + LONG);
        Check { due: now + step, step, asked: None, gone: None, away: None, ends: None, late }
    }

    pub(super) fn look(&mut self, engine: &Engine, folder: &Folder, has_news: bool) -> Verdict {
        if has_news && self.asked.is_none() {
            self.due = Instant::now() + self.step;
            self.gone = None;
        }
        if self.gone.is_some_and(|gone| gone.elapsed() >= GRACE) {
            return Verdict::Gone;
        }
        match self.answer() {
            Some(Ok(life)) => {
                self.away = None;
                self.note(&life, folder);
            }
            Some(Err(why)) if self.away.get_or_insert_with(Instant::now).elapsed() > PATIENCE => {
                return Verdict::Unknown(why);
            }
            None | Some(Err(_)) => {}
        }
        if self.asked.is_none() && self.gone.is_none() && Instant::now() >= self.due {
            self.ask(engine.clone(), folder.clone());
        }
        Verdict::Alive
    }

    fn note(&mut self, life: &Life, folder: &Folder) {
        let since = |before: Option<Instant>| Some(before.unwrap_or_else(Instant::now));
        self.ends = if *life == Life::Ends { since(self.ends) } else { None };
        let is_stuck = self.ends.is_some_and(|ends| ends.elapsed() > ENDING);
        self.gone = if *life == Life::Gone || is_stuck { since(self.gone) } else { None };
        match life {
            Life::Waits(reason) if self.late.is_some_and(|late| late <= Instant::now()) => {
                self.late = None;
                let name = name_of(folder);
                tell::user(&format!("no task of {name} has begun yet; Slurm says why: {reason}"));
            }
            Life::Waits(_) => {}
            Life::Runs | Life::Ends | Life::Gone => self.late = None,
        }
    }

    fn ask(&mut self, engine: Engine, folder: Folder) {
        let (tell, answer) = mpsc::channel();
        let ask = move || drop(tell.send(engine.life(&folder)));
        if thread::Builder::new().name("rememo-check".into()).spawn(ask).is_ok() {
            self.asked = Some(answer);
        }
        self.step = (self.step * 3 / 2).min(SELDOM);
        self.due = Instant::now() + self.step;
    }

    fn answer(&mut self) -> Option<Result<Life, String>> {
        let answer = match self.asked.as_ref()?.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("its thread has ended".to_owned()),
        };
        self.asked = None;
        Some(answer)
    }
}
