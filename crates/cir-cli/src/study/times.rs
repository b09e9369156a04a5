//! What trainings took: kept apart from the results, which depend on no clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result};
use cir_train::write_json;
use serde::{Deserialize, Serialize};

use super::read_if_there;

/// Steps and seconds of every training, by setting and seed.
#[derive(Debug)]
pub(super) struct Times {
    path: PathBuf,
    of: BTreeMap<String, BTreeMap<u64, Time>>,
}

/// What one training took, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Time {
    pub(super) steps: u64,
    pub(super) seconds: f64,
    /// Processor, system and version.
    #[serde(default)]
    pub(super) machine: String,
}

impl Times {
    /// With what earlier processes measured.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let of = match read_if_there(&path)? {
            Some(text) => {
                serde_json::from_str(&text).with_context(|| path.display().to_string())?
            }
            None => BTreeMap::new(),
        };
        Ok(Self { path, of })
    }

    /// Adds a training's and writes the file.
    pub(super) fn add(&mut self, setting: &str, seed: u64, time: Time) -> Result<()> {
        self.of.entry(setting.to_owned()).or_default().insert(seed, time);
        Ok(write_json(&self.path, &self.of)?)
    }

    /// Takes a setting's out.
    pub(super) fn forget(&mut self, setting: &str) -> Result<()> {
        self.of.remove(setting);
        Ok(write_json(&self.path, &self.of)?)
    }

    /// The training of a setting that took the median time; none where none has ended.
    pub(super) fn of(&self, setting: &str) -> Option<&Time> {
        let mut all: Vec<_> = self.of.get(setting)?.values().collect();
        all.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        all.get(all.len() / 2).copied()
    }

    /// The machines that trained, as far as they are known.
    pub(super) fn machines(&self) -> BTreeSet<&str> {
        let all = self.of.values().flat_map(BTreeMap::values);
        all.map(|time| &*time.machine).filter(|machine| !machine.is_empty()).collect()
    }
}
