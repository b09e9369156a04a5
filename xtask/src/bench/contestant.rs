//! A program that does a piece of work each time it is asked to, and says how long it took.
//!
//! It is stopped by a signal while it is not asked: worker threads that wait in busy loops for the next
//! piece, as PyTorch's and candle's do, would take the processors from the other one.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What one piece of work took.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Seconds.
    pub(super) wall: f64,
    /// Seconds of all threads.
    pub(super) cpu: f64,
    /// Multiplications, or bytes moved.
    pub(super) amount: Option<f64>,
    /// Bytes that the process held at most.
    pub(super) peak: Option<f64>,
    /// Which of its ways the contestant took.
    pub(super) variant: Option<String>,
}

/// A running program; it ends with this value.
pub(super) struct Contestant {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Contestant {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().with_context(|| crate::shell::line(command))?;
        let stdout = child.stdout.take().context("a contestant without output")?;
        Ok(Self { stdin: child.stdin.take(), stdout: BufReader::new(stdout), child })
    }

    /// Lets it run, or stops it, where the system can.
    fn let_run(&self, run: bool) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process};
            let signal = if run { Signal::CONT } else { Signal::STOP };
            if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                // One that has ended takes none, which its missing answer will say.
                let _ = kill_process(pid, signal);
            }
        }
        #[cfg(not(unix))]
        let _ = run;
    }

    /// Has the work called `line` done for a turn.
    pub(super) fn ask(&mut self, line: &str) -> Result<Answer> {
        self.let_run(true);
        let stdin = self.stdin.as_mut().context("a contestant without input")?;
        writeln!(stdin, "{line}")?;
        stdin.flush()?;
        let mut answer = String::new();
        if self.stdout.read_line(&mut answer)? == 0 {
            bail!("{line}: the contestant stopped without an answer");
        }
        self.let_run(false);
        let answer: Value = serde_json::from_str(&answer).with_context(|| answer.clone())?;
        let number = |name: &str| answer[name].as_f64();
        Ok(Answer {
            wall: number("wall").context("no wall time in the answer")?,
            cpu: number("cpu").context("no CPU time in the answer")?,
            amount: number("amount"),
            peak: number("peak"),
            variant: answer["variant"].as_str().map(str::to_owned),
        })
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // Without input it ends by itself.
        drop(self.stdin.take());
        self.let_run(true);
        let _ = self.child.wait();
    }
}
