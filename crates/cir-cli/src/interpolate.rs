//! `cir interpolate`: moves blocks of one picture towards another's, and beyond.

use std::path::PathBuf;

use anyhow::Result;
use cir_core::{Image, Latent};
use cir_gzs::Model;

use crate::{model, pictures, usage::usage};

/// Arguments of `cir interpolate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder or model.safetensors.
    model: PathBuf,
    /// Picture to start from.
    a: PathBuf,
    /// Picture to move towards.
    b: PathBuf,
    /// Block that moves from left to right (several names joined by commas move together).
    #[arg(long)]
    block: String,
    /// Blocks that move from top to bottom: makes a grid.
    #[arg(long)]
    down: Option<String>,
    /// Pictures in a row (and in a column of a grid).
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(2..=64))]
    steps: u16,
    /// Fraction at the left: 0 is A; below it goes beyond A.
    #[arg(long, default_value_t = 0., allow_negative_numbers = true)]
    from: f64,
    /// Fraction at the right: 1 is B; above it goes beyond B.
    #[arg(long, default_value_t = 1., allow_negative_numbers = true)]
    to: f64,
    #[command(flatten)]
    output: pictures::Output,
}

/// Writes a strip, or with `--down` a grid.
pub(crate) fn run(args: Args) -> Result<()> {
    if !(args.from.is_finite() && args.to.is_finite()) {
        return Err(usage("--from and --to: allowed: finite numbers"));
    }
    let model = model::load(&args.model)?;
    let (a, b) = (pictures::read(&model, &args.a)?, pictures::read(&model, &args.b)?);
    let (za, zb) = (model.encode(&[a])?, model.encode(&[b])?);
    let fractions = fractions(args.from, args.to, args.steps);
    let across: Vec<_> = args.block.split(',').collect();
    let rows = match &args.down {
        None => vec![strip(&model, &za, &zb, &across, &fractions)?],
        Some(down) => {
            let down: Vec<_> = down.split(',').collect();
            if let Some(both) = down.iter().find(|name| across.contains(name)) {
                return Err(usage(format!("--down {both}: it moves with --block already")));
            }
            let moved = down.iter().map(|name| model.partition().index(name));
            let moved = moved.collect::<cir_core::Result<Vec<_>>>()?;
            let row = |&t: &f64| {
                let start = model.moved(&za, &zb, &moved, t)?;
                strip(&model, &start, &zb, &across, &fractions)
            };
            fractions.iter().map(row).collect::<Result<_>>()?
        }
    };
    let about = serde_json::json!({
        "block": across, "down": args.down, "fractions": fractions,
    });
    args.output.write(&Image::grid(&rows, 2), about)
}

/// `n` evenly spaced fractions.
pub(crate) fn fractions(from: f64, to: f64, n: u16) -> Vec<f64> {
    (0..n).map(|i| from + (to - from) * f64::from(i) / f64::from(n - 1)).collect()
}

/// One row of pictures: the named blocks at every fraction.
pub(crate) fn strip(
    model: &Model,
    a: &Latent,
    b: &Latent,
    blocks: &[&str],
    fractions: &[f64],
) -> Result<Vec<Option<Image>>> {
    let picture = |&t: &f64| Ok(Some(model.interpolate(a, b, blocks, t)?));
    fractions.iter().map(picture).collect()
}
