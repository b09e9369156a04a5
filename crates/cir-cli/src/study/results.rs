//! What a study has found so far: a row for each run that was scored.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cir_train::write_text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    file::{Metric, Role, Study},
    read_if_there,
};
use crate::usage::usage;

/// A run's scores. Nothing in it depends on the time that anything took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) setting: String,
    pub(crate) role: Role,
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    /// Cases scored.
    pub(crate) count: u32,
    /// By where they are in what `cir eval --json` prints.
    pub(crate) scores: BTreeMap<String, Found>,
}

/// A metric's value, and how it came about: what it says itself, or else the innermost of what it is part of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
}

/// The rows of a study's folder. Those that the study no longer asks for are kept, but not looked at.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    rows: Vec<Row>,
    settings: Vec<String>,
    /// Where the study's metrics are.
    metrics: Vec<String>,
    count: u32,
}

impl Results {
    /// With what earlier processes found.
    pub(crate) fn open(path: PathBuf, study: &Study) -> Result<Self> {
        let text = read_if_there(&path)?.unwrap_or_default();
        let read = |(i, line)| -> Result<Row> {
            let place = format!("{}:{}", path.display(), i + 1);
            let row: Row = serde_json::from_str(line).with_context(|| place.clone())?;
            match study.role(row.seed) {
                Some(role) if role != row.role => Err(usage(format!(
                    "{place}: seed {} has served for {}; allowed: not for {} in the same study",
                    row.seed,
                    row.role.name(),
                    role.name()
                ))),
                _ => Ok(row),
            }
        };
        Ok(Self {
            rows: text.lines().enumerate().map(read).collect::<Result<_>>()?,
            settings: study.settings.iter().map(|setting| setting.name.clone()).collect(),
            metrics: study.metrics.iter().map(|metric| metric.at.clone()).collect(),
            count: study.count,
            path,
        })
    }

    /// The row of a setting and a seed, with all metrics of as many cases as are asked for.
    pub(crate) fn row(&self, setting: &str, seed: u64) -> Option<&Row> {
        self.rows.iter().find(|row| {
            (&*row.setting, row.seed, row.count) == (setting, seed, self.count)
                && self.metrics.iter().all(|metric| row.scores.contains_key(metric))
        })
    }

    /// The values of a metric, one for each of `seeds`; none where a run lacks.
    pub(crate) fn values(&self, setting: &str, metric: &str, seeds: &[u64]) -> Option<Vec<f64>> {
        let value = |&seed: &u64| Some(self.row(setting, seed)?.scores.get(metric)?.value);
        seeds.iter().map(value).collect()
    }

    /// Adds a row and writes the file, settings in the study's order.
    pub(crate) fn add(&mut self, row: Row) -> Result<()> {
        let is = |row: &Row| (row.setting.clone(), row.seed, row.count);
        self.rows.retain(|old| is(old) != is(&row));
        self.rows.push(row);
        let settings = &self.settings;
        let place = |row: &Row| settings.iter().position(|name| *name == row.setting);
        self.rows.sort_by_key(|row| {
            (place(row).unwrap_or(settings.len()), row.role, row.seed, row.count)
        });
        self.write()
    }

    /// How many rows a setting has.
    pub(crate) fn count_of(&self, setting: &str) -> usize {
        self.rows.iter().filter(|row| row.setting == setting).count()
    }

    /// Takes a setting's rows out.
    pub(crate) fn forget(&mut self, setting: &str) -> Result<()> {
        self.rows.retain(|row| row.setting != setting);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let mut text = String::new();
        for row in &self.rows {
            _ = writeln!(text, "{}", serde_json::to_string(row)?);
        }
        Ok(write_text(&self.path, &text)?)
    }
}

/// The metrics in what `cir eval --json` printed; `place` names it in errors.
pub(crate) fn found(
    metrics: &[Metric],
    printed: &Value,
    place: &Path,
) -> Result<BTreeMap<String, Found>> {
    let found = |metric: &Metric| {
        let found = at(printed, &metric.at)
            .with_context(|| format!("{}: metric {:?}", place.display(), metric.name))?;
        Ok((metric.at.clone(), found))
    };
    metrics.iter().map(found).collect()
}

fn at(printed: &Value, path: &str) -> Result<Found> {
    let said = |value: &Value| value.get("protocol").and_then(Value::as_str).map(str::to_owned);
    let (mut value, mut protocol) = (printed, said(printed));
    for name in path.split('.') {
        let (inner, allowed) = match value {
            Value::Object(fields) => {
                (fields.get(name), fields.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            Value::Array(values) => {
                let place = name.parse().ok().and_then(|i: usize| values.get(i));
                (place, format!("0 to {}", values.len().saturating_sub(1)))
            }
            other => bail!("{path}: found {other} before {name:?}; allowed: a path to a number"),
        };
        value = inner.with_context(|| format!("{path}: found no {name:?}; allowed: {allowed}"))?;
        protocol = said(value).or(protocol);
    }
    let number = value.as_f64().or_else(|| value.get("value")?.as_f64());
    Ok(Found {
        value: number.with_context(|| format!("{path}: found {value}; allowed: a number"))?,
        protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_number_or_a_score() {
        let printed = serde_json::json!({
            "a": { "b": [1.5, { "value": 2.5, "interval": [2, 3], "protocol": "p seed=1" }] },
            "c": null,
            "d": { "protocol": "q seed=2", "e": [{ "f": 3.5 }] },
        });
        let inherited = Some("q seed=2".to_owned());
        assert_eq!(at(&printed, "d.e.0.f").unwrap(), Found { value: 3.5, protocol: inherited });
        let plain = Found { value: 1.5, protocol: None };
        assert_eq!(at(&printed, "a.b.0").unwrap(), plain);
        let score = at(&printed, "a.b.1").unwrap();
        assert_eq!((score.value, score.protocol.as_deref()), (2.5, Some("p seed=1")));
        for (path, said) in [
            ("a.d", "found no \"d\"; allowed: b"),
            ("a.b.2", "found no \"2\"; allowed: 0 to 1"),
            ("a.b.0.x", "found 1.5 before \"x\""),
            ("a", "allowed: a number"),
            ("c", "found null; allowed: a number"),
        ] {
            let error = at(&printed, path).unwrap_err().to_string();
            assert!(error.contains(said), "{path}: {error}");
        }
    }
}
