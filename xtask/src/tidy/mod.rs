//! `cargo xtask tidy`: the rules of this workspace that no compiler checks. A line an offence.

mod code;
mod files;
mod layers;
mod manifests;
mod versions;

use anyhow::Result;

use crate::project;

/// Prints what offends; whether nothing does.
pub(crate) fn run() -> Result<bool> {
    let metadata = project::metadata()?;
    let mut offences = Vec::new();
    layers::check(&metadata, &mut offences);
    manifests::check(&metadata, &mut offences)?;
    versions::check(&metadata, &mut offences);
    let checked = files::check(&mut offences)?;
    offences.sort();
    offences.iter().for_each(|offence| println!("{offence}"));
    let crates = project::members(&metadata).len();
    println!("tidy: {crates} crates, {checked} files, {} offences", offences.len());
    Ok(offences.is_empty())
}
