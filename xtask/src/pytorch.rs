//! `cargo xtask pytorch`: PyTorch loads models of ours and computes the same.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{project, shell, workbench::Workbench};

/// The published network in every layer, but narrow, on small pictures, and hardly trained.
const NARROW: [&str; 6] = [
    "data.size=32",
    "model.image_size=32",
    "model.conv_dim=4",
    "model.hidden=32",
    "train.steps=2",
    "cir.draws=1",
];

/// The published networks of ELEGANT, narrow and hardly trained.
const NARROW_FACES: [&str; 7] = [
    "model.channels=[4, 8, 8, 16, 16]",
    "model.discriminator=[4, 8, 8, 16]",
    "model.attributes=['smile', 'hat']",
    "model.smooth_stages=0",
    "sampling.batch=2",
    "evaluation.reader_steps=2",
    "train.steps=2",
];

/// The published networks of I2I-Dis, narrow and hardly trained.
const NARROW_DOMAINS: [&str; 4] =
    ["model.width=4", "model.smooth=false", "evaluation.reader_steps=2", "train.steps=2"];

/// Trains, and lets PyTorch load the models and compare latents and pictures.
pub(crate) fn run() -> Result<()> {
    let bench = Workbench::new("pytorch")?;
    let python = python()?;
    for (recipe, sets, block) in
        [("gzs-fonts-128", &NARROW[..], "letter"), ("elegant-faces", &NARROW_FACES, "hat")]
    {
        let [a, b] = &train(&bench, recipe, sets)?;
        bench.cir(&["encode", recipe, a, b, "--out", "latents.npy"])?;
        bench.cir(&["swap", recipe, a, b, "--block", block, "--out", "swapped.png"])?;
        compare(&bench, &python, &[recipe, a, b, block, "latents.npy", "swapped.png"])?;
    }
    let recipe = "i2i-sketch-faces";
    let [a, b] = &train(&bench, recipe, &NARROW_DOMAINS)?;
    for (to, a, b) in [("B", a, b), ("A", b, a)] {
        bench.cir(&["translate", recipe, a, "--to", to, "--reference", b, "--each", "made"])?;
        let name = Path::new(a).file_stem().unwrap_or_default().to_string_lossy();
        compare(&bench, &python, &[recipe, a, b, to, &format!("made/{name}-1.png")])?;
    }
    Ok(())
}

/// Trains a recipe with settings; two pictures such as it was trained on.
fn train(bench: &Workbench, recipe: &str, sets: &[&str]) -> Result<[String; 2]> {
    let mut train = vec!["train", recipe, "--out", recipe];
    train.extend(sets.iter().flat_map(|set| ["--set", set]));
    bench.cir(&train)?;
    bench.pictures(recipe)
}

fn compare(bench: &Workbench, python: &Path, arguments: &[&str]) -> Result<()> {
    let script = project::root().join("xtask/pytorch/load_model.py");
    let arguments = arguments.iter().map(OsStr::new);
    bench.run(python, &[script.as_os_str()].into_iter().chain(arguments).collect::<Vec<_>>())
}

/// A Python that has what `xtask/pytorch/requirements.txt` lists; made on first use.
pub(crate) fn python() -> Result<PathBuf> {
    let venv = project::scratch("pytorch-venv")?;
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.is_file() {
        let interpreter = if cfg!(windows) { "python" } else { "python3" };
        shell::must(Command::new(interpreter).args(["-m", "venv"]).arg(&venv))?;
    }
    let listed = project::root().join("xtask/pytorch/requirements.txt");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    shell::must(Command::new(&python).args(install).arg(listed))?;
    Ok(python)
}
