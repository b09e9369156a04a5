//! What a run was trained on: it is neither continued nor scored on other data, whose held-out
//! combinations it may have learnt.

use std::{fmt, fs, io::ErrorKind::NotFound};

use anyhow::{Context, Result};
use cir_data::DataSet;
use cir_train::{RunFiles, write_json};
use serde::{Deserialize, Serialize};

use crate::usage::usage;

/// Attributes, labels and division of a data set; not its pixels, which would all have to be read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    training: usize,
    held_out: usize,
    crc32c: u32,
}

impl Seen {
    fn of(data: &DataSet) -> Self {
        let mut crc32c = 0;
        let mut add = |bytes: &[u8]| crc32c = crc32c::crc32c_append(crc32c, bytes);
        for attribute in data.source.schema().attributes() {
            for text in std::iter::once(&attribute.name).chain(&attribute.values) {
                add(text.as_bytes());
                add(&[0]);
            }
        }
        for image in [&data.split.train, &data.split.held_out].into_iter().flatten() {
            add(&(*image as u64).to_le_bytes());
            data.source.labels(*image).iter().for_each(|value| add(&value.to_le_bytes()));
        }
        let (training, held_out) = (data.split.train.len(), data.split.held_out.len());
        Self { training, held_out, crc32c }
    }

    /// Keeps what a new run is about to see.
    pub(crate) fn keep(data: &DataSet, run: &RunFiles) -> Result<()> {
        Ok(write_json(&run.data(), &Self::of(data))?)
    }

    /// Checks that a run has seen these data.
    pub(crate) fn check(data: &DataSet, run: &RunFiles) -> Result<()> {
        let path = run.data();
        let text = match fs::read_to_string(&path) {
            // Runs of earlier versions have none.
            Err(e) if e.kind() == NotFound => return Ok(()),
            read => read.with_context(|| path.display().to_string())?,
        };
        let then: Self = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let now = Self::of(data);
        if then == now {
            return Ok(());
        }
        let (path, name) = (path.display(), &data.name);
        let allowed = format!("allowed: what the run was trained on, {then}");
        Err(usage(format!("{path}: found {now} in data set {name:?}; {allowed}")))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { training, held_out, crc32c } = self;
        write!(
            f,
            "{training} training images and {held_out} held out with labels of checksum {crc32c:08x}"
        )
    }
}
