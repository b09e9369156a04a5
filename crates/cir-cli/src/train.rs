//! `cir train`: from a recipe to a run folder with model, scores and report.

use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use cir_data::DataSet;
use cir_train::{
    MetricsLog, Observer, Outcome, Progress, RunDir, RunFiles, StopFlag, TensorBoard, write_json,
};

use crate::{
    algorithms::Training,
    backend, eval, invoked,
    recipe::{DEFAULT, Recipe},
    report,
    scores::Scores,
    seen::Seen,
    usage::{Interrupted, usage},
};

/// Arguments of `cir train`.
#[derive(clap::Args)]
#[command(after_help = STOPPING)]
pub(crate) struct Args {
    /// Name of a built-in recipe, or a TOML file.
    #[arg(default_value = DEFAULT)]
    recipe: String,
    /// Set a field of the recipe, such as train.steps=100 (can be given several times).
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    sets: Vec<String>,
    /// Run folder to make [default: runs/NAME].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Replace a run folder that exists.
    #[arg(long)]
    force: bool,
    /// Go on with the run in this folder, to the same bytes as if it had never stopped: with the recipe
    /// in it, so that nothing can be set.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "out", "force"])]
    resume: Option<PathBuf>,
}

const STOPPING: &str = "\
Ctrl-C (or SIGTERM) saves after the current step, says how to go on and ends with exit code 130;
a second one ends at once.";

/// Trains; on ctrl-C saves and says how to go on.
pub(crate) fn run(args: Args) -> Result<()> {
    let since = Instant::now();
    if let (Some(run), [_, ..]) = (&args.resume, &args.sets[..]) {
        let recipe = RunFiles::of(run).recipe().display().to_string();
        return Err(usage(format!(
            "--set with --resume: a resumed run ends in the same bytes as one that never stopped, so \
             its recipe stays as it is; allowed: a new run, `{}`",
            invoked::command(&["train", &recipe, "--set", "…", "--out", "NEW"])
        )));
    }
    // Everything is checked before a folder is made; one that is gone on with is held from here on.
    let begun = args.resume.as_deref().map(RunDir::open).transpose()?;
    let recipe = match &begun {
        None => Recipe::open(&args.recipe, &args.sets)?,
        Some(run) => Recipe::stored(run)?,
    };
    let data = Arc::new(recipe.data.open()?);
    let device = backend::device().context("the backend's device")?;
    let (steps, seed) = (recipe.train.steps, recipe.train.seed);
    let mut training = recipe.algorithm.begin(&data, steps, seed, &device)?;
    let (run, done) = match begun {
        None => {
            let folder = args.out.unwrap_or_else(|| PathBuf::from("runs").join(&recipe.head.name));
            let run = RunDir::create(&folder, &recipe.to_toml()?, args.force)?;
            Seen::keep(&data, &run)?;
            (run, 0)
        }
        Some(run) => {
            Seen::check(&data, &run)?;
            let done = resume(&run, &recipe, &mut *training)?;
            (run, done)
        }
    };
    announce(&recipe, &data, &run, done);

    let mut observers: Vec<Box<dyn Observer>> = vec![
        Box::new(Progress::new(steps, done)),
        Box::new(MetricsLog::open(&run.log(), done)?),
        Box::new(TensorBoard::open(&run.events(), done)?),
    ];
    let stop = StopFlag::on_signals()?;
    let outcome = training.train(&recipe.train, &run, done, &mut observers, &stop)?;
    let folder = run.path().display().to_string();
    let interrupted = match outcome {
        Outcome::Interrupted { step } => Some(step),
        Outcome::Finished => stop.is_raised().then_some(steps),
    };
    if let Some(step) = interrupted {
        return Err(Interrupted(go_on(&run, step, steps)).into());
    }
    // All is saved: asked to end from here on, the process ends at once, and `--resume` only scores.
    stop.raise();
    eprintln!("scoring {} {} cases", eval::COUNT, data.split.scored().1);
    let scores = training.model().evaluate(&recipe, &data, eval::COUNT)?;
    write_json(&run.metrics(), &Scores::numbers(&scores))?;
    report::write(&recipe, &data, training.model(), &scores, &run)?;
    let own = scores.iter().filter(|scores| scores.name.is_empty());
    own.for_each(|own| print!("{}", own.table("; those while it trained are of a sample")));
    println!("model, scores and report in {folder}; took {:.0} s", since.elapsed().as_secs_f64());
    println!("look at {}, and for pictures to try it on, run", run.report().display());
    let render = ["data", "render", &folder, "--count", "20", "--out", "pictures"];
    println!("{}", invoked::command(&render));
    Ok(())
}

/// What to say of a run that has made only some of its steps.
pub(crate) fn go_on(run: &RunFiles, step: u64, steps: u64) -> String {
    let folder = run.path().display().to_string();
    let command = invoked::command(&["train", "--resume", &folder]);
    format!("saved after step {step} of {steps}; go on with: {command}")
}

/// The steps that a run has made; `training` continues from its checkpoint.
fn resume(run: &RunDir, recipe: &Recipe, training: &mut dyn Training) -> Result<u64> {
    let Some(checkpoint) = recipe.checkpoint(run)? else {
        // Stopped before the first checkpoint: the whole run is still to come.
        eprintln!("found no checkpoint in {}: beginning at step 1", run.path().display());
        return Ok(0);
    };
    let place = run.checkpoint();
    training.restore(checkpoint.state).with_context(|| place.display().to_string())?;
    Ok(checkpoint.step)
}

fn announce(recipe: &Recipe, data: &DataSet, run: &RunDir, done: u64) {
    let (train, held_out) = (data.split.train.len(), data.split.held_out.len());
    eprintln!(
        "{}: {} at {} px with {train} training images, {held_out} held out; on {} into {}",
        recipe.head.name,
        data.name,
        data.size,
        backend::name(),
        run.path().display()
    );
    let left_out = data.source.left_out();
    if left_out > 0 {
        eprintln!("pictures left out, as the card's unmatched = \"skip\" allows: {left_out}");
    }
    let cir = recipe.algorithm.cir();
    if cir.is_idle(recipe.train.steps) {
        let (start, steps) = (cir.start, recipe.train.steps);
        eprintln!(
            "warning: the CIR term never takes part: cir.lambda is {}, but cir.start {start} and \
             train.steps {steps}",
            cir.lambda
        );
    }
    if done == recipe.train.steps {
        eprintln!("all {done} steps are made");
    } else if done > 0 {
        eprintln!("going on after step {done}");
    }
}
