//! One process that trains: started, watched, killed.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::shell;

/// What SIGKILL is to a process that ended.
const SIGKILL: i32 = 9;

/// How often a process or its folder is looked at: shorter than the writing of a small file.
const LOOK: Duration = Duration::from_micros(20);

/// Starts runs of one recipe.
pub(super) struct Launcher {
    binary: PathBuf,
    recipe: String,
    sets: Vec<String>,
    /// What the processes say.
    said: PathBuf,
}

/// How long an uninterrupted run took.
pub(super) struct Times {
    /// Until its first log line.
    pub(super) start: Duration,
    /// Until its end.
    pub(super) total: Duration,
}

/// When to kill.
pub(super) enum Aim {
    /// Not at all.
    None,
    /// After `delay`.
    Moment { delay: Duration },
    /// When, after `delay`, `file` appears, and `later` has passed.
    Writing { delay: Duration, file: PathBuf, later: Duration },
}

/// How a process ended.
pub(super) enum Ended {
    /// By itself, with success.
    Finished,
    /// By SIGKILL, so long after its start.
    Killed { after: Duration },
}

/// A process that trains.
pub(super) struct Process {
    child: Child,
    started: Instant,
    said: PathBuf,
}

impl Launcher {
    /// For runs inside `folder`.
    pub(super) fn new(binary: PathBuf, folder: &Path, recipe: &str, sets: Vec<String>) -> Self {
        Self { binary, recipe: recipe.into(), sets, said: folder.join("output.txt") }
    }

    /// The command line that starts a run.
    pub(super) fn line(&self, run: &Path) -> String {
        shell::line(&self.start(run))
    }

    /// Trains without interruption.
    pub(super) fn reference(&self, run: &Path) -> Result<Times> {
        let mut process = self.spawn(self.start(run))?;
        let log = run.join("metrics.jsonl");
        let logged = || fs::metadata(&log).is_ok_and(|data| data.len() > 0);
        let mut status = None;
        while status.is_none() && !logged() {
            sleep(LOOK);
            status = process.child.try_wait()?;
        }
        let start = process.started.elapsed();
        process.end(&Aim::None)?;
        Ok(Times { start, total: process.started.elapsed() })
    }

    /// Goes on with the run in `run`, or starts it, when it was killed before it had a recipe.
    pub(super) fn go_on(&self, run: &Path) -> Result<Process> {
        if !run.join("recipe.toml").exists() {
            return self.spawn(self.start(run));
        }
        let mut command = Command::new(&self.binary);
        command.args(["train", "--resume"]).arg(run);
        self.spawn(command)
    }

    fn start(&self, run: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["train", &self.recipe, "--out"]).arg(run);
        command.args(self.sets.iter().flat_map(|set| ["--set", set]));
        command
    }

    fn spawn(&self, mut command: Command) -> Result<Process> {
        let place = || self.said.display().to_string();
        let open = || OpenOptions::new().create(true).append(true).open(&self.said);
        let output: [File; 2] = [open().with_context(place)?, open().with_context(place)?];
        let [out, error] = output;
        let child = command.stdout(out).stderr(error).spawn();
        let child = child.with_context(|| shell::line(&command))?;
        Ok(Process { child, started: Instant::now(), said: self.said.clone() })
    }
}

impl Process {
    /// Waits until the process ends: by itself, or killed as `aim` says.
    pub(super) fn end(&mut self, aim: &Aim) -> Result<Ended> {
        match aim {
            Aim::None => {}
            Aim::Moment { delay } => self.pass(|process| process.started.elapsed() >= *delay)?,
            Aim::Writing { delay, file, later } => {
                self.pass(|process| process.started.elapsed() >= *delay && file.exists())?;
                sleep(*later);
            }
        }
        let after = self.started.elapsed();
        if !matches!(aim, Aim::None) {
            // A process that has just ended is not an error here.
            self.child.kill().context("kill")?;
        }
        self.ended(after)
    }

    /// Returns when `until` holds, or the process has ended.
    fn pass(&mut self, until: impl Fn(&Self) -> bool) -> Result<()> {
        while !until(self) && self.child.try_wait()?.is_none() {
            sleep(LOOK);
        }
        Ok(())
    }

    fn ended(&mut self, after: Duration) -> Result<Ended> {
        let status: ExitStatus = self.child.wait()?;
        if status.success() {
            return Ok(Ended::Finished);
        }
        if status.signal() == Some(SIGKILL) {
            return Ok(Ended::Killed { after });
        }
        let said = fs::read_to_string(&self.said).unwrap_or_default();
        let last: Vec<_> = said.lines().rev().take(5).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        bail!("cir ended with {status}; it said:\n{}", last.join("\n"))
    }
}

impl Aim {
    /// For a table.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Moment { .. } => "any moment",
            Self::Writing { .. } => "writing",
        }
    }
}
