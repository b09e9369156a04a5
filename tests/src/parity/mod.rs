//! Runs fixtures: the same steps on the same inputs, and every number compared.
//!
//! A fixture holds no tensors. [`values`] makes all inputs from keys, [`fixture`] reads what goes in
//! and what should come out, [`check`] compares, and one module for each algorithm runs its steps.

pub mod check;
pub mod fixture;
mod gzs;
pub mod values;

use std::path::Path;

use anyhow::{Result, bail};
use candle_core::DType;

use self::{check::Check, fixture::Fixture};

/// Whether a fixture's algorithm exists in this workspace.
pub fn is_built(fixture: &Fixture) -> bool {
    fixture.manifest.algorithm == "gzs"
}

/// Runs the fixture in `folder` in one precision.
///
/// # Errors
/// When the fixture does not parse, or holds a name, shape or setting that is not known here.
pub fn run(folder: &Path, dtype: DType) -> Result<check::Outcome> {
    let fixture = Fixture::load(folder)?;
    let mut check = Check::new(&fixture, dtype);
    match fixture.manifest.algorithm.as_str() {
        "gzs" => gzs::run(&fixture, dtype, &mut check)?,
        other => bail!("{}: algorithm {other:?} is not built; gzs is", folder.display()),
    }
    check.finish()
}
