//! `cargo xtask bench`: our times divided by candle's and PyTorch's, measured by turns.
//!
//! Each case is done by every contestant for a turn in a round, so that what disturbs the machine disturbs
//! all alike; a ratio is the median over the rounds of the ratio within a round.

mod cases;
mod contestant;
mod machine;
mod report;
mod row;
mod table;

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use self::{
    cases::Opponent,
    contestant::{Answer, Contestant},
    machine::Machine,
    report::{Limits, Report},
    row::Row,
};
use crate::{project, pytorch};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compare with PyTorch too, from PyPI into a folder under `target`.
    #[arg(long)]
    against: Option<Against>,
    /// Rounds, after one that is not counted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Numbers of threads.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Only cases whose name contains this, such as "step gzs-fonts 4".
    #[arg(long, default_value = "")]
    only: String,
    /// Write `bench.md` and `bench.json` into this folder, after every row.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Keep what the folder has, and measure what is missing.
    #[arg(long, requires = "out")]
    resume: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    Pytorch,
}

/// Times all cases; whether every ratio is within its bar.
pub(crate) fn run(args: Args) -> Result<bool> {
    ensure!(args.rounds > 0, "--rounds 0: allowed are 1 and more");
    ensure!(!args.threads.contains(&0), "--threads 0: allowed are 1 and more");
    cases::check_only(&args.only, args.against.is_some())?;
    let teams = Teams {
        ours: project::binary("cir-bench", "cir-bench", &[])?,
        python: args.against.map(|Against::Pytorch| pytorch::python()).transpose()?,
    };
    let machine = Machine::this(teams.python.as_deref(), args.rounds)?;
    let mut report = Report::open(machine, args.out.as_deref(), args.resume)?;
    for &threads in &args.threads {
        if report.limits(threads).is_none() {
            report.add(Some(teams.limits(threads, args.rounds)?), None)?;
        }
        for (bf16, precision) in [(false, "full"), (true, "bf16")] {
            if bf16 && !multiplies_bf16() {
                continue;
            }
            for case in cases::all(bf16).iter().filter(|case| case.name.contains(&args.only)) {
                for &(against, bar) in &case.against {
                    if report.has(case, against, precision, threads) {
                        continue;
                    }
                    let Some(theirs) = teams.opponent(against, threads)? else { continue };
                    let against_whom = against.name();
                    eprintln!("{precision} {}, {threads} thread(s), {against_whom}", case.name);
                    let line = format!("{precision} {}", case.name);
                    let rounds = teams.compete(theirs, &line, threads, args.rounds)?;
                    let row = Row::new(case, precision, threads, (against, bar), &rounds);
                    report.add(None, Some(row))?;
                }
            }
        }
    }
    print!("{}", table::markdown(&report));
    Ok(report.rows.iter().chain(&table::layer_sums(&report.rows)).all(Row::reached))
}

/// Whether this machine has instructions for bfloat16; without, both sides would compute in f32.
fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The programs that compete.
struct Teams {
    ours: PathBuf,
    python: Option<PathBuf>,
}

impl Teams {
    fn own(&self, threads: usize, kernels: &str) -> Result<Contestant> {
        let mut command = Command::new(&self.ours);
        command.env("RAYON_NUM_THREADS", threads.to_string()).env("CIR_KERNELS", kernels);
        // candle's own threads are its own kernels' only: beside ours they would wait in busy loops.
        let candles = if kernels == "candle" { threads } else { 1 };
        // As `cir` starts itself.
        command.env("MIMALLOC_PURGE_DELAY", "-1");
        Contestant::start(command.env("CANDLE_NUM_THREADS", candles.to_string()))
    }

    fn opponent(&self, opponent: Opponent, threads: usize) -> Result<Option<Contestant>> {
        let style = match opponent {
            Opponent::Candle => return self.own(threads, "candle").map(Some),
            Opponent::Published => "published",
            Opponent::Tuned => "tuned",
        };
        let Some(python) = &self.python else { return Ok(None) };
        let root = project::root();
        let mut command = Command::new(python);
        command.arg(root.join("xtask/pytorch/bench.py")).args([style, &threads.to_string()]);
        if opponent == Opponent::Tuned {
            // Freed blocks stay, as ours do.
            for name in ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"] {
                command.env(name, (1u64 << 40).to_string());
            }
        }
        // Under some supervisors OpenBLAS is held to an old kind of processor.
        command.arg(root.join("models")).env_remove("OPENBLAS_CORETYPE").stderr(Stdio::inherit());
        Contestant::start(&mut command).map(Some)
    }

    /// Ours and theirs in each round.
    fn compete(
        &self,
        mut theirs: Contestant,
        line: &str,
        threads: usize,
        rounds: usize,
    ) -> Result<Vec<[Answer; 2]>> {
        let mut ours = self.own(threads, "")?;
        let mut both = |round: usize| -> Result<[Answer; 2]> {
            if round.is_multiple_of(2) {
                Ok([ours.ask(line)?, theirs.ask(line)?])
            } else {
                let theirs = theirs.ask(line)?;
                Ok([ours.ask(line)?, theirs])
            }
        };
        // The first time is not counted.
        both(0)?;
        (1..=rounds).map(both).collect()
    }

    /// What the machine can do at best.
    fn limits(&self, threads: usize, rounds: usize) -> Result<Limits> {
        let mut ours = self.own(threads, "")?;
        let mut best = |line: &str| -> Result<f64> {
            let answers = (0..=rounds).map(|_| ours.ask(line)).collect::<Result<Vec<Answer>>>()?;
            let rate = |a: &Answer| a.amount.unwrap_or(0.) / a.wall;
            Ok(answers.iter().map(rate).fold(0., f64::max))
        };
        let multiply_adds = best("full multiply-add")?;
        Ok(Limits { threads, multiply_adds, bytes: best("full triad")? })
    }
}
