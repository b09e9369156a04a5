//! A training's progress on standard error.

use std::time::Duration;

use cir_core::Scalars;

use crate::{Observer, ProgressLine, Result, StepRecord};

/// Shows steps a second, loss and time left.
#[derive(Debug)]
pub struct Progress {
    line: ProgressLine,
    /// The step before the first that was seen.
    first: Option<u64>,
}

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// For a training of `steps` steps of which `done` are made.
    pub fn new(steps: u64, done: u64) -> Self {
        Self { line: ProgressLine::new(steps, done, PLAIN_EVERY), first: None }
    }
}

impl Observer for Progress {
    fn on_step(&mut self, record: &StepRecord) -> Result<()> {
        let first = *self.first.get_or_insert(record.step - 1);
        let rate = (record.step - first) as f64 / record.seconds.max(1e-9);
        let totals = record.scalars.iter().filter(|(name, _)| name.starts_with("total"));
        let loss: String = totals.map(|(name, x)| format!("{name} {x:.4}  ")).collect();
        let StepRecord { step, steps, .. } = record;
        self.line.show(*step, &format!("step {step}/{steps}  {loss}{rate:.1} steps/s"));
        Ok(())
    }

    fn on_warning(&mut self, step: u64, warning: &str) -> Result<()> {
        self.line.say(&format!("step {step}  warning: {warning}"));
        Ok(())
    }

    fn on_evaluation(&mut self, step: u64, scores: &Scalars) -> Result<()> {
        let scores: Vec<_> = scores.iter().map(|(name, x)| format!("{name} {x:.3}")).collect();
        self.line.say(&format!("step {step}  scores of a sample: {}", scores.join("  ")));
        Ok(())
    }

    fn on_end(&mut self, _step: u64) -> Result<()> {
        self.line.clear();
        Ok(())
    }
}
