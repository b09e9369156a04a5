//! The scores of a model, for a terminal, a report and programs.

use std::fmt::Write;

use cir_metrics::Score;
use serde_json::Value;

/// Columns of a table of scores, each with its interval and protocol.
const INTERVALS: [&str; 6] = ["", "value", "from", "to", "ideal", "protocol"];

/// A table of scores.
pub(crate) struct Scores {
    /// Under which its numbers stand among those of all tables; the algorithm's own, nameless, stand for
    /// themselves.
    pub(crate) name: &'static str,
    /// Over the table in a report.
    pub(crate) heading: &'static str,
    /// What the numbers mean, for a report.
    pub(crate) explanation: &'static str,
    /// Names of the columns; the first is that of the rows' names.
    pub(crate) columns: Vec<String>,
    /// Rows as long as the columns.
    pub(crate) rows: Vec<Vec<String>>,
    /// What was scored.
    pub(crate) footer: String,
    /// How, where the rows do not say so themselves.
    pub(crate) protocols: Vec<String>,
    /// The numbers unrounded.
    pub(crate) json: Value,
}

impl Scores {
    /// The numbers of all tables.
    pub(crate) fn numbers(all: &[Self]) -> Value {
        let (own, named): (Vec<_>, Vec<_>) = all.iter().partition(|scores| scores.name.is_empty());
        let fields = own.iter().filter_map(|scores| scores.json.as_object()).flatten();
        let fields = fields.map(|(name, value)| (name.clone(), value.clone()));
        fields.chain(named.iter().map(|s| (s.name.to_owned(), s.json.clone()))).collect()
    }

    /// The columns of [`Self::interval_row`].
    pub(crate) fn interval_columns() -> Vec<String> {
        INTERVALS.map(str::to_owned).into()
    }

    /// A score with its 95 % interval, the value of a perfect model, and its protocol.
    pub(crate) fn interval_row(name: &str, ideal: &str, score: &Score) -> Vec<String> {
        let number = |x: f64| format!("{x:.3}");
        let [low, high] = score.interval.map_or_else(Default::default, |ends| ends.map(number));
        let value = number(score.value);
        vec![name.to_owned(), value, low, high, ideal.to_owned(), score.protocol.clone()]
    }

    /// The table for a terminal, under what was scored; `note` joins that.
    pub(crate) fn table(&self, note: &str) -> String {
        let mut text = format!("scores {}{note}:\n", self.footer);
        let names = self.rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0).max(16);
        for row in [&self.columns].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (i, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
                _ = match i {
                    0 => write!(line, "{cell:<names$}"),
                    _ => write!(line, " {cell:>width$}", width = column.chars().count().max(8)),
                };
            }
            _ = writeln!(text, "{}", line.trim_end());
        }
        self.protocols.iter().for_each(|protocol| _ = writeln!(text, "protocol: {protocol}"));
        text
    }
}
