//! Ratios as a table for people and as JSON.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{
    cases::{self, Case, Opponent},
    contestant::Answer,
    first_line,
};

/// All that was measured, and where.
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) versions: String,
    pub(super) limits: Vec<Limits>,
    pub(super) rows: Vec<Row>,
}

/// What the machine can do at best with some threads.
pub(super) struct Limits {
    pub(super) threads: usize,
    /// Of f32, a second.
    pub(super) multiply_adds: f64,
    /// Read and written a second.
    pub(super) bytes: f64,
}

/// One case against one opponent.
pub(super) struct Row {
    case: String,
    precision: String,
    threads: usize,
    opponent: Opponent,
    /// Medians of wall seconds.
    ours: f64,
    theirs: f64,
    /// Medians of ours / theirs within a round.
    wall: f64,
    cpu: f64,
    /// Of the most memory held.
    memory: Option<f64>,
    bar: Option<f64>,
    multiplications: Option<f64>,
    variant: Option<String>,
}

impl Row {
    pub(super) fn new(
        case: &Case,
        precision: &str,
        threads: usize,
        (opponent, bar): (Opponent, Option<f64>),
        ours: &[Answer],
        theirs: &[Answer],
    ) -> Self {
        let ratio = |of: fn(&Answer) -> f64| {
            median(ours.iter().zip(theirs).map(|(a, b)| of(a) / of(b)).collect())
        };
        let peak = |answers: &[Answer]| answers.last().and_then(|a| a.peak);
        Self {
            case: case.name.clone(),
            precision: precision.to_owned(),
            threads,
            opponent,
            ours: median(ours.iter().map(|a| a.wall).collect()),
            theirs: median(theirs.iter().map(|a| a.wall).collect()),
            wall: ratio(|a| a.wall),
            cpu: ratio(|a| a.cpu),
            memory: peak(ours).zip(peak(theirs)).map(|(a, b)| a / b),
            bar,
            multiplications: ours.last().and_then(|a| a.amount),
            variant: theirs.last().and_then(|a| a.variant.clone()),
        }
    }

    /// Whether it is within its bar, if it has one.
    pub(super) fn reached(&self) -> bool {
        self.bar.is_none_or(|bar| self.wall <= bar)
    }

    fn json(&self) -> Value {
        json!({
            "case": self.case, "precision": self.precision, "threads": self.threads,
            "against": self.opponent.name(), "variant": self.variant,
            "ours_seconds": self.ours, "theirs_seconds": self.theirs,
            "wall_ratio": self.wall, "cpu_ratio": self.cpu, "memory_ratio": self.memory,
            "bar": self.bar, "reached": self.reached(),
        })
    }
}

impl Report {
    /// Nothing measured yet.
    pub(super) fn new(python: Option<&Path>) -> Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernels = ["avx512bf16", "avx512f", "avx2"];
        let has = |name: &&&str| cpu.split_whitespace().any(|word| word == **name);
        let kernels = kernels.iter().find(has).copied().unwrap_or("neither AVX-512 nor AVX2");
        let cores = std::thread::available_parallelism()?;
        let mut versions = first_line(Path::new("rustc"), &["--version"])?;
        if let Some(python) = python {
            let torch = "import torch; print('PyTorch', torch.__version__)";
            versions = format!("{versions}; {}", first_line(python, &["-c", torch])?);
        }
        let model = model.map_or("an unnamed processor", |(_, name)| name);
        let machine = format!("{model}, {cores} cores, {kernels}");
        Ok(Self { machine, versions, limits: Vec::new(), rows: Vec::new() })
    }

    /// Adds rows for the sums over all layers, where all `count` of them were timed.
    pub(super) fn add_layer_sums(&mut self, count: usize) {
        let mut sums: Vec<(usize, Row)> = Vec::new();
        for row in self.rows.iter().filter(|row| row.case.starts_with("layer ")) {
            let same = |(_, sum): &&mut (usize, Row)| {
                (sum.threads, sum.opponent) == (row.threads, row.opponent)
                    && sum.precision == row.precision
            };
            if let Some((timed, sum)) = sums.iter_mut().find(same) {
                *timed += 1;
                // Weighted by the times that the ratios are of.
                sum.cpu = (sum.cpu * sum.theirs + row.cpu * row.theirs) / (sum.theirs + row.theirs);
                sum.ours += row.ours;
                sum.theirs += row.theirs;
                sum.wall = sum.ours / sum.theirs;
            } else {
                let tuned = row.opponent == Opponent::Tuned;
                let sum = Row {
                    case: "all layers".into(),
                    precision: row.precision.clone(),
                    bar: tuned.then(|| cases::layers_bar(row.precision == "bf16")),
                    memory: None,
                    multiplications: None,
                    variant: None,
                    ..*row
                };
                sums.push((1, sum));
            }
        }
        self.rows.extend(sums.into_iter().filter(|(timed, _)| *timed == count).map(|(_, sum)| sum));
    }

    /// The share of the machine's multiply-adds that the work of `row` used.
    fn share(&self, row: &Row) -> Option<f64> {
        let limits = self.limits.iter().find(|limits| limits.threads == row.threads)?;
        Some(row.multiplications? / row.ours / limits.multiply_adds)
    }

    /// The table.
    pub(super) fn markdown(&self) -> String {
        let mut lines = vec![format!("{}; {}.", self.machine, self.versions), String::new()];
        for limits in &self.limits {
            lines.push(format!(
                "With {} thread(s) the machine does {:.1} billion multiply-adds of f32 a second and moves {:.1} GB.",
                limits.threads,
                limits.multiply_adds / 1e9,
                limits.bytes / 1e9
            ));
        }
        lines.push(String::new());
        lines.push(
            "| work | threads | against | ours, ms | theirs, ms | ratio | of CPU time | of memory | bar | share of peak |"
                .into(),
        );
        lines.push(format!("|{}", " --- |".repeat(10)));
        let number = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.2}"));
        for row in &self.rows {
            let bar = match row.bar {
                Some(bar) if row.reached() => format!("{bar:.2}"),
                Some(bar) => format!("{bar:.2} **missed**"),
                None => String::new(),
            };
            let share = self.share(row).map_or(String::new(), |s| format!("{:.0} %", s * 100.));
            let precision = if row.precision == "full" { "" } else { " in bf16" };
            lines.push(format!(
                "| {}{precision} | {} | {} | {:.1} | {:.1} | {:.2} | {:.2} | {} | {bar} | {share} |",
                row.case,
                row.threads,
                row.opponent.name(),
                row.ours * 1e3,
                row.theirs * 1e3,
                row.wall,
                row.cpu,
                number(row.memory),
            ));
        }
        lines.join("\n") + "\n"
    }

    /// Writes both forms into `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let limits = self.limits.iter().map(
            |l| json!({ "threads": l.threads, "multiply_adds": l.multiply_adds, "bytes": l.bytes }),
        );
        let json = json!({
            "machine": self.machine, "versions": self.versions,
            "limits": limits.collect::<Vec<_>>(),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        });
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let json = serde_json::to_string_pretty(&json)? + "\n";
        for (name, text) in [("bench.md", self.markdown()), ("bench.json", json)] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// The middle one; of an even number the mean of the middle two.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => numbers[middle],
        _ => (numbers[middle - 1] + numbers[middle]) / 2.,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(wall: f64) -> Answer {
        Answer { wall, cpu: wall, amount: Some(1e6), peak: Some(1e6), variant: None }
    }

    fn row(name: &str, ours: &[f64], theirs: &[f64]) -> Row {
        let case = Case { name: name.into(), against: Vec::new() };
        let [ours, theirs] =
            [ours, theirs].map(|t| t.iter().copied().map(answer).collect::<Vec<_>>());
        Row::new(&case, "full", 1, (Opponent::Tuned, Some(0.6)), &ours, &theirs)
    }

    #[test]
    fn a_ratio_is_the_median_within_rounds() {
        // The machine was busy in the second round, for both.
        let row = row("step", &[1., 50., 1.], &[2., 100., 4.]);
        assert_eq!((row.wall, row.ours, row.theirs), (0.5, 1., 4.));
        assert!(row.reached());
    }

    #[test]
    fn layers_are_summed_by_time() {
        let rows = vec![
            row("layer a", &[1.], &[4.]),
            row("layer b", &[3.], &[4.]),
            row("step", &[9.], &[1.]),
        ];
        let mut report =
            Report { machine: String::new(), versions: String::new(), limits: vec![], rows };
        report.add_layer_sums(3);
        assert_eq!(report.rows.len(), 3, "the sum of a part is no sum of all");
        report.add_layer_sums(2);
        let sum = report.rows.last().unwrap();
        assert_eq!((sum.wall, sum.cpu, sum.bar), (0.5, 0.5, Some(0.65)));
        assert!(report.markdown().contains("| 0.60 **missed** |"));
    }
}
