//! Builds the binary `cir` for a backend and becomes it.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use clap::{CommandFactory, ValueEnum, error::ErrorKind};

use crate::{project, shell};

/// What `cir` is asked to do.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Arguments of `cir`, and `--backend cpu|cuda|metal` among them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Cpu,
    Cuda,
    Metal,
}

/// Builds `cir` and replaces this process by `cir NAME ARGUMENTS`, so that signals and the exit
/// code are its own.
pub(crate) fn run(name: &str, args: Args) -> Result<ExitCode> {
    let (backend, arguments) = take_backend(args.arguments).unwrap_or_else(|message| {
        crate::Cli::command().error(ErrorKind::InvalidValue, message).exit()
    });
    let mut command = Command::new(build(backend)?);
    // So that `cir` suggests commands that can be typed as they stand.
    command.env("CIR_COMMAND", "cargo xtask").arg(name).args(arguments);
    eprintln!("$ {}", shell::line(&command));
    become_it(command)
}

/// Builds `cir` in release mode; the path of the binary.
pub(crate) fn build(backend: Backend) -> Result<PathBuf> {
    let features: &[&str] = match backend {
        Backend::Cpu => &[],
        Backend::Cuda => &["--features", "cuda"],
        Backend::Metal => &["--features", "metal"],
    };
    project::binary("cir-cli", "cir", features)
}

/// Takes `--backend NAME` or `--backend=NAME` out of the arguments, wherever it stands before `--`.
fn take_backend(arguments: Vec<OsString>) -> std::result::Result<(Backend, Vec<OsString>), String> {
    let (mut backend, mut rest) = (Backend::Cpu, Vec::new());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let name = match text.strip_prefix("--backend") {
            Some("") => arguments.next().unwrap_or_default(),
            Some(value) if value.starts_with('=') => value[1..].into(),
            _ => {
                let end = text == "--";
                rest.push(argument);
                if end {
                    rest.extend(arguments.by_ref());
                }
                continue;
            }
        };
        let name = name.to_string_lossy();
        backend = Backend::from_str(&name, false)
            .map_err(|_| format!("--backend {name:?}: allowed: cpu, cuda, metal"))?;
    }
    Ok((backend, rest))
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Returns only when it fails.
    Err(command.exec()).with_context(|| shell::line(&command))
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| shell::line(&command))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &[&str]) -> std::result::Result<(Backend, Vec<OsString>), String> {
        take_backend(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_backend_is_taken_from_anywhere_and_the_rest_passed_on() {
        let (backend, rest) = taken(&["gzs-fonts", "--backend", "cuda", "--set", "a=1"]).unwrap();
        assert_eq!(
            (backend, rest),
            (Backend::Cuda, ["gzs-fonts", "--set", "a=1"].map(Into::into).into())
        );
        assert_eq!(taken(&["--backend=metal"]).unwrap(), (Backend::Metal, vec![]));
        let (backend, rest) = taken(&["a", "--", "--backend", "cuda"]).unwrap();
        assert_eq!((backend, rest.len()), (Backend::Cpu, 4));
        assert!(taken(&["--backend", "gpu"]).unwrap_err().contains("cpu, cuda, metal"));
        assert!(taken(&["--backend"]).is_err());
    }
}
