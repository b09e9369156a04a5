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
    let due = |every: u64, step: u64| every > 0 && step.is_multiple_of(every);
    let since = Instant::now();
    let mut wait = Duration::ZERO;
    let mut batches = batches.into_iter();
    let mut saved = done;
    for step in done + 1..=config.steps {
        let asked = Instant::now();
        let batch = batches.next().map(|batch| batch.map_err(|e| e.to_string()));
        let batch = match batch.unwrap_or_else(|| Err("there are no more".into())) {
            Ok(batch) => batch,
            Err(mut what) => {
                // The data may be mended: what was trained before is kept for then.
                let made = step - 1;
                if made > saved {
                    each(observers, |o| o.on_checkpoint(made, &run.checkpoint()))?;
                    save(algorithm, made, &recipe, run)?;
                    what += &format!(" (saved after step {made})");
                }
                return Err(Error::Batch { step, what });
            }
        };
        wait += asked.elapsed();
        let warned = algorithm.warning().is_some();
        let scalars = cir_ops::on_pool(|| algorithm.step(step, batch))?;
        check_finite(step, &scalars, run, saved)?;
        let record = StepRecord {
            step,
            steps: config.steps,
            scalars: &scalars,
            seconds: since.elapsed().as_secs_f64(),
            wait_seconds: wait.as_secs_f64(),
            logged: due(config.log_every, step) || step == config.steps,
        };
        each(observers, |o| o.on_step(&record))?;
        if let Some(warning) = algorithm.warning().filter(|_| !warned) {
            each(observers, |o| o.on_warning(step, &warning))?;
        }
        if due(config.sample_every, step)
            && let Some(image) = algorithm.sample(step)?
        {
            let path = run.sample(step);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::write(folder))?;
            }
            write_atomically(&path, |at| fs::write(at, png(&image)?))?;
            each(observers, |o| o.on_sample(step, &image))?;
        }
        if due(config.evaluate_every, step) {
            let scores = algorithm.evaluate(step)?;
            each(observers, |o| o.on_evaluation(step, &scores))?;
        }
        let interrupted = stop.is_raised() && step < config.steps;
        if due(config.checkpoint_every, step) || step == config.steps || interrupted {
            each(observers, |o| o.on_checkpoint(step, &run.checkpoint()))?;
            save(algorithm, step, &recipe, run)?;
            saved = step;
        }
        if interrupted {
            each(observers, |o| o.on_end(step))?;
            return Ok(Outcome::Interrupted { step });
        }
    }
    if done >= config.steps {
        // The run was killed between its last checkpoint and its end.
        save_model(&run.model(), &algorithm.model()?)?;
    }
    each(observers, |o| o.on_end(config.steps))?;
    Ok(Outcome::Finished)
}

fn each(
    observers: &mut [Box<dyn Observer>],
    mut show: impl FnMut(&mut Box<dyn Observer>) -> Result<()>,
) -> Result<()> {
    observers.iter_mut().try_for_each(&mut show)
}

/// The model first: whoever finds the checkpoint of a step finds its model too.
fn save(algorithm: &impl Algorithm, step: u64, recipe: &str, run: &RunDir) -> Result<()> {
    save_model(&run.model(), &algorithm.model()?)?;
    let checkpoint = Checkpoint { step, recipe: recipe.into(), state: algorithm.state() };
    save_checkpoint(&run.checkpoint(), &checkpoint)
}

fn check_finite(step: u64, scalars: &Scalars, run: &RunDir, saved: u64) -> Result<()> {
    match scalars.iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((term, value)) => {
            let last_good = match saved {
                0 => "there is no checkpoint yet".to_owned(),
                saved => {
                    format!(
                        "the last good checkpoint is {} of step {saved}",
                        run.checkpoint().display()
                    )
                }
            };
            Err(Error::NotFinite { step, term: term.clone(), value: *value, last_good })
        }
    }
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
