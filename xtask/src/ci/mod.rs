//! `cargo xtask ci`: everything that is checked before a change lands, each check with its time.

mod default_recipe;
mod tests;

use std::time::Instant;

use anyhow::Result;

use crate::{evidence, project, shell, tidy};

/// What one check counted.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    passed: usize,
    failed: usize,
}

impl From<bool> for Count {
    fn from(passed: bool) -> Self {
        Self { passed: passed.into(), failed: (!passed).into() }
    }
}

type Check = fn() -> Result<Count>;

const CHECKS: [(&str, Check); 8] = [
    ("fmt", || cargo(&["fmt", "--all", "--check"])),
    ("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("no panics", no_panics),
    ("doc", doc),
    ("tidy", || Ok(tidy::run()?.into())),
    ("tests", tests::run),
    ("default recipe", default_recipe::run),
    ("evidence", || evidence::run(evidence::Args::quick()).map(|()| true.into())),
];

/// Runs all checks, those after a failed one too; whether all passed.
pub(crate) fn run() -> Result<bool> {
    let (mut table, mut total) = (String::new(), Count::default());
    for (name, check) in CHECKS {
        println!("\n--- {name}");
        let since = Instant::now();
        let count = check().unwrap_or_else(|error| {
            println!("error: {error:#}");
            false.into()
        });
        let verdict = if count.failed == 0 { "ok" } else { "FAILED" };
        let seconds = since.elapsed().as_secs_f64();
        table.push_str(&format!("{name:<16} {seconds:>8.1} s  {verdict}\n"));
        total.passed += count.passed;
        total.failed += count.failed;
    }
    // A test is one, and so is each other check.
    println!("\n{table}\n{} passed, {} failed", total.passed, total.failed);
    Ok(total.failed == 0)
}

fn cargo(arguments: &[&str]) -> Result<Count> {
    Ok(shell::succeeds(&mut project::cargo(arguments))?.into())
}

/// What is not a test answers bad input with an error.
fn no_panics() -> Result<Count> {
    let lints = ["unwrap_used", "expect_used", "panic", "unreachable"];
    let lints = lints.map(|lint| format!("-Dclippy::{lint}"));
    let mut command = project::cargo(&["clippy", "--workspace", "--lib", "--bins", "--"]);
    Ok(shell::succeeds(command.args(lints))?.into())
}

fn doc() -> Result<Count> {
    let mut command = project::cargo(&["doc", "--workspace", "--no-deps"]);
    Ok(shell::succeeds(command.env("RUSTDOCFLAGS", "-D warnings"))?.into())
}
