//! `metrics.jsonl`: one JSON object a logged step or evaluation.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use cir_core::Scalars;
use serde_json::Value;

use crate::{Error, Observer, Result, StepRecord, write_text};

/// Appends to the log of a run.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    /// Seconds that the run had trained, and waited, when this process went on with it.
    before: [f64; 2],
}

const TIMES: [&str; 2] = ["seconds", "wait_seconds"];

impl MetricsLog {
    /// Opens the log of a run that has made `step` steps: later lines, and a torn last one, are cut,
    /// so that a resumed run's log is that of an uninterrupted one, times excepted.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path, step: u64) -> Result<Self> {
        let mut before = [0.; 2];
        if path.exists() {
            let text = fs::read(path).map_err(Error::read(path))?;
            let text = String::from_utf8_lossy(&text);
            let mut kept = String::new();
            for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                let Ok(Value::Object(fields)) = serde_json::from_str(line) else { continue };
                if fields.get("step").and_then(Value::as_u64).is_some_and(|s| s <= step) {
                    kept.push_str(line);
                    for (before, name) in before.iter_mut().zip(TIMES) {
                        *before = fields.get(name).and_then(Value::as_f64).unwrap_or(*before);
                    }
                }
            }
            write_text(path, &kept)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { path: path.into(), file: file.map_err(Error::write(path))?, before })
    }

    /// `step` first, then the fields in their order, which a map would not keep.
    fn line(&mut self, step: u64, times: &[(&str, f64)], scalars: &Scalars) -> Result<()> {
        let scalars = scalars.iter().map(|(name, x)| (name.as_str(), *x));
        let mut line = format!("{{\"step\":{step}");
        for (name, x) in times.iter().copied().chain(scalars) {
            line += &format!(",{}:{}", Value::from(name), Value::from(x));
        }
        self.write(line + "}\n")
    }

    /// One write a line: a killed process leaves whole lines, and at most one torn one.
    fn write(&mut self, line: String) -> Result<()> {
        self.file.write_all(line.as_bytes()).map_err(Error::write(&self.path))
    }
}

impl Observer for MetricsLog {
    fn on_step(&mut self, record: &StepRecord) -> Result<()> {
        if !record.logged {
            return Ok(());
        }
        let now = [record.seconds, record.wait_seconds];
        let time = |i: usize| (TIMES[i], ((self.before[i] + now[i]) * 1000.).round() / 1000.);
        self.line(record.step, &[time(0), time(1)], record.scalars)
    }

    fn on_warning(&mut self, step: u64, warning: &str) -> Result<()> {
        self.write(format!("{{\"step\":{step},\"warning\":{}}}\n", Value::from(warning)))
    }

    fn on_evaluation(&mut self, step: u64, scores: &Scalars) -> Result<()> {
        self.line(step, &[], scores)
    }

    fn on_checkpoint(&mut self, _step: u64, _path: &Path) -> Result<()> {
        self.file.sync_data().map_err(Error::write(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_and_torn_lines_are_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\":1,\"seconds\":2.5}\n{\"step\":2}\n{\"step\":3}\n{\"ste")
            .unwrap();
        let mut log = MetricsLog::open(&path, 2).unwrap();
        let scalars = vec![("total".to_owned(), 0.5), ("a \"b\"".to_owned(), f64::NAN)];
        let record = StepRecord {
            step: 3,
            steps: 3,
            scalars: &scalars,
            seconds: 1.,
            wait_seconds: 0.25,
            logged: true,
        };
        log.on_step(&record).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["{\"step\":1,\"seconds\":2.5}", "{\"step\":2}"]);
        let third = r#"{"step":3,"seconds":3.5,"wait_seconds":0.25,"total":0.5,"a \"b\"":null}"#;
        assert_eq!(lines[2..], [third]);
    }
}
