//! How far something is, on standard error: a bar on a terminal, plain lines elsewhere.

#![allow(clippy::print_stderr, reason = "standard error is where progress is shown")]

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressFinish, ProgressStyle};

/// How many of so many steps are made.
#[derive(Debug)]
pub struct ProgressLine {
    bar: Option<ProgressBar>,
    total: u64,
    /// Between two plain lines, and when the last was.
    every: Duration,
    shown: Option<Instant>,
    /// Since when, and after how many steps, time is taken.
    begun: (Instant, u64),
}

impl ProgressLine {
    /// Of `total` steps of which `done` are made; plain lines are `every` apart.
    pub fn new(total: u64, done: u64, every: Duration) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // What fails leaves the bar where it was.
            let bar =
                ProgressBar::new(total).with_position(done).with_finish(ProgressFinish::Abandon);
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent} %  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, total, every, shown: None, begun: (Instant::now(), done) }
    }

    /// Shows a line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Shows that `done` steps are made, with a message and the time left.
    pub fn show(&mut self, done: u64, message: &str) {
        let message = format!("{message}, {}", self.left(done));
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(message);
        } else if self.shown.is_none_or(|then| then.elapsed() >= self.every) {
            self.shown = Some(Instant::now());
            eprintln!("{} %  {message}", 100 * done / self.total.max(1));
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The time left, from what was seen since the beginning.
    fn left(&self, done: u64) -> String {
        let (since, before) = self.begun;
        let made = done.saturating_sub(before);
        if made == 0 {
            return "time left not known yet".into();
        }
        let left = self.total.saturating_sub(done) as f64 / made as f64;
        let left = since.elapsed().mul_f64(left.min(1e6));
        format!("about {} left", HumanDuration(left))
    }
}
