//! Tables that are read in a terminal and are Markdown as they stand.

use std::fmt;

use cir_metrics::{Better, Difference, Summary, Verdict};

use super::{
    compare::{Comparison, summary},
    file::{Metric, Role, Study},
    results::Results,
};

/// A table whose first column names the rows.
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = || [&self.columns].into_iter().chain(&self.rows);
        let cell = |row: &Vec<String>, i: usize| row.get(i).cloned().unwrap_or_default();
        let width = |i: usize| all().map(|row| cell(row, i).chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.columns.len()).map(|i| width(i).max(3)).collect();
        for (k, row) in all().enumerate() {
            for (i, &width) in widths.iter().enumerate() {
                write!(f, "| {:<width$} ", cell(row, i))?;
            }
            writeln!(f, "|")?;
            if k == 0 {
                widths.iter().try_for_each(|&width| write!(f, "| {} ", "-".repeat(width)))?;
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// Every setting's mean of every metric, and its standard deviation over seeds.
pub(super) fn means(study: &Study, results: &Results, role: Role) -> Table {
    let settings: Vec<_> = study.trained(role).map(|i| &*study.settings[i].name).collect();
    let row = |metric: &Metric| {
        let found = settings.iter().map(|setting| {
            let found = summary(study, results, role, setting, &metric.at);
            found.map_or_else(|| "–".into(), mean_and_deviation)
        });
        std::iter::once(named(metric)).chain(found).collect()
    };
    let columns = std::iter::once(String::new()).chain(settings.iter().map(|s| (*s).to_owned()));
    Table { columns: columns.collect(), rows: study.metrics.iter().map(row).collect() }
}

/// What settings change against one and the same, a column each.
pub(super) fn differences(study: &Study, comparisons: &[&Comparison<'_>]) -> Table {
    let row = |(i, metric): (usize, &Metric)| {
        let cells = comparisons.iter().map(|c| cell(&c.differences[i], metric.better));
        std::iter::once(named(metric)).chain(cells).collect()
    };
    let names = comparisons.iter().map(|c| c.setting.to_owned());
    Table {
        columns: std::iter::once(String::new()).chain(names).collect(),
        rows: study.metrics.iter().enumerate().map(row).collect(),
    }
}

/// A metric's name with an arrow towards its good values.
pub(super) fn named(metric: &Metric) -> String {
    let arrow = match metric.better {
        Better::Higher => '↑',
        Better::Lower => '↓',
    };
    format!("{} {arrow}", metric.name)
}

fn cell(difference: &Difference, better: Better) -> String {
    let interval = difference
        .interval
        .map_or_else(String::new, |[low, high]| format!(" ({} to {})", signed(low), signed(high)));
    let verdict = match difference.verdict(better) {
        Verdict::Better => " **better**",
        Verdict::Worse => " **worse**",
        Verdict::Unclear => "",
    };
    format!("{}{interval}{verdict}", signed(difference.mean))
}

/// Three digits after the point, more where these would say nothing.
fn number(x: f64) -> String {
    let digits = if x != 0. && x.abs() < 0.02 { 4 } else { 3 };
    format!("{x:.digits$}")
}

fn signed(x: f64) -> String {
    format!("{}{}", if x < 0. { "−" } else { "+" }, number(x.abs()))
}

fn mean_and_deviation(found: Summary) -> String {
    let deviation = found.deviation.map_or_else(String::new, |x| format!(" ± {}", number(x)));
    format!("{}{deviation}", number(found.mean))
}
