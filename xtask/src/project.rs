//! Where the workspace lies, and what `cargo metadata` says of it.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    // Cargo sets it for `cargo run`; a binary that was moved elsewhere has the compiled one.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or(here.clone(), Path::to_path_buf)
}

/// The cargo that runs this program, in the workspace's folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Builds the binary `name` of `package` in release mode; its path.
pub(crate) fn binary(package: &str, name: &str, arguments: &[&str]) -> Result<PathBuf> {
    let format = "--message-format=json-render-diagnostics";
    let mut command = cargo(&["build", "--release", "--package", package, "--bin", name, format]);
    let output =
        command.args(arguments).stderr(Stdio::inherit()).output().context("cargo build")?;
    ensure!(output.status.success(), "{name} does not build with {arguments:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut binaries = messages
        .filter(|message| message["target"]["name"] == name)
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    binaries.next().context("cargo build named no binary")
}

/// What `cargo metadata` prints, with the resolved graph of all dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let mut command = cargo(&["metadata", "--format-version", "1"]);
    let output = command.stderr(Stdio::inherit()).output().context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed");
    serde_json::from_slice(&output.stdout).context("the output of cargo metadata")
}

/// A folder for this program's own files, inside the folder that git ignores.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let mut command = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let output = command.stderr(Stdio::inherit()).output().context("cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let target = metadata["target_directory"].as_str().context("no target_directory")?;
    Ok(Path::new(target).join("xtask").join(name))
}

/// The packages of the workspace in `metadata`.
pub(crate) fn members(metadata: &Value) -> Vec<&Value> {
    let empty = Vec::new();
    let members = metadata["workspace_members"].as_array().unwrap_or(&empty).clone();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.filter(|package| members.contains(&package["id"])).collect()
}
