//! `cir`: trains, evaluates and uses models whose parts are assigned to attributes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod algorithms;
mod backend;
mod data;
mod encode;
mod eval;
mod figures;
mod info;
mod interpolate;
mod invoked;
mod leash;
mod model;
mod paths;
mod pictures;
mod recipe;
mod report;
mod representation;
mod scores;
mod seen;
mod study;
mod swap;
mod synthesise;
mod train;
mod translate;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fresh large blocks cost page faults at every step; this allocator keeps them.
#[global_allocator]
static ALLOCATOR: cir_ops::KeepLarge<mimalloc::MiMalloc> =
    cir_ops::KeepLarge::new(mimalloc::MiMalloc);

/// Controllable image synthesis: train a model whose latent numbers are assigned to attributes,
/// then exchange, interpolate and recombine them.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cir train                                     train the default model (gzs-fonts)
  cir train gzs-fonts --set cir.lambda=0        the same without CIR
  cir synthesise runs/gzs-fonts letter=A font_colour=red back_colour=yellow size=large font=fat
  cir swap runs/gzs-fonts a.png b.png --block letter
  cir interpolate runs/gzs-fonts a.png b.png --block size --from -0.5 --to 1.5
  cir translate runs/i2i-sketch-faces a.png --to sketch --random 5

Exit codes: 0 done; 1 failed; 2 asked for what is not allowed; 130 a training that ctrl-C or SIGTERM
stopped, saved.";

#[derive(Subcommand)]
enum Command {
    /// Train a model from a recipe, or go on with a run.
    Train(train::Args),
    /// Draw a combination of attributes, each from a picture or a value.
    Synthesise(synthesise::Args),
    /// Exchange one block between two pictures.
    Swap(swap::Args),
    /// Move blocks of one picture towards another's, and beyond.
    Interpolate(interpolate::Args),
    /// Show pictures of one domain in another.
    Translate(translate::Args),
    /// Write the latents of pictures.
    Encode(encode::Args),
    /// Score a trained run on combinations it never saw.
    Eval(eval::Args),
    /// Train many models that answer a question together, and compare them.
    Study(study::Args),
    /// Look at the data sets.
    Data(data::Args),
    /// Say what is in a model or checkpoint.
    Info(info::Args),
}

fn main() -> ExitCode {
    // Whoever reads only the beginning, such as `head`, ends the program in silence.
    sigpipe::reset();
    backend::set_libraries();
    leash::follow();
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(args),
        Command::Synthesise(args) => synthesise::run(args),
        Command::Swap(args) => swap::run(args),
        Command::Interpolate(args) => interpolate::run(args),
        Command::Translate(args) => translate::run(args),
        Command::Encode(args) => encode::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Study(args) => study::run(args),
        Command::Data(args) => data::run(args),
        Command::Info(args) => info::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", usage::message(&error));
            usage::exit_code(&error)
        }
    }
}
