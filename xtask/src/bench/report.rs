//! All that was measured, where and with what; written after every row, so that a run that is
//! stopped loses nothing and another one goes on with it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    cases::{Case, Opponent},
    machine::Machine,
    row::Row,
    table,
};

/// What the machine can do at best with some threads.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Limits {
    pub(super) threads: usize,
    /// Of f32, a second.
    pub(super) multiply_adds: f64,
    /// Read and written a second.
    pub(super) bytes: f64,
}

/// All rows, and where they were measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) machine: Machine,
    pub(super) limits: Vec<Limits>,
    pub(super) rows: Vec<Row>,
    /// Where it is written, if it is.
    #[serde(skip)]
    folder: Option<PathBuf>,
}

impl Report {
    /// Nothing measured yet, or with `resume` what the folder has.
    ///
    /// # Errors
    /// When what the folder has cannot be read, or is of another machine or other versions.
    pub(super) fn open(machine: Machine, folder: Option<&Path>, resume: bool) -> Result<Self> {
        let folder = folder.map(Path::to_path_buf);
        let old = folder.as_ref().map(|folder| folder.join("bench.json"));
        if let Some(path) = old.filter(|path| resume && path.exists()) {
            let named = || path.display().to_string();
            let text = fs::read_to_string(&path).with_context(named)?;
            let old: Self = serde_json::from_str(&text).with_context(named)?;
            ensure!(
                old.machine == machine,
                "{}: measured on {}, and this is {machine}: measure all of it again, without --resume",
                path.display(),
                old.machine,
            );
            let report = Self { folder, ..old };
            // The table may be of an older form, or gone.
            report.write()?;
            return Ok(report);
        }
        Ok(Self { machine, limits: Vec::new(), rows: Vec::new(), folder })
    }

    /// Whether the row of a case against an opponent is there.
    pub(super) fn has(
        &self,
        case: &Case,
        against: Opponent,
        precision: &str,
        threads: usize,
    ) -> bool {
        self.rows.iter().any(|row| {
            (&row.case, row.against) == (&case.name, against)
                && (&row.precision[..], row.threads) == (precision, threads)
        })
    }

    /// What the machine can do with this many threads.
    pub(super) fn limits(&self, threads: usize) -> Option<&Limits> {
        self.limits.iter().find(|limits| limits.threads == threads)
    }

    /// Adds what was measured and writes everything.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&mut self, limits: Option<Limits>, row: Option<Row>) -> Result<()> {
        self.limits.extend(limits);
        self.rows.extend(row);
        self.write()
    }

    /// Writes everything into the folder, if there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [("bench.md", table::markdown(self)), ("bench.json", json)] {
            // Beside, then renamed: a stop in between leaves the old one whole.
            let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
            fs::write(&new, text).with_context(|| new.display().to_string())?;
            fs::rename(&new, &path).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::row::tests::row, *};

    fn machine(versions: &str) -> Machine {
        Machine { machine: "a machine".into(), versions: versions.into(), rounds: 5 }
    }

    #[test]
    fn a_stopped_run_goes_on_with_what_was_measured() {
        let folder = tempfile::tempdir().unwrap();
        let open = |versions, resume| Report::open(machine(versions), Some(folder.path()), resume);
        let has = |report: &Report, precision, threads| {
            let case = Case { name: "step".into(), against: Vec::new() };
            report.has(&case, Opponent::Tuned, precision, threads)
        };

        let mut first = open("1", true).unwrap();
        assert!(!has(&first, "full", 1));
        first.add(None, Some(row("step", &[1.], &[2.]))).unwrap();

        fs::remove_file(folder.path().join("bench.md")).unwrap();
        let second = open("1", true).unwrap();
        assert!(folder.path().join("bench.md").exists());
        assert!(has(&second, "full", 1));
        let published = Case { name: "step".into(), against: Vec::new() };
        assert!(!second.has(&published, Opponent::Published, "full", 1));
        assert!(!has(&second, "full", 2) && !has(&second, "bf16", 1));
        assert!(!has(&open("1", false).unwrap(), "full", 1));
        let error = open("2", true).unwrap_err().to_string();
        assert!(
            error.contains("a machine; 1; medians of 5 rounds, and this is a machine; 2;"),
            "{error}"
        );
    }
}
