//! The loop: steps, and what happens between them.

use std::{
    fmt::Display,
    fs,
    time::{Duration, Instant},
};

use cir_core::Scalars;

use crate::{
    Algorithm, Checkpoint, Error, Observer, Result, RunDir, StepRecord, StopFlag, TrainConfig,
    png::png, save_checkpoint, save_model, write_atomically,
};

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All steps were made.
    Finished,
    /// It was asked to stop and saved itself after this step.
    Interrupted {
        /// The last step made.
        step: u64,
    },
}

/// Trains from step `done` + 1 to the end, or until `stop` is raised; `batches` gives the batches of
/// these steps in order.
///
/// # Errors
/// When a batch cannot be made (the steps before it are saved then), a loss term is not finite, or a
/// file cannot be written. The last checkpoint is always whole.
pub fn train<A: Algorithm, E: Display>(
    algorithm: &mut A,
    batches: impl IntoIterator<Item = std::result::Result<A::Batch, E>>,
    config: &TrainConfig,
    run: &RunDir,
    done: u64,
    observers: &mut [Box<dyn Observer>],
    stop: &StopFlag,
) -> Result<Outcome> {
    let recipe = fs::read_to_string(run.recipe()).map_err(Error::read(&run.recipe()))?;
    let (since, wait) = (Instant::now(), Duration::ZERO);
    let mut training =
        Training { algorithm, config, run, recipe, observers, since, wait, saved: done };
    let mut batches = batches.into_iter();
    for step in done + 1..=config.steps {
        let batch = training.batch(step, &mut batches)?;
        training.step(step, batch)?;
        training.look(step)?;
        let interrupted = stop.is_raised() && step < config.steps;
        if due(config.checkpoint_every, step) || step == config.steps || interrupted {
            training.save(step)?;
        }
        if interrupted {
            training.tell(|o| o.on_end(step))?;
            return Ok(Outcome::Interrupted { step });
        }
    }
    if done >= config.steps {
        // The run was killed between its last checkpoint and its end.
        save_model(&run.model(), &training.algorithm.model()?)?;
    }
    training.tell(|o| o.on_end(config.steps))?;
    Ok(Outcome::Finished)
}

/// Whether something that is done `every` so many steps, or never, is to be done after `step`.
fn due(every: u64, step: u64) -> bool {
    every > 0 && step.is_multiple_of(every)
}

/// What happens in a step and after it.
struct Training<'a, A> {
    algorithm: &'a mut A,
    config: &'a TrainConfig,
    run: &'a RunDir,
    recipe: String,
    observers: &'a mut [Box<dyn Observer>],
    since: Instant,
    /// Time spent waiting for batches.
    wait: Duration,
    /// The step of the newest checkpoint.
    saved: u64,
}

impl<A: Algorithm> Training<'_, A> {
    fn batch<E: Display>(
        &mut self,
        step: u64,
        batches: &mut impl Iterator<Item = std::result::Result<A::Batch, E>>,
    ) -> Result<A::Batch> {
        let asked = Instant::now();
        let batch = batches.next().map(|batch| batch.map_err(|e| e.to_string()));
        self.wait += asked.elapsed();
        batch.unwrap_or_else(|| Err("there are no more".into())).or_else(|mut what| {
            // The data may be mended: what was trained before is kept for then.
            let made = step - 1;
            if made > self.saved {
                self.save(made)?;
                what += &format!(" (saved after step {made})");
            }
            Err(Error::Batch { step, what })
        })
    }

    fn step(&mut self, step: u64, batch: A::Batch) -> Result<()> {
        let warned = self.algorithm.warning().is_some();
        let scalars = cir_ops::on_pool(|| self.algorithm.step(step, batch))?;
        self.check_finite(step, &scalars)?;
        let record = StepRecord {
            step,
            steps: self.config.steps,
            scalars: &scalars,
            seconds: self.since.elapsed().as_secs_f64(),
            wait_seconds: self.wait.as_secs_f64(),
            logged: due(self.config.log_every, step) || step == self.config.steps,
        };
        self.tell(|o| o.on_step(&record))?;
        match self.algorithm.warning().filter(|_| !warned) {
            Some(warning) => self.tell(|o| o.on_warning(step, &warning)),
            None => Ok(()),
        }
    }

    /// Draws and scores samples when it is time.
    fn look(&mut self, step: u64) -> Result<()> {
        if due(self.config.sample_every, step)
            && let Some(image) = self.algorithm.sample(step)?
        {
            let path = self.run.sample(step);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::write(folder))?;
            }
            write_atomically(&path, |at| fs::write(at, png(&image)?))?;
            self.tell(|o| o.on_sample(step, &image))?;
        }
        if due(self.config.evaluate_every, step) {
            let scores = self.algorithm.evaluate(step)?;
            self.tell(|o| o.on_evaluation(step, &scores))?;
        }
        Ok(())
    }

    /// The model first: whoever finds the checkpoint of a step finds its model too.
    fn save(&mut self, step: u64) -> Result<()> {
        let path = self.run.checkpoint();
        self.tell(|o| o.on_checkpoint(step, &path))?;
        save_model(&self.run.model(), &self.algorithm.model()?)?;
        let (recipe, state) = (self.recipe.clone(), self.algorithm.state());
        save_checkpoint(&path, &Checkpoint { step, recipe, state })?;
        self.saved = step;
        Ok(())
    }

    fn tell(&mut self, show: impl FnMut(&mut Box<dyn Observer>) -> Result<()>) -> Result<()> {
        self.observers.iter_mut().try_for_each(show)
    }

    fn check_finite(&self, step: u64, scalars: &Scalars) -> Result<()> {
        let Some((term, value)) = scalars.iter().find(|(_, value)| !value.is_finite()) else {
            return Ok(());
        };
        let last_good = match self.saved {
            0 => "there is no checkpoint yet".to_owned(),
            saved => {
                let path = self.run.checkpoint();
                format!("the last good checkpoint is {} of step {saved}", path.display())
            }
        };
        Err(Error::NotFinite { step, term: term.clone(), value: *value, last_good })
    }
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
