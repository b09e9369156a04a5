//! A contestant of `cargo xtask bench`: does a piece of work for a turn each time it is asked to, and says
//! how long it took.
//!
//! A line of standard input is `full` or `bf16` and a case, such as `full step gzs-fonts 4`; the
//! answer is a line of JSON: median seconds of wall and of process CPU time over the turn, the multiplications (or bytes
//! moved) of the work where they are known, and the most memory that the process ever held. What a case needs is
//! made when it is first named, outside of the time, and kept until another one is.

#![allow(clippy::print_stdout, reason = "answers go to standard output")]
#![allow(clippy::disallowed_methods, reason = "what the numbers are does not matter to a timing")]

mod adam;
mod elegant;
mod i2i;
mod layers;
mod limits;
mod recipe;
mod steps;
mod usage;

use std::{
    io::{BufRead, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use candle_core::Error;
use cir_ops::Precision;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: cir_ops::KeepLarge<mimalloc::MiMalloc> =
    cir_ops::KeepLarge::new(mimalloc::MiMalloc);

/// A piece of work that can be done again and again.
struct Work {
    run: Box<dyn FnMut() -> Result<()> + Send>,
    /// Multiplications in one go, or bytes moved, where they are counted.
    amount: Option<f64>,
}

impl Work {
    fn open(case: &str, precision: Precision) -> Result<Self> {
        let words: Vec<_> = case.split_whitespace().collect();
        match &words[..] {
            ["layer", sizes @ ..] => layers::work(sizes, precision),
            ["step", recipe, batch] => steps::training(recipe, batch.parse()?, precision),
            ["elegant", side, batch] => elegant::training(side.parse()?, batch.parse()?, precision),
            ["i2i", side, batch] => i2i::training(side.parse()?, batch.parse()?, precision),
            ["use", recipe, batch] => steps::inference(recipe, batch.parse()?, precision),
            ["adam", count] => adam::work(count.parse()?),
            ["multiply-add"] => limits::multiply_add(),
            ["triad"] => Ok(limits::triad()),
            _ => bail!("{case:?}: no such case"),
        }
    }
}

/// How long a turn lasts at least; `xtask/pytorch/bench.py` has the same.
const TURN: Duration = Duration::from_millis(500);

/// Median seconds of wall and of CPU time over as many runs as begin within a turn.
fn turn(work: &mut Work) -> Result<[f64; 2]> {
    let (start, mut walls, mut cpus) = (Instant::now(), Vec::new(), Vec::new());
    while walls.is_empty() || start.elapsed() < TURN {
        let (cpu, wall) = (usage::cpu_seconds(), Instant::now());
        cir_ops::on_pool(|| (work.run)().map_err(Error::wrap))?;
        walls.push(wall.elapsed().as_secs_f64());
        cpus.push(usage::cpu_seconds() - cpu);
    }
    Ok([walls, cpus].map(median))
}

/// The middle number, the lower one of two.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[(numbers.len() - 1) / 2]
}

fn main() -> Result<()> {
    // One that is stopped would outlive a bench that is killed.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut current: Option<(String, Work)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if current.as_ref().is_none_or(|(named, _)| *named != line) {
            // The old one's memory goes first.
            drop(current.take());
            let (precision, case) = match line.split_once(' ') {
                Some(("full", case)) => (Precision::Full, case),
                Some(("bf16", case)) => (Precision::Bf16, case),
                _ => bail!("{line:?}: begins neither with full nor with bf16"),
            };
            current = Some((line.clone(), Work::open(case, precision).context(line)?));
        }
        let Some((_, work)) = &mut current else { continue };
        let [wall, cpu] = turn(work)?;
        let (peak, amount) = (usage::peak_bytes(), work.amount);
        println!("{}", json!({ "wall": wall, "cpu": cpu, "amount": amount, "peak": peak }));
        std::io::stdout().flush()?;
    }
    Ok(())
}
