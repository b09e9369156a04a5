//! `cargo xtask torture`: a run killed at random moments must end in the bytes of one that was not.

mod child;
mod compare;
mod phase;
mod random;

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};

use self::{
    child::{Aim, Ended, Launcher},
    phase::Snapshot,
    random::Random,
};
use crate::{
    cir::{self, Backend},
    project,
};

/// What is killed, and how often.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of a built-in recipe, or a TOML file.
    #[arg(long, default_value = "gzs-fonts")]
    recipe: String,
    /// Kills to make, over as many runs as that takes.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Seed of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Training steps of a run.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(8..))]
    steps: u64,
    /// Set a field of the recipe, after those that make it small (can be given several times).
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    sets: Vec<String>,
}

/// Fields that make a recipe small enough to be trained many times.
const SMALL: [(&str, &[&str]); 3] = [
    ("gzs-fonts", &["data.size=16", "model.image_size=16", "model.conv_dim=4", "model.hidden=32"]),
    (
        "elegant-faces",
        &[
            "model.attributes=['smile', 'hat']",
            "model.channels=[4, 8, 8]",
            "model.discriminator=[4, 8]",
            "sampling.batch=2",
            "evaluation.reader_steps=4",
        ],
    ),
    (
        "i2i-sketch-faces",
        &[
            "model.width=2",
            "model.spectral_norm=true",
            "updates.full_every=2",
            "model.content_stages=0",
            "sampling.crop=32",
            "evaluation.reader_steps=4",
        ],
    ),
];

/// Prints a row a kill, then what was compared; whether all was equal.
pub(crate) fn run(args: Args) -> Result<bool> {
    let folder = project::scratch("torture")?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let launcher = Launcher::new(cir::build(Backend::Cpu)?, &folder, &args.recipe, sets(&args));
    println!("$ {}", launcher.line(&folder.join("reference")));
    let reference = folder.join("reference");
    let times = launcher.reference(&reference)?;
    let window = times.start + (times.total - times.start) / 4;
    println!(
        "reference: {:.2} s, of which {:.2} s before the first log line; kills within {:.2} s\n",
        times.total.as_secs_f64(),
        times.start.as_secs_f64(),
        window.as_secs_f64()
    );

    let mut torture = Torture { random: Random::new(args.seed), window, args, kills: 0, torn: 0 };
    println!(
        "{:>4} {:>3} {:<10} {:>8}  {:>8} {:>10}  found",
        "kill", "run", "aim", "after ms", "logged", "checkpoint"
    );
    let (mut runs, mut equal) = (0, true);
    while torture.kills < torture.args.kills || runs == 0 {
        runs += 1;
        let run = folder.join(format!("run-{runs}"));
        torture.until_it_ends(&launcher, &run, runs)?;
        equal &= verdict(&reference, &run)?;
    }
    println!(
        "\n{} kills, {} of them while a file was written, over {runs} runs: {}",
        torture.kills,
        torture.torn,
        if equal { "all ended in the bytes of the reference" } else { "DIFFERENT" }
    );
    Ok(equal)
}

struct Torture {
    args: Args,
    random: Random,
    /// Kills are drawn from the time between the start of a process and this.
    window: Duration,
    kills: u32,
    torn: u32,
}

impl Torture {
    /// Starts a run, and goes on with it after every kill, until it has finished.
    fn until_it_ends(&mut self, launcher: &Launcher, run: &Path, number: u32) -> Result<()> {
        loop {
            let before = Snapshot::of(run);
            let mut child = launcher.go_on(run)?;
            let aim = self.aim(run);
            let ended = child.end(&aim)?;
            let Ended::Killed { after } = ended else { return Ok(()) };
            ensure!(self.kills < self.args.kills, "a process was killed, and not by this program");
            self.kills += 1;
            let found = Snapshot::of(run).since(&before, self.args.steps);
            self.torn += u32::from(found.torn);
            println!(
                "{:>4} {number:>3} {:<10} {:>8.1}  {:>8} {:>10}  {}",
                self.kills,
                aim.name(),
                after.as_secs_f64() * 1e3,
                found.logged,
                found.checkpoint,
                found.what
            );
        }
    }

    /// Half of the kills come at any moment, half when a file appears that is to become the model
    /// or the checkpoint: at once, or a little later, around its sync and its renaming.
    fn aim(&mut self, run: &Path) -> Aim {
        if self.kills >= self.args.kills {
            return Aim::None;
        }
        let delay = self.window.mul_f64(self.random.unit());
        if self.random.unit() < 0.5 {
            return Aim::Moment { delay };
        }
        let name = if self.random.unit() < 0.5 { "model" } else { "checkpoint" };
        let file = run.join(format!(".{name}.safetensors.tmp"));
        let later = if self.random.unit() < 0.5 { 0. } else { 2e-3 * self.random.unit() };
        Aim::Writing { delay, file, later: Duration::from_secs_f64(later) }
    }
}

fn sets(args: &Args) -> Vec<String> {
    let steps = args.steps;
    let every = |part: u64| (steps / part).max(1);
    let mut sets: Vec<_> = SMALL
        .iter()
        .filter(|(recipe, _)| *recipe == args.recipe)
        .flat_map(|(_, sets)| sets.iter().map(|&set| set.to_owned()))
        .collect();
    sets.extend([
        format!("train.steps={steps}"),
        "train.log_every=1".to_owned(),
        format!("train.sample_every={}", every(8)),
        format!("train.evaluate_every={}", every(4)),
        format!("train.checkpoint_every={}", every(40)),
        // What begins in the middle must begin there in a run that goes on, too.
        format!("cir.start={}", every(3)),
    ]);
    sets.extend(args.sets.iter().cloned());
    sets
}

fn verdict(reference: &Path, run: &Path) -> Result<bool> {
    let differences = compare::differences(reference, run)?;
    let name = run.file_name().unwrap_or_default().display();
    for difference in &differences {
        println!("          {name}: {difference}");
    }
    if differences.is_empty() {
        println!(
            "          {name} finished: model, checkpoint, samples and scores equal byte for byte, \
             log equal apart from times"
        );
    }
    Ok(differences.is_empty())
}
