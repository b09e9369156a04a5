//! The README's test command, and how many tests it ran.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result};

use super::Count;
use crate::{project, shell};

/// Runs all tests.
pub(super) fn run() -> Result<Count> {
    let mut command = project::cargo(&["test", "--workspace"]);
    println!("$ {}", shell::line(&command));
    let mut child = command.stdout(Stdio::piped()).spawn().context("cargo test")?;
    let mut total = Count::default();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.context("the output of cargo test")?;
        println!("{line}");
        if let Some(count) = count(&line) {
            total.passed += count.passed;
            total.failed += count.failed;
        }
    }
    if !child.wait()?.success() && total.failed == 0 {
        // They did not build, or died.
        total.failed = 1;
    }
    Ok(total)
}

/// From a test binary's closing line: `test result: ok. 3 passed; 0 failed; …`.
fn count(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        let part = counts.split("; ").find_map(|part| part.strip_suffix(what))?;
        part.trim().parse().ok()
    };
    Some(Count { passed: number(" passed")?, failed: number(" failed")? })
}

#[cfg(test)]
mod counting {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out";
        let Count { passed, failed } = count(line).unwrap();
        assert_eq!((passed, failed), (12, 3));
        assert!(count("test a ... ok").is_none());
    }
}
