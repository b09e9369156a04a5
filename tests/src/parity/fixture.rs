//! The files of a fixture.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use candle_core::{DType, Tensor};
use serde::{Deserialize, de::DeserializeOwned};

use super::values;

/// A fixture, read.
#[derive(Debug)]
pub struct Fixture {
    /// What goes in.
    pub manifest: Manifest,
    /// What should come out.
    pub expected: BTreeMap<String, Expected>,
    /// What the original itself deviates in float32.
    pub tolerances: BTreeMap<String, f64>,
}

/// `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The first part of every key.
    pub fixture: String,
    /// Which algorithm's steps.
    pub algorithm: String,
    /// Where the numbers come from.
    pub reference: String,
    /// Sizes and settings, read by the algorithm.
    pub config: serde_json::Value,
    /// Training steps.
    pub steps: usize,
    /// Start values.
    pub state: Vec<Row>,
    /// Inputs of the steps.
    pub inputs: Vec<Row>,
}

/// One tensor that a key makes, or whose values are given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Key after the fixture's name.
    pub name: String,
    /// Shape; given values have their own.
    #[serde(default)]
    pub shape: Vec<usize>,
    /// `uniform` or `noise`; absent for plain uniform values.
    #[serde(default)]
    pub kind: Option<String>,
    /// Lower bound.
    #[serde(default)]
    pub low: Option<f64>,
    /// Upper bound.
    #[serde(default)]
    pub high: Option<f64>,
    /// Given values.
    #[serde(default)]
    pub values: Option<serde_json::Value>,
}

/// An entry of `expected.json`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    /// A number.
    Number(f64),
    /// A tensor, digested.
    Digest(Digest),
}

/// What is kept of a tensor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// Shape.
    pub shape: Vec<usize>,
    /// Mean.
    pub mean: f64,
    /// Root of the mean square.
    pub rms: f64,
    /// All elements, where there are at most 16.
    #[serde(default)]
    pub all: Option<Vec<f64>>,
    /// Else 16 elements, at positions that the entry's key gives.
    #[serde(default)]
    pub at: Option<Vec<f64>>,
}

impl Fixture {
    /// Reads the three files of `folder`.
    ///
    /// # Errors
    /// Names the file that is missing or does not parse.
    pub fn load(folder: &Path) -> Result<Self> {
        Ok(Self {
            manifest: read(folder, "manifest.json")?,
            expected: read(folder, "expected.json")?,
            tolerances: read(folder, "tolerances.json")?,
        })
    }

    /// The algorithm that the fixture in `folder` is of.
    ///
    /// # Errors
    /// When the manifest is missing or does not parse.
    pub fn algorithm(folder: &Path) -> Result<String> {
        #[derive(Deserialize)]
        struct Head {
            algorithm: String,
        }
        Ok(read::<Head>(folder, "manifest.json")?.algorithm)
    }

    /// The start values whose names begin with `prefix`, without it.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn state(&self, prefix: &str, dtype: DType) -> Result<BTreeMap<String, Tensor>> {
        let rows = self.manifest.state.iter();
        rows.filter_map(|row| Some((row.name.strip_prefix(prefix)?, row)))
            .map(|(name, row)| Ok((name.to_owned(), self.tensor(row, dtype)?)))
            .collect()
    }

    /// The input called `name`.
    ///
    /// # Errors
    /// When the manifest has no such row.
    pub fn input(&self, name: &str, dtype: DType) -> Result<Tensor> {
        match self.manifest.inputs.iter().find(|row| row.name == name) {
            Some(row) => self.tensor(row, dtype),
            None => bail!("{}: the manifest has no input {name:?}", self.manifest.fixture),
        }
    }

    fn tensor(&self, row: &Row, dtype: DType) -> Result<Tensor> {
        let key = format!("{}/{}", self.manifest.fixture, row.name);
        if let Some(given) = &row.values {
            return values::given(given, dtype).with_context(|| key);
        }
        let noise = 3f64.sqrt();
        let (low, high) = match (row.kind.as_deref(), row.low, row.high) {
            (None | Some("uniform"), Some(low), Some(high)) => (low, high),
            (Some("uniform"), None, None) => (0., 1.),
            (Some("noise"), ..) => (-noise, noise),
            (kind, ..) => bail!("{key}: a row of kind {kind:?} with these fields is not known"),
        };
        Ok(values::uniform(&key, &row.shape, low, high, dtype)?)
    }
}

fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}
