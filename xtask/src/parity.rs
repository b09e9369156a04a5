//! `cargo xtask parity`: the fixtures, in release mode.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};

use crate::{project, shell};

/// Where the fixtures lie, beside the repository.
const DEFAULT: &str = "../shared/parity/dev";

/// Runs the fixtures in `folders`, paths from where the user is.
pub(crate) fn run(mut folders: Vec<PathBuf>) -> Result<ExitCode> {
    if folders.is_empty() {
        let default = project::root().join(DEFAULT);
        let found = default.is_dir();
        ensure!(found, "{DEFAULT}: no such folder; name the folders that hold the fixtures");
        folders.push(Path::new(DEFAULT).into());
    } else {
        for folder in &mut folders {
            let place = folder.display().to_string();
            *folder = folder.canonicalize().with_context(|| place)?;
        }
    }
    let mut command =
        project::cargo(&["run", "--release", "--package", "cir-tests", "--bin", "parity", "--"]);
    let passed = shell::succeeds(command.args(folders))?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
