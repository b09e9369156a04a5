//! Runs fixtures: the same steps on the same inputs, and every number compared.
//!
//! A fixture holds no tensors. [`values`] makes all inputs from keys, [`fixture`] reads what goes in
//! and what should come out, [`check`] compares, and one module for each algorithm runs its steps.

pub mod check;
mod elegant;
pub mod fixture;
mod gzs;
mod i2i;
pub mod values;

use std::path::Path;

use anyhow::{Result, ensure};
use candle_core::DType;

use self::{check::Check, fixture::Fixture};

/// Algorithms whose fixtures can be run.
pub const BUILT: [&str; 3] = ["gzs", "elegant", "i2i-dis"];

/// Runs the fixture in `folder` in one precision.
///
/// # Errors
/// When the fixture does not parse, or holds a name, shape or setting that is not known here.
pub fn run(folder: &Path, dtype: DType) -> Result<check::Outcome> {
    let algorithm = Fixture::algorithm(folder)?;
    let folder_name = folder.display();
    ensure!(BUILT.contains(&&*algorithm), "{folder_name}: algorithm {algorithm:?} is not built");
    let fixture = Fixture::load(folder)?;
    let mut check = Check::new(&fixture, dtype);
    match &*algorithm {
        "elegant" => elegant::run(&fixture, dtype, &mut check)?,
        "i2i-dis" => i2i::run(&fixture, dtype, &mut check)?,
        _ => gzs::run(&fixture, dtype, &mut check)?,
    }
    check.finish()
}
