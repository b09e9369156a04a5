//! The binary as a user runs it: what it makes, what it refuses and with which exit code.

mod align;
mod bad_input;
mod commands;
mod elegant;
mod i2i;
#[cfg(unix)]
mod interrupt;
mod readme;
mod runs;
mod study;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The default recipe, so small that a step takes milliseconds.
const TINY: [&str; 19] = [
    "data.size=16",
    "data.values.letter=['A', 'B', 'E']",
    "data.values.size=['small', 'large']",
    "data.values.font_colour=['red', 'green', 'blue']",
    "data.values.back_colour=['red', 'green', 'blue']",
    "data.values.font=['sans', 'fat', 'brush']",
    "model.image_size=16",
    "model.conv_dim=4",
    "model.hidden=16",
    "sampling.batch=1",
    "train.steps=6",
    "train.log_every=1",
    "train.sample_every=3",
    "train.evaluate_every=3",
    "train.checkpoint_every=2",
    "cir.start=3",
    "schedule.cosine.warmup=2",
    "evaluation.reader_steps=20",
    "name=tiny",
];

/// A folder of its own for each test, in which `cir` runs.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn cir(&self, arguments: &[&str]) -> Output {
        self.cir_with(arguments, &[])
    }

    fn cir_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cir"))
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed; returns what it printed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.cir(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must fail with `code`; returns its message.
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.cir(arguments);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(!message.contains("panicked"), "{message}");
        message
    }

    /// Trains the tiny recipe into `out`, with further settings.
    fn train(&self, out: &str, sets: &[&str]) -> String {
        self.ok(&train(out, sets))
    }
}

/// A picture file's width and height.
fn size(place: &Place, name: &str) -> (u32, u32) {
    let png = bytes(&place.path(name));
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// The arguments that train the tiny recipe.
fn train<'a>(out: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["train", "gzs-fonts", "--out", out];
    arguments.extend(TINY.iter().chain(sets).flat_map(|set| ["--set", set]));
    arguments
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
