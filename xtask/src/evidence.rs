//! `cargo xtask evidence`: the studies of `docs/evidence`, each a folder with its `study.toml`, beside which its
//! results stand.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    cir::{self, Backend},
    project, shell,
};

/// Which studies, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Names of studies [default: all].
    names: Vec<String>,
    /// A few steps of each training with one seed, into the target folder: that they run, not what they
    /// find.
    #[arg(long)]
    quick: bool,
    /// Run anew those settings whose recipe is another than that of their results.
    #[arg(long, conflicts_with = "quick")]
    again: bool,
}

impl Args {
    /// All studies, as `--quick`.
    pub(crate) fn quick() -> Self {
        Self { names: Vec::new(), quick: true, again: false }
    }
}

/// Each training a few steps long and scored on a few cases.
const QUICK: [&str; 12] = [
    "--seeds",
    "1",
    "--count",
    "8",
    "--set",
    "train.steps=8",
    "--set",
    "cir.start=0",
    "--set",
    "schedule.cosine.warmup=2",
    "--set",
    "evaluation.reader_steps=8",
];

/// Runs them one after another.
pub(crate) fn run(args: Args) -> Result<()> {
    let all = names()?;
    for name in &args.names {
        ensure!(all.contains(name), "study {name:?}: found none; allowed: {}", all.join(", "));
    }
    let binary = cir::build(Backend::Cpu)?;
    for name in all.iter().filter(|&name| args.names.is_empty() || args.names.contains(name)) {
        let folder = Path::new(FOLDER).join(name);
        let mut command = Command::new(&binary);
        command.env("CIR_COMMAND", "cargo xtask").current_dir(project::root());
        command.arg("study").arg(folder.join("study.toml")).arg("--out");
        if args.quick {
            let out = project::scratch("evidence")?.join(name);
            if out.exists() {
                fs::remove_dir_all(&out).with_context(|| out.display().to_string())?;
            }
            command.arg(out).args(QUICK);
        } else {
            command.arg(folder).args(args.again.then_some("--again"));
        }
        shell::must(&mut command)?;
    }
    Ok(())
}

/// From the workspace's folder, in which the studies run: what they say names no other.
const FOLDER: &str = "docs/evidence";

/// The folders with a study, in their order by name.
fn names() -> Result<Vec<String>> {
    let folder = project::root().join(FOLDER);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let studies = entries.flatten().filter(|entry| entry.path().join("study.toml").is_file());
    let mut names: Vec<_> =
        studies.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}
