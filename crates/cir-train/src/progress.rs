//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

#![allow(clippy::print_stderr, reason = "showing progress is what this observer is for")]

use std::{io::IsTerminal, time::Duration};

use cir_core::Scalars;
use indicatif::{HumanDuration, ProgressBar, ProgressFinish, ProgressStyle};

use crate::{Observer, Result, StepRecord};

/// Shows steps a second, loss and time left.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    first: Option<(u64, f64)>,
    shown: f64,
}

/// Seconds between two plain lines.
const PLAIN_EVERY: f64 = 10.;

impl Progress {
    /// For a training of `steps` steps of which `done` are made.
    pub fn new(steps: u64, done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // A training that fails leaves the bar where it was.
            let bar =
                ProgressBar::new(steps).with_position(done).with_finish(ProgressFinish::Abandon);
            let template = "{wide_bar} {pos}/{len}  {msg}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, first: None, shown: f64::NEG_INFINITY }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }
}

impl Observer for Progress {
    fn on_step(&mut self, record: &StepRecord) -> Result<()> {
        let (first, since) = *self.first.get_or_insert((record.step - 1, 0.));
        let seconds = (record.seconds - since).max(1e-9);
        let rate = (record.step - first) as f64 / seconds;
        let totals = record.scalars.iter().filter(|(name, _)| name.starts_with("total"));
        let loss: Vec<_> = totals.map(|(name, x)| format!("{name} {x:.4}")).collect();
        let message = format!("{}  {rate:.1} steps/s", loss.join("  "));
        if let Some(bar) = &self.bar {
            bar.set_position(record.step);
            bar.set_message(message);
        } else if record.seconds - self.shown >= PLAIN_EVERY || record.step == record.steps {
            self.shown = record.seconds;
            let left = (record.steps - record.step) as f64 / rate;
            let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
            let left = HumanDuration(left);
            eprintln!("step {}/{}  {message}  {left} left", record.step, record.steps);
        }
        Ok(())
    }

    fn on_warning(&mut self, step: u64, warning: &str) -> Result<()> {
        self.say(&format!("step {step}  warning: {warning}"));
        Ok(())
    }

    fn on_evaluation(&mut self, step: u64, scores: &Scalars) -> Result<()> {
        let scores: Vec<_> = scores.iter().map(|(name, x)| format!("{name} {x:.3}")).collect();
        self.say(&format!("step {step}  scores of a sample: {}", scores.join("  ")));
        Ok(())
    }

    fn on_end(&mut self, _step: u64) -> Result<()> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }
}
