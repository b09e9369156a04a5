//! `cargo xtask pytorch`: PyTorch loads a model of ours and computes the same.

use std::{ffi::OsStr, path::PathBuf, process::Command};

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

/// Trains, and lets PyTorch load the model and compare latents and pictures.
pub(crate) fn run() -> Result<()> {
    let python = python()?;
    let bench = Workbench::new("pytorch")?;
    let mut train = vec!["train", "gzs-fonts-128", "--out", "run"];
    train.extend(NARROW.iter().flat_map(|set| ["--set", set]));
    bench.cir(&train)?;
    let [a, b] = &bench.pictures()?;
    bench.cir(&["encode", "run", a, b, "--out", "latents.npy"])?;
    bench.cir(&["swap", "run", a, b, "--block", "letter", "--out", "swapped.png"])?;
    let script = project::root().join("xtask/pytorch/load_model.py");
    let files = ["run", a, b, "latents.npy", "swapped.png"].map(OsStr::new);
    bench.run(&python, &[&[script.as_os_str()], &files[..]].concat())
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
