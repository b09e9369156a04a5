//! `parity FOLDER...`: runs fixtures in float64 and float32, prints a row each, and fails if one
//! does. A folder that holds no manifest stands for the fixtures in it.

#![allow(clippy::print_stdout, reason = "printing the table is what this program is for")]

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context, Result};
use candle_core::DType;
use cir_tests::parity::{self, fixture::Fixture};

fn main() -> Result<ExitCode> {
    let mut failed = false;
    println!(
        "{:<22} {:<4} {:>8} {:>10} {:>9} {:>6}  worst entry",
        "fixture", "", "entries", "deviation", "allowed", "s"
    );
    for argument in std::env::args_os().skip(1).map(PathBuf::from) {
        let named = argument.join("manifest.json").is_file();
        for folder in folders(argument)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let algorithm = Fixture::algorithm(&folder)?;
            if !parity::BUILT.contains(&&*algorithm) {
                println!("{name:<22} not built: algorithm {algorithm}");
                failed |= named;
                continue;
            }
            for (label, dtype) in [("f64", DType::F64), ("f32", DType::F32)] {
                let since = Instant::now();
                let outcome = parity::run(&folder, dtype)?;
                let seconds = since.elapsed().as_secs_f64();
                println!(
                    "{name:<22} {label:<4} {:>8} {:>10.1e} {:>8.1}% {seconds:>6.1}  {}",
                    outcome.entries,
                    outcome.worst_deviation,
                    outcome.worst_share * 100.,
                    outcome.worst_entry
                );
                failed |= !outcome.failures.is_empty();
                for failure in &outcome.failures {
                    println!("    FAILED {failure}");
                }
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn folders(argument: PathBuf) -> Result<Vec<PathBuf>> {
    if argument.join("manifest.json").is_file() {
        return Ok(vec![argument]);
    }
    let entries = std::fs::read_dir(&argument).with_context(|| argument.display().to_string())?;
    let paths = entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    let mut fixtures: Vec<_> =
        paths.into_iter().filter(|p| p.join("manifest.json").is_file()).collect();
    anyhow::ensure!(!fixtures.is_empty(), "{}: no fixture in it", argument.display());
    fixtures.sort();
    Ok(fixtures)
}
