//! Progress of a whole study on standard error: a bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressFinish, ProgressStyle};

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(60);

/// Steps made and to be made.
pub(super) struct Watch {
    bar: Option<ProgressBar>,
    total: u64,
    /// When this process began, and the steps that had been made by then.
    begun: (Instant, u64),
    shown: Instant,
}

impl Watch {
    /// Of `total` steps of which `done` are made.
    pub(super) fn new(total: u64, done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_finish(ProgressFinish::Abandon);
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent}%  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, total, begun: (Instant::now(), done), shown: Instant::now() }
    }

    /// Shows a line that stays.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Shows how far the study is: steps made, and runs in words.
    pub(super) fn show(&mut self, done: u64, runs: &str) {
        let message = format!("{runs}, {}", self.left(done));
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(message);
            }
            None if self.shown.elapsed() >= PLAIN_EVERY => {
                self.shown = Instant::now();
                eprintln!("{:.0} %  {message}", 100. * done as f64 / self.total.max(1) as f64);
            }
            None => {}
        }
    }

    /// The time left, from what this process has seen.
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
