//! The default recipe shortened to a few steps, from training to every use of its model.

use std::{env, ffi::OsStr, path::Path};

use anyhow::{Result, ensure};

use super::Count;
use crate::{project, workbench::Workbench};

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
    let bench = Workbench::new("ci")?;
    let mut train = vec!["train", "gzs-fonts", "--out", "run"];
    train.extend(SHORTER.iter().flat_map(|set| ["--set", set]));
    bench.cir(&train)?;
    for name in FILES {
        ensure!(bench.folder().join("run").join(name).exists(), "the run folder lacks {name}");
    }
    bench.cir(&["train", "--resume", "run"])?;
    bench.cir(&["eval", "run", "--count", "64"])?;
    bench.cir(&["info", "run"])?;
    bench.cir(&["info", "run/checkpoint.safetensors"])?;
    bench.cir(&["data", "list"])?;
    let [a, b] = &bench.pictures("run")?;
    bench.cir(&[
        "swap",
        "run",
        a,
        b,
        "--block",
        "letter",
        "--enlarge",
        "4",
        "--out",
        "swap.png",
    ])?;
    let beyond = ["--from", "-0.5", "--to", "1.5", "--out", "interpolate.png"];
    bench.cir(&[&["interpolate", "run", a, b, "--block", "size"], &beyond[..]].concat())?;
    let letter = format!("letter={a}");
    let values = ["size=large", "font_colour=red", "back_colour=yellow", "font=fat"];
    let out = ["--sources", "--enlarge", "4", "--out", "synthesise.png"];
    bench.cir(&[&["synthesise", "run", &letter], &values[..], &out].concat())?;
    bench.cir(&["encode", "run", a, b, "--out", "latents.npy"])?;
    for name in ["swap.png", "interpolate.png", "synthesise.png", "latents.npy"] {
        ensure!(bench.folder().join(name).is_file(), "{name} was not written");
    }
    match env::var_os(PYTHON) {
        Some(python) => {
            let script = project::root().join(".ci/read_run.py");
            bench.run(Path::new(&python), &[script.as_os_str(), OsStr::new("run")])?;
        }
        None => println!("skipped: {PYTHON} names no Python to read the event files with"),
    }
    Ok(true.into())
}
