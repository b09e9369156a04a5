//! The default recipe shortened to a few steps, from training to every use of its model.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::Count;
use crate::{
    cir::{self, Backend},
    project, shell,
};

/// Short, but with every kind of event in it.
const SHORTER: [&str; 6] = [
    "train.steps=40",
    "train.log_every=5",
    "train.sample_every=20",
    "train.evaluate_every=20",
    "train.checkpoint_every=20",
    "cir.start=10",
];

/// What a run folder holds in the end.
const FILES: [&str; 8] = [
    "recipe.toml",
    "model.safetensors",
    "checkpoint.safetensors",
    "metrics.jsonl",
    "metrics.json",
    "report.html",
    "events",
    "samples",
];

/// Names a Python that has `tensorboard`, `safetensors` and `numpy`; `.ci/run` makes one.
const PYTHON: &str = "CIR_CI_PYTHON";

/// Trains and uses a model in a folder of its own, emptied first.
pub(super) fn run() -> Result<Count> {
    let folder = project::scratch("ci")?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let steps = Steps { binary: cir::build(Backend::Cpu)?, folder };

    let mut train = vec!["train", "gzs-fonts", "--out", "run"];
    train.extend(SHORTER.iter().flat_map(|set| ["--set", set]));
    steps.cir(&train)?;
    for name in FILES {
        ensure!(steps.folder.join("run").join(name).exists(), "the run folder lacks {name}");
    }
    steps.cir(&["train", "--resume", "run"])?;
    steps.cir(&["eval", "run", "--count", "64"])?;
    steps.cir(&["info", "run"])?;
    steps.cir(&["info", "run/checkpoint.safetensors"])?;
    steps.cir(&["data", "list"])?;
    steps.cir(&["data", "render", "fonts", "--size", "32", "--count", "2", "--out", "pictures"])?;
    let [a, b] = &pictures(&steps.folder.join("pictures"))?;
    steps.cir(&["swap", "run", a, b, "--block", "letter", "--out", "swap.png"])?;
    let beyond = ["--from", "-0.5", "--to", "1.5", "--out", "interpolate.png"];
    steps.cir(&[&["interpolate", "run", a, b, "--block", "size"], &beyond[..]].concat())?;
    let letter = format!("letter={a}");
    let values = ["size=large", "font_colour=red", "back_colour=blue", "font=sans"];
    let out = ["--out", "synthesise.png"];
    steps.cir(&[&["synthesise", "run", &letter], &values[..], &out].concat())?;
    steps.cir(&["encode", "run", a, b, "--out", "latents.npy"])?;
    for name in ["swap.png", "interpolate.png", "synthesise.png", "latents.npy"] {
        ensure!(steps.folder.join(name).is_file(), "{name} was not written");
    }
    match env::var_os(PYTHON) {
        Some(python) => {
            let script = project::root().join(".ci/read_run.py");
            steps.run(Path::new(&python), &[script.as_os_str(), OsStr::new("run")])?;
        }
        None => println!("skipped: {PYTHON} names no Python to read the event files with"),
    }
    Ok(true.into())
}

struct Steps {
    binary: PathBuf,
    folder: PathBuf,
}

impl Steps {
    fn cir(&self, arguments: &[&str]) -> Result<()> {
        self.run(&self.binary, &arguments.iter().map(OsStr::new).collect::<Vec<_>>())
    }

    fn run(&self, program: &Path, arguments: &[&OsStr]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        let since = Instant::now();
        ensure!(shell::succeeds(&mut command)?, "failed: {}", shell::line(&command));
        println!("  {:.1} s", since.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Two pictures of `folder`, by paths from the folder above.
fn pictures(folder: &Path) -> Result<[String; 2]> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".png")).collect();
    names.sort();
    names.truncate(2);
    let paths: Vec<_> = names.iter().map(|name| format!("pictures/{name}")).collect();
    paths.try_into().map_err(|_| anyhow::anyhow!("fewer than two pictures were rendered"))
}
