//! Where and with what was measured.

use std::{fmt, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::project;

/// A machine and what ran on it, how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// Processor, cores, instruction set.
    pub(super) machine: String,
    /// Of this project, Rust and PyTorch.
    pub(super) versions: String,
    /// Measurements of which a row is the median.
    pub(super) rounds: usize,
}

impl Machine {
    /// This one, and the PyTorch of a Python.
    ///
    /// # Errors
    /// When rustc or that Python do not say their versions.
    pub(super) fn this(python: Option<&Path>, rounds: usize) -> Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernels = ["avx512bf16", "avx512f", "avx2"];
        let has = |name: &&&str| cpu.split_whitespace().any(|word| word == **name);
        let kernels = kernels.iter().find(has).copied().unwrap_or("neither AVX-512 nor AVX2");
        let cores = std::thread::available_parallelism()?;
        let model = model.map_or("an unnamed processor", |(_, name)| name);

        let mut versions = vec![first_line(Path::new("rustc"), &["--version"])?];
        if let Some(python) = python {
            let torch = "import torch; print('PyTorch', torch.__version__)";
            versions.push(first_line(python, &["-c", torch])?);
        }
        // Sources that are no clone have no commit.
        let commit = first_line(Path::new("git"), &["describe", "--always", "--dirty"]);
        versions.extend(commit.ok().map(|commit| format!("commit {commit}")));
        let machine = format!("{model}, {cores} cores, {kernels}");
        Ok(Self { machine, versions: versions.join(", "), rounds })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}; medians of {} rounds", self.machine, self.versions, self.rounds)
    }
}

/// The first line that `program` prints.
fn first_line(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(project::root()).output();
    let output = output.with_context(|| program.display().to_string())?;
    ensure!(output.status.success(), "{} {}: failed", program.display(), arguments.join(" "));
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
