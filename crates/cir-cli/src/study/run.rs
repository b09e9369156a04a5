//! One run of a study: a training and its scores, in processes of their own.

use std::{
    fs::{self, OpenOptions},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cir_train::{RunFiles, StopFlag, write_text};
use serde_json::Value;

use crate::leash::Leash;

/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(50);

/// Where a run is, and what it is of.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// The setting's recipe.
    pub(super) recipe: PathBuf,
    /// What the run writes; its log is beside its folder.
    pub(super) files: RunFiles,
    pub(super) seed: u64,
    /// Cases to score.
    pub(super) count: u32,
}

impl Run {
    /// Trains and scores on so many threads, or goes on with either; none where `stop` was raised.
    pub(super) fn go(&self, threads: usize, stop: &StopFlag) -> Result<Option<Value>> {
        if let Some(runs) = self.files.path().parent() {
            fs::create_dir_all(runs).with_context(|| runs.display().to_string())?;
        }
        if !self.scores().is_file() {
            // The report is the last that a training writes.
            if !self.files.report().is_file() && self.ended(self.train(threads), stop)?.is_none() {
                return Ok(None);
            }
            let count = self.count.to_string();
            let mut eval = cir(threads);
            eval.arg("eval").arg(self.files.path()).args(["--json", "--count", &count]);
            let Some(printed) = self.ended(eval, stop)? else { return Ok(None) };
            write_text(&self.scores(), &printed)?;
        }
        let place = self.scores();
        let text = fs::read_to_string(&place).with_context(|| place.display().to_string())?;
        Ok(Some(serde_json::from_str(&text).with_context(|| place.display().to_string())?))
    }

    /// What `cir eval` printed.
    pub(super) fn scores(&self) -> PathBuf {
        self.files.path().join(format!("eval-{}.json", self.count))
    }

    /// What its processes said.
    pub(super) fn log(&self) -> PathBuf {
        self.files.path().with_added_extension("log")
    }

    /// Steps that are in its log, and the seconds that they took.
    pub(super) fn progress(&self) -> (u64, f64) {
        let text = fs::read_to_string(self.files.log()).unwrap_or_default();
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some((line.get("step")?.as_u64()?, line.get("seconds")?.as_f64()?))
        };
        text.lines().rev().find_map(line).unwrap_or((0, 0.))
    }

    fn train(&self, threads: usize) -> Command {
        let mut command = cir(threads);
        command.arg("train");
        if self.files.begun() {
            command.arg("--resume").arg(self.files.path());
        } else {
            let seed = format!("train.seed={}", self.seed);
            command.arg(&self.recipe).args(["--set", &seed]).arg("--out").arg(self.files.path());
        }
        command
    }

    /// What a process printed; none where `stop` was raised before it ended.
    fn ended(&self, mut command: Command, stop: &StopFlag) -> Result<Option<String>> {
        let path = self.log();
        let log = OpenOptions::new().create(true).append(true).open(&path);
        command.stderr(log.with_context(|| path.display().to_string())?).stdout(Stdio::piped());
        let (mut child, mut leash) = Leash::spawn(&mut command).context("starting a run")?;
        let printed = child.stdout.take();
        let printed = thread::spawn(|| printed.map(std::io::read_to_string).transpose());
        let status: ExitStatus = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if stop.is_raised() {
                leash.ask();
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(LOOK);
        };
        if stop.is_raised() {
            return Ok(None);
        }
        let said = || {
            let said = fs::read_to_string(&path).unwrap_or_default();
            let last: Vec<_> = said.lines().rev().take(3).collect();
            last.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        ensure!(status.success(), "ended with {status}; {} says:\n{}", path.display(), said());
        let printed = printed.join().ok().context("what a run printed")??;
        Ok(Some(printed.unwrap_or_default()))
    }
}

fn cir(threads: usize) -> Command {
    // Where the system does not say, the search path does.
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "cir".into()));
    command.env("RAYON_NUM_THREADS", threads.to_string());
    command
}
