//! `cargo xtask`: runs `cir` built for a backend, and checks the workspace.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod bench;
mod ci;
mod cir;
mod evidence;
mod parity;
mod project;
mod pytorch;
mod shell;
mod tidy;
#[cfg(unix)]
mod torture;
mod workbench;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds `cir` in release mode and runs it; checks the workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", after_help = BACKENDS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const BACKENDS: &str = "\
The commands of `cir` (train to info) take `--backend cpu|cuda|metal` besides their own arguments;
`cargo xtask train --help` lists those. `cargo xtask train` alone trains the default recipe.";

#[derive(Subcommand)]
enum Command {
    /// Train a model from a recipe, or go on with a run.
    Train(cir::Args),
    /// Score a trained run on combinations it never saw.
    Eval(cir::Args),
    /// Train many models that answer a question together, and compare them.
    Study(cir::Args),
    /// Exchange one block between two pictures.
    Swap(cir::Args),
    /// Draw a combination of attributes, each from a picture or a value.
    Synthesise(cir::Args),
    /// Move blocks of one picture towards another's, and beyond.
    Interpolate(cir::Args),
    /// Show pictures of one domain in another.
    Translate(cir::Args),
    /// Write the latents of pictures.
    Encode(cir::Args),
    /// Look at the data sets.
    Data(cir::Args),
    /// Say what is in a model or checkpoint.
    Info(cir::Args),
    /// Compare with the original programs' numbers.
    Parity {
        /// Fixtures, or folders of them [default: ../shared/parity/dev].
        folders: Vec<PathBuf>,
    },
    /// See that PyTorch, from PyPI, loads a model of ours and computes the same.
    Pytorch,
    /// Time our layers, steps, inference and Adam against candle's and PyTorch's.
    Bench(bench::Args),
    /// Run the studies of docs/evidence, or go on with them: does CIR help? Takes hours.
    Evidence(evidence::Args),
    /// Check the rules that the compiler does not: layers, module heads, versions, files.
    Tidy,
    /// Everything that is checked before a change lands.
    Ci,
    /// Kill a training many times; see that it ends in the same bytes as one that was not.
    #[cfg(unix)]
    Torture(torture::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => cir::run("train", args),
        Command::Eval(args) => cir::run("eval", args),
        Command::Study(args) => cir::run("study", args),
        Command::Swap(args) => cir::run("swap", args),
        Command::Synthesise(args) => cir::run("synthesise", args),
        Command::Interpolate(args) => cir::run("interpolate", args),
        Command::Translate(args) => cir::run("translate", args),
        Command::Encode(args) => cir::run("encode", args),
        Command::Data(args) => cir::run("data", args),
        Command::Info(args) => cir::run("info", args),
        Command::Parity { folders } => parity::run(folders),
        Command::Pytorch => pytorch::run().map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => passed(bench::run(args)),
        Command::Evidence(args) => evidence::run(args).map(|()| ExitCode::SUCCESS),
        Command::Tidy => passed(tidy::run()),
        Command::Ci => passed(ci::run()),
        #[cfg(unix)]
        Command::Torture(args) => passed(torture::run(args)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn passed(result: Result<bool>) -> Result<ExitCode> {
    Ok(if result? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const README: &str = include_str!("../../README.md");

    #[test]
    fn every_command_of_the_readme_is_one() {
        let cli = Cli::command();
        let named: Vec<_> = README
            .split("cargo xtask ")
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
            .collect();
        assert!(named.len() > 20, "{named:?}");
        for name in named {
            assert!(cli.find_subcommand(name).is_some(), "cargo xtask {name}");
        }
    }
}
